"""The scripts that run on a host, as values.

A script is POSIX sh in a file beside this one. It is sent over the connection at each use: nothing is
installed. Its variables are set ahead of its text and quoted here, so that no value is part of a command line
and none is in the host's process list.

The header of each file declares its variables in a line `# Takes:`, and the files of functions that it builds
on in a line `# Uses:`, where `supervisor` stands for the supervisor of the settings.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

Value = str | int | bool


@dataclass(frozen=True)
class Script:
    """One script with the value of each of its variables.

    Args:
        name: the file beside this one, without `.sh`.
        values: shell variables by name; a bool becomes `yes` or nothing.
        supervisor: `systemd` or `process`.

    Raises:
        ValueError: a value is missing, or the script and its parts do not declare it.
    """

    name: str
    values: Mapping[str, Value] = field(default_factory=dict)
    supervisor: str = "systemd"

    def __post_init__(self) -> None:
        declared = variables(self.name, self.supervisor)
        if missing := declared - self.values.keys():
            raise ValueError(f"{self.name}.sh takes {', '.join(sorted(missing))}, and no value was given")
        if undeclared := self.values.keys() - declared:
            raise ValueError(f"{self.name}.sh does not take {', '.join(sorted(undeclared))}")

    def text(self) -> str:
        """The whole text to run: the variables, the parts, the script.

        It is one function called on the last line, so that a text cut short by a lost connection is a syntax
        error and runs nothing.
        """
        values = [f"{name}={shlex.quote(_plain(value))}" for name, value in self.values.items()]
        body = [*values, *(text_of(part) for part in parts(self.name, self.supervisor)), text_of(self.name)]
        return "\n".join(["bluegreen_main() {", *body, "}", 'bluegreen_main "$@"', ""])


def variables(name: str, supervisor: str) -> frozenset[str]:
    """The variables that a script and its parts declare."""
    files = (*parts(name, supervisor), name)
    return frozenset(variable for file in files for variable in declared(file, "Takes"))


def parts(name: str, supervisor: str) -> tuple[str, ...]:
    """The files of functions that a script builds on, each after those that it builds on itself."""
    return tuple(dict.fromkeys(_parts(name, supervisor)))


def _parts(name: str, supervisor: str) -> Iterator[str]:
    for used in declared(name, "Uses"):
        part = used.replace("supervisor", supervisor)
        yield from _parts(part, supervisor)
        yield part


def declared(name: str, what: str) -> tuple[str, ...]:
    """The names in the header line `# Takes:` or `# Uses:` of a file.

    A line that begins with `#   ` continues it.
    """
    found = re.search(rf"^# {what}: (.*(?:\n#   .*)*)", text_of(name), re.MULTILINE)
    return tuple(found.group(1).replace("#", " ").split()) if found else ()


def _plain(value: Value) -> str:
    if isinstance(value, bool):
        return "yes" if value else ""
    return str(value)


@cache
def text_of(name: str) -> str:
    """The text of one file of this folder."""
    return resources.files(__package__).joinpath(f"{name}.sh").read_text(encoding="utf-8")
