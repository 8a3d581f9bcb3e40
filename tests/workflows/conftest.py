"""Fixtures of the workflow tests: a repository, its host, and the wheel of bluegreen."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.act import CHECKOUT, Repository
from tests.support.box import Box, box_in
from tests.support.guest import FIRST_TIME_S, Guest, booted


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Raises the timeout: a test runs several workflows and may be the first to build the guest image."""
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


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """The host that the repository deploys to."""
    with box_in(tmp_path / "host", health={"timeout": "1m"}, switch={"watch": "1s"}) as box:
        yield box


@pytest.fixture
def repository(tmp_path: Path, wheels: Path, box: Box) -> Repository:
    """This repository with uncommitted changes, and with a config.yml for the sandbox."""
    made = Repository(tmp_path, wheels, sandbox=box.folder / ".sandbox")
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(listing, cwd=CHECKOUT, check=True, capture_output=True, text=True)
    for name in filter(None, listed.stdout.split("\0")):
        (made.root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(CHECKOUT / name, made.root / name)
    shutil.copy(box.folder / "config.yml", made.root)
    return made
