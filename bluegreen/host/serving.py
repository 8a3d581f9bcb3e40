"""The JVM that serves users while another one starts beside it."""

from __future__ import annotations

from bluegreen.host.machine import Machine
from bluegreen.host.slots import Slot


class Serving:
    """Watches for the end of the JVM that serves, for the time in which another one starts.

    Args:
        slot: the slot that serves, as the look found it.
    """

    def __init__(self, machine: Machine, slot: Slot) -> None:
        self._machine = machine
        self._slot = slot
        self.live: str | None = None

    @property
    def pid(self) -> str:
        """Its pid, empty if this user may not see it."""
        return self._slot.owner or "" if self._slot.has_known_owner else ""

    def ended(self) -> None:
        """Warns, and keeps in `live` what an error has to say of what is live."""
        name, settings = self._slot.name, self._machine.settings
        self.live = f"{name}, whose JVM ended meanwhile"
        self._machine.console.warn(
            f"the JVM of {name}, which served users, ended while {settings.other(name)} was starting: see "
            f"journalctl -k on {self._machine.address} (out of memory?) and: "
            f"bluegreen logs --host {settings.host} --slot {name}"
        )
