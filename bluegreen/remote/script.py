"""The scripts that run on a host, as values.

A script is POSIX sh, kept beside this file, and is sent over the connection at each use: nothing is
installed. What it needs comes as variables set ahead of its text, quoted here, so that no value is ever
glued into a command line and none shows in the host's process list.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

Value = str | int | bool


@dataclass(frozen=True)
class Script:
    """One script with its variables.

    Args:
        name: the file beside this one, without `.sh`.
        values: shell variables by name; a bool becomes `yes` or nothing.
        parts: the files of functions that it stands on, in the order they are read.
    """

    name: str
    values: Mapping[str, Value] = field(default_factory=dict)
    parts: tuple[str, ...] = ("lib",)

    def text(self) -> str:
        """The whole text to run: variables, the parts, the script.

        It is one function called on the last line, so that a text cut short by a dying connection is a
        syntax error and runs nothing.
        """
        variables = [f"{name}={shlex.quote(_plain(value))}" for name, value in self.values.items()]
        body = [*variables, *(_read(part) for part in self.parts), _read(self.name)]
        return "\n".join(["bluegreen_main() {", *body, "}", 'bluegreen_main "$@"', ""])


def _plain(value: Value) -> str:
    if isinstance(value, bool):
        return "yes" if value else ""
    return str(value)


@cache
def _read(name: str) -> str:
    return resources.files(__package__).joinpath(f"{name}.sh").read_text(encoding="utf-8")
