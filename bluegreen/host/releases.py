"""Releases: a jar on the host with its facts, in a folder of its own, never changed after upload."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone

from bluegreen.errors import Failed
from bluegreen.host.facts import Facts
from bluegreen.host.machine import Machine, step_failed
from bluegreen.jar import Jar


@dataclass(frozen=True)
class Release:
    """The facts of one release, as its release.json holds them."""

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
    """The release that a jar is to become; its id sorts by time and names the bytes."""
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
    """The releases on the machine, oldest first; a folder whose facts cannot be read is none."""
    found = []
    for release_id, text in facts.under("release."):
        try:
            told = json.loads(text)
            found.append(
                Release(
                    release_id,
                    str(told["version"]),
                    str(told["sha256"]),
                    int(told["size_bytes"]),
                    str(told.get("jar", "")),
                    str(told.get("at", "")),
                    str(told.get("by", "")),
                    told.get("url"),
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
    """Brings the jar to the machine, checked by its sha256 and moved into place by a rename (P9).

    Args:
        present: what is there already; the same bytes are not sent twice.
        progress: is told how many bytes were sent so far.

    Returns:
        Whether the bytes were sent, rather than taken from a release that had them.

    Raises:
        Failed: they did not arrive whole, or there is no room; no release is left behind.
    """
    same = next((other.id for other in present if other.sha256 == release.sha256), "")
    script = machine.script(
        "upload",
        id=release.id,
        sha256=release.sha256,
        size=release.size_bytes,
        same=same,
        facts=json.dumps(asdict(release), ensure_ascii=False),
    )
    result = (
        machine.connection.run(script)
        if same
        else machine.connection.upload(script, jar.path, progress=progress)
    )
    if result.exit_code != 0:
        cause = step_failed("upload", result)
        raise Failed(
            f"the jar did not get to {machine.address} whole; it is not used",
            why=[cause.message, *cause.why],
            remedy="see the room on the disk and the connection, then run the command again",
        )
    return not same


def to_prune(
    present: Iterable[Release], good: Sequence[str], *, keep: int, in_use: Iterable[str]
) -> tuple[str, ...]:
    """The releases that retention removes: all but the last `keep` good ones and those that slots run."""
    kept = {*good[-keep:], *in_use}
    return tuple(release.id for release in present if release.id not in kept)
