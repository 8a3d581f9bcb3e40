"""Types of settings that are names: of the app, hosts, slots, users, variables and servers."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import StringConstraints

from bluegreen.config.messages import Kind, mistakes, shown


def _require_no_regex(text: str) -> None:
    if any(name.startswith("~") for name in text.split()):
        raise ValueError(
            f"{shown(text)} is a regular expression, and requests need a name; write one that it matches, "
            "such as www.taggle.example: the expression stays in the site"
        )


def _require_wildcards_at_the_ends(text: str) -> None:
    for name in text.split():
        if "*" in re.sub(r"^\*\.|\.\*$", "", name, count=1):
            raise ValueError(
                f"{shown(text)} has a * that nginx rejects; write it as the first or the last label only: "
                "'*.taggle.example' or 'taggle.*'"
            )


AppName = Annotated[
    str,
    StringConstraints(strict=True, pattern=r"^[a-z][a-z0-9-]{0,30}$"),
    Kind(
        "a name for an app",
        "taggle",
        "it names a systemd unit and nginx upstreams, so at most 31 of a-z, 0-9 and '-'; start with a letter",
    ),
]
SlotName = Annotated[
    str,
    StringConstraints(strict=True, pattern=r"^[a-z][a-z0-9_-]{0,30}$"),
    Kind(
        "a name for a slot",
        "prod1",
        "it names a Spring profile and a unit, so at most 31 of a-z, 0-9, '_', '-'; start with a letter",
    ),
]
HostName = Annotated[
    str,
    StringConstraints(strict=True, pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,62}$"),
    Kind("a name for a host", "prod", "letters, digits, '.', '_' and '-'"),
]
UserName = Annotated[
    str,
    StringConstraints(strict=True, pattern=r"^[A-Za-z_][A-Za-z0-9._-]*$"),
    Kind("a user of Linux", "ubuntu", "letters, digits, '.', '_' and '-'"),
]
VariableName = Annotated[
    str,
    StringConstraints(strict=True, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$"),
    Kind(
        "a name of an environment variable",
        "DB_PASSWORD",
        "letters, digits and '_'; no digit at the start",
    ),
]
ServerName = Annotated[
    str,
    StringConstraints(strict=True, pattern=r"^[A-Za-z0-9._*~-]+( [A-Za-z0-9._*~-]+)*$"),
    mistakes(_require_no_regex, _require_wildcards_at_the_ends),
    Kind(
        "a server_name of nginx",
        "taggle.example",
        "names only, without https:// and port, a space between two",
    ),
]
Method = Annotated[Literal["instant", "reload"], Kind("a method", "instant")]
AfterSwitch = Annotated[Literal["keep", "stop"], Kind("a way to treat the old slot", "keep")]
Supervisor = Annotated[Literal["systemd", "process"], Kind("a supervisor", "systemd")]
