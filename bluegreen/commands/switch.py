"""switch: switch to the idle slot if it is UP, after `deploy --no-switch`."""

from __future__ import annotations

from contextlib import ExitStack

from bluegreen.config import Settings
from bluegreen.console.terminal import Console
from bluegreen.host.look import State
from bluegreen.host.machine import Machine
from bluegreen.report.closing import summarize
from bluegreen.report.record import record_start
from bluegreen.report.run import Result, Rollout
from bluegreen.rollout import stage
from bluegreen.rollout.fleet import connected, locked, side_by_side
from bluegreen.rollout.interrupts import held_back
from bluegreen.rollout.preflight import look_ready
from bluegreen.rollout.promote import promote
from bluegreen.rollout.undo import Undo


def run(settings: Settings, console: Console) -> list[Result]:
    """Switches every machine to its idle slot, watched as in a deploy.

    Raises:
        Failed: an idle slot is not UP; nothing was changed.
    """
    with held_back() as interrupts, ExitStack() as until_the_end:
        with interrupts.let_through():
            machines = until_the_end.enter_context(connected(settings, console))
            machines = until_the_end.enter_context(locked(machines, "switch"))
            states = side_by_side(machines, look_ready)
            rollouts = [_rollout(*each) for each in zip(machines, states, strict=True)]
            staged = [stage.running(rollout) for rollout in rollouts]
            side_by_side(rollouts, record_start)
        results = promote(staged, Undo(rollouts), interrupts, watched=True)
        summarize(console, results)
        return results


def _rollout(machine: Machine, state: State) -> Rollout:
    idle = state.idle()
    return Rollout(machine, "switch", state, idle.name, state.release_of(idle.name))
