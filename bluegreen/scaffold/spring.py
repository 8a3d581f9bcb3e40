"""The Spring configuration in the sources of an application: where it answers, and where its health is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bluegreen.jar.profile_expression import holds
from bluegreen.jar.spring_config import Found, Setting, read_texts
from bluegreen.scaffold.module import Module, read
from bluegreen.scaffold.sources import joined

_PLACEHOLDER = re.compile(r"\$\{([^${}:]+)(?::([^${}]*))?\}")
# Maven fills in `@project.version@`, which is not YAML.
_FILTERED = re.compile(r"@([\w.-]+)@")
_BASE_PATH = "management.endpoints.web.base-path"
_EXPOSED = "management.endpoints.web.exposure.include"
_MANAGEMENT_PORT = "management.server.port"
_HIGHEST_PORT = 65535
# The profiles of two slots: prod1 and prod2, set1 and set2, blue and green.
_ONE_OF_TWO = re.compile(r"([a-z](?:[a-z0-9-]*[a-z-])?(?=\d)|[a-z][a-z-]*-|)(1|2|blue|green)(?<!^\d)")
_PAIRS = (("1", "2"), ("blue", "green"))


@dataclass(frozen=True)
class Answers:
    """Where an application answers.

    Args:
        files: how many configuration files were read.
        slots: the port of each slot by its profile.
        prefix: what its own paths begin with: the context path, the path of the servlet.
        health_path: the path that answers its health.
        health_ports: the management port of each slot, if it has one.
        remarks: what a person must know about it.
    """

    files: int
    slots: Mapping[str, int]
    prefix: str
    health_path: str
    health_ports: Mapping[str, int]
    remarks: tuple[str, ...]


class _Unknown(Exception):
    """A setting whose value only the running application knows."""


def answers(modules: Iterable[Module], usual: Mapping[str, int]) -> Answers:
    """Where an application answers, by the configuration in its sources.

    Args:
        modules: the application's module and those that it depends on.
        usual: the port of each slot by its profile, if the configuration has no two profiles for slots.
    """
    files = [(file, module.build) for module in modules for file in _files(module)]
    found = read_texts(
        (file.relative_to(build).as_posix(), _FILTERED.sub(r"${\1}", read(file))) for file, build in files
    )
    remarks = [f"{place} is not valid YAML and was not read" for place in found.unreadable]
    slots = _slots(found) or dict(usual)
    views = {slot: _Active(found, slot) for slot in slots}
    prefixes = _one(views, _prefix, "the context path", "switch.verify", "", remarks)
    path = _one(views, _health_path, "the path of health", "health.path", "/actuator/health", remarks)
    ports = _health_ports(views, slots, remarks)
    remarks += _not_exposed(next(iter(views.values())))
    return Answers(len(files), slots, prefixes, path, ports, tuple(remarks))


def _slots(found: Found) -> dict[str, int]:
    """The two profiles that differ in their last word, and their ports; empty if there are not two such."""
    ports: dict[tuple[str, str], int] = {}
    for each in found.settings:
        name = _ONE_OF_TWO.fullmatch(each.profiles[0]) if len(each.profiles) == 1 else None
        if name and _canonical(each.name) == "server.port" and each.value.isdigit():
            ports[name[1], name[2]] = int(each.value)
    pairs = [
        {f"{stem}{first}": ports[stem, first], f"{stem}{second}": ports[stem, second]}
        for first, second in _PAIRS
        for stem in dict.fromkeys(stem for stem, _ in ports)
        if (stem, first) in ports and (stem, second) in ports and ports[stem, first] != ports[stem, second]
    ]
    return pairs[0] if len(pairs) == 1 else {}


class _Active:
    """The settings that are in force in a slot."""

    def __init__(self, found: Found, slot: str) -> None:
        self._profiles = {slot}
        self._found = found
        while more := self._added() - self._profiles:
            self._profiles |= more

    def text(self, *names: str) -> str:
        """The value of the first of these settings that is set; empty if none is.

        Raises:
            _Unknown: its value is in the environment.
        """
        return next((self._filled(value) for name in names if (value := self._last(name))), "")

    def all(self, name: str) -> list[str]:
        """The values of the items of a list: `include: [a, b]`, or `include[0]=a`."""
        items = [each for each in self._in_force() if re.sub(r"\[\d+\]$", "", each.name) == name]
        return [self._filled(each.value) for each in items]

    def _last(self, name: str) -> str:
        values = [each.value for each in self._in_force() if _canonical(each.name) == _canonical(name)]
        return values[-1] if values else ""

    def _filled(self, value: str) -> str:
        for _ in range(5):
            if not (found := _PLACEHOLDER.search(value)):
                break
            inner = self._last(found[1]) or found[2]
            if inner is None:
                raise _Unknown(value)
            value = value[: found.start()] + inner + value[found.end() :]
        return value.strip()

    def _in_force(self) -> Iterator[Setting]:
        ordered = sorted(self._found.settings, key=lambda each: bool(re.search(r"application-", each.file)))
        return (each for each in ordered if all(holds(each_of, self._profiles) for each_of in each.profiles))

    def _added(self) -> set[str]:
        """The profiles that the active ones bring in."""
        added: set[str] = set()
        for each in self._in_force():
            name = re.sub(r"\[\d+\]$", "", each.name)
            group = re.fullmatch(r"spring\.profiles\.group\.(.+)|spring\.profiles\.group\[(.+)\]", name)
            if name == "spring.profiles.include" or (group and (group[1] or group[2]) in self._profiles):
                added |= {part.strip() for part in each.value.split(",") if part.strip()}
        return added


def _files(module: Module) -> list[Path]:
    folders = [folder / "resources" for folder in module.sources]
    places = [place for folder in folders for place in (folder, folder / "config")]
    endings = ("*.yml", "*.yaml", "*.properties")
    return [
        file for place in places for ending in endings for file in sorted(place.glob(f"application{ending}"))
    ]


def _canonical(name: str) -> str:
    """A name as Spring compares them: `contextPath` and `context-path` are one."""
    return re.sub(r"[-_]", "", name).lower()


def _prefix(active: _Active) -> str:
    return joined(
        active.text("server.servlet.context-path", "spring.webflux.base-path"),
        active.text("spring.mvc.servlet.path"),
    )


def _health_path(active: _Active) -> str:
    """The path of health (Spring Boot, "Monitoring and Management Over HTTP")."""
    port = _management_port(active)
    start = _prefix(active)
    if port is not None:
        start = active.text("management.server.base-path", "management.server.servlet.context-path")
    base = active.text(_BASE_PATH) or "/actuator"
    return joined(start, base, active.text("management.endpoints.web.path-mapping.health") or "health")


def _management_port(active: _Active) -> int | None:
    port = active.text(_MANAGEMENT_PORT)
    is_separate = port.isdigit() and port not in ("0", active.text("server.port"))
    return int(port) if is_separate else None


def _one(
    views: Mapping[str, _Active],
    read_one: Callable[[_Active], str],
    what: str,
    key: str,
    default: str,
    remarks: list[str],
) -> str:
    """What holds for all slots; a remark if they differ, or if only the running application knows it."""
    try:
        values = {slot: read_one(active) for slot, active in views.items()}
    except _Unknown as unknown:
        if (text := f"{what} depends on {unknown}: set {key} in config.yml") not in remarks:
            remarks.append(text)
        return default
    first = next(iter(values.values()))
    if len(set(values.values())) > 1:
        listed = ", ".join(f"{value or '/'} in {slot}" for slot, value in values.items())
        remarks.append(
            f"{what} differs ({listed}), and {key} in config.yml is one path for both: make it one"
        )
    return first


def _health_ports(
    views: Mapping[str, _Active], slots: Mapping[str, int], remarks: list[str]
) -> dict[str, int]:
    try:
        if any(active.text(_MANAGEMENT_PORT) == "-1" for active in views.values()):
            remarks.append(f"{_MANAGEMENT_PORT} is -1, so no path answers health: remove it")
        ports = {
            slot: port for slot, active in views.items() if (port := _management_port(active)) is not None
        }
    except _Unknown as unknown:
        remarks.append(f"{_MANAGEMENT_PORT} depends on {unknown}: set health.ports in config.yml")
        return {}
    if len(ports) < len(slots) or len(set(ports.values())) == len(ports):
        return ports
    first = next(iter(ports.values()))
    chosen = {slot: first + number for number, slot in enumerate(ports)}
    if set(chosen.values()) & set(slots.values()) or max(chosen.values()) > _HIGHEST_PORT:
        chosen = {slot: port + 1000 for slot, port in slots.items()}
    listed = " and ".join(f"{port} for {slot}" for slot, port in chosen.items())
    remarks.append(
        f"{_MANAGEMENT_PORT} is {first} for both slots, which cannot share it: health.ports in config.yml "
        f"starts each with its own ({listed})"
    )
    return chosen


def _not_exposed(active: _Active) -> Iterator[str]:
    try:
        exposed = ", ".join(active.all(_EXPOSED))
    except _Unknown:
        return
    if exposed and not re.search(r"\bhealth\b|\*", exposed):
        yield f"{_EXPOSED} is {exposed}: add health, or no path answers it"
