"""The systemd template unit of an app: an instance is a slot."""

from __future__ import annotations

import math

from bluegreen.config import Settings
from bluegreen.remote import limits

# systemd starts an instance at a boot if this folder contains a link of its name to the template.
WANTS = "/etc/systemd/system/multi-user.target.wants"


def path(settings: Settings) -> str:
    """The path of the template."""
    return f"/etc/systemd/system/{settings.app}@.service"


def render(settings: Settings, *, user: str) -> str:
    """The text of the template.

    Args:
        user: the user who deploys, as whom the JVM runs.
    """
    slots = f"{settings.releases.path}/slots"
    stop_timeout_s = math.ceil(settings.old_slot.stop_timeout_s) + limits.UNIT_STOP_EXTRA_S
    return f"""\
# Written by bluegreen: the JVM of {settings.app} in a slot; the instance name is the slot.
[Unit]
Description={settings.app} in slot %i
Wants=network-online.target
After=network-online.target
# A JVM that crashes repeatedly is not restarted any more, so that a person can look at it.
StartLimitIntervalSec=120
StartLimitBurst=5

[Service]
Type=exec
User={user}
# The script changes to the working directory and reads the environment as the user: root would read an
# EnvironmentFile=, and follow its links.
ExecStart=/bin/sh {slots}/%i.start
# A JVM ended by SIGTERM exits with 143.
SuccessExitStatus=143
Restart=on-failure
RestartSec=2
TimeoutStopSec={stop_timeout_s}
KillMode=mixed
NoNewPrivileges=yes
PrivateTmp=yes
ProtectSystem=full

[Install]
WantedBy=multi-user.target
"""
