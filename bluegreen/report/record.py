"""The journal entries of a run: one when it begins on a machine, one with its outcome."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace

from bluegreen.host import journal, lock, releases
from bluegreen.host.journal import Entry, NotWritten, Outcome
from bluegreen.host.probe import Proof
from bluegreen.report.run import Rollout


def record_start(rollout: Rollout) -> None:
    """Writes the entry that says that the run began."""
    _append(rollout, _entry(rollout))


def record_end(
    rollout: Rollout,
    outcome: Outcome,
    reason: str | None = None,
    *,
    proof: Proof | None = None,
    bad: tuple[str, ...] = (),
) -> dict[str, str]:
    """Writes the entry with the outcome; after a switch, retention removes old releases.

    Args:
        reason: why it failed, one line.
        proof: what the probe saw, if it ran.
        bad: the releases that the run showed to be bad.

    Returns:
        The ids of the releases that were removed, each with the names of the files that stay in its folder,
        as bluegreen did not write them.
    """
    entry = replace(
        _entry(rollout),
        outcome=outcome,
        reason=reason,
        seconds=round(time.monotonic() - rollout.began_s, 3),
        bad=bad,
        requests=proof.requests if proof else None,
        failed=proof.failed if proof else None,
        slowest_ms=proof.slowest_ms if proof else None,
    )
    prune = _pruned_by(rollout, entry) if outcome is Outcome.SWITCHED else ()
    serving = rollout.slot if outcome is Outcome.SWITCHED else rollout.live
    return _append(rollout, entry, prune, serving=serving)


def pruned_by(rollout: Rollout) -> tuple[str, ...]:
    """The releases that retention removes once the run has switched."""
    return _pruned_by(rollout, _entry(rollout))


def _entry(rollout: Rollout) -> Entry:
    release, previous = rollout.release, rollout.previous
    return Entry(
        run=rollout.machine.token,
        command=rollout.command,
        at=rollout.at,
        by=lock.person(),
        url=lock.run_url(),
        slot=rollout.slot,
        release=release.id if release else None,
        version=release.version if release else None,
        from_slot=rollout.live,
        from_release=previous.id if previous else None,
        from_version=previous.version if previous else None,
        forced=rollout.forced,
        skipped=rollout.skipped,
    )


def _append(
    rollout: Rollout, entry: Entry, prune: Iterable[str] = (), *, serving: str = ""
) -> dict[str, str]:
    # On a full disk a rollback must still work, and a switch that worked is not a failure.
    try:
        return journal.append(rollout.machine, entry, prune=prune, serving=serving)
    except NotWritten as error:
        rollout.machine.console.warn(
            f"{error.message}: `bluegreen history` will not show how this {rollout.command} ended"
        )
        return {}


def _pruned_by(rollout: Rollout, entry: Entry) -> tuple[str, ...]:
    state = rollout.before
    present = {release.id: release for release in (*state.releases, rollout.release) if release}
    entries = [*state.history, replace(entry, outcome=Outcome.SWITCHED)]
    in_use = {slot.release for slot in state.slots.values() if slot.name != rollout.slot}
    return releases.to_prune(
        present.values(),
        journal.good_releases(entries),
        known=journal.known_releases(entries),
        keep=rollout.settings.releases.keep,
        in_use=[release for release in (*in_use, entry.release) if release],
        bad=journal.bad_releases(entries),
    )
