"""Switching: point nginx at the new slot on every machine or on none, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bluegreen.errors import BluegreenError, ConnectionLost, Failed, Unclear
from bluegreen.host import route
from bluegreen.host.journal import Outcome
from bluegreen.host.judging import answer_within_s
from bluegreen.host.look import look
from bluegreen.host.machine import RouteMoved
from bluegreen.host.probe import Proof
from bluegreen.host.proxy import Proxy
from bluegreen.host.route import MovedBack, Switched
from bluegreen.report.record import record_end
from bluegreen.report.run import Rollout
from bluegreen.rollout.fleet import try_each
from bluegreen.rollout.probing import Probes
from bluegreen.rollout.reconnect import connect_again
from bluegreen.rollout.stage import Staged
from bluegreen.rollout.undo import Undo
from bluegreen.ssh.connection import Connection, TimedOut


@dataclass(frozen=True)
class Moved:
    """A machine that was switched to its new slot.

    Args:
        switched: how, None if the connection was lost meanwhile and a second look saw the slot serve.
        route: the word of the route that is in force since.
    """

    staged: Staged
    switched: Switched | None
    route: str

    @property
    def rollout(self) -> Rollout:
        return self.staged.rollout

    @property
    def connection(self) -> Connection:
        return self.rollout.connection

    @property
    def verified(self) -> bool:
        """Whether nginx was seen to answer from the new slot, by its name."""
        return self.switched is None or self.switched.verified


def switch_all(staged: Sequence[Staged], undo: Undo, probes: Probes) -> list[Moved]:
    """Switches every machine; if one fails, those that were switched go back.

    Raises:
        Failed: a machine was not switched; none is.
        Unclear: a machine was not switched, and another did not go back.
    """
    results = try_each(staged, lambda each: _switch(each, undo))
    errors = [each for each in results if isinstance(each, BluegreenError)]
    moved = [each for each in results if isinstance(each, Moved)]
    if not errors:
        return moved
    back = try_each(moved, lambda each: switch_back(each, undo))
    for each in moved:
        probes.stop(each.rollout, each.switched)
    probes.stop_all()
    proofs = {
        each.rollout.machine.address: _proof(each.rollout, result, undo, probes)
        for each, result in zip(staged, results, strict=True)
    }

    def proof_of(rollout: Rollout) -> Proof | None:
        return proofs[rollout.machine.address]

    failed = _decisive(staged, results)
    error = failed.error.extended(why=seen_by_users(proof_of(failed.rollout)))
    unclear = next((each for each in results if isinstance(each, Unclear)), None)
    stuck = next((each for each in back if isinstance(each, BluegreenError)), None)
    if unclear or stuck:
        # What may serve users by now is left alone.
        try_each(
            staged,
            lambda each: record_end(
                each.rollout, Outcome.FAILED, error.message, proof=proof_of(each.rollout)
            ),
        )
    else:
        undo.clean_up(error, proof_of)
    if unclear:
        raise unclear if unclear is not failed.error else error
    if stuck:
        raise Unclear(
            "a machine was not switched, and another one could not be switched back",
            why=[error.message, *error.why, stuck.message, *stuck.why],
            remedy=f"`bluegreen status --host {failed.rollout.settings.host}` shows which slot serves where",
        )
    raise undo.explained(error)


@dataclass(frozen=True)
class _FailedSwitch:
    rollout: Rollout
    error: BluegreenError


def _decisive(staged: Sequence[Staged], results: Sequence[Moved | BluegreenError]) -> _FailedSwitch:
    """The failure that a person must know first: a release that failed its users, else the first one."""
    failures = [
        _FailedSwitch(each.rollout, result)
        for each, result in zip(staged, results, strict=True)
        if isinstance(result, BluegreenError)
    ]
    return next((each for each in failures if isinstance(each.error, MovedBack)), failures[0])


def switch_back(moved: Moved, undo: Undo) -> None:
    """Points nginx at the slot that was live before."""
    rollout = moved.rollout
    machine = rollout.machine
    with machine.console.step(f"switch back to {rollout.live}", name="switch back") as step:
        # Without a look: at a slot that hangs a look takes seconds, in which users wait.
        known = replace(moved.staged.proxy, route=moved.route)
        try:
            switched, route = _point_back(moved.staged, known)
        except RouteMoved:
            switched, route = _point_back(moved.staged, look(machine).proxy)
        undo.routed(rollout, route)
        how = f"in {switched.duration_ms} ms on the host" if switched else "although the connection was lost"
        step.done(f"switched back to {rollout.live} {how}")


def seen_by_users(proof: Proof | None) -> list[str]:
    """What the probe saw, as a line of an error's cause."""
    return [f"probe: {proof}"] if proof else []


