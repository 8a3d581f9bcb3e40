"""What is wrong in a config.yml, all of it at once, in words that say what would be right."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from bluegreen.config.settings import ConfigFile, HostEntry, Sections, Site
from bluegreen.config.types import did_you_mean, shown
from bluegreen.config.yaml_source import Key, Plain, Problem, Source, dotted


def found(source: Source, data: dict[str, Plain], entries: Mapping[str, dict[str, Plain]]) -> list[Problem]:
    """All that is wrong: in reading the file, with single values, and with values together.

    Args:
        source: the file, for its lines.
        data: what it holds.
        entries: each entry of hosts, with the top level under it.
    """
    problems = [*source.problems, *_wrong_values(source, data)]
    if data.get("hosts") == {}:
        text = "has no entry; write one, such as prod: {address: …, user: ubuntu}"
        problems.append(Problem(source.line(("hosts",)), ("hosts",), text))
    for host, entry in (entries or {"": data}).items():
        problems += _WrongTogether(source, host, entry).problems()
    return problems


_HINTS = {
    "password": "bluegreen signs in with SSH keys; write identity: PATH, or set BLUEGREEN_SSH_KEY",
    "key": "write identity: PATH for the SSH key, host_key: for the host's",
    "servers": "write hosts:",
    "host": "write hosts: {prod: {address: …}}, and in an entry address:",
    "profiles": "write slots: {prod1: 8081, prod2: 8082}, whose names are the profiles",
    "ports": "write slots: {prod1: 8081, prod2: 8082}",
    "target": "write slots: {prod1: 8081, prod2: 8082}; the target is 127.0.0.1 at that port",
    "nginx": "write switch: {include: …} and site: {…}",
}


def _wrong_values(source: Source, data: dict[str, Plain]) -> list[Problem]:
    try:
        ConfigFile.model_validate(data, by_alias=True, by_name=False)
    except ValidationError as error:
        return [_problem(source, dict(found)) for found in error.errors(include_url=False)]
    return []


def _problem(source: Source, found: dict[str, Any]) -> Problem:
    key: Key = found["loc"]
    if key[-1] == "[key]":
        key = key[:-1]
    if isinstance(key[-1], int) and key not in source.lines:
        # a single value where a list may stand, as of address:, has no item in the file
        key = key[:-1]
    if found["type"] == "value_error":
        text = str(found["ctx"]["error"])
    elif found["type"] == "extra_forbidden":
        text = f"unknown key '{key[-1]}'{_where_it_belongs(key)}"
    elif found["type"] == "missing":
        example = "app: taggle" if key == ("app",) else "hosts: {prod: {address: …, user: ubuntu}}"
        text = f"is missing; write {example}"
    else:
        text = _not_a_mapping(key, found["input"])
    return Problem(source.line(key), key, text)


def _not_a_mapping(key: Key, value: object) -> str:
    """What to write where keys with values belong: for the hosts, one of them, or a section."""
    model = _model_of(key)
    if model is None:
        right = "write an entry, such as prod: {address: …, user: ubuntu}"
    elif model is HostEntry:
        right = f"write {{address: {value if isinstance(value, str) else '…'}}}, or {{sandbox: true}}"
    else:
        right = f"write its keys, each with a value ({', '.join(_keys(model))}), or delete it"
    return f"{'is empty' if value is None else f'{shown(value)} does not hold keys'}; {right}"


def _where_it_belongs(key: Key) -> str:
    name = str(key[-1])
    model = _model_of(key[:-1]) or ConfigFile
    if near := did_you_mean(name, _keys(model)):
        known = _keys(model)
        # of a host or the whole file there are too many to be read in an error
        return f"{near} ({', '.join(known)})" if len(known) < 10 else near
    owners = [
        f"{section}:" for section, info in Sections.model_fields.items() if name in _keys(info.annotation)
    ]
    if name in _keys(Sections) or name in ("app", "hosts"):
        owners.append("the top level of the file")
    elif name in _keys(HostEntry):
        owners.append("an entry of hosts:")
    if owners:
        return f"; it belongs to {' or '.join(owners)}"
    if name in _HINTS:
        return f"; {_HINTS[name]}"
    return f"; there are {', '.join(_keys(model))}"


def _model_of(key: Key) -> type[BaseModel] | None:
    """The model of what stands at this key: the file, an entry of hosts, or a section."""
    if not key:
        return ConfigFile
    if key[0] == "hosts":
        return HostEntry if len(key) == 2 else _model_of(key[2:]) if len(key) > 2 else None
    info = Sections.model_fields.get(str(key[0]))
    annotation = info.annotation if info else None
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _keys(model: object) -> list[str]:
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return []
    return [info.alias or name for name, info in model.model_fields.items()]


class _WrongTogether:
    """Checks across the keys of one host as it comes out.

    They read plain data and pass over what has the wrong kind, so that they run, and all is told at once,
    where single values are wrong too. What the top level gets wrong for every host is told once: the
    problems are equal then.
    """

    def __init__(self, source: Source, host: str, entry: Mapping[str, Plain]) -> None:
        self._source = source
        self._host = host
        default: dict[str, Plain] = {"slots": dict(Sections().slots)}
        self._entry = default | dict(entry)
        self._slots = self._ports("slots")
        self._health_ports = self._ports("health", "ports")
        listen = self._at("site", "listen")
        self._listen = listen if isinstance(listen, int) else Site().listen

    def problems(self) -> Iterator[Problem]:
        yield from self._how_it_is_reached()
        yield from self._two_slots()
        yield from self._one_port_each()
        yield from self._health()
        yield from self._old_slot()
        yield from self._env_or_secret()

    def _how_it_is_reached(self) -> Iterator[Problem]:
        host: Key = ("hosts", self._host)
        if not self._host:
            return
        if self._entry.get("sandbox") is True:
            for name in ("address", "port", "user", "host_key", "identity"):
                if name in self._entry:
                    text = "a sandbox has its own, made by `invoke sandbox`; delete the key"
                    yield self._problem((*host, name), text)
            if self._source.texts.get((*host, "supervisor")) == "systemd":
                text = "'systemd' is not asked in a sandbox, which runs without root; write process"
                yield self._problem((*host, "supervisor"), text)
        elif "address" not in self._entry and self._entry.get("sandbox", False) is False:
            text = "has no address; write address: ADDRESS, or sandbox: true for the embedded host"
            yield self._problem(host, text)
        elif "address" in self._entry:
            yield from self._told_twice((*host, "address"))

    def _two_slots(self) -> Iterator[Problem]:
        slots = self._at("slots")
        if isinstance(slots, dict) and len(slots) != 2:
            count = f"{len(slots)} {'slot' if len(slots) == 1 else 'slots'}"
            names = f" ({', '.join(slots)})" if slots else ""
            text = f"holds {count}{names}; write exactly two, as {{prod1: 8081, prod2: 8082}}"
            yield self._problem(("slots",), text)

    def _one_port_each(self) -> Iterator[Problem]:
        """No port is used for two things: slots, management ports, and what nginx listens on."""
        uses: list[tuple[Key, int]] = [(("slots", name), port) for name, port in self._slots.items()]
        uses += [(("health", "ports", name), port) for name, port in self._health_ports.items()]
        uses.append((("site", "listen"), self._listen))
        taken: dict[int, Key] = {}
        for key, port in uses:
            first = taken.setdefault(port, key)
            if first != key:
                yield self._same_port(port, *sorted((first, key), key=self._nearness))

    def _same_port(self, port: int, other: Key, key: Key) -> Problem:
        free = self._free_port(port)
        text = f"{port} is the port of {dotted(other)} already; write another one, such as {free}"
        if key == ("health", "ports", other[-1]):
            text = f"{port} is the slot's own port, at which health is asked anyway; delete the key"
        return self._problem(key, text)

    def _nearness(self, key: Key) -> int:
        """How near to this host a key is said: 2 in its entry, 1 at the top level, 0 by default only."""
        lines = self._source.lines
        return 2 if ("hosts", self._host, *key) in lines else 1 if key in lines else 0

    def _free_port(self, near: int) -> int:
        used = {*self._slots.values(), *self._health_ports.values(), self._listen}
        start = near if near >= 1024 else 8080
        ports = itertools.chain(range(start + 1, 65536), range(start, 1023, -1))
        return next(port for port in ports if port not in used)

    def _health(self) -> Iterator[Problem]:
        slots = self._at("slots")
        for name in self._health_ports:
            if isinstance(slots, dict) and name not in slots:
                near = did_you_mean(name, slots)
                text = f"'{name}' is not a slot{near or '; there are'} ({' and '.join(slots)})"
                yield self._problem(("health", "ports", name), text)

    def _old_slot(self) -> Iterator[Problem]:
        if self._at("old_slot", "after_switch") == "stop" and self._at("old_slot", "keep_for") is not None:
            text = "is for after_switch: keep, and here it is stop; delete one of the two"
            yield self._problem(("old_slot", "keep_for"), text)

    def _env_or_secret(self) -> Iterator[Problem]:
        env, secrets = self._at("env"), self._at("secrets")
        if not isinstance(secrets, list):
            return
        for index, name in enumerate(secrets):
            if isinstance(env, dict) and isinstance(name, str) and name in env:
                text = f"'{name}' stands in env too; keep it here, and delete it from env, if it is secret"
                yield self._problem(("secrets", index), text)
            if name in secrets[:index]:
                yield self._problem(("secrets", index), f"{shown(name)} stands twice; keep one of the two")

    def _told_twice(self, key: Key) -> Iterator[Problem]:
        addresses = self._entry["address"]
        if addresses == []:
            yield self._problem(key, "[] is no address; write one, or a list of several")
        if isinstance(addresses, list):
            for index, address in enumerate(addresses):
                if address in addresses[:index]:
                    text = f"{shown(address)} stands twice; keep one of the two"
                    yield self._problem((*key, index), text)

    def _at(self, *key: str) -> Plain:
        value: Plain = dict(self._entry)
        for name in key:
            value = value.get(name) if isinstance(value, dict) else None
        return value

    def _ports(self, *key: str) -> dict[str, int]:
        ports = self._at(*key)
        pairs = ports.items() if isinstance(ports, dict) else ()
        return {name: port for name, port in pairs if isinstance(port, int) and not isinstance(port, bool)}

    def _problem(self, key: Key, text: str) -> Problem:
        """At the key as the file says it: in the host's entry, or else at the top level."""
        if key[0] == "hosts":
            return Problem(self._source.line(key), key, text)
        here: Key = ("hosts", self._host)
        for place in ((*here, *key), key):
            if place in self._source.lines:
                return Problem(self._source.line(place), place, text)
        return Problem(self._source.line(here), key, text)
