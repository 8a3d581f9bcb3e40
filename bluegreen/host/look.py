"""Snapshot of the app on one machine, read in one round trip; nothing is changed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from bluegreen.config import Settings
from bluegreen.errors import Failed, Unclear
from bluegreen.host import journal, lock, proxy, releases, slots
from bluegreen.host.drift import Drift, DriftKind, drift_of
from bluegreen.host.facts import Facts
from bluegreen.host.files import packages, root_script
from bluegreen.host.files.include import Form, render
from bluegreen.host.journal import Entry
from bluegreen.host.lock import Holder
from bluegreen.host.machine import Machine, verify_path
from bluegreen.host.proxy import Proxy
from bluegreen.host.releases import Release
from bluegreen.host.slots import Slot


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
        history: the journal, oldest first.
        lock: who holds the lock, None if it is free.
        manager: the package manager, empty if it is not one that `setup` supports.
        java: the path of the java command, empty if there is none.
        writable: whether the user may write the folder of the releases, or the one that it will be made in.
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
    java: str
    disk_free_bytes: int
    memory_available_bytes: int
    writable: bool

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
        include = self.settings.switch.include
        text = self.proxy.include.strip() or "nothing (missing, empty or not readable)"
        line = render(self.settings, next(iter(self.slots)), form=Form.PLAIN, groups=False)
        return Unclear(
            f"the live slot of {self.address} is unclear; nothing was changed",
            why=[
                f"{include} contains: {text}",
                f"nginx answered {self.proxy.code or 'nothing'} to {verify_path(self.settings)}",
            ],
            remedy=f"write `{line}` with the port of the slot that serves into {include}, "
            "then: sudo nginx -t && sudo nginx -s reload",
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
    facts = machine.run("look", java=machine.settings.java.bin)
    if missing := facts.text("missing").split():
        raise ToolsMissing(machine, missing, facts.text("manager"))
    settings = machine.settings
    nginx = proxy.read(facts, settings)
    found = slots.read(facts, settings)
    holder = lock.parse(facts.text("lock"))
    return State(
        address=machine.address,
        settings=settings,
        proxy=nginx,
        slots=found,
        releases=releases.read(facts),
        history=journal.parse(facts.text("history"), holder=holder.token if holder else None),
        lock=holder,
        live=nginx.answers or nginx.routed,
        drift=(*drift_of(nginx, found, settings), *_root_script_drift(machine, facts)),
        manager=facts.text("manager"),
        java=facts.text("java"),
        disk_free_bytes=(facts.number("disk_free_kb") or 0) * 1024,
        memory_available_bytes=(facts.number("memory_available_kb") or 0) * 1024,
        writable=facts.text("writable") == "yes",
    )


def _root_script_drift(machine: Machine, facts: Facts) -> tuple[Drift, ...]:
    """The drift of an installed root script that is not the one of this version and these settings."""
    installed = facts.text("root_script")
    wanted = hashlib.sha256(root_script.installed_text(machine.root_script()).encode()).hexdigest()
    if not machine.settings.nginx.sudo or installed in ("", wanted):
        return ()
    path = root_script.installed_path(machine.settings)
    return (
        Drift(
            DriftKind.ROOT_SCRIPT,
            f"{path} was installed by another version of bluegreen or with other settings, "
            "and deploys run it unchanged",
            f"bluegreen setup --host {machine.settings.host}",
        ),
    )
