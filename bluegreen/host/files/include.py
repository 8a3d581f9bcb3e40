"""The include: the lines of nginx that decide where requests for the app go (P3).

It belongs to its owner. Ours are the value of one `set` line and, with method `instant`, the lines between
our two comments (`block`); every other line stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, IntEnum

from bluegreen.config import Settings
from bluegreen.host.files.nginx_syntax import Directive, directives

# The variable of the old scripts, and of the include that `setup` writes.
VARIABLE = "service_url"
_LOOPBACK = re.compile(r"(127\.[\d.]+|localhost|\[::1\]):(\d+)")
_TARGET = re.compile(r"(https?://)?([^/]*)(/.*)?")


class Form(Enum):
    """How an include switches: by markers, with previews or as bluegreen 0.1 did, or by its one line."""

    INSTANT = "instant"
    MARKERS = "markers"
    PLAIN = "reload"


class _Rank(IntEnum):
    """How likely a `set` line is the one that decides."""

    SOME_PORT = 1
    A_SLOT = 2
    BY_NAME = 3


@dataclass(frozen=True)
class Include:
    """The include as it is on the machine.

    Args:
        variable: the name of the variable that decides, without `$`.
        target: its value, empty if the include sets no such variable.
        slot: the slot that the target leads to, None if it leads to neither.
        targets: the value for each slot, in the form of the present one; a slot is missing where nginx cannot
            route to it in that form.
        stranger: another app whose markers it reads, empty if there is none.
    """

    text: str = ""
    form: Form = Form.PLAIN
    variable: str = VARIABLE
    target: str = ""
    slot: str | None = None
    targets: Mapping[str, str] = field(default_factory=dict)
    stranger: str = ""

    @property
    def empty(self) -> bool:
        """Whether it is missing, empty or not readable."""
        return not self.text.strip()

    @property
    def by_address(self) -> bool:
        """Whether its target is an address, to which nginx opens a new connection for each request."""
        return _LOOPBACK.fullmatch(_split(self.target)[1]) is not None

    @property
    def other_host(self) -> str:
        """The host of its target, if that is an address with a port and none of this machine's loopback."""
        host, _, port = _split(self.target)[1].rpartition(":")
        return host if port.isdigit() and not self.by_address else ""


def parse(text: str, settings: Settings, groups: Mapping[str, int] | None) -> Include:
    """Reads an include.

    Args:
        groups: the port of each upstream group of nginx, None if its configuration was not read.
    """
    top = directives(text)
    groups = _groups_of_block(top, settings) if groups is None else groups
    variable, target = _deciding(top, settings, groups)
    targets = {
        slot: value for slot in settings.slots if (value := _target_of(slot, target, settings, groups))
    }
    owners = set(_owners_of_markers(top, settings))
    app = settings.nginx.runtime.rpartition("/")[2]
    form = Form.MARKERS if app in owners else Form.PLAIN
    if len(targets) == len(settings.slots) and block_for(settings, variable, targets) in text:
        form = Form.INSTANT
    return Include(
        text=text,
        form=form,
        variable=variable,
        target=target,
        slot=_slot_of(_split(target)[1], settings, groups),
        targets=targets,
        stranger=next(iter(sorted(owners - {app})), ""),
    )


def render(settings: Settings, to: str, *, form: Form, groups: bool) -> str:
    """The text of an include of our own that routes to slot `to`.

    Args:
        groups: whether its targets are the upstream groups of the site that `setup` writes, not addresses.
    """
    targets = own_targets(settings, groups=groups)
    first = f"set ${VARIABLE} {targets[to]};"
    return f"{first}\n{block_for(settings, VARIABLE, targets)}" if form is Form.INSTANT else first


def own_targets(settings: Settings, *, groups: bool) -> dict[str, str]:
    """The target of each slot in an include of our own: no host name, for which nginx needs a resolver."""
    return {
        slot: f"http://{settings.app}-{slot}" if groups else f"http://127.0.0.1:{port}"
        for slot, port in settings.slots.items()
    }


def block_for(settings: Settings, variable: str, targets: Mapping[str, str]) -> str:
    """Our lines for a variable and its value for each slot."""
    text = block(settings).replace("@variable@", f"${variable}")
    for number, slot in enumerate(settings.slots, start=1):
        text = text.replace(f"@{number}@", targets[slot])
    return text


def block(settings: Settings) -> str:
    """The lines of method `instant`, with `@variable@`, `@1@` and `@2@` for the variable and its two values.

    Source: `set`, `if` and `-e` of ngx_http_rewrite_module, all allowed in a server and in a location. A name
    that no file has stands for "no token": with an empty one the check would find the folder itself.
    """
    runtime = settings.nginx.runtime
    first, second = (quoted(f"{runtime}/{slot}") for slot in settings.slots)
    preview = quoted(f"{runtime}/preview/$bluegreen_preview")
    return f"""\
# bluegreen: begin. The line above decides when nginx starts; then, at each request, the marker of a slot.
if (-e {first}) {{ set @variable@ @1@; }}
if (-e {second}) {{ set @variable@ @2@; }}
# A request with the token of a preview goes to the other slot.
set $bluegreen_other @1@;
if (@variable@ = @1@) {{ set $bluegreen_other @2@; }}
set $bluegreen_preview none;
if ($http_x_bluegreen_preview ~ "^[0-9a-f]{{32}}$") {{ set $bluegreen_preview $http_x_bluegreen_preview; }}
if ($cookie_bluegreen_preview ~ "^[0-9a-f]{{32}}$") {{ set $bluegreen_preview $cookie_bluegreen_preview; }}
if (-e {preview}) {{ set @variable@ $bluegreen_other; }}
# bluegreen: end"""


