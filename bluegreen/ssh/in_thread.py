"""Work in a thread, so that a signal does not interrupt it.

Ctrl-C and SIGTERM raise in the main thread at any point. In the middle of a write of Paramiko that leaves
half a packet on the wire, and the connection can no longer be used, not even for the clean-up. So a thread
does the writing, and the caller only waits for it: the wait can be interrupted at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent import futures
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def begun(work: Callable[[], T]) -> Future[T]:
    """Starts the work in a daemon thread, which does not keep the program alive, and returns its future."""
    outcome: Future[T] = Future()

    def do() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:  # raised again where the result is awaited
            outcome.set_exception(error)

    threading.Thread(target=do, daemon=True, name="bluegreen-ssh").start()
    return outcome


def in_thread(work: Callable[[], T], *, timeout_s: float) -> T:
    """Does the work in a thread, waits for it and returns its result.

    Raises:
        TimeoutError: the work did not finish in time; the thread continues.
    """
    outcome = begun(work)
    # Not result(timeout_s): before Python 3.11 that raises a TimeoutError which is not the built-in one.
    if not futures.wait([outcome], timeout_s).done:
        raise TimeoutError(f"not done within {timeout_s:g} s")
    return outcome.result()
