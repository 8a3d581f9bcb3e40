"""stop: the idle slot, to free its memory; never the live one (P4)."""

from __future__ import annotations

from bluegreen.config import Settings
from bluegreen.console.terminal import Console
from bluegreen.host import slots
from bluegreen.host.look import look
from bluegreen.host.machine import Machine
from bluegreen.rollout.fleet import connected, locked, side_by_side


def run(settings: Settings, console: Console) -> None:
    """Stops the idle slot of every machine, drained as `old_slot.drain` says.

    Raises:
        Unclear: what is live cannot be told; nothing was stopped.
    """
    with connected(settings, console) as machines, locked(machines, "stop") as ours:
        side_by_side(ours, _stop_idle)


def _stop_idle(machine: Machine) -> None:
    found = look(machine)
    idle = found.idle(machine)
    with machine.console.step(f"stop {idle.name}") as step:
        stopped = slots.stop(machine, idle.name, found.proxy.route, drain_s=machine.settings.old_slot.drain_s)
        step.done(
            f"the idle slot {idle.name} (pid {stopped.pid}) {stopped}"
            if stopped
            else f"nothing of ours runs in the idle slot {idle.name}"
        )
    machine.console.line(f"live is {found.describe_live()}")
