"""Ctrl-C, SIGTERM and SIGHUP: a step that must not be cut ends first, then the interrupt comes through."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from bluegreen.rollout.fleet import in_main_thread

# A job that is cancelled on GitHub gets INT, TERM 7.5 s later, and KILL 2.5 s after that.
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """The signals that are held back."""

    def __init__(self) -> None:
        self.came = False
        self._settled = False

    @contextmanager
    def let_through(self) -> Iterator[None]:
        """Here they raise KeyboardInterrupt; one that came before does so at once."""
        if not in_main_thread():
            yield
            return
        with _handled_by(_interrupt):
            try:
                if self.came:
                    raise KeyboardInterrupt
                yield
            except KeyboardInterrupt:
                self.came = False
                raise

    def settle(self) -> None:
        """All is done: what came meanwhile, or comes from now on, has nothing left to interrupt."""
        self.came, self._settled = False, True

    def remember(self, number: int, frame: FrameType | None) -> None:
        """Handles a signal by keeping it for later."""
        self.came = not self._settled


def raise_on_termination() -> None:
    """These signals end a command like Ctrl-C, with its clean-up: Python's default would skip it."""
    for number in _SIGNALS:
        # What is ignored, as `nohup` has it, stays ignored.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)


def ignore_from_now_on() -> None:
    """Nothing is left to interrupt but the telling: a second Ctrl-C must not change the exit code."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def held_back(*, hurried_by: signal.Signals | None = None) -> Iterator[Interrupts]:
    """Holds interrupts back until the block has ended, and raises KeyboardInterrupt then.

    For the moments whose result must be known: a switch takes well under a second. A longer wait inside of
    the block lets them through.

    Args:
        hurried_by: a signal that is not held back: whoever sends it is about to kill.
    """
    interrupts = Interrupts()
    if not in_main_thread():
        yield interrupts
        return
    with _handled_by(interrupts.remember, spared=hurried_by):
        yield interrupts
    if interrupts.came:
        raise KeyboardInterrupt


@contextmanager
def _handled_by(
    handler: Callable[[int, FrameType | None], None], *, spared: signal.Signals | None = None
) -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in _SIGNALS if number is not spared}
    try:
        for number, was in before.items():
            if was is not signal.SIG_IGN:
                signal.signal(number, handler)
        yield
    finally:
        for number, was in before.items():
            signal.signal(number, was)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
