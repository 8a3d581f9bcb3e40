"""Ctrl-C, SIGTERM and SIGHUP: a step that must not be cut finishes first, then the interrupt is raised."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from bluegreen.errors import BluegreenError
from bluegreen.rollout.fleet import in_main_thread

# A job that is cancelled on GitHub gets INT, TERM 7.5 s later, and KILL 2.5 s after that.
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """The interrupts that are held back."""

    def __init__(self) -> None:
        self.pending = False
        self._discarded = False

    @contextmanager
    def let_through(self) -> Iterator[None]:
        """Raises KeyboardInterrupt on an interrupt within the block; at once if one is pending."""
        if not in_main_thread():
            yield
            return
        with _handled_by(_interrupt):
            try:
                if self.pending:
                    raise KeyboardInterrupt
                yield
            except KeyboardInterrupt:
                self.pending = False
                raise

    def discard(self) -> None:
        """Discards a pending interrupt and ignores later ones: nothing is left to interrupt."""
        self.pending, self._discarded = False, True

    def remember(self, number: int, frame: FrameType | None) -> None:
        """Handles a signal by keeping it for later."""
        self.pending = not self._discarded


def raise_on_termination() -> None:
    """Makes these signals end a command like Ctrl-C, with its clean-up, which Python's default skips."""
    for number in _SIGNALS:
        # An ignored signal, as under `nohup`, stays ignored.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)


def ignore_interrupts() -> None:
    """Ignores interrupts from now on: only error output remains, and its exit code must not change."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def held_back(*, hurried_by: signal.Signals | None = None) -> Iterator[Interrupts]:
    """Holds interrupts back until the block has ended, and raises KeyboardInterrupt then.

    For steps whose result must be known: a switch takes well under a second. A longer wait within the block
    lets them through.

    Args:
        hurried_by: a signal that is raised at once, as its sender is about to kill.
    """
    interrupts = Interrupts()
    if not in_main_thread():
        yield interrupts
        return
    with _handled_by(interrupts.remember, raised=hurried_by):
        yield interrupts
    if interrupts.pending:
        raise KeyboardInterrupt


@contextmanager
def interrupted_as(error: Callable[[], BluegreenError | None]) -> Iterator[None]:
    """Raises an error instead of KeyboardInterrupt, for a block that changes something without a clean-up.

    Later interrupts are ignored: only the end of the command remains.

    Args:
        error: says what was changed by then and what is so now; None if nothing was changed.
    """
    try:
        yield
    except KeyboardInterrupt as interrupt:
        found = error()
        if found is None:
            raise
        ignore_interrupts()
        raise found from interrupt


@contextmanager
def _handled_by(
    handler: Callable[[int, FrameType | None], None], *, raised: signal.Signals | None = None
) -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    try:
        for number, previous in before.items():
            if previous is not signal.SIG_IGN:
                signal.signal(number, _interrupt if number is raised else handler)
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
