"""The text of a team's config.yml and tasks.py."""

from __future__ import annotations

import re

import yaml

from bluegreen.config.settings import Sections
from bluegreen.scaffold.build import Build

CONFIG = "config.yml"
TASKS = '''\
"""The tasks that `invoke` finds here: the commands of bluegreen."""

from bluegreen.tasks import namespace

__all__ = ["namespace"]
'''


def config_text(build: Build, *, app: str, host: str, address: str, user: str) -> str:
    """The text of a config.yml that contains only what differs from the defaults."""
    defaults = Sections()
    lines = [
        "# What bluegreen deploys, and where. `bluegreen config` prints every setting with its value.",
        f"app: {yaml_text(app)}",
        f"jar: {yaml_text(build.jar)}",
    ]
    if build.java != defaults.java.version:
        lines.append(f"java: {{version: {build.java}}}")
    if not build.has_slot_path:
        lines += [
            f"# No source file contains {defaults.switch.verify}; the site of `setup` reports the slot.",
            "switch: {verify: null}",
        ]
    lines += [
        "",
        "hosts:",
        f"  {yaml_text(host)}:",
        f"    address: {yaml_text(address)}",
        f"    user: {yaml_text(user)}",
        f"    # `bluegreen trust --host {host}` adds host_key here.",
    ]
    return "\n".join(lines) + "\n"


def name_for_app(name: str) -> str:
    """The name of a project as the name of an app: lower case, letters, digits and hyphens, 31 at most."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    return re.sub(r"^[^a-z]+", "", plain)[:31].rstrip("-") or "app"


def yaml_text(value: str) -> str:
    """A string as YAML, quoted where YAML would read it as another type."""
    return yaml.safe_dump(value, width=1000).removesuffix("...\n").rstrip()
