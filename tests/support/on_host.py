"""What the files and processes of a sandbox say themselves, read without asking bluegreen."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from tests.support.box import Box
from tests.support.processes import alive


def first_line(box: Box) -> str:
    """The line of the include that decides at the next start of nginx."""
    return box.include.read_text().splitlines()[0]


def line_to(slot: str) -> str:
    """What that line is when it names a slot of the sandbox's own site."""
    return f"set $service_url http://taggle-{slot};"


def markers(box: Box) -> list[str]:
    """The slots whose marker is there."""
    return sorted(path.name for path in box.runtime.iterdir())


def journal(box: Box) -> list[dict[str, Any]]:
    """Each line of the journal, oldest first."""
    return [json.loads(line) for line in (box.base / "history.jsonl").read_text().splitlines()]


def last_entry(box: Box) -> dict[str, Any]:
    """The journal's last line."""
    return journal(box)[-1]


def versions(box: Box) -> list[str]:
    """The versions of the releases that are there, oldest first."""
    facts = sorted((box.base / "releases").glob("*/release.json"))
    return [json.loads(path.read_text())["version"] for path in facts]


def release_of(box: Box, version: str) -> str:
    """The id of the one release of a version."""
    (found,) = [
        path.parent.name
        for path in (box.base / "releases").glob("*/release.json")
        if json.loads(path.read_text())["version"] == version
    ]
    return found


def pid_of(box: Box, slot: str) -> int | None:
    """The pid of a slot's JVM by its pid file, None if it does not run."""
    file = box.base / "run" / f"{slot}.pid"
    if not file.exists():
        return None
    pid = int(file.read_text().split()[0])
    return pid if alive(pid) else None


def live_pid(box: Box, slot: str) -> int:
    """As `pid_of`, of a slot that must run."""
    pid = pid_of(box, slot)
    assert pid is not None
    return pid


def environment_of(pid: int) -> dict[str, str]:
    """What a process was given, byte for byte."""
    entries = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    return dict(entry.split("=", 1) for entry in entries if entry)


def arguments_of(pid: int) -> list[str]:
    """The command line of a process."""
    return Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")[:-1]


def whole(box: Box) -> dict[str, str]:
    """All that a deploy could change on the host, by path: the app's folder, the include, the markers."""
    roots = [box.base, box.include.parent, box.runtime]
    return {str(path): _content(path) for root in roots for path in sorted(root.rglob("*"))}


def _content(path: Path) -> str:
    if path.is_symlink():
        return f"link to {path.readlink()}"
    if path.is_dir():
        return "folder"
    return f"{path.stat().st_ino} {hashlib.sha256(path.read_bytes()).hexdigest()}"
