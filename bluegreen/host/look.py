"""Snapshot of the app on one machine, read in one round trip; nothing is changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bluegreen.config import Settings
from bluegreen.errors import Failed, Unclear
from bluegreen.host import journal, lock, proxy, releases, slots
from bluegreen.host.drift import Drift, DriftKind, drift_of
from bluegreen.host.facts import Facts
from bluegreen.host.files import packages, root_script
from bluegreen.host.files.include import other_slots
from bluegreen.host.journal import Entry, Outcome
from bluegreen.host.lock import Holder
from bluegreen.host.machine import Machine, verify_path
from bluegreen.host.proxy import Proxy
from bluegreen.host.releases import Release
from bluegreen.host.slots import Slot
from bluegreen.host.view import OwnAnswer, read_own


class ToolsMissing(Failed):
    """A machine lacks tools that the look needs, so its state is unknown."""

    def __init__(self, machine: Machine, tools: Sequence[str], manager: str) -> None:
        super().__init__(
            f"{machine.address} lacks {', '.join(tools)}; nothing was changed",
            remedy=packages.installing(manager, tools, java_version=machine.settings.java.version),
        )
        self.tools = tuple(tools)


@dataclass(frozen=True)
class State:
    """Snapshot of the app on one machine.

    Args:
        live: the slot that answers through nginx, else the slot that nginx routes to (P3), None if unclear.
        releases: oldest first.
        history: the journal, oldest first: its last lines, and older ones of the releases on the machine.
        lock: who holds the lock, None if it is free.
        manager: the package manager, empty if it is not one that `setup` supports.
        writable: whether the user may write the folder of the releases, or the one that it will be made in.
        own_answers: what each slot answers to the verify path on its own port. They are asked only if no
            answer through nginx named a slot.
    """

    address: str
    settings: Settings
    proxy: Proxy
    slots: dict[str, Slot]
    releases: tuple[Release, ...]
    history: tuple[Entry, ...]
    lock: Holder | None
    live: str | None
    drift: tuple[Drift, ...]
    manager: str
    disk_free_bytes: int
    memory_available_bytes: int
    writable: bool
    own_answers: Mapping[str, OwnAnswer] = field(default_factory=dict)

    def require_live(self) -> str:
        """Returns the name of the live slot.

        Raises:
            Unclear: neither what answers through nginx nor the include names a slot.
        """
        if self.live is None:
            raise self.unclear()
        return self.live

    def unclear(self) -> Unclear:
        """Returns the error of a machine whose live slot is unclear."""
        path, include, view = self.settings.switch.include, self.proxy.include, self.proxy.view
        text = include.text.strip() or "nothing (missing, empty or not readable)"
        remedy = other_slots(include, self.settings)
        if not remedy:
            ports = " and ".join(f"{port} is {slot}" for slot, port in self.settings.slots.items())
            line = f"set ${include.variable} http://127.0.0.1:{next(iter(self.settings.slots.values()))};"
            remedy = (
                f"write `{line}` with the port of the slot that serves ({ports}) into {path}, "
                "then: sudo nginx -t && sudo nginx -s reload"
            )
        return Unclear(
            f"the live slot of {self.address} is unclear; nothing was changed",
            why=[
                f"{path} contains: {text}",
                f"nginx answered {view.code or 'nothing'} to {verify_path(self.settings)}",
            ],
            remedy=remedy,
        )

    def idle(self) -> Slot:
        """Returns the slot that is not live.

        Raises:
            Unclear: the live slot is unclear.
        """
        return self.slots[self.settings.other(self.require_live())]

    def release_of(self, slot: str | None) -> Release | None:
        """Returns the release that a slot's link names, None if it names none."""
        return self.release(self.slots[slot].release) if slot else None

    def release(self, release_id: str | None) -> Release | None:
        """Returns the release of that id, None if it is not on the machine."""
        return next((release for release in self.releases if release.id == release_id), None)

    def describe_live(self) -> str:
        """Returns what serves users, for a person: `prod1, version 1.4`."""
        if not self.live:
            return "unclear"
        if self.slots[self.live].owner is None:
            return f"{self.live}, where nothing listens"
        release = self.release_of(self.live)
        version = f"version {release.version}" if release else "a version that bluegreen did not deploy"
        return f"{self.live}, {version}"

    def install_command(self, *tools: str) -> str:
        """Returns the command that installs tools on the machine."""
        return packages.installing(self.manager, tools, java_version=self.settings.java.version)


def look(machine: Machine) -> State:
    """Returns the state of a machine.

    Raises:
        ToolsMissing: the machine lacks tools that the look needs.
    """
    facts = machine.run("look", root=machine.root_script())
    if missing := facts.text("missing").split():
        raise ToolsMissing(machine, missing, facts.text("manager"))
    settings = machine.settings
    nginx = proxy.read(facts, settings)
    found = slots.read(facts, settings)
    holder = lock.parse(facts.text("lock"))
    history = journal.parse(facts.text("history"), holder=holder.token if holder else None)
    served = any(entry.outcome is Outcome.SWITCHED for entry in history)
    return State(
        address=machine.address,
        settings=settings,
        proxy=nginx,
        slots=found,
        releases=releases.read(facts),
        history=history,
        lock=holder,
        live=nginx.answers or nginx.routed,
        drift=(*drift_of(nginx, found, settings, served=served), *_root_script_drift(machine, facts)),
        manager=facts.text("manager"),
        disk_free_bytes=(facts.number("disk_free_kb") or 0) * 1024,
        memory_available_bytes=(facts.number("memory_available_kb") or 0) * 1024,
        writable=facts.text("writable") == "yes",
        own_answers={slot: own for slot in settings.slots if (own := read_own(facts, slot))},
    )


def _root_script_drift(machine: Machine, facts: Facts) -> tuple[Drift, ...]:
    """The drift of an installed root script that is not the one of this version and these settings."""
    installed = facts.text("root_script")
    wanted = root_script.checksum(machine.root_script())
    if not machine.settings.nginx.sudo or installed in ("", wanted):
        return ()
    path = root_script.installed_path(machine.settings)
    return (
        Drift(
            DriftKind.ROOT_SCRIPT,
            f"{path} was installed by another version of bluegreen or with other settings; "
            "a user without full sudo runs it as it is",
            f"bluegreen setup --host {machine.settings.host} (--login USER if {machine.connection.user} "
            "may not sudo)",
        ),
    )
