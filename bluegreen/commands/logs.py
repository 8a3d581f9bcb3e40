"""logs: the application's log of a slot, the live one unless another is named."""

from __future__ import annotations

from bluegreen.config import Settings
from bluegreen.console.terminal import Console
from bluegreen.errors import WrongUsage
from bluegreen.host import health
from bluegreen.host.look import look
from bluegreen.host.machine import Machine
from bluegreen.rollout.fleet import connected

DAY_S = 86_400


def run(settings: Settings, slot: str | None, lines: int, *, follow: bool, console: Console) -> None:
    """Prints the last lines of the log; with `follow`, goes on until it is interrupted.

    Raises:
        WrongUsage: there is no such slot, or several machines were to be followed at once.
    """
    if slot is not None and slot not in settings.slots:
        raise WrongUsage(
            f"--slot {slot}: there is no such slot", remedy=f"one of: {', '.join(settings.slots)}"
        )
    if lines < 1:
        raise WrongUsage(f"--lines {lines}: must be 1 or more")
    if follow and len(settings.addresses) > 1:
        raise WrongUsage(f"--follow shows one machine, and {settings.host} is {len(settings.addresses)}")
    with connected(settings, console) as machines:
        for machine in machines:
            wanted = slot or look(machine).sure(machine)
            if follow:
                _follow(machine, wanted, lines)
            else:
                for line in health.logs_of(machine, wanted, lines):
                    machine.console.out(line)


def _follow(machine: Machine, slot: str, lines: int) -> None:
    with machine.start("logs", slot=slot, count=lines, follow=True) as running:
        try:
            for line in running.text(timeout_s=DAY_S):
                machine.console.out(line)
        except KeyboardInterrupt:
            return
