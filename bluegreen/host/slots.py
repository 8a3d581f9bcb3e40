"""The two slots: their state, and starting and stopping the JVM of the idle one."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace

from bluegreen.config import Settings
from bluegreen.errors import BluegreenError, Failed
from bluegreen.host import launch
from bluegreen.host.answer import Answer
from bluegreen.host.facts import Facts, Report, lines_of
from bluegreen.host.machine import Machine, step_failed
from bluegreen.remote import limits
from bluegreen.remote.exit_codes import ExitCode


@dataclass(frozen=True)
class Slot:
    """One slot as the look found it.

    Args:
        release: id of the release that its link names, None before the first deploy, and if another process
            holds its port.
        pid: the JVM that its supervisor runs, None if it runs none.
        owner: the process that listens on its port: a pid, `?` if we may not see it, None if there is none.
        ours: whether the owner was started from a release of this app, for this slot.
        command: the words of the owner's command line, as far as we may see it. They may be secrets.
        health: the answer on its health port, None if no process listens.
        memory_bytes: resident memory of its JVM.
        boots: whether systemd starts it at a boot.
        unit: the unit of systemd, not one of ours, that runs the owner; empty if none does. One of a user's
            own systemd has `--user ` before its name.
    """

    name: str
    port: int
    release: str | None
    pid: int | None
    owner: str | None
    ours: bool
    command: tuple[str, ...]
    owner_user: str
    health: Answer | None
    memory_bytes: int | None
    boots: bool = False
    unit: str = ""

    @property
    def has_known_owner(self) -> bool:
        """Whether a process that this user may see listens on its port."""
        return self.owner not in (None, "?")

    @property
    def unit_name(self) -> str:
        """The name of that unit."""
        return self.unit.removeprefix("--user ")

    @property
    def disable_unit(self) -> str:
        """The command that stops that unit, and keeps a boot from starting it."""
        if self.unit.startswith("--user "):
            return f"systemctl --user disable --now {self.unit_name}"
        return f"sudo systemctl disable --now {self.unit_name}"

    @property
    def running(self) -> bool:
        return self.pid is not None

    @property
    def up(self) -> bool:
        """Whether its own JVM runs and is UP."""
        return self.running and self.owner == str(self.pid) and self.health is not None and self.health.up

    @property
    def occupied(self) -> bool:
        """Whether a JVM of ours runs in it: its supervisor's, or one that the old scripts started."""
        return self.running or self.ours

    @property
    def foreign(self) -> bool:
        """Whether a process that is not ours holds its port."""
        return self.owner is not None and self.owner != str(self.pid) and not self.ours


@dataclass(frozen=True)
class Stopped:
    """A JVM that was stopped.

    Args:
        duration_ms: from SIGTERM to its end.
        killed: whether it ignored SIGTERM and was killed at the stop timeout.
        open_requests: requests, streams and websockets that were open at the drain timeout.
    """

    pid: int
    duration_ms: int
    killed: bool
    open_requests: int

    def __str__(self) -> str:
        how = "killed after ignoring SIGTERM for" if self.killed else "stopped after"
        left = f"; open at the drain timeout: {_requests(self.open_requests)}"
        return f"{how} {self.duration_ms / 1000:.1f} s{left if self.open_requests else ''}"


def _requests(number: int) -> str:
    return "1 request or websocket" if number == 1 else f"{number} requests or websockets"


def read(facts: Facts, settings: Settings) -> dict[str, Slot]:
    """The state of the slots from the facts of a look."""
    return {name: _slot(facts, name, port) for name, port in settings.slots.items()}


def _slot(facts: Facts, name: str, port: int) -> Slot:
    key = f"slot.{name}."
    memory_kb = facts.number(f"{key}memory_kb")
    slot = Slot(
        name=name,
        port=port,
        release=facts.text(f"{key}release") or None,
        pid=facts.number(f"{key}pid"),
        owner=facts.text(f"{key}owner") or None,
        ours=facts.text(f"{key}ours") == "yes",
        command=tuple(lines_of(facts.text(f"{key}command"))),
        owner_user=facts.text(f"{key}owner_user"),
        health=_answer(facts, key) if facts.text(f"{key}code") else None,
        memory_bytes=memory_kb * 1024 if memory_kb is not None else None,
        boots=facts.text(f"{key}boots") == "yes",
        unit=facts.text(f"{key}unit"),
    )
    # The link names what was started last, and not what another process is.
    return replace(slot, release=None) if slot.foreign else slot


def _answer(facts: Facts, key: str) -> Answer:
    return Answer(
        facts.number(f"{key}code") or 0,
        facts.text(f"{key}body"),
        facts.number(f"{key}took_ms") or 0,
        facts.text(f"{key}redirect"),
    )


