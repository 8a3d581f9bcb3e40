"""What needs root on a host: root.sh with the settings that it is to keep to.

`setup` installs it for good; on a host without `setup`, whose user may sudo everything, it is sent along.
"""

from __future__ import annotations

from collections.abc import Mapping

from bluegreen.config import Settings
from bluegreen.host.files import unit
from bluegreen.host.files.include import Form, render, target
from bluegreen.remote.script import Script, Value

# Reload is asynchronous and a busy machine is slow; an answer from the new slot ends the wait at once.
VERIFY_TIMEOUT_S = 10

# Not every sudoers file sets a PATH: what runs as root must not be found on the user's.
_HEAD = """\
#!/bin/sh
# Written by bluegreen.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
"""


def installed_path(settings: Settings) -> str:
    """Where `setup` puts it."""
    return f"/usr/local/sbin/bluegreen-{settings.app}"


def installed_text(script: Script) -> str:
    """The file that `setup` installs."""
    return f"{_HEAD}{script.text()}"


def script(
    settings: Settings, shared: Mapping[str, Value], *, user: str, groups: bool, names_slot: bool
) -> Script:
    """root.sh for these settings; it takes a verb and a slot.

    Args:
        user: whose JVM the unit runs.
        shared: the values that all scripts share.
        groups: the targets are upstream groups, not addresses.
        names_slot: the verify path tells which slot is live.
    """
    form = Form(settings.switch.method)
    values: dict[str, Value] = {
        # No lock is held by what is installed.
        **{name: value for name, value in shared.items() if name != "token"},
        "supervisor": settings.supervisor,
        "method": form.value,
        "names_slot": names_slot,
        "verify_ms": VERIFY_TIMEOUT_S * 1000,
        "user": user,
        "keep_for_s": round(settings.old_slot.keep_for_s or 0),
        "unit": unit.path(settings),
        "unit_text": unit.render(settings, user=user),
    }
    for number, slot in enumerate(settings.slots, start=1):
        values[f"target_{number}"] = target(settings, slot, groups=groups)
        values[f"content_{number}"] = render(settings, slot, form=form, groups=groups)
    return Script("root", values, parts=("lib", "systemd"))


def sent_along(script: Script) -> list[str]:
    """The command that runs it without `setup`; a verb and a slot are added to it."""
    return ["sh", "-c", script.text(), "bluegreen-root"]
