"""check: a read-only diagnosis of every machine. Each finding has its remedy.

The output can be pasted into an issue as it is.
"""

from __future__ import annotations

from typing import Any

from bluegreen.check import finding
from bluegreen.check.diagnose import as_root_sees, diagnose
from bluegreen.check.evidence import Evidence
from bluegreen.check.finding import Finding, Level
from bluegreen.check.findings import findings
from bluegreen.commands.machines import listed, shown
from bluegreen.config import Settings
from bluegreen.console.terminal import Console
from bluegreen.host.look import ToolsMissing, look
from bluegreen.host.machine import Machine
from bluegreen.jar import Jar
from bluegreen.rollout.fleet import reached, side_by_side

_MARKS = {Level.OK: ("✓", "green"), Level.WARNING: ("!", "yellow"), Level.FAILURE: ("✗", "red")}


def run(settings: Settings, jar: Jar | None, console: Console) -> dict[str, Any]:
    """Examines everything that a deploy needs; nothing is changed.

    Args:
        jar: the jar that would be deployed, None if there is none here.

    Returns:
        The data of `check --json`. A machine that could not be reached has its address and an `error` only.

    Raises:
        CannotConnect: no machine was reached.
    """
    with reached(settings, console) as there:
        found = side_by_side(there.machines, lambda machine: examine(machine, jar))
    return {
        "host": settings.host,
        "app": settings.app,
        "machines": listed(
            settings, there, [{"findings": [_data(each) for each in of_machine]} for of_machine in found]
        ),
    }


def examine(machine: Machine, jar: Jar | None) -> list[Finding]:
    """Returns every finding of one machine."""
    connection = finding.ok("ssh", f"connected as {machine.connection.user}; the host key is known")
    try:
        state = look(machine)
    except ToolsMissing as error:
        missing = f"the machine lacks {', '.join(error.tools)}"
        return [connection, finding.failure("tools", missing, str(error.remedy))]
    largest_bytes = max((release.size_bytes for release in state.releases), default=0)
    evidence = Evidence(
        state,
        user=machine.connection.user,
        jar=jar,
        release_bytes=jar.size_bytes if jar else largest_bytes,
        diagnosis=as_root_sees(machine, diagnose(machine, state)),
    )
    return [connection, *findings(evidence)]


def failures(data: dict[str, Any]) -> list[str]:
    """Returns the names of the findings that are failures, from the data of `check --json`."""
    return [
        each["name"]
        for machine in shown(data)
        for each in machine["findings"]
        if each["level"] == Level.FAILURE.value
    ]


def show(data: dict[str, Any], console: Console) -> None:
    """Prints the data of `check --json` for a person."""
    for machine in shown(data):
        console.line()
        console.line(f"{data['app']} on {machine['address']}", "bold")
        for each in machine["findings"]:
            mark, style = _MARKS[Level(each["level"])]
            console.line(f"{mark} {each['name']}: {each['text']}", style)
            if each["remedy"]:
                console.line(f"    what to do: {each['remedy']}")


def _data(each: Finding) -> dict[str, str]:
    return {"name": each.name, "level": each.level.value, "text": each.text, "remedy": each.remedy}
