"""Sandboxes for the tests: real sshd, real nginx, real JVMs, one for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.box import Box, box_in


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """A sandbox that runs, with nothing deployed."""
    with box_in(tmp_path) as box:
        yield box
