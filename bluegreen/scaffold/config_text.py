"""The text of a team's config.yml and tasks.py."""

from __future__ import annotations

import re
from collections.abc import Mapping

import yaml

from bluegreen.config.settings import Sections
from bluegreen.scaffold.application import Application

CONFIG = "config.yml"
TASKS = '''\
"""The tasks that `invoke` finds here: the commands of bluegreen."""

from bluegreen.tasks import namespace

__all__ = ["namespace"]
'''


def config_text(
    application: Application,
    *,
    app: str,
    host: str,
    address: str,
    user: str,
    jar: str,
    java: int,
    verify: str | None,
) -> str:
    """The text of a config.yml that contains only what differs from the defaults."""
    lines = [
        "# What bluegreen deploys, and where. `bluegreen config` prints every setting with its value.",
        f"app: {yaml_text(app)}",
        f"jar: {yaml_text(jar)}",
        *_slots(application),
        *_java(java),
        *_health(application),
        *_switch(verify, application.why_no_verify),
        "",
        "hosts:",
        f"  {yaml_text(host)}:",
        f"    address: {yaml_text(address)}",
        f"    user: {yaml_text(user)}",
        f"    # `bluegreen trust --host {host}` adds host_key here.",
    ]
    return "\n".join(lines) + "\n"


def _slots(application: Application) -> list[str]:
    slots = application.answers.slots
    if slots == Sections().slots:
        return []
    return [f"slots: {_mapping(slots)}"]


def _mapping(ports: Mapping[str, int]) -> str:
    return f"{{{', '.join(f'{yaml_item(slot)}: {port}' for slot, port in ports.items())}}}"


def _java(version: int) -> list[str]:
    return [] if version == Sections().java.version else [f"java: {{version: {version}}}"]


def _health(application: Application) -> list[str]:
    answers = application.answers
    parts = []
    if answers.health_path != Sections().health.path:
        parts.append(f"path: {yaml_item(answers.health_path)}")
    if answers.health_ports:
        parts.append(f"ports: {_mapping(answers.health_ports)}")
    return [f"health: {{{', '.join(parts)}}}"] if parts else []


def _switch(verify: str | None, why_none: str) -> list[str]:
    if verify is None:
        return [
            *([f"# {why_none}"] if why_none else []),
            "# The site of `setup` answers the slot by itself.",
            "switch: {verify: null}",
        ]
    if verify == Sections().switch.verify:
        return []
    return [f"switch: {{verify: {yaml_item(verify)}}}"]


def name_for_app(name: str) -> str:
    """The name of a project as the name of an app: lower case, letters, digits and hyphens, 31 at most."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    return re.sub(r"^[^a-z]+", "", plain)[:31].rstrip("-") or "app"


def yaml_item(value: str) -> str:
    """A string as YAML within brackets or braces, where a comma has a meaning too."""
    return yaml.safe_dump([value], default_flow_style=True, width=1000).strip()[1:-1]


def yaml_text(value: str) -> str:
    """A string as YAML, quoted where YAML would read it as another type."""
    return yaml.safe_dump(value, width=1000).removesuffix("...\n").rstrip()
