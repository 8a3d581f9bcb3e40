"""Promote: from a slot that is UP to one that serves. Switch, verify, watch, retire the old slot, record."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from bluegreen.console.terminal import seconds
from bluegreen.errors import BluegreenError, ConnectionLost, Failed, SwitchedBack, Unclear
from bluegreen.host import health, probe, proxy
from bluegreen.host.journal import Outcome
from bluegreen.host.look import look
from bluegreen.host.machine import RouteMoved
from bluegreen.host.proxy import NotSwitched, Proxy, Switched
from bluegreen.host.watch import WatchFailure
from bluegreen.host.watch import watch as watch_slot
from bluegreen.rollout.attempt import (
    Attempt,
    abandon,
    connect_again,
    explained,
    record_end,
    stop_failed,
    surviving,
    undone_on_failure,
)
from bluegreen.rollout.fleet import attempt_each, side_by_side
from bluegreen.rollout.interrupts import Interrupts
from bluegreen.rollout.retire import retire


def promote(attempts: Sequence[Attempt], interrupts: Interrupts, *, watched: bool) -> None:
    """Switches every machine, or none; watches them; retires the old slot; writes the journal.

    Args:
        interrupts: they are held back; let through, they cut short the watch and the wait for the old slot:
            the new version serves by then.
        watched: whether a failing slot is switched back during `switch.watch` seconds.

    Raises:
        Failed: a machine was not switched; those that were are switched back.
        SwitchedBack: one failed the watch; all are back on what served before.
    """
    console = attempts[0].machine.console
    trouble, cut_short = None, None
    with probed(attempts):
        # The last moment to turn back, also for an interrupt that came while the probes began.
        with undone_on_failure(attempts), interrupts.let_through():
            side_by_side(attempts, lambda attempt: health.require_own_name(attempt.machine, attempt.slot))
        switch_all(attempts)
        try:
            with interrupts.let_through():
                trouble = watch_all(attempts) if watched else None
        except KeyboardInterrupt:
            cut_short = "interrupted after the switch"
            console.warn(f"{cut_short}: the new version serves, and was not watched")
        if trouble:
            raise switch_all_back(attempts, trouble)
    try:
        with interrupts.let_through():
            if not cut_short:
                side_by_side(attempts, lambda attempt: surviving(attempt, retire))
    except KeyboardInterrupt:
        cut_short = "interrupted while the old slot was retired"
        console.warn(f"{cut_short}: the new version serves; what still runs there the next deploy stops")
    side_by_side(attempts, lambda attempt: surviving(attempt, finish(cut_short)))
    interrupts.settle()


@contextmanager
def probed(attempts: Sequence[Attempt]) -> Iterator[None]:
    """Asks through nginx, on every machine, from before the block to its end."""

    def begin(attempt: Attempt) -> None:
        try:
            attempt.probe = probe.start(attempt.machine, attempt.health)
        except Failed as error:
            attempt.machine.console.warn(f"not probed: {error.message}")

    # What a lost connection means is found out by the switch.
    attempt_each(attempts, begin)
    try:
        yield
    finally:
        end_probes(attempts)


def end_probes(attempts: Sequence[Attempt]) -> None:
    """Ends what still asks: from then on all who tell of it tell the same."""
    for attempt in attempts:
        if attempt.probe:
            attempt.probe.close(after_ms=attempt.switched.ended_ms if attempt.switched else None)


def switch_all(attempts: Sequence[Attempt]) -> None:
    """Switches every machine, or puts those that were switched back."""
    results = attempt_each(attempts, switch)
    errors = [each for each in results if isinstance(each, BluegreenError)]
    if not errors:
        return
    switched = [attempt for attempt, error in zip(attempts, results, strict=True) if error is None]
    back = attempt_each(switched, switch_back)
    end_probes(attempts)
    failed = next(attempt for attempt, error in zip(attempts, results, strict=True) if error is errors[0])
    errors[0].why = (*errors[0].why, *_seen(failed))
    stuck = [each for each in back if isinstance(each, BluegreenError)]
    # What may serve users by now is left alone; the others' new JVMs serve nobody any more.
    unclear = [each for each in results if isinstance(each, Unclear)]
    end = _failed if unclear or stuck else abandon
    attempt_each(attempts, lambda attempt: end(attempt, errors[0]))
    if unclear:
        raise unclear[0]
    if stuck:
        raise Unclear(
            "a machine was not switched, and one that was did not go back",
            why=[errors[0].message, *errors[0].why, stuck[0].message, *stuck[0].why],
            remedy=f"`status --host {attempts[0].machine.settings.host}` tells which serves what",
        )
    raise explained(errors[0], attempts)


def _seen(attempt: Attempt) -> list[str]:
    return [f"users meanwhile: {attempt.proof}"] if attempt.proof else []


def _failed(attempt: Attempt, error: BluegreenError) -> None:
    record_end(attempt, Outcome.FAILED, error.message)


def switch(attempt: Attempt) -> None:
    """Switches one machine to the attempt's slot, and says so once it was seen to answer."""
    machine = attempt.machine
    with machine.console.step(f"switch to {attempt.slot}", name="switch") as step:
        found = _settled(attempt)
        attempt.tried = True
        try:
            switched = _point_at(attempt, attempt.slot, found)
        except NotSwitched as error:
            attempt.switch_began_ms = error.began_ms
            raise
        attempt.serves = True
        if switched is None:
            step.done(f"switched to {attempt.slot}: the connection was lost, and a second look saw it serve")
            return
        attempt.verified, attempt.switched = switched.verified, switched
        attempt.switch_began_ms = switched.began_ms
        seen = (
            "it answers through nginx"
            if switched.verified
            else "an application answers, which of the slots was not told"
        )
        step.done(f"switched to {attempt.slot} {switched}; {seen}")


