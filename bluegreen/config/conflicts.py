"""Values of one host that are right alone and wrong together: a port that is used twice, a slot too many."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

from bluegreen.config.messages import did_you_mean, shown
from bluegreen.config.settings import Releases, Sections, Site
from bluegreen.config.yaml_source import Key, Plain, Problem, Source, dotted


def found(source: Source, host: str, entry: Mapping[str, Plain]) -> list[Problem]:
    """The conflicts of one host.

    Args:
        source: the file, for its lines.
        host: the name of its entry of `hosts:`; empty for the top level of a file without entries.
        entry: the entry, merged over the top level.
    """
    return list(_Conflicts(source, host, entry).problems())


class _Conflicts:
    """Checks across the keys of one host, its entry merged over the top level.

    They read plain data and skip values of the wrong type, so that all problems are reported at once. A
    conflict at the top level gives equal problems for all hosts, which `ConfigError` reports once.
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
        yield from self._address_or_sandbox()
        yield from self._two_slots()
        yield from self._one_use_per_port()
        yield from self._health_ports_of_slots()
        yield from self._old_slot()
        yield from self._secrets()
        yield from self._workdir()

    def _address_or_sandbox(self) -> Iterator[Problem]:
        host: Key = ("hosts", self._host)
        if not self._host:
            return
        if self._entry.get("sandbox") is True:
            for name in ("address", "port", "user", "host_key", "identity"):
                if name in self._entry:
                    text = "a sandbox has its own, made by `bluegreen sandbox`; delete the key"
                    yield self._problem((*host, name), text)
            if self._source.texts.get((*host, "supervisor")) == "systemd":
                text = "'systemd' is not available in a sandbox, which runs without root; write process"
                yield self._problem((*host, "supervisor"), text)
        elif "address" not in self._entry and self._entry.get("sandbox", False) is False:
            text = "has no address; write address: ADDRESS, or sandbox: true for the embedded host"
            yield self._problem(host, text)
        elif "address" in self._entry:
            addresses = self._entry["address"]
            if addresses == []:
                text = "[] is not an address; write one, or a list of several"
                yield self._problem((*host, "address"), text)
            yield from self._duplicates(addresses, (*host, "address"))

    def _two_slots(self) -> Iterator[Problem]:
        slots = self._at("slots")
        if isinstance(slots, dict) and len(slots) != 2:
            count = f"{len(slots)} {'slot' if len(slots) == 1 else 'slots'}"
            names = f" ({', '.join(slots)})" if slots else ""
            text = f"has {count}{names}; write exactly two, such as {{prod1: 8081, prod2: 8082}}"
            yield self._problem(("slots",), text)

    def _one_use_per_port(self) -> Iterator[Problem]:
        """Ports of slots, management ports, and the port that nginx listens on."""
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
        text = f"{port} is already the port of {dotted(other)}; write another one, such as {free}"
        if key == ("health", "ports", other[-1]):
            text = f"{port} is the slot's own port, which is the default; delete the key"
        return self._problem(key, text)

    def _nearness(self, key: Key) -> int:
        """How specific to this host a key is: 2 in its entry, 1 at the top level, 0 if it has its default."""
        lines = self._source.lines
        return 2 if ("hosts", self._host, *key) in lines else 1 if key in lines else 0

    def _free_port(self, near: int) -> int:
        used = {*self._slots.values(), *self._health_ports.values(), self._listen}
        start = near if near >= 1024 else 8080
        ports = itertools.chain(range(start + 1, 65536), range(start, 1023, -1))
        return next(port for port in ports if port not in used)

    def _health_ports_of_slots(self) -> Iterator[Problem]:
        slots = self._at("slots")
        for name in self._health_ports:
            if isinstance(slots, dict) and name not in slots:
                right = did_you_mean(name, slots) or "; the slots are"
                text = f"'{name}' is not a slot{right} ({' and '.join(slots)})"
                yield self._problem(("health", "ports", name), text)

    def _old_slot(self) -> Iterator[Problem]:
        if self._at("old_slot", "after_switch") == "stop" and self._at("old_slot", "keep_for") is not None:
            text = "is used only with after_switch: keep, and after_switch is stop; delete one of the two"
            yield self._problem(("old_slot", "keep_for"), text)

    def _secrets(self) -> Iterator[Problem]:
        env, secrets = self._at("env"), self._at("secrets")
        if not isinstance(secrets, list):
            return
        for index, name in enumerate(secrets):
            if isinstance(env, dict) and isinstance(name, str) and name in env:
                text = f"'{name}' is in env too; delete it there if it is secret, or else here"
                yield self._problem(("secrets", index), text)
        yield from self._duplicates(secrets, ("secrets",))

    def _workdir(self) -> Iterator[Problem]:
        base, workdir = self._at("releases", "path") or Releases().path, self._at("java", "workdir")
        for folder in ("releases", "slots", "run", "logs"):
            if isinstance(workdir, str) and f"{workdir.rstrip('/')}/".startswith(f"{base}/{folder}/"):
                text = f"{shown(workdir)} is a folder of bluegreen's; write another, such as {base}/shared"
                yield self._problem(("java", "workdir"), text)

    def _duplicates(self, items: Plain, key: Key) -> Iterator[Problem]:
        listed = items if isinstance(items, list) else []
        for index, item in enumerate(listed):
            if item in listed[:index]:
                yield self._problem((*key, index), f"{shown(item)} is a duplicate; delete one of the two")

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
        """The problem at the place of the key in the file: in the host's entry, or else at the top level."""
        if key[0] == "hosts":
            return Problem(self._source.line(key), key, text)
        here: Key = ("hosts", self._host)
        for place in ((*here, *key), key):
            if place in self._source.lines:
                return Problem(self._source.line(place), place, text)
        return Problem(self._source.line(here), key, text)
