"""How the JVM of a slot is started: its command line and its environment."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bluegreen.config import Settings


def command(settings: Settings, slot: str, release: str) -> list[str]:
    """The JVM's command line for a slot, run in the working directory.

    The properties `-Dbluegreen.*` identify our JVMs. `-Dserver.port` makes the slot's port of config.yml
    hold, whatever the profile in the jar sets. The slot's profile comes first: many applications answer the
    first one as their name.
    """
    java = settings.java
    port = settings.slots[slot]
    return [
        java.bin,
        *(_of_slot(option, slot, port) for option in java.options),
        f"-Dspring.profiles.active={','.join((slot, *(java.profiles or ())))}",
        f"-Dserver.port={port}",
        *(
            [f"-Dmanagement.server.port={settings.health.ports[slot]}"]
            if slot in settings.health.ports
            else []
        ),
        f"-Dbluegreen.app={settings.app}",
        f"-Dbluegreen.slot={slot}",
        f"-Dbluegreen.release={release}",
        "-jar",
        f"{settings.releases.path}/releases/{release}/app.jar",
        *(_of_slot(arg, slot, port) for arg in java.args),
    ]


def _of_slot(word: str, slot: str, port: int) -> str:
    """An option or argument with the placeholders of the slot replaced."""
    return word.replace("{slot}", slot).replace("{port}", str(port))


def environment(variables: Mapping[str, str]) -> str:
    """The environment as NAME="value" lines for sh. Within double quotes four characters need a backslash."""
    escaped = {name: re.sub(r'(["\\`$])', r"\\\1", value) for name, value in variables.items()}
    return "".join(f'{name}="{value}"\n' for name, value in escaped.items())