def _settled(attempt: Attempt) -> Proxy:
    """What nginx routes by, once its include says what serves.

    A switch that fails puts back the include that it found, with a reload. One that was edited and never
    loaded would take traffic away from what serves (P5), so it is mended first (P3).
    """
    found = attempt.view.proxy
    if found.answers in (None, found.routed):
        return found
    _point_at(attempt, attempt.live, found)
    return look(attempt.machine).proxy


def _point_at(attempt: Attempt, slot: str, found: Proxy) -> Switched | None:
    """Points nginx at a slot; None if the connection was lost meanwhile, and a second look saw it serve.

    The switch ends itself on the host, whether or not the connection lives: what came of it is looked up.

    Raises:
        Failed: it was not switched.
    """
    try:
        switched = proxy.switch(attempt.machine, found, slot)
    except ConnectionLost as lost:
        connect_again(attempt, lost)
        now = look(attempt.machine)
        if now.live != slot:
            raise Failed(
                "the connection was lost during the switch, and the host did not switch", why=[lost.message]
            ) from lost
        attempt.route = now.proxy.route
        return None
    attempt.route = switched.route
    return switched


def watch_all(attempts: Sequence[Attempt]) -> tuple[Attempt, WatchFailure] | None:
    """Watches every machine until one fails; gives that one, with why."""
    called_off = threading.Event()

    def watched(attempt: Attempt) -> WatchFailure | None:
        ended = surviving(attempt, lambda each: watch(each, called_off))
        if ended:
            called_off.set()
        return ended

    found = side_by_side(attempts, watched)
    return next(((attempt, ended) for attempt, ended in zip(attempts, found, strict=True) if ended), None)


def watch(attempt: Attempt, called_off: threading.Event) -> WatchFailure | None:
    """Watches one machine for `switch.watch` seconds, or until it is called off."""
    machine = attempt.machine
    watch_s = machine.settings.switch.watch_s
    if watch_s <= 0 or attempt.pid is None:
        return None
    with machine.console.step(f"watch {attempt.slot} for {seconds(watch_s)}", name="watch") as step:
        try:
            ended = watch_slot(
                machine,
                attempt.slot,
                attempt.pid,
                before=attempt.health,
                verified=attempt.verified,
                called_off=called_off,
            )
        except ConnectionLost:
            raise
        except BluegreenError as error:
            # A host too slow to be watched is too slow to serve: better the version that was not.
            ended = WatchFailure(error.message)
        step.done(
            f"{attempt.slot} failed the watch: {ended.reason}"
            if ended
            else f"watched {attempt.slot} for {seconds(step.so_far_s)}: "
            + ("another machine failed" if called_off.is_set() else "it holds")
        )
    return ended


def switch_all_back(attempts: Sequence[Attempt], trouble: tuple[Attempt, WatchFailure]) -> BluegreenError:
    """Every machine back to what served before; gives the error that says so (exit code 3)."""
    failed, ended = trouble
    back = attempt_each(attempts, switch_back)
    end_probes(attempts)
    for attempt in attempts:
        attempt.bad = (attempt.release.id,) if attempt.release else ()
    (log,) = attempt_each([failed], lambda attempt: _log_of(attempt) if ended.log is None else ended.log)
    # What failed is not kept warm: its jobs would run on. Its log stays.
    attempt_each([attempt for attempt in attempts if not attempt.serves], stop_failed)
    attempt_each(attempts, lambda attempt: record_end(attempt, Outcome.SWITCHED_BACK, ended.reason))
    why = [
        ended.reason,
        *_seen(failed),
        *(health.log_lines(failed.slot, log) if isinstance(log, tuple) else []),
    ]
    stuck = [error for error in back if isinstance(error, BluegreenError)]
    if stuck:
        return Unclear(
            f"{failed.slot} failed the watch, and switching back failed as well",
            why=[*why, stuck[0].message, *stuck[0].why],
            remedy=f"`status --host {failed.machine.settings.host}`, then `switch` or `rollback`",
        )
    return SwitchedBack(
        f"{failed.version} failed the watch on {failed.machine.address} and was switched back",
        why=why,
        live=failed.view.describe_live(),
        remedy=f"mend it and deploy again; the whole log: "
        f"`logs --host {failed.machine.settings.host} --slot {failed.slot}`",
    )


def switch_back(attempt: Attempt) -> None:
    """Points nginx at what served before."""
    machine = attempt.machine
    with machine.console.step(f"switch back to {attempt.live}", name="switch back") as step:
        # No look before it: at a slot that hangs that takes many seconds, in which users wait.
        known = replace(attempt.view.proxy, route=attempt.route)
        try:
            switched = _point_at(attempt, attempt.live, known)
        except RouteMoved:
            switched = _point_at(attempt, attempt.live, look(machine).proxy)
        attempt.serves = False
        how = f"in {switched.duration_ms} ms on the host" if switched else "though the connection was lost"
        step.done(f"switched back to {attempt.live} {how}")


def _log_of(attempt: Attempt) -> tuple[str, ...]:
    return tuple(health.logs_of(attempt.machine, attempt.slot))


def finish(reason: str | None) -> Callable[[Attempt], None]:
    """The step that writes the end of the journal, and removes what retention does not keep."""

    def step(attempt: Attempt) -> None:
        if pruned := record_end(attempt, Outcome.SWITCHED, reason):
            attempt.machine.console.note(f"removed by retention: {', '.join(pruned)}")

    return step
