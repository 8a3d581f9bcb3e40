"""Releases: each a jar on the host and its release.json in a folder of its own, immutable after upload."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone

from bluegreen.errors import Failed
from bluegreen.host.facts import Facts
from bluegreen.host.machine import LockLost, Machine, step_failed
from bluegreen.jar import Jar


@dataclass(frozen=True)
class Release:
    """One release, as its release.json describes it."""

    id: str
    version: str
    sha256: str
    size_bytes: int
    jar: str
    at: str
    by: str
    url: str | None = None

    def __str__(self) -> str:
        return f"{self.version} ({self.id})"


def new(jar: Jar, version: str, *, by: str, url: str | None) -> Release:
    """A new release of a jar; its id sorts by time and contains the start of the checksum."""
    moment = datetime.now(timezone.utc)
    return Release(
        id=f"{moment:%Y%m%d-%H%M%S}-{moment.microsecond // 1000:03}-{jar.sha256[:8]}",
        version=version,
        sha256=jar.sha256,
        size_bytes=jar.size_bytes,
        jar=jar.path.name,
        at=moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        by=by,
        url=url,
    )


def read(facts: Facts) -> tuple[Release, ...]:
    """The releases on the machine, oldest first, without those whose release.json cannot be read."""
    found = []
    for release_id, text in facts.under("release."):
        try:
            data = json.loads(text)
            found.append(
                Release(
                    release_id,
                    str(data["version"]),
                    str(data["sha256"]),
                    int(data["size_bytes"]),
                    str(data.get("jar", "")),
                    str(data.get("at", "")),
                    str(data.get("by", "")),
                    data.get("url"),
                )
            )
        except (ValueError, TypeError, KeyError):
            continue
    return tuple(sorted(found, key=lambda release: release.id))


def upload(
    machine: Machine,
    release: Release,
    jar: Jar,
    present: Sequence[Release],
    progress: Callable[[int], None] | None = None,
) -> bool:
    """Uploads the jar; the machine verifies its sha256 and moves it into place by a rename (P9).

    Args:
        present: the releases on the machine; bytes that one of them has are not sent again.
        progress: called with the bytes sent so far.

    Returns:
        Whether the bytes were sent; else they were linked from another release.

    Raises:
        Failed: the upload was incomplete, or the disk is full; no part of the release is left.
        LockLost: another deploy took the lock.
    """
    same = next((other.id for other in present if other.sha256 == release.sha256), "")
    report = machine.upload(
        "upload",
        None if same else jar.path,
        progress=progress,
        id=release.id,
        sha256=release.sha256,
        size=release.size_bytes,
        same=same,
        facts=json.dumps(asdict(release), ensure_ascii=False),
    )
    if report.exit_code != 0:
        cause = step_failed(machine, "upload", report)
        if isinstance(cause, LockLost):
            raise cause
        raise Failed(
            f"the upload of {jar.path.name} to {machine.address} is incomplete; it is not used",
            why=[cause.message, *cause.why],
            remedy="check the disk space and the connection, then run the command again",
        )
    return "stored" in report.facts


def to_prune(
    present: Collection[Release],
    good: Sequence[str],
    *,
    known: Collection[str],
    keep: int,
    in_use: Iterable[str],
    bad: Collection[str] = (),
) -> tuple[str, ...]:
    """The releases that retention removes: all but the last `keep` good ones and those in use.

    The last one that users were moved away from stays, too: a person may go forward to it again.

    Args:
        bad: the releases that users were moved away from.
        known: those that the journal names; any other may be good and is kept.
    """
    left = [release.id for release in present if release.id in bad][-1:]
    kept = {*good[-keep:], *in_use, *left}
    return tuple(release.id for release in present if release.id in known and release.id not in kept)
