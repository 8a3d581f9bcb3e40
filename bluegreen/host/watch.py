"""The watch after the switch: what a slot must hold to be kept.

It asks the slot on its own port, and reads what the probe saw through nginx, so that one client alone asks
the site. What nginx answers by itself is not the fault of a release.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bluegreen.host.answer import Answer
from bluegreen.host.health import Consecutive, End, Ended, Look, observe
from bluegreen.host.judging import answer_within_s, answered_well, kept_out
from bluegreen.host.machine import Machine
from bluegreen.host.probe import Asked
from bluegreen.remote import limits


@dataclass(frozen=True)
class WatchFailure:
    """Why a slot must be switched back."""

    reason: str


@dataclass(frozen=True)
class Through:
    """What the probe sees through nginx.

    Args:
        path: what it requests.
        asked: gives its requests so far, oldest first.
        began_ms: when the switch began, by the host's clock: what failed before it failed the old slot, too.
        strict: see `answered_well`.
    """

    path: str
    asked: Callable[[], Sequence[Asked]]
    began_ms: int
    strict: bool

    def failing(self) -> Asked | None:
        """The last request, if it and all before it failed for at least `limits.WATCH_EVERY_S`."""
        run = []
        for each in reversed(self.asked()):
            if each.at_ms < self.began_ms or answered_well(each.code, strict=self.strict):
                break
            run.append(each)
        if len(run) < limits.WATCH_FAILURES_IN_A_ROW:
            return None
        lasts_ms = run[0].at_ms + run[0].took_ms - run[-1].at_ms
        return run[0] if lasts_ms >= limits.WATCH_EVERY_S * 1000 else None

    def failed_before(self, code: int) -> bool:
        """Whether the old slot got the same answer before the switch."""
        return any(each.code == code for each in self.asked() if each.at_ms < self.began_ms)


def watch(
    machine: Machine,
    slot: str,
    pid: int,
    *,
    before: Answer | None,
    path: str,
    through: Through | None,
    called_off: threading.Event,
) -> WatchFailure | None:
    """Watches a slot that has just taken traffic, for `switch.watch` seconds.

    Args:
        before: its last UP before the switch, if there was one.
        path: what is asked of it on its own port, besides its health; empty for nothing.
        through: what the probe sees, None without a probe.
        called_off: set once the slot will be switched back for another reason.

    Returns:
        None if the slot passed or the watch was called off; else why it must be switched back: it died, it
        failed two looks in a row on its own port, or users got no good answer for half a second.
    """
    settings = machine.settings
    if settings.switch.watch_s <= 0:
        return None
    judge = Judge(machine, slot, path, through)
    until = time.monotonic() + settings.switch.watch_s
    for seen in observe(
        machine,
        slot,
        pid,
        for_s=settings.switch.watch_s + limits.WATCH_EXTRA_S,
        every_s=limits.WATCH_EVERY_S,
        answer_s=answer_within_s(before),
        path=judge.path,
        log_lines=0,
    ):
        if called_off.is_set():
            return None
        if isinstance(seen, Ended):
            return None if seen.end is End.OVER else WatchFailure(_reason(seen, slot, pid))
        if failure := judge.failure(seen):
            return WatchFailure(failure)
        if not judge.in_trouble and time.monotonic() >= until:
            return None
    return None


class Judge:
    """Judges the looks of one watch.

    Args:
        path: what is asked of the slot on its own port, besides its health.
    """

    def __init__(self, machine: Machine, slot: str, path: str, through: Through | None) -> None:
        self.path = path
        self.in_trouble = False
        self._machine, self._slot, self._through = machine, slot, through
        self._own_failures = Consecutive(limits.WATCH_FAILURES_IN_A_ROW)
        self._named_nginx = False

    def failure(self, seen: Look) -> str:
        """Why the slot must be switched back after this look, empty if it may stay."""
        own = self._own_trouble(seen)
        users = self._users_trouble(own, seen.own)
        self.in_trouble = bool(own or users)
        if own or users:
            self._machine.console.warn(f"watch: {own or users}")
        if self._own_failures.reached_by(bool(own)) or users:
            # What users saw comes first, but a slot whose health is not UP says more.
            return own if own and (not users or not seen.health.up) else users
        return ""

    def _own_trouble(self, seen: Look) -> str:
        if not seen.health.up:
            return f"health: {seen.health}"
        if seen.own is not None and not answered_well(seen.own, strict=False):
            return f"{self.path} on the port of {self._slot}: {_answer(seen.own)}"
        return ""

    def _users_trouble(self, own: str, own_code: int | None) -> str:
        failed = self._through.failing() if self._through else None
        if not self._through or not failed:
            return ""
        trouble = f"{self._through.path} through nginx: {_answer(failed.code)}"
        by_nginx = kept_out(failed.code) and own_code != failed.code
        if not own and (by_nginx or self._through.failed_before(failed.code)):
            self._name_nginx(trouble)
            return ""
        return trouble

    def _name_nginx(self, trouble: str) -> None:
        if self._named_nginx:
            return
        self._named_nginx = True
        self._machine.console.warn(
            f"watch: {trouble}, while {self._slot} answers on its own port: nginx answers by itself "
            "(limit_req, an allow list), so the release is not judged by it; set switch.probe in config.yml "
            "to another path"
        )


def _answer(code: int) -> str:
    return f"HTTP {code}" if code else "no answer"


def _reason(ended: Ended, slot: str, pid: int) -> str:
    if ended.end is End.DEAD:
        return f"{slot} died (pid {pid})"
    if ended.end is End.FOREIGN:
        return f"another process (pid {ended.detail}) answers on the port of {slot}"
    return f"the observer of {slot} stopped: {ended.detail}"
