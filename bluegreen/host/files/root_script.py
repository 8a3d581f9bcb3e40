"""The steps that need root on a host: root.sh with the settings that it must keep to.

`setup` installs it; on a host without `setup`, whose user may sudo everything, it is sent with each step.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from bluegreen.config import Settings
from bluegreen.host.files import unit
from bluegreen.remote import limits
from bluegreen.remote.script import Script, Value, variables

# Not every sudoers file sets a PATH: root must not run a program found on the user's PATH.
_HEAD = """\
#!/bin/sh
# Written by bluegreen.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
"""


def installed_path(settings: Settings) -> str:
    """Where `setup` installs it."""
    return f"/usr/local/sbin/bluegreen-{settings.app}"


def installed_text(script: Script) -> str:
    """The file that `setup` installs."""
    return f"{_HEAD}{script.text()}"


def checksum(script: Script) -> str:
    """The sha256 of the file that `setup` installs, in hexadecimal."""
    return hashlib.sha256(installed_text(script).encode()).hexdigest()


def script(settings: Settings, shared: Mapping[str, Value], *, user: str) -> Script:
    """root.sh for these settings; it takes a verb and a slot.

    Args:
        user: whose JVM the unit runs.
        shared: the values that the scripts share.
    """
    values: dict[str, Value] = {
        **{name: value for name, value in shared.items() if name in variables("root", "systemd")},
        # What is installed cannot know the nonce of a run: `as_root` prints its facts again with the nonce.
        "nonce": "",
        "supervisor": settings.supervisor,
        "method": settings.switch.method,
        "verify_ms": limits.SWITCH_VERIFY_S * 1000,
        "hidden_ms": round(limits.SWITCH_HIDDEN_S * 1000),
        "user": user,
        "keep_for_s": round(settings.old_slot.keep_for_s or 0),
        "unit": unit.path(settings),
        "unit_text": unit.render(settings, user=user),
    }
    return Script("root", values)


def sent_along(script: Script) -> list[str]:
    """The command that runs it without `setup`; `as_root` appends a verb and a slot."""
    return ["sh", "-c", script.text(), "bluegreen-root"]
