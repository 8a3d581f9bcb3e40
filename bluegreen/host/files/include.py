"""The text of the include: the lines that decide where nginx sends the app's requests (P3)."""

from __future__ import annotations

import re
from enum import Enum

from bluegreen.config import Settings

_SET = re.compile(r"""^\s*set\s+\$service_url\s+["']?([^"';\s]+)["']?\s*;""", re.MULTILINE)
_CHECK = re.compile(r"^\s*if\s*\(\s*-e\s", re.MULTILINE)


class Form(Enum):
    """How an include switches: by the markers of method `instant`, or by its plain line only."""

    INSTANT = "instant"
    PLAIN = "reload"


def form_of(include: str) -> Form:
    """The form of an include."""
    return Form.INSTANT if _CHECK.search(include) else Form.PLAIN


def first_target(include: str) -> str:
    """The target in the first line of an include, empty if there is none."""
    found = _SET.search(include)
    return found.group(1) if found else ""


def render(settings: Settings, to: str, *, form: Form, groups: bool) -> str:
    """The text of the include that routes to slot `to`.

    Source: `set`, `if` and `-e` of ngx_http_rewrite_module, all allowed in a server block.
    """
    lines = [f"set $service_url {target(settings, to, groups=groups)};"]
    if form is Form.INSTANT:
        for slot in settings.slots:
            marker = quoted(f"{settings.nginx.runtime}/{slot}")
            lines.append(f"if (-e {marker}) {{ set $service_url {target(settings, slot, groups=groups)}; }}")
    return "\n".join(lines)


def target(settings: Settings, slot: str, *, groups: bool) -> str:
    """The target of a slot for nginx: never a host name, for which nginx would need a resolver."""
    return f"http://{settings.app}-{slot}" if groups else f"http://127.0.0.1:{settings.slots[slot]}"


def is_group(target: str) -> bool:
    """Whether a target is an upstream group (of our own site), not an address."""
    return bool(target) and not re.search(r":\d+/?$", target)


def slot_named(text: str, settings: Settings) -> str | None:
    """The slot of a target, None if the target is not one of ours."""
    found = re.fullmatch(r"(?:https?://)?([^/:]+)(?::(\d+))?/?", text)
    if not found:
        return None
    name, port = found.groups()
    for slot, slot_port in settings.slots.items():
        if name == f"{settings.app}-{slot}" and port is None:
            return slot
        if name in ("127.0.0.1", "localhost") and port == str(slot_port):
            return slot
    return None


def quoted(path: str) -> str:
    """A path quoted for nginx if needed: those of config.yml need no quotes, the sandbox's may."""
    return path if re.fullmatch(r"[\w./-]+", path) else f'"{path}"'
