"""Ctrl-C and SIGTERM: a step that must not be cut is ended first, then the interrupt comes through."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from bluegreen.procedures.fleet import in_main_thread

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def raise_on_sigterm() -> None:
    """SIGTERM ends a command like Ctrl-C, with its clean-up: Python's default would skip it."""
    signal.signal(signal.SIGTERM, _interrupt)


def ignore_from_now_on() -> None:
    """Nothing is left to interrupt but the telling: a second Ctrl-C must not change the exit code."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def held_back() -> Iterator[None]:
    """Holds an interrupt back until the block has ended, and raises KeyboardInterrupt then.

    For the moments whose result must be known: a switch takes well under a second.
    """
    if not in_main_thread():
        yield
        return
    came: list[int] = []

    def remember(number: int, _: FrameType | None) -> None:
        came.append(number)

    before = {number: signal.signal(number, remember) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if came:
        raise KeyboardInterrupt


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
