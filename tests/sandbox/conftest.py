"""Sandboxes for the tests: real sshd, real nginx, real JVMs, one for each test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bluegreen import config
from bluegreen.sandbox import host
from tests.box import QUICK_JAVA, Box


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """A sandbox that runs, with nothing deployed."""
    box = Box(tmp_path)
    # Of this process alone: a slot's port is free until its deploy, so two sandboxes could take the same.
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first_port = 20_000 + os.getppid() * 50 % 10_000 + worker * 5
    box.configure(
        app="taggle",
        slots={"prod1": first_port + 1, "prod2": first_port + 2},
        site={"listen": first_port},
        java={"options": QUICK_JAVA},
        health={"every": "100ms", "timeout": "20s"},
        switch={"watch": 0},
        old_slot={"drain": "1s", "stop_timeout": "5s"},
        hosts={"sandbox": {"sandbox": True}},
    )
    # Not by the command: a Python more for each start and stop would be a third of the suite's time.
    folder = tmp_path / ".sandbox"
    host.start(config.load(tmp_path / "config.yml").host("sandbox"), folder)
    try:
        yield box
    finally:
        host.stop(folder)
