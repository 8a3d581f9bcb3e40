"""The journal: history.jsonl on the host, a line for each deploy's start and one for its outcome.

Which releases are good and which are bad is told by it alone: a release itself never changes (P9).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, timezone
from enum import Enum

from bluegreen.errors import Failed
from bluegreen.host.machine import Machine, step_failed

NO_ROOM = 28


class Outcome(str, Enum):
    """How a deploy ended; RUNNING and INTERRUPTED are told of a start that has no end."""

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
        run: what joins its start and its end: the token of the lock it held.
        command: deploy, switch or rollback.
        at: when it began, ISO 8601 in UTC.
        release, version, slot: where to; the from_… where from.
        outcome: see `Outcome`; in the line of a start `running`.
        reason: why it failed, one line.
        seconds: from its start to its end.
        bad: releases that it showed to be bad.
        requests, failed, slowest_ms: of the probe that asked through nginx meanwhile.
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
    requests: int | None = None
    failed: int | None = None
    slowest_ms: int | None = None

    def line(self) -> str:
        """The entry as one line of the journal; what is not known is left out."""
        told = {key: value for key, value in asdict(self).items() if value not in (None, ())}
        return json.dumps(told, ensure_ascii=False)


class NotWritten(Failed):
    """The journal could not be written: the disk is full."""


def now() -> str:
    """This moment as the journal writes it."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse(text: str, *, holder: str | None) -> tuple[Entry, ...]:
    """The entries of a journal, oldest first, each start joined with its end.

    A line that cannot be read (cut by a full disk) is passed over.

    Args:
        holder: the token of the lock that is held now: a start without an end is running if it is the
            holder's, else interrupted.
    """
    entries: dict[str, Entry] = {}
    for line in text.splitlines():
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
    """The releases that were rolled or switched back from, and not deliberately gone to since."""
    bad: set[str] = set()
    for entry in entries:
        bad |= set(entry.bad)
        if entry.outcome is Outcome.SWITCHED and entry.release:
            bad.discard(entry.release)
    return frozenset(bad)


def served_before(entries: Sequence[Entry], release: str, other: str) -> bool:
    """Whether a release took traffic for the first time before another one did.

    By the journal, which is written on the host: ids are made by the clocks of those who deploy.
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
    """The releases that took traffic and kept it, in the order they last did, and were not found bad."""
    good: dict[str, None] = {}
    for entry in entries:
        # What served when the next one began has kept its traffic, also if its own end was never written.
        if entry.from_release:
            good.pop(entry.from_release, None)
            good[entry.from_release] = None
        if entry.outcome is Outcome.SWITCHED and entry.release:
            good.pop(entry.release, None)
            good[entry.release] = None
    bad = bad_releases(entries)
    return tuple(release for release in good if release not in bad)


def append(machine: Machine, entry: Entry, *, prune: Iterable[str] = ()) -> list[str]:
    """Writes one line, and removes the releases of `prune`; gives the ids that were removed.

    Raises:
        NotWritten: there is no room for the line.
    """
    result = machine.attempt("finish", entry=entry.line(), prune=" ".join(prune))
    if result.exit_code == NO_ROOM:
        raise NotWritten(result.stderr.strip())
    if result.exit_code != 0:
        raise step_failed("finish", result)
    return [line.split()[1] for line in result.stdout.splitlines() if line.startswith("pruned ")]


def _entry(line: str) -> Entry | None:
    known = {field.name for field in fields(Entry)}
    try:
        told = json.loads(line)
        values = {key: value for key, value in told.items() if key in known}
        return Entry(**{**values, "outcome": Outcome(told["outcome"]), "bad": tuple(told.get("bad", ()))})
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
