"""history: the journal, newest first, with outcomes."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from bluegreen.config import Settings
from bluegreen.console.terminal import Console, seconds
from bluegreen.host.look import look
from bluegreen.rollout.fleet import connected, side_by_side


def run(settings: Settings, console: Console) -> dict[str, Any]:
    """The journal of every machine, newest first, as the data of `history --json`."""
    with connected(settings, console) as machines:
        views = side_by_side(machines, look)
        told = [
            {"address": machine.address, "entries": [asdict(entry) for entry in reversed(view.history)]}
            for machine, view in zip(machines, views, strict=True)
        ]
    return {"host": settings.host, "app": settings.app, "machines": told}


def show(told: dict[str, Any], console: Console) -> None:
    """Prints the data of `history` for a person."""
    for machine in told["machines"]:
        console.line()
        console.line(f"{told['app']} on {machine['address']}", "bold")
        if not machine["entries"]:
            console.line("  nothing was deployed here yet")
            continue
        console.table(
            ["when", "what", "outcome", "from", "to", "took", "by", "why"],
            [_row(each) for each in machine["entries"]],
        )


def _row(entry: dict[str, Any]) -> list[str]:
    return [
        entry["at"],
        entry["command"],
        entry["outcome"],
        _place(entry["from_slot"], entry["from_version"]),
        _place(entry["slot"], entry["version"]),
        seconds(entry["seconds"]) if entry["seconds"] is not None else "-",
        entry["by"],
        (entry["reason"] or _of_the_probe(entry))[:100],
    ]


def _of_the_probe(entry: dict[str, Any]) -> str:
    return f"{entry['failed']} of {entry['requests']} probe requests failed" if entry["failed"] else ""


def _place(slot: str | None, version: str | None) -> str:
    return f"{version or '-'} in {slot}" if slot else "-"
