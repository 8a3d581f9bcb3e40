"""The two slots: what runs in each, starting a release in the idle one, stopping it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from bluegreen.config import Settings
from bluegreen.errors import BluegreenError, Failed
from bluegreen.host.facts import Facts
from bluegreen.host.health import Answer
from bluegreen.host.machine import Machine, step_failed
from bluegreen.ssh.connection import Result

PORT_TAKEN = 77


@dataclass(frozen=True)
class Slot:
    """One slot as it was found.

    Args:
        release: id of the release that its link names, None before the first deploy.
        pid: of the JVM its supervisor runs, None if it runs none.
        owner: who listens on its port: a pid, `?` for a process we may not see, None for nobody.
        ours: the owner was started from a release of this app, for this slot.
        command: the owner's command line, as far as it may be seen.
        health: the answer on its health port, None if nobody listens.
        memory_bytes: resident memory of its JVM.
        boots: systemd starts it at a boot.
    """

    name: str
    port: int
    release: str | None
    pid: int | None
    owner: str | None
    ours: bool
    command: str
    owner_user: str
    health: Answer | None
    memory_bytes: int | None
    boots: bool = False

    @property
    def running(self) -> bool:
        return self.pid is not None

    @property
    def up(self) -> bool:
        """Its own JVM runs and is UP."""
        return self.running and self.owner == str(self.pid) and self.health is not None and self.health.up

    @property
    def occupied(self) -> bool:
        """A JVM of ours runs there: its supervisor's, or one that the old scripts started by hand."""
        return self.running or self.ours

    @property
    def foreign(self) -> bool:
        """Somebody else's process holds its port."""
        return self.owner is not None and self.owner != str(self.pid) and not self.ours


@dataclass(frozen=True)
class Stopped:
    """A JVM that was stopped.

    Args:
        duration_ms: from SIGTERM to its end.
        killed: it did not end by SIGTERM in time.
        open_requests: requests, streams and websockets that were still under way when patience ended.
    """

    pid: int
    duration_ms: int
    killed: bool
    open_requests: int

    def __str__(self) -> str:
        how = "killed, as SIGTERM had not ended it" if self.killed else "stopped"
        still = f"; still open when patience ended: {_requests(self.open_requests)}"
        return f"{how} after {self.duration_ms / 1000:.1f} s{still if self.open_requests else ''}"


def _requests(number: int) -> str:
    return "1 request or websocket" if number == 1 else f"{number} requests or websockets"


def read(facts: Facts, settings: Settings) -> dict[str, Slot]:
    """Makes sense of what the look told of the slots."""
    return {name: _slot(facts, name, port) for name, port in settings.slots.items()}


def _slot(facts: Facts, name: str, port: int) -> Slot:
    key = f"slot.{name}."
    code = facts.text(f"{key}code")
    memory_kb = facts.number(f"{key}memory_kb")
    return Slot(
        name=name,
        port=port,
        release=facts.text(f"{key}release") or None,
        pid=facts.number(f"{key}pid"),
        owner=facts.text(f"{key}owner") or None,
        ours=facts.text(f"{key}ours") == "yes",
        command=facts.text(f"{key}command").strip(),
        owner_user=facts.text(f"{key}owner_user"),
        health=Answer(int(code), facts.text(f"{key}body"), facts.number(f"{key}took_ms") or 0)
        if code
        else None,
        memory_bytes=memory_kb * 1024 if memory_kb is not None else None,
        boots=facts.text(f"{key}boots") == "yes",
    )


def command(settings: Settings, slot: str, release: str) -> list[str]:
    """The JVM's command line for a slot, run in the release's folder.

    The marks `-Dbluegreen.*` tell our JVMs from others; the port is said so that the slot's port of
    config.yml holds whatever the jar's own profile says.
    """
    java = settings.java
    return [
        java.bin,
        *java.options,
        f"-Dspring.profiles.active={slot}",
        f"-Dserver.port={settings.slots[slot]}",
        *(
            [f"-Dmanagement.server.port={settings.health.ports[slot]}"]
            if slot in settings.health.ports
            else []
        ),
        f"-Dbluegreen.app={settings.app}",
        f"-Dbluegreen.slot={slot}",
        f"-Dbluegreen.release={release}",
        "-jar",
        "app.jar",
        *java.args,
    ]


