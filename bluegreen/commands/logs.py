"""logs: the application's log of a slot, by default of the live one."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from bluegreen.commands.machines import listed, require_all_reached
from bluegreen.config import Settings
from bluegreen.console.output import stdout_lost
from bluegreen.console.terminal import Console
from bluegreen.errors import WrongUsage
from bluegreen.host import health
from bluegreen.host.look import look
from bluegreen.host.machine import Machine
from bluegreen.remote import limits
from bluegreen.rollout.fleet import reached, try_each


def run(settings: Settings, slot: str | None, lines: int, *, follow: bool, console: Console) -> None:
    """Prints the end of the log of each machine.

    Args:
        slot: the slot, None for the live one.
        lines: how many lines are printed.
        follow: print new lines as they come, until interrupted.

    Raises:
        WrongUsage: there is no such slot.
        Unclear: the live slot is unclear.
        CannotConnect: a machine was not reached; the logs of the others are printed first.
    """
    if slot is not None and slot not in settings.slots:
        raise WrongUsage(
            f"--slot {slot}: there is no such slot", remedy=f"use one of: {', '.join(settings.slots)}"
        )
    if lines < 1:
        raise WrongUsage(f"--lines {lines}: must be 1 or more")
    with reached(settings, console) as found:
        if follow:
            _follow_all(found.machines, slot, lines)
        else:
            for machine in found.machines:
                for line in health.logs_of(machine, _slot(machine, slot), lines):
                    machine.console.out(line)
    require_all_reached(listed(settings, found))


def _slot(machine: Machine, named: str | None) -> str:
    return named or look(machine).require_live()


def _follow_all(machines: Sequence[Machine], named: str | None, lines: int) -> None:
    """Prints new lines of all machines until an interrupt, or until nobody reads them any more."""

    def follow(machine: Machine) -> None:
        slot = _slot(machine, named)
        with machine.start("logs", slot=slot, log_lines=lines, follow=True) as running:
            for line in running.text(timeout_s=limits.FOLLOW_S):
                machine.console.out(line)
                if stdout_lost():
                    # The other threads wait for lines of their machines.
                    for other in machines:
                        other.connection.close()
                    return

    try:
        results = try_each(machines, follow)
    except KeyboardInterrupt:
        return
    sys.stdout.flush()
    for error in filter(None, results):
        raise error
