"""Guests for the tests: real machines, one for each test that changes it. Without guests the tests fail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.guest import FIRST_TIME_S, Guest, booted, prepared
from tests.support.hosts import Rented, rented
from tests.support.image import Layer
from tests.support.outside import NoGuest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first test of all makes the image, which takes minutes where the network is slow."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(FIRST_TIME_S))


@pytest.fixture
def guest() -> Iterator[Guest]:
    """A machine with nginx and a JRE."""
    yield from _booted("ready")


@pytest.fixture
def bare_guest() -> Iterator[Guest]:
    """A machine as it is rented: neither nginx nor Java."""
    yield from _booted("bare")


@pytest.fixture(scope="module")
def shared_guest() -> Iterator[Guest]:
    """A machine with nginx and a JRE for the tests of a file that leave it as it is."""
    yield from _booted("ready")


@pytest.fixture
def ubuntus_host(tree_for_ubuntu: Path, tmp_path: Path) -> Iterator[Rented]:
    """A machine of its own for a test, as `setup` left it for the user ubuntu."""
    with _or_failed(), booted("guest", over=tree_for_ubuntu) as guest:
        yield rented(tmp_path, guest)


@pytest.fixture
def deploys_host(tree_for_deploy: Path, tmp_path: Path) -> Iterator[Rented]:
    """As `ubuntus_host`, for the user deploy, who may nothing else as root."""
    with _or_failed(), booted("guest", over=tree_for_deploy) as guest:
        yield rented(tmp_path, guest, user="deploy")


@pytest.fixture(scope="session")
def tree_for_ubuntu(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What `setup` for the user ubuntu changes on a machine: done once, as it takes longer than a boot."""
    folder = tmp_path_factory.mktemp("prepared")
    with _or_failed(), prepared(lambda guest: rented(folder, guest).set_up()) as tree:
        yield tree


@pytest.fixture(scope="session")
def tree_for_deploy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """As `tree_for_ubuntu`, for the user deploy, set up by ubuntu."""
    folder = tmp_path_factory.mktemp("prepared")

    def prepare(guest: Guest) -> None:
        rented(folder, guest, user="deploy").set_up("--login", "ubuntu")

    with _or_failed(), prepared(prepare) as tree:
        yield tree


def _booted(layer: Layer) -> Iterator[Guest]:
    with _or_failed(), booted("guest", layer=layer) as guest:
        yield guest


@contextmanager
def _or_failed() -> Iterator[None]:
    try:
        yield
    except NoGuest as none:
        raise pytest.fail.Exception(str(none), pytrace=False) from None
