"""Work that a signal must not cut in two.

Ctrl-C and SIGTERM raise in the main thread wherever it is. In the middle of Paramiko's write that leaves half
a packet on the wire and the whole connection unusable, also for the cleaning up. So what writes is done in a
thread, and the caller only waits for it: the wait can be raised through at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent import futures
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def begun(work: Callable[[], T]) -> Future[T]:
    """Starts the work in a thread that does not keep the program alive, and gives what it will come to."""
    outcome: Future[T] = Future()

    def do() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:  # whoever waits gets it
            outcome.set_exception(error)

    threading.Thread(target=do, daemon=True, name="bluegreen-ssh").start()
    return outcome


def uninterrupted(work: Callable[[], T], *, timeout_s: float) -> T:
    """Does the work in a thread and waits for it.

    Raises:
        TimeoutError: it was not done in time; it goes on unseen.
    """
    outcome = begun(work)
    # Not result(timeout_s): before Python 3.11 that raises a TimeoutError which is not the built-in one.
    if not futures.wait([outcome], timeout_s).done:
        raise TimeoutError(f"not done within {timeout_s:g} s")
    return outcome.result()
