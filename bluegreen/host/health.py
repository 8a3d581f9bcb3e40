"""Health: judging an answer, and waiting for UP."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from bluegreen.errors import Failed
from bluegreen.host.machine import Machine, application_path, decode

LOG_LINES = 30
# A hung application must not hang the look at it.
ANSWER_TIMEOUT_S = 5
WATCH_EVERY_S = 0.5
# A second for an answer, or so many times what the last UP took before the switch: some ask databases first.
WATCH_ANSWER_TIMEOUT_S = 1.0
WATCH_SLOWER_TIMES = 4
# One failed look may be a pause of the garbage collector, or of the machine.
FAILURES_IN_A_ROW = 2
# Room for the second look at a slot that failed the last one in time.
WATCH_LONGER_S = 10


@dataclass(frozen=True)
class Answer:
    """An answer to a health request: HTTP status (0: none came), body, and how long it took."""

    code: int
    body: str
    took_ms: int = 0

    @property
    def status(self) -> str:
        """The top-level `status`, read as JSON; what it was otherwise, in words (P1)."""
        if self.code == 0:
            return "no answer"
        try:
            told = json.loads(self.body)
        except ValueError:
            return f"no JSON (HTTP {self.code})"
        status = told.get("status") if isinstance(told, dict) else None
        if not isinstance(status, str):
            return f"no status (HTTP {self.code})"
        return status

    @property
    def up(self) -> bool:
        """UP, and said with a 2xx."""
        return self.status == "UP" and 200 <= self.code < 300

    def __str__(self) -> str:
        body = self.body if len(self.body) <= 2000 else f"{self.body[:2000]}…"
        return f"HTTP {self.code} {body}".rstrip() if self.code else "no answer"


class End(Enum):
    """Why an observation ended by itself."""

    DEAD = "dead"
    FOREIGN = "foreign"
    OVER = "over"
    SILENT = "silent"


@dataclass(frozen=True)
class Look:
    """One look at a slot: its health, and the HTTP status of what came through nginx if that was asked."""

    health: Answer
    through: int | None = None


@dataclass(frozen=True)
class Ended:
    """The last thing an observation tells."""

    end: End
    log: tuple[str, ...] = ()
    detail: str = ""


class InARow:
    """Counts what is so at each look, and begins anew where one is not.

    Args:
        enough: so many in a row are wanted.
    """

    def __init__(self, enough: int) -> None:
        self._enough = enough
        self._count = 0

    def full(self, so: bool) -> bool:
        """Takes one more look into account; whether there are enough by now."""
        self._count = self._count + 1 if so else 0
        return self._count >= self._enough


def observe(
    machine: Machine, slot: str, pid: int, *, for_s: float, every_s: float, answer_s: float, through: str = ""
) -> Iterator[Look | Ended]:
    """Looks at a slot again and again, on the host; ends with an `Ended`.

    Args:
        pid: the process that must be the one that answers (P1).
        for_s: seconds until it ends by itself.
        every_s: seconds from look to look.
        answer_s: seconds that an answer may take.
        through: a path to ask through nginx at each look as well, empty for none.
    """
    log: tuple[str, ...] = ()
    through_code: int | None = None
    with machine.start(
        "observe",
        slot=slot,
        pid=pid,
        port=machine.settings.slots[slot],
        health_port=machine.settings.health_port(slot),
        for_ms=round(for_s * 1000),
        every_ms=round(every_s * 1000),
        answer_s=f"{answer_s:g}",
        through=through,
    ) as running:
        for line in running.lines(timeout_s=for_s + 30):
            word, _, rest = line.partition(" ")
            if word == "log":
                log = tuple(decode(rest).splitlines())
            elif word == "through":
                through_code = int(rest)
            elif word == "answer":
                yield Look(_answer(rest), through_code)
            elif word in {end.value for end in End}:
                yield Ended(End(word), log, rest)
                return
        result = running.wait(timeout_s=10)
        yield Ended(End.SILENT, log, result.stderr.strip())


def wait_until_up(machine: Machine, slot: str, pid: int) -> Answer:
    """Waits for `health.ups` answers UP in a row; ends within a second of UP, or of the JVM's death (P12).

    Returns:
        The last of them.

    Raises:
        Failed: it died, another process answers in its place, or the time is over; with the last answer and
            the last lines of its log.
    """
    settings = machine.settings
    health = settings.health
    in_a_row = InARow(health.ups)
    last: Answer | None = None
    for seen in observe(
        machine, slot, pid, for_s=health.timeout_s, every_s=health.every_s, answer_s=ANSWER_TIMEOUT_S
    ):
        if isinstance(seen, Ended):
            raise _never_up(machine, slot, pid, seen, last)
        if last is None or seen.health.status != last.status:
            machine.console.note(f"{slot} health: {seen.health.status}")
        last = seen.health
        if in_a_row.full(last.up):
            return last
    raise Failed(f"{slot} was not seen to get UP: the observation on the host ended without a word")


def _never_up(machine: Machine, slot: str, pid: int, ended: Ended, last: Answer | None) -> Failed:
    port = machine.settings.health_port(slot)
    answered = f"last health answer: {last}" if last else f"it never listened on port {port}"
    what = {
        End.DEAD: f"{slot} died while starting (pid {pid})",
        End.FOREIGN: f"port {port} of {slot} is answered by another process (pid {ended.detail})",
        End.OVER: f"{slot} was not UP within {machine.settings.health.timeout_s:g} s",
        End.SILENT: f"the observation of {slot} broke off: {ended.detail}",
    }[ended.end]
    return Failed(what, why=[answered, *log_lines(slot, ended.log)])


def log_lines(slot: str, log: tuple[str, ...]) -> list[str]:
    """The end of a log as lines of an error's cause."""
    if not log:
        return [f"the log of {slot} is empty"]
    return [f"last {len(log)} lines of the log of {slot}:", *(f"  {line}" for line in log)]


