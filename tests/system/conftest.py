"""Guests for the tests: real machines, one for each test. Where there can be none, the tests fail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.guest import Guest, booted
from tests.support.image import Layer
from tests.support.outside import NoGuest

FIRST_TIME_S = 1200


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


def _booted(layer: Layer) -> Iterator[Guest]:
    with _or_failed(), booted("guest", layer=layer) as guest:
        yield guest


@contextmanager
def _or_failed() -> Iterator[None]:
    try:
        yield
    except NoGuest as none:
        raise pytest.fail.Exception(str(none), pytrace=False) from None
