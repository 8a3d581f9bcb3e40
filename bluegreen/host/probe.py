"""The probe: a client on the host that asks through nginx all through a switch and its watch, and counts."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from bluegreen.errors import BluegreenError
from bluegreen.host.health import ANSWER_TIMEOUT_S, Answer, answer_within_s, answered_well
from bluegreen.host.machine import Machine, application_path
from bluegreen.ssh.connection import Running

EVERY_S = 0.1
# A deployer that vanishes without a word must not leave it behind: longer than any switch and its way back.
LONGER_S = 60
BEGINS_WITHIN_S = 2
LAST_ANSWER_WITHIN_S = 0.5


@dataclass(frozen=True)
class Asked:
    """One request: when it was asked (ms, the host's clock), status (0: no answer), and the slot it named."""

    at_ms: int
    code: int
    took_ms: int
    slot: str | None


@dataclass(frozen=True)
class Proof:
    """What the probe saw.

    Args:
        failed: requests that were not answered well, once the switch could be the reason.
        failed_before: the others: it had not begun, or nothing listened in the old slot (a first deploy).
        first_failure: what came in place of a good answer, and when; empty if nothing failed.
        slowest_ms: of those that were answered.
        first_new_ms: from the switch on to the first answer that names the new slot, None without one.
        verified_ms: from the switch on until the host had verified it, None if it did not.
        whole: it asked to the end; else the connection was lost before.
    """

    path: str
    requests: int
    failed: int
    failed_before: int
    first_failure: str
    slowest_ms: int
    first_new_ms: int | None
    verified_ms: int | None
    whole: bool

    def __str__(self) -> str:
        told = f"{self.requests} requests for {self.path} through nginx, {self.failed} failed"
        if self.first_failure:
            told += f" (the first: {self.first_failure})"
        if self.failed_before:
            told += f", {self.failed_before} more before the switch"
        told += f", slowest {self.slowest_ms} ms"
        if self.first_new_ms is not None:
            told += f", first answer of the new slot {self.first_new_ms} ms after the switch began"
        elif self.verified_ms is not None:
            told += f", the switch was verified {self.verified_ms} ms after it began"
        return told if self.whole else f"{told}; then the connection was lost"


class Probe:
    """Asks until it is closed; what it has seen so far can be read at any time."""

    def __init__(self, running: Running, path: str) -> None:
        self._running = running
        self._path = path
        self._asked: list[Asked] = []
        self._whole = True
        self._news = threading.Condition()
        self._began, self._closing = threading.Event(), threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True, name="bluegreen-probe")
        self._reader.start()
        self._began.wait(BEGINS_WITHIN_S)

    def close(self, *, after_ms: int | None) -> None:
        """Ends it on the host.

        Args:
            after_ms: of the host's clock: one answer that was asked for later is waited for, None for none.
        """
        if after_ms is not None:
            with self._news:
                self._news.wait_for(
                    lambda: (
                        not self._reader.is_alive() or (self._asked and self._asked[-1].at_ms >= after_ms)
                    ),
                    LAST_ANSWER_WITHIN_S,
                )
        self._closing.set()
        self._running.close()
        self._reader.join(1)

    def proof(
        self,
        slot: str,
        *,
        began_ms: int | None,
        counted_from_ms: int | None,
        verified_ms: int | None,
        strict: bool,
    ) -> Proof:
        """What it saw so far.

        Args:
            slot: the one that was switched to.
            began_ms: when the switch began, by the host's clock; None if that is not known.
            counted_from_ms: the switch is the reason of what fails from then on, None if of nothing.
            verified_ms: how long it took until the host had verified it, None if it did not.
            strict: only 2xx and 3xx are good; else anything but silence and an error of a server.
        """
        asked = list(self._asked)
        wrong = [each for each in asked if not answered_well(each.code, strict=strict)]
        failed = [
            each
            for each in wrong
            if counted_from_ms is not None and each.at_ms + each.took_ms >= counted_from_ms
        ]
        new = (each for each in asked if each.slot == slot and began_ms and each.at_ms >= began_ms)
        first_new = next(new, None)
        return Proof(
            path=self._path,
            requests=len(asked),
            failed=len(failed),
            failed_before=len(wrong) - len(failed),
            first_failure=_told(failed[0], began_ms) if failed else "",
            slowest_ms=max((max(1, each.took_ms) for each in asked if each.code), default=0),
            first_new_ms=first_new.at_ms + first_new.took_ms - began_ms if first_new and began_ms else None,
            verified_ms=verified_ms,
            whole=self._whole,
        )

    def _read(self) -> None:
        try:
            for line in self._running.lines(timeout_s=ANSWER_TIMEOUT_S + 10):
                word, *told = line.split()
                if word == "asked":
                    slot = told[3] if len(told) > 3 else None
                    with self._news:
                        self._asked.append(Asked(int(told[0]), int(told[1]), int(told[2]), slot))
                        self._news.notify_all()
                self._began.set()
        except (BluegreenError, OSError):
            self._whole = self._closing.is_set()
        finally:
            self._began.set()


def start(machine: Machine, before: Answer | None) -> Probe:
    """Begins to ask `switch.probe`, else the application's path, ten times a second; returns once it does.

    Args:
        before: the slot's last UP before the switch: like the watch, it waits that much longer for answers.

    Raises:
        Failed: the host opens no further session.
        ConnectionLost: there is no connection any more.
    """
    path = machine.settings.switch.probe or application_path(machine.settings)
    running = machine.start(
        "probe",
        path=path,
        every_ms=round(EVERY_S * 1000),
        answer_s=f"{answer_within_s(before):g}",
        for_ms=round((machine.settings.switch.watch_s + LONGER_S) * 1000),
    )
    return Probe(running, path)


def _told(failure: Asked, began_ms: int | None) -> str:
    what = f"HTTP {failure.code}" if failure.code else "no answer"
    if began_ms is None:
        return what
    after_ms = failure.at_ms - began_ms
    return f"{what} {abs(after_ms)} ms {'after' if after_ms >= 0 else 'before'} the switch began"
