"""Long requests of users, and whether they have reached the slot."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.box import Box
from tests.support.waiting import wait_for


@contextmanager
def asking(box: Box, path: str) -> Iterator[list[tuple[int, str]]]:
    """One request under way; its answer is there once the block has ended."""
    answers: list[tuple[int, str]] = []
    thread = threading.Thread(target=lambda: answers.append(box.get(path)))
    thread.start()
    try:
        yield answers
    finally:
        thread.join()


def under_way(box: Box, path: str) -> None:
    """Waits until a request is with the slot: nginx has a connection to it."""
    port = box.sandbox.slots["prod2"]
    wait_for(lambda: _connections(port) > 0, f"{path} is under way")


def _connections(port: int) -> int:
    tables = [Path(f"/proc/net/{name}").read_text().splitlines() for name in ("tcp", "tcp6")]
    lines = [line.split() for table in tables for line in table]
    return sum(line[1].endswith(f":{port:04X}") and line[3] == "01" for line in lines)
