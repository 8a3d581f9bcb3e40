"""logs: the application's log of a slot, by default of the live one."""

from __future__ import annotations

from bluegreen.commands.machines import listed, require_all_reached
from bluegreen.config import Settings
from bluegreen.console.terminal import Console
from bluegreen.errors import WrongUsage
from bluegreen.host import health
from bluegreen.host.look import look
from bluegreen.host.machine import Machine
from bluegreen.remote import limits
from bluegreen.rollout.fleet import reached


def run(settings: Settings, slot: str | None, lines: int, *, follow: bool, console: Console) -> None:
    """Prints the end of the log of each machine.

    Args:
        slot: the slot, None for the live one.
        lines: how many lines are printed.
        follow: print new lines as they come, until interrupted; of one machine only.

    Raises:
        WrongUsage: there is no such slot, or `follow` is asked of several machines.
        Unclear: the live slot is unclear.
        CannotConnect: a machine was not reached; the logs of the others are printed first.
    """
    if slot is not None and slot not in settings.slots:
        raise WrongUsage(
            f"--slot {slot}: there is no such slot", remedy=f"use one of: {', '.join(settings.slots)}"
        )
    if lines < 1:
        raise WrongUsage(f"--lines {lines}: must be 1 or more")
    if follow and len(settings.addresses) > 1:
        raise WrongUsage(
            f"--follow shows one machine, and {settings.host} has {len(settings.addresses)}",
            remedy=f"bluegreen logs --host {settings.host}",
        )
    with reached(settings, console) as found:
        for machine in found.machines:
            wanted = slot or look(machine).require_live()
            if follow:
                _follow(machine, wanted, lines)
            else:
                for line in health.logs_of(machine, wanted, lines):
                    machine.console.out(line)
    require_all_reached(listed(settings, found))


def _follow(machine: Machine, slot: str, lines: int) -> None:
    with machine.start("logs", slot=slot, log_lines=lines, follow=True) as running:
        try:
            for line in running.text(timeout_s=limits.FOLLOW_S):
                machine.console.out(line)
        except KeyboardInterrupt:
            return
