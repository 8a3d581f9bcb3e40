"""Drift: where the include, the answers, the processes and the installed files disagree (P3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from bluegreen.config import Settings
from bluegreen.host.files.include import Form
from bluegreen.host.proxy import Proxy
from bluegreen.host.slots import Slot


class DriftKind(Enum):
    """What disagrees."""

    INCLUDE_NOT_LOADED = "the include names another slot than the one that answers"
    NEXT_NGINX_START = "the first line of the include names another slot than the marker"
    LIVE_SLOT_DOWN = "nginx routes to a slot where nothing listens"
    NGINX_DOWN = "nothing listens on the port of the site"
    FOREIGN = "a process that bluegreen did not start holds the port of the live slot"
    BOOT = "systemd starts another slot at boot than the live one"
    ROOT_SCRIPT = "the installed root script is from another version or other settings"

    @property
    def is_outage(self) -> bool:
        """Whether users get no answer."""
        return self in (DriftKind.LIVE_SLOT_DOWN, DriftKind.NGINX_DOWN)


@dataclass(frozen=True)
class Drift:
    """One disagreement, and how to repair it."""

    kind: DriftKind
    text: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.text}: {self.remedy}"


def drift_of(proxy: Proxy, slots: Mapping[str, Slot], settings: Settings, *, served: bool) -> Iterator[Drift]:
    """Yields every disagreement between nginx, the slots, and what systemd starts at boot.

    Args:
        served: whether a version was ever live; before that, nothing has to answer.
    """
    if not proxy.listens and (served or any(slot.up for slot in slots.values())):
        start = "bluegreen sandbox" if settings.sandbox else "sudo nginx -t && sudo systemctl start nginx"
        yield Drift(
            DriftKind.NGINX_DOWN,
            f"nothing listens on port {settings.site.listen}: nginx is stopped, or site.listen is wrong",
            start,
        )
    if proxy.answers and proxy.answers != proxy.routed:
        yield Drift(
            DriftKind.INCLUDE_NOT_LOADED,
            f"nginx answers from {proxy.answers}, but the include names {proxy.routed or 'neither slot'}: "
            "it was edited without a reload, or the machine died during a switch",
            f"the next deploy repairs the include: bluegreen deploy --host {settings.host}",
        )
    if proxy.include.form is not Form.PLAIN and proxy.first != proxy.routed:
        yield Drift(
            DriftKind.NEXT_NGINX_START,
            f"nginx routes to {proxy.routed}, but after a restart it would route to "
            f"{proxy.first or 'neither slot'}",
            f"the next switch repairs the include: bluegreen deploy --host {settings.host}",
        )
    live = proxy.answers or proxy.routed
    if not live:
        return
    if slots[live].owner is None and slots[settings.other(live)].up:
        yield Drift(
            DriftKind.LIVE_SLOT_DOWN,
            f"nginx routes to {live}, where nothing listens, while the other slot is UP",
            f"bluegreen switch --host {settings.host}",
        )
    elif slots[live].owner is None and served:
        yield Drift(
            DriftKind.LIVE_SLOT_DOWN,
            f"nginx routes to {live}, where nothing listens, and the other slot is not UP",
            f"bluegreen rollback --host {settings.host}, or deploy again; what {live} logged last: "
            f"bluegreen logs --host {settings.host} --slot {live}",
        )
    if slots[live].foreign and slots[live].unit and served:
        yield Drift(
            DriftKind.FOREIGN,
            f"{live} is served by {slots[live].unit_name} (pid {slots[live].owner}), which bluegreen did not "
            "start: users get its version",
            f"{slots[live].disable_unit}, then: bluegreen rollback --host {settings.host}, or deploy again",
        )
    boots = [slot.name for slot in slots.values() if slot.boots]
    if settings.supervisor == "systemd" and slots[live].running and boots != [live]:
        yield Drift(
            DriftKind.BOOT,
            f"{live} is live, but systemd starts {' and '.join(boots) or 'no slot'} at boot",
            f"the next switch repairs it, or: {_enable_only(live, boots, settings)}",
        )


def _enable_only(live: str, boots: list[str], settings: Settings) -> str:
    """The command that makes systemd start the live slot alone at boot."""
    commands = [f"sudo systemctl disable {settings.app}@{slot}" for slot in boots if slot != live]
    if live not in boots:
        commands.append(f"sudo systemctl enable {settings.app}@{live}")
    return " && ".join(commands)
