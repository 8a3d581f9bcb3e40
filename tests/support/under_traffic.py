"""Traffic through the nginx of a sandbox, for the tests of P1, P2 and P8: not one request may be lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from scripts.traffic import Tally, Traffic
from tests.support.box import Box
from tests.support.waiting import wait_for


@contextmanager
def nothing_lost(box: Box) -> Iterator[Tally]:
    """Clients on keep-alive connections that never retry; a request that fails fails the test."""
    traffic = Traffic(box.sandbox.url)
    tally = traffic.phase()
    with closing(traffic):
        traffic.start()
        wait_for(lambda: tally.answered.total() > 0 or bool(tally.failed), "a first answer")
        yield tally
    assert not tally.failed, tally.failed
    assert tally.answered.total() == tally.sent
