"""Health: observing a slot, waiting for UP, and what a slot must answer before it serves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum

from bluegreen.errors import Failed
from bluegreen.host import never_up, seek
from bluegreen.host.answer import Answer
from bluegreen.host.facts import lines_of
from bluegreen.host.machine import Machine, application_path, step_failed
from bluegreen.host.serving import Serving
from bluegreen.remote import limits

LOG_LINES = 30
# In which the lines of a start are.
START_LINES = 300


class End(Enum):
    """Why an observation ended.

    DEAD: the process died. FOREIGN: another process answers on the port. OVER: the time that was asked for
    passed. SILENT: the observer on the host ended without a reason.
    """

    DEAD = "dead"
    FOREIGN = "foreign"
    OVER = "over"
    SILENT = "silent"


@dataclass(frozen=True)
class Look:
    """One look at a slot.

    Args:
        own: the HTTP status of a path on its own port, if one was requested.
        at_ms: when, by the machine's clock, since the observation began.
    """

    health: Answer
    own: int | None = None
    at_ms: int = 0


@dataclass(frozen=True)
class Ended:
    """The end of an observation.

    Args:
        log: the last lines of the slot's log.
        detail: the pid of the other process (FOREIGN), or the error output (SILENT).
    """

    end: End
    log: tuple[str, ...] = ()
    detail: str = ""


class Consecutive:
    """Counts consecutive hits; a miss resets the count.

    Args:
        enough: the number of hits that is needed.
    """

    def __init__(self, enough: int) -> None:
        self._enough = enough
        self._count = 0

    def reached_by(self, hit: bool) -> bool:
        """Counts a hit or a miss; returns whether there are enough consecutive hits now."""
        self._count = self._count + 1 if hit else 0
        return self._count >= self._enough


def observe(
    machine: Machine,
    slot: str,
    pid: int,
    *,
    for_s: float,
    every_s: float,
    answer_s: float,
    path: str = "",
    log_lines: int = LOG_LINES,
    serving: Serving | None = None,
) -> Iterator[Look | Ended]:
    """Observes a slot on the host; yields each look and, last, an `Ended`.

    Args:
        pid: the process that must be the one that answers (P1).
        for_s: seconds until it ends by itself.
        every_s: seconds from look to look.
        answer_s: seconds that an answer may take.
        path: what to request on the slot's own port at each look as well, empty for none.
        log_lines: the lines of the log to read at the end; 0 where reading it would take time that counts.
        serving: the JVM that serves users meanwhile; it is told when that JVM ends.
    """
    log: tuple[str, ...] = ()
    own_code: int | None = None
    redirect = ""
    with machine.start(
        "observe",
        slot=slot,
        pid=pid,
        port=machine.settings.slots[slot],
        health_port=machine.settings.health_port(slot),
        for_ms=round(for_s * 1000),
        every_ms=round(every_s * 1000),
        answer_s=f"{answer_s:g}",
        path=path,
        log_lines=log_lines,
        serving_pid=serving.pid if serving else "",
    ) as observer:
        for key, value in observer.facts(timeout_s=for_s + limits.OBSERVER_SILENCE_S):
            if key == "log":
                log = tuple(lines_of(value))
            elif key == "own":
                own_code = int(value)
            elif key == "redirect":
                redirect = value
            elif key == "answer":
                code, took_ms, at_ms, body = value.split(" ", 3)
                yield Look(Answer(int(code), body, int(took_ms), redirect), own_code, int(at_ms))
                redirect = ""
            elif key == "closed":
                yield Look(Answer(0, "", closed=True), own_code, int(value))
            elif key == "serving_ended" and serving:
                serving.ended()
            elif key == "tls":
                yield Look(Answer(0, "", tls=True), own_code, int(value))
            else:
                yield Ended(End(key), log, value)
                return
        report = observer.wait(timeout_s=limits.SCRIPT_END_S)
        yield Ended(End.SILENT, log, "; ".join(report.errors))


def wait_until_up(machine: Machine, slot: str, pid: int, serving: Serving) -> Answer:
    """Waits for `health.ups` consecutive answers UP; ends within a second of UP, or of the JVM's death (P12).

    Args:
        serving: the JVM that serves users meanwhile.

    Returns:
        The last of them.

    Raises:
        Failed: the JVM died, another process answers on its port, its answer is one that cannot become UP, or
            `health.timeout` passed; with the last answer and its cause, or the last lines of the log.
    """
    settings = machine.settings
    health = settings.health
    ups = Consecutive(health.ups)
    unchanged = never_up.Unchanged(limits.NEVER_UP_S)
    named: set[str] = set()
    last: Answer | None = None
    for seen in observe(
        machine,
        slot,
        pid,
        for_s=health.timeout_s,
        every_s=health.every_s,
        answer_s=limits.HEALTH_ANSWER_S,
        serving=serving,
    ):
        if isinstance(seen, Ended):
            raise _never_up(machine, slot, pid, seen, last).extended(live=serving.live)
        cause = never_up.reason(seen.health, settings, slot)
        if cause and cause.kind not in named:
            named.add(cause.kind)
            machine.console.warn(f"{slot}: {cause.text}; what to do: {cause.remedy}")
        elif not cause and (last is None or seen.health.status != last.status):
            machine.console.note(f"{slot} health: {seen.health.status}")
        last = seen.health
        if ups.reached_by(last.up):
            return last
        if unchanged.reached_by(cause, seen.at_ms):
            raise _given_up(machine, slot, last).extended(live=serving.live)
    raise Failed(
        f"{slot} did not become UP: the observer on the host ended without a reason",
        remedy=fix_application(machine, slot),
    )


def _given_up(machine: Machine, slot: str, last: Answer) -> Failed:
    # Without the log, which is that of a healthy application.
    cause = never_up.reason(last, machine.settings, slot)
    assert cause is not None  # noqa: S101 # without one it is waited for
    if cause.elsewhere:
        log: list[str] = []
        # A log that cannot be read must not hide the cause.
        with suppress(Failed):
            log = logs_of(machine, slot, START_LINES)
        cause = seek.located(machine, slot, cause, log)
    answered = [f"health answer: {never_up.shown(str(last))}"] if last.code else []
    return Failed(
        f"{slot} cannot become UP: {cause.text}",
        why=[*answered, f"it did not change for {limits.NEVER_UP_S:g} s"],
        remedy=f"{cause.remedy}; then deploy again",
    )


def _never_up(machine: Machine, slot: str, pid: int, ended: Ended, last: Answer | None) -> Failed:
    port = machine.settings.health_port(slot)
    answered = f"last health answer: {last}" if last else f"it never listened on port {port}"
    what = {
        End.DEAD: f"{slot} died while starting (pid {pid})",
        End.FOREIGN: f"another process (pid {ended.detail}) answers on port {port} of {slot}",
        End.OVER: f"{slot} was not UP within {machine.settings.health.timeout_s:g} s",
        End.SILENT: f"the observer of {slot} stopped: {ended.detail}",
    }[ended.end]
    cause = never_up.reason(last, machine.settings, slot) if last and ended.end is End.OVER else None
    if cause:
        return Failed(
            f"{what}: {cause.text}",
            why=[answered],
            remedy=f"{cause.remedy}; {fix_application(machine, slot)}",
        )
    remedy = fix_application(machine, slot)
    if ended.end is End.FOREIGN:
        remedy = f"stop that process, or set another port for {slot} under slots: in config.yml"
    return Failed(what, why=[answered, *log_lines(slot, ended.log)], remedy=remedy)


def fix_application(machine: Machine, slot: str) -> str:
    """What to do about a version that fails: the remedy of an error that the application is the cause of."""
    log = f"bluegreen logs --host {machine.settings.host} --slot {slot}"
    return f"fix it and deploy again; the complete log: `{log}`"


def log_lines(slot: str, log: tuple[str, ...]) -> list[str]:
    """The end of a log as lines of an error's cause."""
    if not log:
        return [f"the log of {slot} is empty"]
    return [f"last {len(log)} lines of the log of {slot}:", *(f"  {line}" for line in log)]


