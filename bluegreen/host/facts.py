"""What `look.sh` told of a machine: keys and values, before any part makes sense of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bluegreen.host.machine import Machine, decode


class Facts:
    """The facts of one look.

    Args:
        lines: as `fact` of lib.sh prints them.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self._values: dict[str, str] = {}
        for line in lines:
            key, _, value = line.partition(" ")
            self._values[key] = decode(value)

    def text(self, key: str) -> str:
        """The value, empty if it was not told."""
        return self._values.get(key, "")

    def number(self, key: str) -> int | None:
        """The value as a whole number, None if it is none."""
        value = self.text(key)
        return int(value) if value.isdigit() else None

    def under(self, prefix: str) -> Iterator[tuple[str, str]]:
        """Each key below `prefix` with its value, in the order told."""
        for key, value in self._values.items():
            if key.startswith(prefix):
                yield key[len(prefix) :], value


def read(machine: Machine) -> Facts:
    """Asks the machine, in one round trip, and changes nothing there."""
    return Facts(machine.run("look", java=machine.settings.java.bin))
