"""The look: all that is known of the app on one machine, read in one round trip, changing nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bluegreen.config import Settings
from bluegreen.errors import Failed, Unclear
from bluegreen.host import journal, lock, proxy, releases, slots
from bluegreen.host.facts import Facts
from bluegreen.host.files import packages, root_script
from bluegreen.host.files.include import Form, render
from bluegreen.host.journal import Entry
from bluegreen.host.lock import Holder
from bluegreen.host.machine import Machine
from bluegreen.host.proxy import Proxy
from bluegreen.host.releases import Release
from bluegreen.host.slots import Slot


class ToolsMissing(Failed):
    """A machine lacks tools that a look needs, so nothing can be known of it."""

    def __init__(self, machine: Machine, tools: Sequence[str], manager: str) -> None:
        super().__init__(
            f"{machine.address} lacks {', '.join(tools)}; nothing was changed",
            remedy=packages.installing(manager, tools, java_version=machine.settings.java.version),
        )
        self.tools = tuple(tools)


@dataclass(frozen=True)
class State:
    """One machine as a look found it.

    Args:
        live: the slot that serves: what answers through nginx, else what nginx routes to (P3).
        drift: where the include, the answers and the processes disagree, a sentence each.
        releases: oldest first.
        history: oldest first.
        manager: of its packages, empty if it is none that `setup` knows.
        java: the path of java on the host, empty if there is none.
        disk_free_bytes, memory_available_bytes: room there.
        writable: whether the user may write the releases' folder, or the one it is to be made in.
    """

    settings: Settings
    proxy: Proxy
    slots: dict[str, Slot]
    releases: tuple[Release, ...]
    history: tuple[Entry, ...]
    lock: Holder | None
    live: str | None
    drift: tuple[str, ...]
    manager: str
    java: str
    disk_free_bytes: int
    memory_available_bytes: int
    writable: bool

    def installing(self, *tools: str) -> str:
        """The command that installs what the machine lacks."""
        return packages.installing(self.manager, tools, java_version=self.settings.java.version)

    def sure(self, machine: Machine) -> str:
        """The live slot.

        Raises:
            Unclear: what is live cannot be told.
        """
        if self.live:
            return self.live
        include = self.settings.switch.include
        held = self.proxy.include.strip() or "nothing (it is missing, empty, or not readable)"
        plain = render(self.settings, next(iter(self.slots)), form=Form.PLAIN, groups=False)
        raise Unclear(
            f"which slot is live on {machine.address} cannot be told; nothing was changed",
            why=[
                f"{include} holds: {held}",
                f"nginx answered {self.proxy.code or 'nothing'} to the verify path",
            ],
            remedy=f"let {include} hold `{plain}` with the port that serves, then `nginx -t` and a reload",
        )

    def idle(self, machine: Machine) -> Slot:
        """The slot that does not serve."""
        return self.slots[self.settings.other(self.sure(machine))]

    def release_of(self, slot: str | None) -> Release | None:
        """The release that a slot's link names."""
        wanted = self.slots[slot].release if slot else None
        return self.release(wanted)

    def release(self, release_id: str | None) -> Release | None:
        """A release on the machine by its id."""
        return next((release for release in self.releases if release.id == release_id), None)

    def describe_live(self) -> str:
        """What serves users, in words."""
        if not self.live:
            return "unclear"
        release = self.release_of(self.live)
        version = f"version {release.version}" if release else "a version that bluegreen did not deploy"
        if self.slots[self.live].owner is None:
            return f"{self.live}, where nothing listens"
        return f"{self.live}, {version}"


def look(machine: Machine) -> State:
    """Looks at a machine: one round trip, nothing changed.

    Raises:
        ToolsMissing: it lacks what a look needs.
    """
    facts = machine.run("look", java=machine.settings.java.bin)
    if missing := facts.text("missing").split():
        raise ToolsMissing(machine, missing, facts.text("manager"))
    found = view(facts, machine.settings)
    installed = facts.text("root_script")
    wanted = root_script.installed_text(machine.root_script())
    if machine.settings.nginx.sudo and installed not in ("", hashlib.sha256(wanted.encode()).hexdigest()):
        told = (
            f"{root_script.installed_path(machine.settings)} was installed by another version of bluegreen "
            f"or with other settings, which it keeps to: run `setup --host {machine.settings.host}` again"
        )
        found = replace(found, drift=(*found.drift, told))
    return found


def view(facts: Facts, settings: Settings) -> State:
    """Makes one picture of the facts of a look."""
    nginx = proxy.read(facts, settings)
    found = slots.read(facts, settings)
    holder = lock.parse(facts.text("lock"))
    return State(
        settings=settings,
        proxy=nginx,
        slots=found,
        releases=releases.read(facts),
        history=journal.parse(facts.text("history"), holder=holder.token if holder else None),
        lock=holder,
        live=nginx.answers or nginx.routed,
        drift=tuple(_drift(nginx, found, settings)),
        manager=facts.text("manager"),
        java=facts.text("java"),
        disk_free_bytes=(facts.number("disk_free_kb") or 0) * 1024,
        memory_available_bytes=(facts.number("memory_available_kb") or 0) * 1024,
        writable=facts.text("writable") == "yes",
    )


def _drift(nginx: Proxy, found: dict[str, Slot], settings: Settings) -> list[str]:
    drift = []
    if nginx.answers and nginx.answers != nginx.routed:
        drift.append(
            f"nginx answers from {nginx.answers}, but the include names {nginx.routed or 'neither slot'}: "
            "it was edited without a reload, or a host died inside a switch; the next deploy mends it"
        )
    if nginx.form is Form.INSTANT and nginx.first != nginx.routed:
        drift.append(
            f"running traffic goes to {nginx.routed}, but after a restart nginx would start with "
            f"{nginx.first or 'neither slot'}: the next switch mends it"
        )
    live = nginx.answers or nginx.routed
    if live and found[live].owner is None and any(slot.up for slot in found.values()):
        drift.append(
            f"nginx routes to {live}, where nothing listens, while the other slot is UP: "
            f"`switch --host {settings.host}` moves it there"
        )
    boots = [slot.name for slot in found.values() if slot.boots]
    if live and settings.supervisor == "systemd" and found[live].running and boots != [live]:
        drift.append(
            f"live is {live}, but at a boot systemd starts {' and '.join(boots) or 'no slot'}: the next "
            f"switch mends it, or on the host: sudo systemctl enable {settings.app}@{live}"
        )
    return drift
