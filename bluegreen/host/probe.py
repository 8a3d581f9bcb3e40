"""The probe: a client on the host that sends requests through nginx during a switch and its watch."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from bluegreen.errors import BluegreenError
from bluegreen.host.answer import Answer
from bluegreen.host.judging import answer_within_s, answered_well, kept_out
from bluegreen.host.machine import Machine, Stream, application_path
from bluegreen.remote import limits


@dataclass(frozen=True)
class Asked:
    """One request: when it was sent (ms, host's clock), HTTP status (0: no answer), and the slot it named."""

    at_ms: int
    code: int
    took_ms: int
    slot: str | None


@dataclass(frozen=True)
class Proof:
    """What the probe counted.

    Args:
        failed: the requests without a good answer that the switch may have caused.
        failing_ms: from the first of them to the end of the last.
        failed_before: the other ones: before the switch, or while nothing listened (a first deploy).
        first_failure: the answer to the first failed request, and when; empty if none failed.
        kept_out: whether nginx may have given each failed answer by itself (limit_req, an allow list).
        slowest_ms: the longest time to an answer.
        first_new_ms: from the switch to the first answer that names the new slot, None without one.
        verified_ms: from the switch until the host had verified it, None if it did not.
        whole: whether it ran to the end; else the connection was lost before.
    """

    path: str
    requests: int
    failed: int
    failing_ms: int
    failed_before: int
    first_failure: str
    kept_out: bool
    slowest_ms: int
    first_new_ms: int | None
    verified_ms: int | None
    whole: bool

    def __str__(self) -> str:
        text = f"{self.requests} requests for {self.path} through nginx, {self.failed} failed"
        if self.failed > 1:
            text += f" within {self.failing_ms / 1000:.1f} s"
        if self.first_failure:
            text += f" (the first: {self.first_failure})"
        if self.kept_out:
            text += ", which nginx answers by itself (limit_req?): set switch.probe to another path"
        if self.failed_before:
            text += f", {self.failed_before} more before the switch"
        text += f", slowest {self.slowest_ms} ms"
        if self.first_new_ms is not None:
            text += f", first answer of the new slot {self.first_new_ms} ms after the switch began"
        elif self.verified_ms is not None:
            text += f", the switch was verified {self.verified_ms} ms after it began"
        return text if self.whole else f"{text}; then the connection was lost"


class Probe:
    """The running probe: it sends requests until it is closed; its proof can be read at any time."""

    def __init__(self, script: Stream, path: str) -> None:
        self._script = script
        self._path = path
        self._asked: list[Asked] = []
        self._whole = True
        self._news = threading.Condition()
        self._began, self._closing = threading.Event(), threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True, name="bluegreen-probe")
        self._reader.start()
        self._began.wait(limits.PROBE_BEGINS_S)

    @property
    def path(self) -> str:
        """What it requests."""
        return self._path

    def asked(self) -> tuple[Asked, ...]:
        """Its requests so far, oldest first."""
        return tuple(self._asked)

    def close(self, *, after_ms: int | None) -> None:
        """Ends the probe on the host.

        Args:
            after_ms: wait for one request that was sent after this time of the host's clock, None for none.
        """
        if after_ms is not None:
            with self._news:
                self._news.wait_for(
                    lambda: (
                        not self._reader.is_alive() or (self._asked and self._asked[-1].at_ms >= after_ms)
                    ),
                    limits.PROBE_LAST_ANSWER_S,
                )
        self._closing.set()
        self._script.running.close()
        self._reader.join(limits.PROBE_CLOSE_S)

    def proof(
        self,
        slot: str,
        *,
        began_ms: int | None,
        counted_from_ms: int | None,
        verified_ms: int | None,
        strict: bool,
    ) -> Proof:
        """What the probe has counted so far.

        Args:
            slot: the slot that was switched to.
            began_ms: when the switch began, by the host's clock; None if unknown.
            counted_from_ms: failures from this time on count against the switch, None if none do.
            verified_ms: time until the host had verified the switch, None if it did not.
            strict: only 2xx and 3xx are good; else any answer but a server error.
        """
        asked = self.asked()
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
            failing_ms=failed[-1].at_ms + failed[-1].took_ms - failed[0].at_ms if failed else 0,
            failed_before=len(wrong) - len(failed),
            first_failure=_described(failed[0], began_ms) if failed else "",
            kept_out=bool(failed) and all(kept_out(each.code) for each in failed),
            slowest_ms=max((max(1, each.took_ms) for each in asked if each.code), default=0),
            first_new_ms=first_new.at_ms + first_new.took_ms - began_ms if first_new and began_ms else None,
            verified_ms=verified_ms,
            whole=self._whole,
        )

    def _read(self) -> None:
        try:
            for key, value in self._script.facts(timeout_s=limits.HEALTH_ANSWER_S + limits.PROBE_SILENCE_S):
                if key == "asked":
                    at_ms, code, took_ms, slot = value.split(" ")
                    with self._news:
                        self._asked.append(Asked(int(at_ms), int(code), int(took_ms), slot or None))
                        self._news.notify_all()
                self._began.set()
        except (BluegreenError, OSError):
            self._whole = self._closing.is_set()
        finally:
            self._began.set()


def start(machine: Machine, before: Answer | None) -> Probe:
    """Starts requests for `switch.probe`, else the application's path; returns when the first one is sent.

    Args:
        before: the slot's last UP before the switch: if slow, it lengthens the wait, as in the watch.

    Raises:
        Failed: the host opens no further session.
        ConnectionLost: the connection ended.
    """
    path = machine.settings.switch.probe or application_path(machine.settings)
    script = machine.start(
        "probe",
        path=path,
        every_ms=round(limits.PROBE_EVERY_S * 1000),
        answer_s=f"{answer_within_s(before):g}",
        for_ms=round((machine.settings.switch.watch_s + limits.PROBE_EXTRA_S) * 1000),
    )
    return Probe(script, path)


def _described(failure: Asked, began_ms: int | None) -> str:
    what = f"HTTP {failure.code}" if failure.code else "no answer"
    if began_ms is None:
        return what
    after_ms = failure.at_ms - began_ms
    return f"{what} {abs(after_ms)} ms {'after' if after_ms >= 0 else 'before'} the switch began"
