"""The systemd template unit of an app: an instance is a slot."""

from __future__ import annotations

import math

from bluegreen.config import Settings

# Where a link to the template, of an instance's name, has it started at a boot.
WANTS = "/etc/systemd/system/multi-user.target.wants"
# What systemd adds to our own patience before it kills: it must never be the first to lose it.
SPARE_S = 5


def path(settings: Settings) -> str:
    """Where the template is installed."""
    return f"/etc/systemd/system/{settings.app}@.service"


def render(settings: Settings, *, user: str) -> str:
    """The template.

    Args:
        user: whose JVM it is: the one that deploys.
    """
    slots = f"{settings.releases.path}/slots"
    stop_timeout_s = math.ceil(settings.old_slot.stop_timeout_s) + SPARE_S
    return f"""\
# Written by bluegreen: the JVM of {settings.app} in a slot; the instance is the slot.
[Unit]
Description={settings.app} in slot %i
Wants=network-online.target
After=network-online.target
# A JVM that dies again and again is left dead, for a person to look at.
StartLimitIntervalSec=120
StartLimitBurst=5

[Service]
Type=exec
User={user}
WorkingDirectory={slots}/%i
# It reads the environment itself, as the user: an EnvironmentFile= is read by root, links and all.
ExecStart=/bin/sh {slots}/%i.start
# A JVM that SIGTERM ends says 143.
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
