"""Facts: the keys and values that our scripts print, as `fact` of lib.sh writes them.

Each line is `bluegreen:NONCE KEY VALUE` with the nonce of that run of the script. Everything else on stdout,
such as the output of a .bashrc or a login banner, is ignored. The prefix counts wherever it is in a line: a
text without a newline may come before it, and nobody else can know the nonce.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from dataclasses import dataclass


class Facts:
    """The facts of one report.

    Args:
        lines: `KEY VALUE` each.

    Raises:
        ValueError: a key is in it twice.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self._values: dict[str, str] = {}
        for key, value in map(pair, lines):
            if key in self._values:
                raise ValueError(f"the fact {key} was reported twice")
            self._values[key] = value

    def __contains__(self, key: str) -> bool:
        """Whether the key was reported."""
        return key in self._values

    def __getitem__(self, key: str) -> str:
        """The value of a key that the script always reports; without it, a `KeyError`."""
        return self._values[key]

    def text(self, key: str) -> str:
        """The value, empty if it was not reported."""
        return self._values.get(key, "")

    def number(self, key: str) -> int | None:
        """The value as a whole number, None if it is not one."""
        value = self.text(key)
        return int(value) if value.isdecimal() else None

    def under(self, prefix: str) -> Iterator[tuple[str, str]]:
        """Each key that begins with `prefix`, without it, and its value, in the order reported."""
        for key, value in self._values.items():
            if key.startswith(prefix):
                yield key[len(prefix) :], value


@dataclass(frozen=True)
class Report:
    """How a script ended.

    Args:
        errors: the lines of its stderr.
    """

    exit_code: int
    facts: Facts
    errors: tuple[str, ...]


def marked(lines: Iterable[str], nonce: str) -> Iterator[str]:
    """The facts among the lines of a script's stdout, `KEY VALUE` each.

    Args:
        nonce: that of the script's run.
    """
    for line in lines:
        _, prefix, fact = line.partition(f"bluegreen:{nonce} ")
        if prefix:
            yield fact


def pair(fact: str) -> tuple[str, str]:
    """The key and the value of `KEY VALUE`; the value is `=TEXT` or base64."""
    key, _, encoded = fact.partition(" ")
    if encoded.startswith("="):
        return key, encoded[1:]
    return key, base64.b64decode(encoded, validate=True).decode("utf-8", errors="replace")


def lines_of(text: str) -> list[str]:
    """The lines of a text from a machine, without the empty ones at its ends.

    Split at newlines only: `str.splitlines` also splits at U+2028 and others that a text may contain.
    """
    stripped = text.strip("\n")
    return stripped.split("\n") if stripped else []
