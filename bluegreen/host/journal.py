"""The journal: history.jsonl on the host, with a line for each deploy's start and one for its outcome.

Only the journal knows which releases are good and which are bad: a release itself never changes (P9).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, timezone
from enum import Enum

from bluegreen.errors import Failed
from bluegreen.host.facts import lines_of
from bluegreen.host.machine import Machine, step_failed
from bluegreen.remote.exit_codes import ExitCode


class Outcome(str, Enum):
    """How a deploy ended; RUNNING and INTERRUPTED are for a start without an end."""

    SWITCHED = "switched"
    STAGED = "staged"
    FAILED = "failed"
    SWITCHED_BACK = "switched back"
    RUNNING = "running"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class Entry:
    """One deploy, switch or rollback of one machine.

    Args:
        run: the token of the lock that it held; its start and its end have the same.
        command: deploy, switch or rollback.
        at: when it began, ISO 8601 in UTC.
        release, version, slot: the new ones; from_…: the previous ones.
        outcome: see `Outcome`; in the line of a start `running`.
        reason: why it failed, one line.
        seconds: from its start to its end.
        bad: releases that it found to be bad.
        skipped: machines that could not be reached, without which it was done (`--skip-unreachable`).
        forced: findings of the preflight that were overridden (`--force`).
        requests, failed, slowest_ms: what the probe counted meanwhile.
    """

    run: str
    command: str
    at: str
    by: str
    url: str | None = None
    slot: str | None = None
    release: str | None = None
    version: str | None = None
    from_slot: str | None = None
    from_release: str | None = None
    from_version: str | None = None
    outcome: Outcome = Outcome.RUNNING
    reason: str | None = None
    seconds: float | None = None
    bad: tuple[str, ...] = ()
    forced: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    requests: int | None = None
    failed: int | None = None
    slowest_ms: int | None = None

    def line(self) -> str:
        """The entry as one line of the journal, without unknown values."""
        known = {key: value for key, value in asdict(self).items() if value not in (None, ())}
        return json.dumps(known, ensure_ascii=False)


class NotWritten(Failed):
    """The journal could not be written: the disk is full."""


def now() -> str:
    """The current time as the journal writes it."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse(text: str, *, holder: str | None) -> tuple[Entry, ...]:
    """The entries of a journal, oldest first, each start joined with its end.

    It skips a line that cannot be read (cut by a full disk).

    Args:
        holder: the token of the lock that is held now, if any: a start without an end is RUNNING if it has
            this token, else INTERRUPTED.
    """
    entries: dict[str, Entry] = {}
    for line in lines_of(text):
        entry = _entry(line)
        if entry:
            entries[entry.run] = entry
    return tuple(
        replace(entry, outcome=Outcome.INTERRUPTED)
        if entry.outcome is Outcome.RUNNING and entry.run != holder
        else entry
        for entry in entries.values()
    )


def bad_releases(entries: Iterable[Entry]) -> frozenset[str]:
    """The releases that were rolled back or switched back from, and not deliberately deployed since."""
    bad: set[str] = set()
    for entry in entries:
        bad |= set(entry.bad)
        if entry.outcome is Outcome.SWITCHED and entry.release:
            bad.discard(entry.release)
    return frozenset(bad)


def served_before(entries: Sequence[Entry], release: str, other: str) -> bool:
    """Whether a release took traffic for the first time before another release did.

    The journal is written on the host, while the time in an id is that of the deployer's clock.
    """
    first: dict[str, None] = {}
    for entry in entries:
        if entry.from_release:
            first.setdefault(entry.from_release)
        if entry.outcome in (Outcome.SWITCHED, Outcome.SWITCHED_BACK) and entry.release:
            first.setdefault(entry.release)
    order = list(first)
    return release in order and (other not in order or order.index(release) < order.index(other))


def good_releases(entries: Sequence[Entry]) -> tuple[str, ...]:
    """The releases that took and kept traffic and are not bad, in the order of their last time."""
    good: dict[str, None] = {}
    for entry in entries:
        # The release that served when the next deploy began kept its traffic, even without an end of its own.
        if entry.from_release:
            good.pop(entry.from_release, None)
            good[entry.from_release] = None
        if entry.outcome is Outcome.SWITCHED and entry.release:
            good.pop(entry.release, None)
            good[entry.release] = None
    bad = bad_releases(entries)
    return tuple(release for release in good if release not in bad)


def known_releases(entries: Iterable[Entry]) -> frozenset[str]:
    """The releases that the journal names: of others it is not known what became of them."""
    named = (name for each in entries for name in (each.release, each.from_release, *each.bad))
    return frozenset(filter(None, named))


def append(machine: Machine, entry: Entry, *, prune: Iterable[str] = (), serving: str = "") -> dict[str, str]:
    """Writes one line and removes the releases of `prune`.

    Args:
        serving: the slot that is live once the run has ended; empty while it goes on.

    Returns:
        The ids that were removed, each with the names of the files of others that stay in its folder.

    Raises:
        NotWritten: there is no room for the line.
    """
    report = machine.attempt("finish", entry=entry.line(), prune=" ".join(prune), serving=serving)
    if report.exit_code == ExitCode.NO_ROOM:
        raise NotWritten(" ".join(report.errors))
    if report.exit_code != 0:
        raise step_failed(machine, "finish", report)
    return dict(report.facts.under("pruned."))


def _entry(line: str) -> Entry | None:
    known = {field.name for field in fields(Entry)}
    try:
        data = json.loads(line)
        values = {key: value for key, value in data.items() if key in known}
        return Entry(**{**values, "outcome": Outcome(data["outcome"]), "bad": tuple(data.get("bad", ()))})
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
