"""Preflight: raises the first finding of `check` that stops a rollout, before it changes anything (P12)."""

from __future__ import annotations

from bluegreen.check import nginx
from bluegreen.check.evidence import Evidence
from bluegreen.check.finding import Finding, Level, Step
from bluegreen.check.findings import findings
from bluegreen.errors import Failed
from bluegreen.host.look import State, look
from bluegreen.host.machine import Machine
from bluegreen.jar import Jar


def look_ready(machine: Machine) -> State:
    """Returns the state of a machine on which a switch can be made. Warns if the live version hangs.

    Raises:
        Unclear: the live slot is unclear.
        Failed: something else would stop a switch.
        ToolsMissing: the machine lacks tools that the look needs.
    """
    state = look(machine)
    evidence = Evidence(state, user=machine.connection.user)
    require(evidence, Step.SWITCH)
    for finding in nginx.answers(evidence):
        if finding.level is not Level.OK:
            machine.console.warn(finding.text)
    return state


def require_startable(machine: Machine, state: State, jar: Jar | None) -> None:
    """Requires that a release can be started in the idle slot of a machine.

    Args:
        state: what `look_ready` returned.
        jar: the jar to upload, None for a release that is on the machine.

    Raises:
        Failed: something would stop the start.
    """
    room = jar.size_bytes if jar else 0
    require(Evidence(state, user=machine.connection.user, jar=jar, release_bytes=room), Step.START)


def require(evidence: Evidence, step: Step) -> None:
    """Requires that no finding stops a step.

    Raises:
        Unclear: the live slot is unclear.
        Failed: the first failure that stops the step.
    """
    state = evidence.state
    state.require_live()
    if stopping := first_that_stops(evidence, step):
        raise Failed(
            f"{state.address}: {stopping.text}",
            why=["nothing was changed"],
            live=state.describe_live(),
            remedy=stopping.remedy,
        )


def first_that_stops(evidence: Evidence, step: Step) -> Finding | None:
    """Returns the first finding that stops a step, None if nothing does."""
    return next(
        (each for each in findings(evidence) if each.level is Level.FAILURE and step in each.stops), None
    )
