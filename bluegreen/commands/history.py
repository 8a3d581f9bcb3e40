"""history: the journal of deploys, newest first, with their outcomes."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from bluegreen.commands.machines import listed, shown
from bluegreen.config import Settings
from bluegreen.console.terminal import Console
from bluegreen.console.units import seconds
from bluegreen.host.look import look
from bluegreen.rollout.fleet import reached, side_by_side

LONGEST_REASON = 100


def run(settings: Settings, console: Console) -> dict[str, Any]:
    """Returns the journal of every machine as the data of `history --json`; nothing is changed.

    A machine that could not be reached has its address and an `error` only.

    Raises:
        CannotConnect: no machine was reached.
    """
    with reached(settings, console) as found:
        states = side_by_side(found.machines, look)
    return {
        "host": settings.host,
        "app": settings.app,
        "machines": listed(
            settings,
            found,
            [{"entries": [asdict(entry) for entry in reversed(state.history)]} for state in states],
        ),
    }


def show(data: dict[str, Any], console: Console) -> None:
    """Prints the data of `history --json` for a person."""
    for machine in shown(data):
        console.line()
        console.line(f"{data['app']} on {machine['address']}", "bold")
        if not machine["entries"]:
            console.line("  no deploys yet")
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
        _version_in(entry["from_slot"], entry["from_version"]),
        _version_in(entry["slot"], entry["version"]),
        seconds(entry["seconds"]) if entry["seconds"] is not None else "-",
        entry["by"],
        _shortened(entry["reason"] or _failed_requests(entry)),
    ]


def _shortened(text: str) -> str:
    """A text of one line of a table; `history --json` has it whole."""
    return text if len(text) <= LONGEST_REASON else f"{text[: LONGEST_REASON - 1].rstrip()}…"


def _failed_requests(entry: dict[str, Any]) -> str:
    notes = []
    if entry["failed"]:
        notes.append(f"{entry['failed']} of {entry['requests']} probe requests failed")
    if entry["skipped"]:
        notes.append(f"without {', '.join(entry['skipped'])}")
    if entry["forced"]:
        notes.append(f"--force {', '.join(entry['forced'])}")
    return "; ".join(notes)


def _version_in(slot: str | None, version: str | None) -> str:
    return f"{version or '-'} in {slot}" if slot else "-"