def smoke(machine: Machine, slot: str) -> None:
    """Asks each `health.smoke` path `health.warm` times on the slot itself, before it serves anybody.

    Raises:
        Failed: an answer was not 2xx; with the last lines of the slot's log.
    """
    health = machine.settings.health
    for code, duration_ms, path in _asked(machine, slot, health.smoke, max(1, health.warm)):
        if not code.startswith("2"):
            answered = "gave no answer" if code == "000" else f"answered {code}"
            raise Failed(
                f"smoke path {path} of {slot} {answered} after {duration_ms} ms, not 2xx",
                why=log_lines(slot, tuple(logs_of(machine, slot))),
            )


def warm(machine: Machine, slot: str) -> None:
    """Asks the application's path `health.warm` times on the slot itself, whatever it answers."""
    settings = machine.settings
    _asked(machine, slot, [application_path(settings)], settings.health.warm)


def _asked(machine: Machine, slot: str, paths: Sequence[str], times: int) -> list[tuple[str, str, str]]:
    """HTTP status, duration in ms and path of each request."""
    lines = machine.run(
        "smoke",
        port=machine.settings.slots[slot],
        paths="\n".join(paths),
        times=times,
        timeout_s=60 + 30 * len(paths) * times,
    )
    told = [line.split(" ", 3) for line in lines]
    return [(code, duration_ms, path) for _, code, duration_ms, path in told]


def names_itself(machine: Machine, slot: str) -> None:
    """Asks the verify path on the slot itself, before a user asks through nginx.

    Raises:
        Failed: it does not answer the slot's name there, while the live slot answers its own.
    """
    settings = machine.settings
    if settings.switch.verify is None:
        return
    live = settings.other(slot)
    told = machine.run(
        "name",
        slot=slot,
        port=settings.slots[slot],
        live=live,
        live_port=settings.slots[live],
        answer_s=ANSWER_TIMEOUT_S,
    )
    for line in told:
        _, code, body = line.split(" ", 2)
        raise Failed(
            f"{slot} is UP, but does not answer its name",
            why=[
                f"{settings.switch.verify} on its own port answers {Answer(int(code), decode(body))}",
                *log_lines(slot, tuple(logs_of(machine, slot))),
            ],
        )


def watch(
    machine: Machine,
    slot: str,
    pid: int,
    *,
    before: Answer | None,
    verified: bool,
    called_off: threading.Event,
) -> Ended | None:
    """Watches a slot that has just taken traffic, for `switch.watch` seconds, twice a second.

    Args:
        before: its last UP before the switch, if that was seen.
        verified: the verify path answers for this slot; else any answer of an application will do.
        called_off: set once it is known that the slot will be switched back, whatever is seen of it.

    Returns:
        None if it held; else why it must be switched back: it died, or failed two looks in a row. Where it
        still runs its log is left for later: users wait for the way back.
    """
    settings = machine.settings
    if settings.switch.watch_s <= 0:
        return None
    path = application_path(settings)
    strict = verified and settings.switch.verify is not None
    failures = InARow(FAILURES_IN_A_ROW)
    until = time.monotonic() + settings.switch.watch_s
    for seen in observe(
        machine,
        slot,
        pid,
        for_s=settings.switch.watch_s + WATCH_LONGER_S,
        every_s=WATCH_EVERY_S,
        answer_s=answer_within_s(before),
        through=path,
    ):
        if called_off.is_set():
            return None
        if isinstance(seen, Ended):
            if seen.end is End.OVER:
                return None
            return Ended(
                seen.end, seen.log, f"{slot} died (pid {pid})" if seen.end is End.DEAD else seen.detail
            )
        trouble = _trouble(seen, path, strict=strict)
        if trouble:
            machine.console.warn(f"watch: {trouble}")
        if failures.full(bool(trouble)):
            return Ended(End.OVER, detail=trouble)
        if not trouble and time.monotonic() >= until:
            return None
    return None


def _trouble(seen: Look, path: str, *, strict: bool) -> str:
    if not seen.health.up:
        return f"health answers {seen.health}"
    if seen.through is not None and not answered_well(seen.through, strict=strict):
        return f"{path} through nginx answers {seen.through or 'nothing'}"
    return ""


def answered_well(code: int, *, strict: bool) -> bool:
    """Whether an application answered through nginx, and without an error.

    Args:
        strict: the path is known to be one that it has; else that it has not (404) is good enough.
    """
    return 200 <= code < 400 if strict else 100 <= code < 500


def answer_within_s(before: Answer | None) -> float:
    """Seconds that an answer may take from the switch on.

    Args:
        before: the slot's last UP before the switch, if that was seen.
    """
    usual_s = before.took_ms / 1000 if before else 0.0
    return min(max(WATCH_ANSWER_TIMEOUT_S, WATCH_SLOWER_TIMES * usual_s), ANSWER_TIMEOUT_S)


def logs_of(machine: Machine, slot: str, lines: int = LOG_LINES) -> list[str]:
    """The last lines of a slot's log."""
    return machine.run("logs", slot=slot, count=lines, follow=False)


def _answer(text: str) -> Answer:
    code, took_ms, body = text.split(" ", 2)
    return Answer(int(code), decode(body), int(took_ms))