def other_slots(found: Include, settings: Settings) -> str:
    """The `slots:` of config.yml that fit an include which leads to neither slot, empty if none do."""
    address = _LOOPBACK.fullmatch(_split(found.target)[1])
    return "" if found.slot or not address else slots_from(int(address.group(2)), settings)


def slots_from(port: int, settings: Settings) -> str:
    """The `slots:` to write into config.yml where the application serves from a port that is not a slot's.

    That port must be the first slot's; the second one gets the next, as hosts that began at 8080 have it.
    """
    first, second = settings.slots
    return (
        f"write into config.yml: slots: {{{first}: {port}, {second}: {port + 1}}}, with the Spring profile "
        f"of the application that serves on port {port} instead of {first}, if it has another one"
    )


def quoted(path: str) -> str:
    """A path quoted for nginx if needed: those of config.yml need no quotes, the sandbox's may."""
    return path if re.fullmatch(r"[\w./$-]+", path) else f'"{path}"'


def _deciding(top: tuple[Directive, ...], settings: Settings, groups: Mapping[str, int]) -> tuple[str, str]:
    """The variable that decides and its value: the last line of those that most likely do."""
    sets = [
        (each.words[1].removeprefix("$"), each.words[2])
        for each in top
        if each.name == "set" and len(each.words) == 3 and not each.words[1].startswith("$bluegreen_")
    ]
    ranked = [(rank, each) for each in sets if (rank := _rank(*each, settings, groups))]
    best = max((rank for rank, _ in ranked), default=None)
    if best is _Rank.SOME_PORT and len({name for rank, (name, _) in ranked}) > 1:
        # Two applications, and nothing says which of them this is.
        return VARIABLE, ""
    return next((each for rank, each in reversed(ranked) if rank is best), (VARIABLE, ""))


def _rank(name: str, value: str, settings: Settings, groups: Mapping[str, int]) -> _Rank | None:
    if name == VARIABLE:
        return _Rank.BY_NAME
    host = _split(value)[1]
    if _slot_of(host, settings, groups):
        return _Rank.A_SLOT
    return _Rank.SOME_PORT if _LOOPBACK.fullmatch(host) or host in groups else None


def _split(target: str) -> tuple[str, str, str]:
    """The scheme with its `://`, the host with its port, and the path of a target; each may be empty."""
    found = _TARGET.fullmatch(target)
    return (found.group(1) or "", found.group(2), found.group(3) or "") if found else ("", "", "")


def _slot_of(host: str, settings: Settings, groups: Mapping[str, int]) -> str | None:
    address = _LOOPBACK.fullmatch(host)
    port = int(address.group(2)) if address else groups.get(host)
    for slot, slot_port in settings.slots.items():
        if port == slot_port or (port is None and host == f"{settings.app}-{slot}"):
            return slot
    return None


def _target_of(slot: str, target: str, settings: Settings, groups: Mapping[str, int]) -> str:
    """The value for a slot in the form of a target, empty if nginx has no group for it."""
    scheme, host, path = _split(target)
    own, port = f"{settings.app}-{slot}", settings.slots[slot]
    if not host:
        return own_targets(settings, groups=groups.get(own) == port)[slot]
    address = _LOOPBACK.fullmatch(host)
    if address:
        # nginx would need a resolver for a host name in a variable.
        name = "127.0.0.1" if address.group(1) == "localhost" else address.group(1)
        return f"{scheme}{name}:{port}{path}"
    ours = {f"{settings.app}-{each}" for each in settings.slots}
    # The groups of the same owner: ours, or those of the site.
    names = [own] if host in ours else [name for name in groups if name not in ours]
    group = next((name for name in names if groups.get(name) == port), "")
    return f"{scheme}{group}{path}" if group else ""


def _groups_of_block(top: tuple[Directive, ...], settings: Settings) -> dict[str, int]:
    """The upstream groups that our own lines name, which nginx has, and those of the site of `setup`."""
    groups = {f"{settings.app}-{slot}": port for slot, port in settings.slots.items()}
    for path, inner in _marker_checks(top):
        slot = path.rpartition("/")[2]
        if slot in settings.slots and path == f"{settings.nginx.runtime}/{slot}" and inner:
            groups[_split(inner[0].words[-1])[1]] = settings.slots[slot]
    return groups


def _marker_checks(top: tuple[Directive, ...]) -> Iterator[tuple[str, tuple[Directive, ...]]]:
    """The path and the block of each `if (-e PATH)`."""
    for each in top:
        if each.name == "if" and each.words[1:2] == ("(-e",):
            yield "".join(each.words[2:]).rstrip(")").strip("\"'"), each.block


def _owners_of_markers(top: tuple[Directive, ...], settings: Settings) -> Iterator[str]:
    """The apps whose markers the include reads."""
    parent = settings.nginx.runtime.rpartition("/")[0]
    for path, _ in _marker_checks(top):
        if path.startswith(f"{parent}/"):
            yield path[len(parent) + 1 :].partition("/")[0]