def start(machine: Machine, slot: str, release: str, route: str, environment: Mapping[str, str]) -> int:
    """Starts a release in the idle slot, after stopping what is ours there.

    Args:
        route: as the look found it; if it has moved since, nothing is done (P4).
        environment: of the JVM, secrets included; it goes over the script's input, never in a command line.

    Returns:
        The pid of the new JVM.

    Raises:
        Failed: the port is another's, or the JVM could not be launched.
    """
    settings = machine.settings
    result = machine.attempt(
        "start",
        # Without a locale a JVM misreads all that is not ASCII in its environment and in file names.
        stdin=_lines({"LANG": "C.UTF-8", **environment}).encode(),
        slot=slot,
        port=settings.slots[slot],
        release=release,
        route=route,
        command=shlex.join(command(settings, slot, release)),
        timeout_s=60 + settings.old_slot.stop_timeout_s,
        root=machine.root_script(),
    )
    if result.exit_code != 0:
        raise _not_started(slot, result)
    stopped = _stopped(result.stdout.splitlines())
    if stopped:
        machine.console.note(f"{slot}: its previous JVM (pid {stopped.pid}) {stopped}")
    return next(int(line.split()[1]) for line in result.stdout.splitlines() if line.startswith("started "))


def _lines(environment: Mapping[str, str]) -> str:
    """NAME="value" lines as sh reads them: within double quotes a backslash takes these four as they are."""
    escaped = {name: re.sub(r'(["\\`$])', r"\\\1", value) for name, value in environment.items()}
    return "".join(f'{name}="{value}"\n' for name, value in escaped.items())


def _not_started(slot: str, result: Result) -> BluegreenError:
    if result.exit_code == PORT_TAKEN:
        return port_taken(slot, result.stderr.strip())
    return step_failed("start", result)


def port_taken(slot: str, who: str) -> Failed:
    """The error for a port that somebody else's process holds."""
    return Failed(
        f"{slot} cannot start: its port is taken by a process that is not ours",
        why=[who],
        remedy="stop that process, or give the slot another port in config.yml",
    )


def stop(
    machine: Machine, slot: str, route: str, *, drain_s: float = 0, stop_timeout_s: float | None = None
) -> Stopped | None:
    """Stops the JVM of the idle slot.

    Args:
        route: as the look found it; if it has moved since, nothing is stopped (P4).
        drain_s: seconds that what is under way there may take to end first.
        stop_timeout_s: seconds from SIGTERM to SIGKILL, None for `old_slot.stop_timeout`.

    Returns:
        How it went, None if nothing ran there.
    """
    settings = machine.settings
    patience_s = settings.old_slot.stop_timeout_s if stop_timeout_s is None else stop_timeout_s
    lines = machine.run(
        "stop",
        slot=slot,
        port=settings.slots[slot],
        route=route,
        drain_ms=round(drain_s * 1000),
        stop_timeout_ms=round(patience_s * 1000),
        timeout_s=60 + drain_s + patience_s,
        root=machine.root_script(),
    )
    return _stopped(lines)


def keep_for(machine: Machine, slot: Slot, route: str) -> int:
    """Has the host stop the JVM of the idle slot by itself, `old_slot.keep_for` seconds from now.

    It does so only if this JVM still runs there and nginx was not switched since.

    Args:
        slot: as it was found when its JVM served.
        route: as it is now; if it has moved since, nothing is arranged (P4).

    Returns:
        The seconds that the host keeps to, which are those of the last `setup`.

    Raises:
        Failed: the host did not take it; the JVM runs on.
    """
    settings = machine.settings
    expire = machine.script(
        "expire",
        machine.root_script(),
        slot=slot.name,
        port=slot.port,
        # One that was started by hand has no supervisor: who listens is it.
        pid=slot.pid or slot.owner or "",
        route=route,
        drain_ms=round(settings.old_slot.drain_s * 1000),
    )
    result = machine.attempt(
        "keep_for",
        stdin=expire.text().encode(),
        slot=slot.name,
        route=route,
        keep_for_s=round(settings.old_slot.keep_for_s or 0),
        root=machine.root_script(),
    )
    if result.exit_code != 0:
        raise step_failed("keep_for", result)
    return next(int(line.split()[1]) for line in result.stdout.splitlines() if line.startswith("expires "))


def _stopped(lines: list[str]) -> Stopped | None:
    open_requests = 0
    stopped = None
    for line in lines:
        words = line.split()
        if words[0] == "open":
            open_requests = int(words[1])
        if words[0] in ("stopped", "killed"):
            stopped = Stopped(int(words[1]), int(words[2]), words[0] == "killed", open_requests)
    return stopped
