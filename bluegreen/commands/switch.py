"""switch: to the idle slot if it is UP, after `deploy --no-switch`."""

from __future__ import annotations

from contextlib import ExitStack

from bluegreen.config import Settings
from bluegreen.console.terminal import Console
from bluegreen.errors import Failed
from bluegreen.host.look import State
from bluegreen.host.machine import Machine
from bluegreen.report.closing import summarize
from bluegreen.rollout.attempt import Attempt, record_start
from bluegreen.rollout.fleet import connected, locked, side_by_side
from bluegreen.rollout.interrupts import held_back
from bluegreen.rollout.preflight import look_ready
from bluegreen.rollout.promote import promote


def run(settings: Settings, console: Console) -> list[Attempt]:
    """Switches every machine to its idle slot, watched like a deploy.

    Raises:
        Failed: an idle slot is not UP; nothing was changed.
    """
    with held_back() as interrupts, ExitStack() as held:
        with interrupts.let_through():
            machines = held.enter_context(connected(settings, console))
            ours = held.enter_context(locked(machines, "switch"))
            views = side_by_side(ours, look_ready)
            attempts = [to_idle("switch", machine, view) for machine, view in zip(ours, views, strict=True)]
            side_by_side(attempts, record_start)
        promote(attempts, interrupts, watched=True)
        summarize(console, attempts)
        return attempts


def to_idle(command: str, machine: Machine, view: State) -> Attempt:
    """An attempt at what already runs in the idle slot.

    Raises:
        Failed: it is not UP, or not ours.
    """
    idle = view.idle()
    if not idle.up:
        state = str(idle.health) if idle.health else "nothing of ours runs there"
        raise Failed(
            f"the idle slot {idle.name} is not UP: {state}",
            live=f"{view.describe_live()} (untouched)",
            remedy=f"deploy first: `deploy --host {machine.settings.host} --no-switch`",
        )
    return Attempt(
        machine, command, view, idle.name, view.release_of(idle.name), pid=idle.pid, health=idle.health
    )
