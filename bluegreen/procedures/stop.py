"""stop: the idle slot, to free its memory; never the live one (P4)."""

from __future__ import annotations

from bluegreen.config import Settings
from bluegreen.console import Console
from bluegreen.machine import Machine
from bluegreen.parts import slots
from bluegreen.parts.view import look
from bluegreen.procedures.fleet import connected, locked, side_by_side


def stop(settings: Settings, say: Console) -> None:
    """Stops the idle slot of every machine, drained as `old_slot.drain` says.

    Raises:
        Unclear: what is live cannot be told; nothing was stopped.
    """
    with connected(settings, say) as machines, locked(machines, "stop") as ours:
        side_by_side(ours, _stop_idle)


def _stop_idle(machine: Machine) -> None:
    found = look(machine)
    idle = found.idle(machine)
    with machine.say.step(f"stop {idle.name}") as step:
        stopped = slots.stop(machine, idle.name, found.proxy.route, drain_s=machine.settings.old_slot.drain_s)
        step.done(
            f"the idle slot {idle.name} (pid {stopped.pid}) {stopped}"
            if stopped
            else f"nothing of ours runs in the idle slot {idle.name}"
        )
    machine.say.line(f"live is {found.describe_live()}")