def _proof(rollout: Rollout, result: Moved | BluegreenError, undo: Undo, probes: Probes) -> Proof | None:
    if isinstance(result, Moved):
        return probes.after_switch(rollout, result.switched)
    if undo.switch_began(rollout):
        return probes.after_failure(rollout, result)
    return probes.before_switch(rollout)


def _switch(staged: Staged, undo: Undo) -> Moved:
    """Switches one machine, and reports it once nginx answers from the new slot."""
    rollout = staged.rollout
    with rollout.machine.console.step(f"switch to {rollout.slot}", name="switch") as step:
        undo.switches(rollout)
        try:
            back = rollout.command == "rollback"
            switched, route = _point_at(staged, rollout.slot, staged.proxy, named=staged.named, back=back)
        except MovedBack:
            undo.moved(rollout)
            raise
        undo.moved(rollout)
        undo.routed(rollout, route)
        if switched is None:
            seen = "the connection was lost, and a second look shows that it is live"
        elif switched.verified:
            seen = f"{switched}; it answers through nginx"
        else:
            seen = f"{switched}; the answer does not name the slot"
        step.done(f"switched to {rollout.slot}{': ' if switched is None else ' '}{seen}")
    return Moved(staged, switched, route)


def _point_back(staged: Staged, found: Proxy) -> tuple[Switched | None, str]:
    live = staged.rollout.live
    # The version that was live may not name itself where the new one does.
    named = staged.rollout.before.proxy.view.named == live
    return _point_at(staged, live, found, named=named, back=True)


def _point_at(
    staged: Staged, slot: str, found: Proxy, *, named: bool, back: bool
) -> tuple[Switched | None, str]:
    """Points nginx at a slot.

    The step finishes on the machine whether or not the connection lives. Where its end was not seen, a look
    shows what came of it.

    Returns:
        The switch, None if its end was not seen and a look saw the slot serve; and the route that is in force
        since.

    Raises:
        Failed: it was not switched.
        Unclear: what came of it is not known.
    """
    rollout = staged.rollout
    try:
        switched = route.switch(
            rollout.machine, found, slot, named=named, back=back, answer_s=answer_within_s(staged.health)
        )
    except (ConnectionLost, TimedOut) as unseen:
        return None, _route_after(rollout, slot, unseen)
    return switched, switched.route


def _route_after(rollout: Rollout, slot: str, unseen: ConnectionLost | TimedOut) -> str:
    """The route after a switch whose end was not seen.

    Raises:
        Failed: the machine did not switch.
        Unclear: it cannot be reached again, or cannot be looked at.
    """
    # It waits for the step that still runs there.
    connect_again(rollout, unseen)
    try:
        now = look(rollout.machine)
    except BluegreenError as error:
        raise Unclear(
            f"whether {rollout.machine.address} switched to {slot} is not known",
            why=[unseen.message, error.message, "the step that ran there finishes or undoes itself"],
            remedy=f"`bluegreen status --host {rollout.settings.host}`",
        ) from error
    if now.live != slot:
        raise Failed(
            "the connection was lost during the switch, and the machine did not switch",
            why=[unseen.message],
            remedy="run the command again",
        ) from unseen
    return now.proxy.route
