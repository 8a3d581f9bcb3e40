"""Repositories for the tests of the workflows, and what pip installs bluegreen from in them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.conftest import FIRST_TIME_S
from tests.system.guest import Guest, booted
from tests.workflows.act import CHECKOUT


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test here is several runs of a workflow, and may be the first to make the guests' image."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(FIRST_TIME_S))


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheels")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*pip, "--wheel-dir", str(folder), str(CHECKOUT)], check=True)
    return folder


@pytest.fixture
def guest() -> Iterator[Guest]:
    """A machine with nginx and a JRE."""
    with booted("guest", layer="ready") as guest:
        yield guest
