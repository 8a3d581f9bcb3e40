"""switch: switch to the idle slot if it is UP, after `deploy --no-switch`."""

from __future__ import annotations

from contextlib import ExitStack

from bluegreen.config import Settings
from bluegreen.console.terminal import Console
from bluegreen.host.look import look
from bluegreen.host.machine import Machine
from bluegreen.report.closing import summarize
from bluegreen.report.record import record_start
from bluegreen.report.run import Result, Rollout
from bluegreen.rollout import preflight, stage
from bluegreen.rollout.fleet import connected, locked, side_by_side
from bluegreen.rollout.interrupts import held_back
from bluegreen.rollout.promote import promote
from bluegreen.rollout.route import converted, previewed
from bluegreen.rollout.undo import Undo


def run(settings: Settings, console: Console, forced: tuple[str, ...] = ()) -> list[Result]:
    """Switches every machine to its idle slot, watched as in a deploy.

    Args:
        forced: the findings of the preflight that are overridden (`--force`).

    Raises:
        Failed: an idle slot is not UP, or a finding stops the switch; nothing was changed.
    """
    with held_back() as interrupts, ExitStack() as until_the_end:
        with interrupts.let_through():
            machines = until_the_end.enter_context(connected(settings, console))
            machines = until_the_end.enter_context(locked(machines, "switch"))
            rollouts = side_by_side(machines, lambda each: _rollout(each, forced))
            for rollout in rollouts:
                stage.running(rollout)
        undo = Undo(rollouts)
        with undo.on_failure(), interrupts.let_through():
            side_by_side(rollouts, record_start)
            staged = side_by_side(rollouts, lambda each: stage.running(converted(each, undo)))
            staged = side_by_side(staged, previewed)
        results = promote(staged, undo, interrupts, watched=True)
        summarize(console, results)
        return results


def _rollout(machine: Machine, forced: tuple[str, ...]) -> Rollout:
    state = look(machine)
    machine = machine.asking(https=state.proxy.https)
    passed = preflight.preflight(machine, state, preflight.SWITCH, forced=forced)
    idle = state.idle()
    release = state.release_of(idle.name)
    return Rollout(machine, "switch", state, idle.name, release, config=passed.config, forced=passed.forced)
