"""stop: stops the idle slot, which frees its memory; never the live one (P4)."""

from __future__ import annotations

from bluegreen.commands.machines import listed, require_all_reached
from bluegreen.config import Settings
from bluegreen.console.terminal import Console
from bluegreen.errors import Failed
from bluegreen.host import slots
from bluegreen.host.look import look
from bluegreen.host.machine import Machine
from bluegreen.rollout.fleet import locked, reached, side_by_side
from bluegreen.rollout.interrupts import interrupted_as


def run(settings: Settings, console: Console) -> None:
    """Stops the idle slot of every machine after its drain, for which old_slot.drain is the limit.

    Raises:
        Locked: another command holds the lock of a machine; nothing was stopped.
        Unclear: the live slot of a machine is unclear; that machine's slots run on.
        CannotConnect: a machine was not reached; on the others the idle slot is stopped.
        Failed: it was interrupted after the stop of a slot had begun.
    """
    begun: list[str] = []
    with (
        interrupted_as(lambda: _interrupted(settings, begun)),
        reached(settings, console) as found,
        locked(found.machines, "stop") as locked_machines,
    ):
        side_by_side(locked_machines, lambda each: _stop_idle(each, begun))
    require_all_reached(listed(settings, found))


def _interrupted(settings: Settings, begun: list[str]) -> Failed | None:
    if not begun:
        return None
    host = settings.host
    return Failed(
        f"interrupted while {', '.join(begun)} was being stopped",
        why=["a JVM that was asked to end ends there; one that still had requests open keeps running"],
        live="as before: only the idle slot was to be stopped",
        remedy=f"bluegreen status --host {host} shows what runs; then again: bluegreen stop --host {host}",
    )


def _stop_idle(machine: Machine, begun: list[str]) -> None:
    state = look(machine)
    idle = state.idle()
    begun.append(f"{idle.name} on {machine.address}")
    with machine.console.step(f"stop {idle.name}") as step:
        stopped = slots.stop(machine, idle.name, state.proxy.route, drain_s=machine.settings.old_slot.drain_s)
        step.done(
            f"the idle slot {idle.name} (pid {stopped.pid}) {stopped}"
            if stopped
            else f"no JVM of {machine.settings.app} runs in the idle slot {idle.name}"
        )
    machine.console.line(f"live is {state.describe_live()}")
