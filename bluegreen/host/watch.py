"""The watch after the switch: what a slot must hold to be kept, and how its answers are judged."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from bluegreen.host.health import Answer, Consecutive, End, Ended, Look, observe
from bluegreen.host.machine import Machine, application_path
from bluegreen.remote import limits


@dataclass(frozen=True)
class WatchFailure:
    """Why a slot must be switched back.

    Args:
        log: the last lines of its log, None if not read: users wait for the switch back.
    """

    reason: str
    log: tuple[str, ...] | None = None


def watch(
    machine: Machine,
    slot: str,
    pid: int,
    *,
    before: Answer | None,
    verified: bool,
    called_off: threading.Event,
) -> WatchFailure | None:
    """Watches a slot that has just taken traffic, for `switch.watch` seconds.

    Args:
        before: its last UP before the switch, if there was one.
        verified: the verify path names this slot; else any answer of an application suffices.
        called_off: set once the slot will be switched back for another reason.

    Returns:
        None if the slot passed or the watch was called off; else why it must be switched back: it died, or it
        failed two looks in a row.
    """
    settings = machine.settings
    if settings.switch.watch_s <= 0:
        return None
    path = application_path(settings)
    strict = verified and settings.switch.verify is not None
    failures = Consecutive(limits.WATCH_FAILURES_IN_A_ROW)
    until = time.monotonic() + settings.switch.watch_s
    for seen in observe(
        machine,
        slot,
        pid,
        for_s=settings.switch.watch_s + limits.WATCH_EXTRA_S,
        every_s=limits.WATCH_EVERY_S,
        answer_s=answer_within_s(before),
        through=path,
    ):
        if called_off.is_set():
            return None
        if isinstance(seen, Ended):
            return None if seen.end is End.OVER else WatchFailure(_reason(seen, slot, pid), seen.log or None)
        trouble = _trouble(seen, path, strict=strict)
        if trouble:
            machine.console.warn(f"watch: {trouble}")
        if failures.reached_by(bool(trouble)):
            return WatchFailure(trouble)
        if not trouble and time.monotonic() >= until:
            return None
    return None


def _reason(ended: Ended, slot: str, pid: int) -> str:
    if ended.end is End.DEAD:
        return f"{slot} died (pid {pid})"
    if ended.end is End.FOREIGN:
        return f"another process (pid {ended.detail}) answers on the port of {slot}"
    return f"the observer of {slot} stopped: {ended.detail}"


def _trouble(seen: Look, path: str, *, strict: bool) -> str:
    if not seen.health.up:
        return f"health: {seen.health}"
    if seen.through is not None and not answered_well(seen.through, strict=strict):
        return f"{path} through nginx: {f'HTTP {seen.through}' if seen.through else 'no answer'}"
    return ""


def answered_well(code: int, *, strict: bool) -> bool:
    """Whether an application answered through nginx, and without an error.

    Args:
        strict: the application is known to have the path; else 404 is good enough.
    """
    return 200 <= code < 400 if strict else 100 <= code < 500


def answer_within_s(before: Answer | None) -> float:
    """Seconds that an answer may take from the switch on.

    Args:
        before: the slot's last UP before the switch, if there was one.
    """
    usual_s = before.took_ms / 1000 if before else 0.0
    return min(max(limits.WATCH_ANSWER_S, limits.WATCH_SLOWER_TIMES * usual_s), limits.HEALTH_ANSWER_S)
