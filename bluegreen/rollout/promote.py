"""Promote: from a slot that is UP to one that is live. Switch, verify, watch, retire the old slot, record."""

from __future__ import annotations

from collections.abc import Sequence

from bluegreen.host.journal import Outcome
from bluegreen.report.record import record_end
from bluegreen.report.run import Result
from bluegreen.rollout.fleet import side_by_side
from bluegreen.rollout.interrupts import Interrupts
from bluegreen.rollout.probing import Probes, probed
from bluegreen.rollout.reconnect import retry_once
from bluegreen.rollout.retire import retire
from bluegreen.rollout.stage import Staged
from bluegreen.rollout.switching import Moved, switch_all
from bluegreen.rollout.undo import Undo
from bluegreen.rollout.watching import switch_all_back, watch_all


def promote(staged: Sequence[Staged], undo: Undo, interrupts: Interrupts, *, watched: bool) -> list[Result]:
    """Switches every machine or none, watches them, retires the old slot, writes the journal.

    Args:
        interrupts: held back, except in the watch and while the old slot is retired: there an interrupt ends
            the wait only, as the new version serves by then.
        watched: whether a slot that fails within `switch.watch` seconds is switched back.

    Raises:
        Failed: a machine was not switched; those that were are switched back.
        SwitchedBack: a machine failed the watch; all are back on the previous version.
    """
    rollouts = [each.rollout for each in staged]
    console = rollouts[0].machine.console
    failed, cut_short = None, None
    with probed(staged) as probes:
        # The last moment to turn back, also for an interrupt that came while the probes were started.
        with undo.on_failure(probes.before_switch), interrupts.let_through():
            pass
        moved = switch_all(staged, undo, probes)
        try:
            with interrupts.let_through():
                failed = watch_all(moved, probes) if watched else None
        except KeyboardInterrupt:
            cut_short = "interrupted after the switch"
            console.warn(f"{cut_short}: the new version serves; its watch was cut short")
        if failed:
            raise switch_all_back(moved, failed, undo, probes)
        for each in moved:
            probes.stop(each.rollout, each.switched)
    try:
        with interrupts.let_through():
            if not cut_short:
                side_by_side(moved, lambda each: retry_once(each.rollout, lambda: retire(each)))
    except KeyboardInterrupt:
        cut_short = "interrupted while the old slot was retired"
        console.warn(f"{cut_short}: the new version serves; the next deploy stops the old slot")
    side_by_side(moved, lambda each: retry_once(each.rollout, lambda: _record(each, cut_short, probes)))
    interrupts.discard()
    return [
        Result(each.rollout, True, each.switched, probes.after_switch(each.rollout, each.switched))
        for each in moved
    ]


def _record(moved: Moved, reason: str | None, probes: Probes) -> None:
    """Writes the outcome to the journal, and removes what retention does not keep."""
    rollout = moved.rollout
    pruned = record_end(
        rollout,
        Outcome.SWITCHED,
        reason,
        proof=probes.after_switch(rollout, moved.switched),
        bad=rollout.bad,
    )
    if pruned:
        rollout.machine.console.note(f"removed by retention: {', '.join(pruned)}")
    for release, names in pruned.items():
        if names:
            folder = f"{rollout.settings.releases.path}/releases/{release}"
            rollout.machine.console.note(f"{folder} stays with what bluegreen did not write: {names}")
