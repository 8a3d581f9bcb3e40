"""The job summary: what a person reads on the run's page, as Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bluegreen.console.terminal import Timed
from bluegreen.console.units import seconds

# GitHub drops a step's summary of more than 1 MiB whole.
LARGEST_BYTES = 1_000_000


@dataclass(frozen=True)
class Moved:
    """What was moved on one machine: from where to where, how, and what the probe saw of it."""

    address: str
    before: str
    now: str
    how: str
    proof: str


@dataclass(frozen=True)
class Report:
    """A command that has ended.

    Args:
        title: what came of it, one line.
        moved: a line a machine; empty if it failed.
        plan: what a dry run would have changed, a sentence each.
        cause: the error, whole; empty if there is none.
        started: by whom, and the URL of the run.
    """

    title: str
    moved: tuple[Moved, ...] = ()
    plan: tuple[str, ...] = ()
    cause: str = ""
    started: str = ""


def render(report: Report, times: Sequence[Timed] = ()) -> str:
    """The Markdown of a report and of its parts in their order, of `LARGEST_BYTES` at most."""
    parts = [
        f"## {_plain(report.title)}",
        f"{_plain(report.started)}." if report.started else "",
        _table(report.moved),
        *map(_proof, report.moved),
        _fenced("\n".join(report.plan)),
        _fenced(report.cause),
    ]
    parts += [_gantt(times, failed=bool(report.cause)), _times(times)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(moved: Sequence[Moved]) -> str:
    if not moved:
        return ""
    rows = [
        f"| {_cell(each.address)} | {_cell(each.before)} | {_cell(each.now)} | {_cell(each.how)} |"
        for each in moved
    ]
    return "\n".join(["| machine | from | to | switched |", "| --- | --- | --- | --- |", *rows])


def _proof(moved: Moved) -> str:
    return f"Probe: {_plain(moved.proof)}." if moved.proof else ""


def _fenced(text: str) -> str:
    if not text:
        return ""
    room = LARGEST_BYTES // 2
    encoded = text.encode()
    if len(encoded) > room:
        # The end matters most: the last lines of the log, what is live, what to do.
        text = "…\n" + encoded[-room:].decode(errors="ignore")
    # A fence longer than any in the text.
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}text\n{text}\n{fence}"


def _gantt(times: Sequence[Timed], *, failed: bool) -> str:
    """The parts as bars; the last one is red if it failed."""
    if not times:
        return ""
    first = times[0].began
    lines = ["```mermaid", "gantt", "    dateFormat x", "    axisFormat %M:%S"]
    for each in times:
        began_ms = round((each.began - first) * 1000)
        # Mermaid draws no bar of length 0.
        ended_ms = began_ms + max(1, round(each.seconds * 1000))
        red = "crit, " if failed and each is times[-1] else ""
        lines.append(f"    {_name(each.name)} :{red}{began_ms}, {ended_ms}")
    return "\n".join([*lines, "```"])


def _times(times: Sequence[Timed]) -> str:
    if not times:
        return ""
    rows = [f"| {_cell(each.name)} | {seconds(each.seconds)} |" for each in times]
    total = seconds(times[-1].began + times[-1].seconds - times[0].began)
    return "\n".join(["| part | took |", "| --- | --- |", *rows, f"| **all** | **{total}** |"])


def _name(text: str) -> str:
    # A colon ends the name of a task, and a hash or semicolon the line.
    return re.sub(r"[:#;\n]", " ", text)


def _cell(text: str) -> str:
    return _plain(text).replace("|", "\\|")


def _plain(text: str) -> str:
    # A version is what somebody wrote into a tag or a manifest: no HTML, no link, no mention.
    return re.sub(r"([\\`*_\[\]<>@#!~])", r"\\\1", text.replace("\r", " ").replace("\n", " "))