def start(
    machine: Machine,
    slot: str,
    release: str,
    route: str,
    environment: Mapping[str, str],
    *,
    adopted: str = "",
) -> int:
    """Starts a release in the idle slot, after stopping a JVM of ours there.

    Args:
        adopted: the folder that the working directory becomes a link to, if there is none yet.
        route: the route that the look found; if it has changed since, nothing is done (P4).
        environment: of the JVM, secrets included; it is sent as the script's input, never in a command line.

    Returns:
        The pid of the new JVM.

    Raises:
        Failed: another process holds the port, or the JVM could not be launched.
    """
    settings = machine.settings
    report = machine.attempt(
        "start",
        # Without a locale a JVM misreads non-ASCII text in its environment and in file names.
        stdin=launch.environment({"LANG": "C.UTF-8", **environment}).encode(),
        slot=slot,
        port=settings.slots[slot],
        release=release,
        route=route,
        command=shlex.join(launch.command(settings, slot, release)),
        adopt=adopted,
        live=settings.other(slot),
        timeout_s=limits.SCRIPT_S + settings.old_slot.stop_timeout_s,
        root=machine.root_script(),
    )
    if report.exit_code != 0:
        raise _not_started(machine, slot, report)
    stopped = _stopped(report.facts)
    if stopped:
        machine.console.note(f"{slot}: its previous JVM (pid {stopped.pid}) {stopped}")
    _report_files(machine, report.facts)
    return int(report.facts["started"])


def _report_files(machine: Machine, facts: Facts) -> None:
    """Says which files became those of all releases."""
    workdir, base = machine.settings.workdir, machine.settings.releases.path
    if adopted := facts.text("adopted"):
        machine.console.note(f"the JVMs run in {workdir} from now on, a link to {adopted}; nothing was moved")
    for release, names in facts.under("gathered."):
        machine.console.note(f"moved from releases/{release} to {workdir}: {names}")
    for release, names in facts.under("left."):
        machine.console.warn(
            f"{base}/releases/{release} keeps files that {workdir} has under the same name: {names}"
        )


def _not_started(machine: Machine, slot: str, report: Report) -> BluegreenError:
    if report.exit_code != ExitCode.PORT_TAKEN:
        return step_failed(machine, "start", report)
    return Failed(
        f"{slot} cannot start: another process holds its port",
        why=[" ".join(report.errors)],
        remedy="stop that process, or give the slot another port in config.yml",
    )


def stop(
    machine: Machine, slot: str, route: str, *, drain_s: float = 0, stop_timeout_s: float | None = None
) -> Stopped | None:
    """Stops the JVM of the idle slot.

    Args:
        route: the route that the look found; if it has changed since, nothing is stopped (P4).
        drain_s: seconds that open requests may take to end first.
        stop_timeout_s: seconds from SIGTERM to SIGKILL, None for `old_slot.stop_timeout`.

    Returns:
        How it was stopped, None if nothing ran there.
    """
    settings = machine.settings
    timeout_s = settings.old_slot.stop_timeout_s if stop_timeout_s is None else stop_timeout_s
    facts = machine.run(
        "stop",
        slot=slot,
        port=settings.slots[slot],
        route=route,
        drain_ms=round(drain_s * 1000),
        stop_timeout_ms=round(timeout_s * 1000),
        timeout_s=limits.SCRIPT_S + drain_s + timeout_s,
        root=machine.root_script(),
    )
    return _stopped(facts)


def keep_for(machine: Machine, slot: Slot, route: str) -> int:
    """Makes the host stop the JVM of the idle slot by itself, `old_slot.keep_for` seconds from now.

    The host then stops it only if this JVM still runs there and nginx was not switched meanwhile.

    Args:
        slot: the slot as a look found it while its JVM served.
        route: the route now; if it has changed, no timer is made (P4).

    Returns:
        The seconds that hold, which are those of the last `setup`.

    Raises:
        Failed: the host rejected the timer; the JVM runs on.
    """
    settings = machine.settings
    expire = machine.script(
        "expire",
        machine.root_script(),
        slot=slot.name,
        port=slot.port,
        # A JVM that was started by hand has no supervisor: it is the process that listens.
        pid=slot.pid or slot.owner or "",
        route=route,
        drain_ms=round(settings.old_slot.drain_s * 1000),
    )
    facts = machine.run(
        "keep_for",
        stdin=expire.text().encode(),
        slot=slot.name,
        route=route,
        keep_for_s=round(settings.old_slot.keep_for_s or 0),
        root=machine.root_script(),
    )
    return int(facts["expires"])


def _stopped(facts: Facts) -> Stopped | None:
    """The last JVM that was stopped: a slot may run one of its supervisor's and one started by hand."""
    open_requests = facts.number("open") or 0
    stopped = None
    for how in ("stopped", "killed"):
        for pid, duration_ms in facts.under(f"{how}."):
            stopped = Stopped(int(pid), int(duration_ms), how == "killed", open_requests)
    return stopped
