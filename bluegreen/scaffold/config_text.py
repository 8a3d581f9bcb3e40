"""The text of a team's config.yml and tasks.py."""

from __future__ import annotations

import re

import yaml

from bluegreen.config.settings import Sections
from bluegreen.scaffold.build import Build

CONFIG = "config.yml"
TASKS = '''\
"""What `invoke` finds here: the commands of bluegreen."""

from bluegreen.tasks import namespace

__all__ = ["namespace"]
'''


def config_text(build: Build, *, app: str, host: str, address: str, user: str) -> str:
    """A config.yml that says what differs from the defaults, and no more."""
    defaults = Sections()
    lines = [
        "# What bluegreen deploys, and where to. `bluegreen config` prints every setting, with its default.",
        f"app: {yaml_text(app)}",
        f"jar: {yaml_text(build.jar)}",
    ]
    if build.java != defaults.java.version:
        lines.append(f"java: {{version: {build.java}}}")
    if not build.tells_slot:
        lines += [
            f"# No source has {defaults.switch.verify}: the site that `setup` writes tells the slot.",
            "switch: {verify: null}",
        ]
    lines += [
        "",
        "hosts:",
        f"  {yaml_text(host)}:",
        f"    address: {yaml_text(address)}",
        f"    user: {yaml_text(user)}",
        f"    # `bluegreen trust --host {host}` writes host_key here.",
    ]
    return "\n".join(lines) + "\n"


def name_for_app(name: str) -> str:
    """What a project calls itself, as the name of an app: it names a unit, folders, upstreams."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    return re.sub(r"^[^a-z]+", "", plain)[:31].rstrip("-") or "app"


def yaml_text(value: str) -> str:
    """The value as YAML: quoted where it would be read as something else."""
    return yaml.safe_dump(value, width=1000).removesuffix("...\n").rstrip()