def smoke(machine: Machine, slot: str) -> None:
    """Requests each `health.smoke` path `health.warm` times from the slot itself, before it serves users.

    Raises:
        Failed: an answer was not 2xx; with the last lines of the slot's log.
    """
    health = machine.settings.health
    for code, duration_ms, path in _requested(machine, slot, health.smoke, max(1, health.warm)):
        if not code.startswith("2"):
            answered = "gave no answer" if code == "000" else f"answered {code}"
            raise Failed(
                f"smoke path {path} of {slot} {answered} after {duration_ms} ms, not 2xx",
                why=log_lines(slot, tuple(logs_of(machine, slot))),
                remedy=fix_application(machine, slot),
            )


def warm(machine: Machine, slot: str) -> None:
    """Requests the application's path `health.warm` times from the slot itself, whatever it answers."""
    settings = machine.settings
    _requested(machine, slot, [application_path(settings)], settings.health.warm)


def _requested(machine: Machine, slot: str, paths: Sequence[str], times: int) -> list[tuple[str, str, str]]:
    """HTTP status, duration in ms and path of each request."""
    facts = machine.run(
        "smoke",
        port=machine.settings.slots[slot],
        paths="\n".join(paths),
        times=times,
        answer_s=limits.SMOKE_ANSWER_S,
        timeout_s=limits.SCRIPT_S + limits.SMOKE_ANSWER_S * len(paths) * times,
    )
    answers = [answer.split(" ", 2) for _, answer in facts.under("answer.")]
    return [(code, duration_ms, path) for code, duration_ms, path in answers]


def logs_of(machine: Machine, slot: str, lines: int = LOG_LINES) -> list[str]:
    """The last lines of a slot's log.

    Raises:
        Failed: the log cannot be read.
    """
    with machine.start("logs", slot=slot, log_lines=lines, follow=False) as running:
        log = list(running.text(timeout_s=limits.SCRIPT_S))
        report = running.wait(timeout_s=limits.SCRIPT_END_S)
    if report.exit_code != 0:
        raise step_failed(machine, "logs", report)
    return log
