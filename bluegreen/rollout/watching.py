"""Watching: look at the new slot after the switch, and switch every machine back if one fails."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from bluegreen.console.units import seconds
from bluegreen.errors import BluegreenError, ConnectionLost, SwitchedBack, Unclear
from bluegreen.host import health
from bluegreen.host.journal import Outcome
from bluegreen.host.watch import WatchFailure, watch
from bluegreen.report.record import record_end
from bluegreen.rollout.fleet import side_by_side, try_each
from bluegreen.rollout.probing import Probes
from bluegreen.rollout.reconnect import retry_once
from bluegreen.rollout.switching import Moved, seen_by_users, switch_back
from bluegreen.rollout.undo import Undo


@dataclass(frozen=True)
class FailedWatch:
    """The machine whose new slot failed the watch, and how."""

    moved: Moved
    failure: WatchFailure


def watch_all(moved: Sequence[Moved], probes: Probes) -> FailedWatch | None:
    """Watches every machine during `switch.watch`, until one fails.

    Returns:
        The first that failed, None if all hold.
    """
    called_off = threading.Event()

    def watched(each: Moved) -> WatchFailure | None:
        failure = retry_once(each.rollout, lambda: _watch(each, probes, called_off))
        if failure:
            called_off.set()
        return failure

    results = side_by_side(moved, watched)
    failed = (FailedWatch(each, failure) for each, failure in zip(moved, results, strict=True) if failure)
    return next(failed, None)


def switch_all_back(
    moved: Sequence[Moved], failed: FailedWatch, undo: Undo, probes: Probes
) -> BluegreenError:
    """Switches every machine back to the slot that was live before, and marks the release bad.

    Returns:
        The error that says so: `SwitchedBack`, or `Unclear` where a machine did not go back.
    """
    back = try_each(moved, lambda each: switch_back(each, undo))
    for each in moved:
        probes.stop(each.rollout, each.switched)
    rollout, failure = failed.moved.rollout, failed.failure
    (log,) = try_each([rollout], lambda _: tuple(health.logs_of(rollout.machine, rollout.slot)))
    # A failed version is not kept warm: its jobs would go on. Its log stays.
    gone_back = [each for each, error in zip(moved, back, strict=True) if error is None]
    try_each(gone_back, lambda each: undo.stop_failed(each.rollout))
    try_each(moved, lambda each: _record(each, failure.reason, probes))
    why = [
        failure.reason,
        *seen_by_users(probes.after_switch(rollout, failed.moved.switched)),
        *(health.log_lines(rollout.slot, log) if isinstance(log, tuple) else []),
    ]
    host = rollout.settings.host
    stuck = next((error for error in back if isinstance(error, BluegreenError)), None)
    if stuck:
        return Unclear(
            f"{rollout.slot} failed the watch, and switching back failed as well",
            why=[*why, stuck.message, *stuck.why],
            remedy=f"`bluegreen status --host {host}`, then `bluegreen switch --host {host}` or "
            f"`bluegreen rollback --host {host}`",
        )
    return SwitchedBack(
        f"{rollout.version} failed the watch on {rollout.machine.address} and was switched back",
        why=why,
        live=rollout.before.describe_live(),
        remedy=health.fix_application(rollout.machine, rollout.slot),
    )


def _watch(moved: Moved, probes: Probes, called_off: threading.Event) -> WatchFailure | None:
    """Watches one machine for `switch.watch` seconds, or until it is called off."""
    rollout, pid = moved.rollout, moved.staged.pid
    watch_s = rollout.settings.switch.watch_s
    if watch_s <= 0 or pid is None:
        return None
    with rollout.machine.console.step(f"watch {rollout.slot} for {seconds(watch_s)}", name="watch") as step:
        try:
            failure = watch(
                rollout.machine,
                rollout.slot,
                pid,
                before=moved.staged.health,
                path=rollout.settings.switch.probe or moved.staged.judged_path,
                through=probes.through(rollout, moved.switched),
                called_off=called_off,
            )
        except ConnectionLost:
            raise
        except BluegreenError as error:
            # If the watch itself fails, the previous version is safer: it served well.
            failure = WatchFailure(error.message)
        if failure:
            step.done(f"{rollout.slot} failed the watch: {failure.reason}")
        else:
            how = "another machine failed" if called_off.is_set() else "no failures"
            step.done(f"watched {rollout.slot} for {seconds(step.so_far_s)}: {how}")
    return failure


def _record(moved: Moved, reason: str, probes: Probes) -> None:
    rollout = moved.rollout
    record_end(
        rollout,
        Outcome.SWITCHED_BACK,
        reason,
        proof=probes.after_switch(rollout, moved.switched),
        bad=(rollout.release.id,) if rollout.release else (),
    )
