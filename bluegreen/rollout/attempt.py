"""An attempt: one machine on its way to a release, and what every way that ends badly leaves behind."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar

from bluegreen.errors import BluegreenError, ConnectionLost, Failed, Unclear
from bluegreen.host import journal, lock, releases, slots
from bluegreen.host.health import Answer
from bluegreen.host.journal import Entry, NotWritten, Outcome
from bluegreen.host.look import State
from bluegreen.host.machine import LockLost, Machine
from bluegreen.host.probe import Probe, Proof
from bluegreen.host.proxy import Switched
from bluegreen.host.releases import Release
from bluegreen.rollout.fleet import attempt_each
from bluegreen.rollout.interrupts import held_back
from bluegreen.ssh.connection import Connection

Given = TypeVar("Given")

INTERRUPTED = "interrupted before the switch"
# A JVM that never served anybody has nothing to finish.
ABANDON_TIMEOUT_S = 2
# Users may still wait for an answer of a version that failed, but one that hangs never gives it.
FAILED_DRAIN_S = 5


@dataclass
class Attempt:
    """One machine on its way to a release.

    Args:
        command: deploy, switch or rollback.
        view: the look that the way was decided on.
        slot: where the release is to serve: the idle one.
        release: what is to serve there, None for a JVM that bluegreen did not start.
        pid: of its JVM, once it runs.
        started: this attempt started that JVM, so it stops it if it fails.
        health: its last UP before the switch.
        route: the word of the route in force, for the checks of P4.
        tried: a switch to it was begun, so that it may have served, whatever became of that.
        switch_began_ms: when, by the host's clock; None if that is not known.
        serves: it was switched to and not back.
        switched: how, unless the connection was lost meanwhile.
        verified: nginx tells which slot answers.
        probe: asks through nginx from before the switch to the end of the watch.
        bad: releases that this attempt showed to be bad.
        plan: of a dry run, what it would have changed.
    """

    machine: Machine
    command: str
    view: State
    slot: str
    release: Release | None
    pid: int | None = None
    started: bool = False
    bad: tuple[str, ...] = ()
    plan: tuple[str, ...] = ()
    health: Answer | None = None
    route: str = ""
    tried: bool = False
    switch_began_ms: int | None = None
    serves: bool = False
    switched: Switched | None = None
    verified: bool = True
    probe: Probe | None = None
    began: float = field(default_factory=time.monotonic)
    at: str = field(default_factory=journal.now)

    def __post_init__(self) -> None:
        self.route = self.view.proxy.route

    @property
    def connection(self) -> Connection:
        """The connection to its machine."""
        return self.machine.connection

    @property
    def live(self) -> str:
        """The slot that served when the attempt began."""
        return self.machine.settings.other(self.slot)

    @property
    def version(self) -> str:
        return self.release.version if self.release else "a version that bluegreen did not deploy"

    @property
    def before(self) -> Release | None:
        """The release that served when the attempt began."""
        return self.view.release_of(self.live)

    @property
    def came_from(self) -> str:
        """The slot, version and release that served when the attempt began: `prod1 (1.4, 20261125-…)`."""
        return f"{self.live} ({_told(self.before) or 'nothing that bluegreen deployed'})"

    @property
    def goes_to(self) -> str:
        """The slot, version and release that are to serve: `prod2 (1.5, 20261125-…)`."""
        return f"{self.slot} ({_told(self.release) or self.version})"

    @property
    def proof(self) -> Proof | None:
        """What the probe has seen so far, None without one."""
        if self.probe is None:
            return None
        settings = self.machine.settings.switch
        return self.probe.proof(
            self.slot,
            began_ms=self.switch_began_ms,
            counted_from_ms=self._counted_from_ms,
            verified_ms=self.switched.duration_ms if self.switched and self.verified else None,
            strict=settings.probe is not None or (settings.verify is not None and self.verified),
        )

    @property
    def _counted_from_ms(self) -> int | None:
        """From when on the switch is the reason of what the probe saw fail, None if of nothing."""
        if not self.tried:
            return None
        if self.view.slots[self.live].owner is None:
            # Nothing listened there: until the new slot was seen to answer it could not be otherwise.
            return self.switched.ended_ms if self.switched else None
        return self.switch_began_ms or 0

    def entry(self) -> Entry:
        """Its line of the journal, as it begins."""
        before = self.before
        return Entry(
            run=self.machine.token,
            command=self.command,
            at=self.at,
            by=lock.person(),
            url=lock.run_url(),
            slot=self.slot,
            release=self.release.id if self.release else None,
            version=self.release.version if self.release else None,
            from_slot=self.live,
            from_release=before.id if before else None,
            from_version=before.version if before else None,
        )


def _told(release: Release | None) -> str:
    # The id as well: a version may be deployed twice.
    return f"{release.version}, {release.id}" if release else ""


def record_start(attempt: Attempt) -> None:
    """Writes the attempt's first line of the journal."""
    _write(attempt, attempt.entry())


def record_end(attempt: Attempt, outcome: Outcome, reason: str | None = None) -> list[str]:
    """Writes the attempt's last line of the journal; after a good one, retention. Gives the ids removed."""
    proof = attempt.proof
    entry = replace(
        attempt.entry(),
        outcome=outcome,
        reason=reason,
        seconds=round(time.monotonic() - attempt.began, 3),
        # What failed left nothing: the release that serves is as good as before.
        bad=() if outcome is Outcome.FAILED else attempt.bad,
        requests=proof.requests if proof else None,
        failed=proof.failed if proof else None,
        slowest_ms=proof.slowest_ms if proof else None,
    )
    prune = pruned_by(attempt, entry) if outcome is Outcome.SWITCHED else ()
    return _write(attempt, entry, prune)


def _write(attempt: Attempt, entry: Entry, prune: Iterable[str] = ()) -> list[str]:
    # On a full disk the way back must stay open, and what was switched is no failure.
    try:
        return journal.append(attempt.machine, entry, prune=prune)
    except NotWritten as error:
        attempt.machine.console.warn(
            f"{error.message}: `history` will not tell how this {attempt.command} went"
        )
        return []


def pruned_by(attempt: Attempt, entry: Entry) -> tuple[str, ...]:
    """The releases that retention removes once the attempt has switched."""
    present = {release.id: release for release in (*attempt.view.releases, attempt.release) if release}
    in_use = {slot.release for slot in attempt.view.slots.values() if slot.name != attempt.slot}
    return releases.to_prune(
        present.values(),
        journal.good_releases([*attempt.view.history, replace(entry, outcome=Outcome.SWITCHED)]),
        keep=attempt.machine.settings.releases.keep,
        in_use=[release for release in (*in_use, entry.release) if release],
    )


@contextmanager
def undone_on_failure(attempts: Sequence[Attempt]) -> Iterator[None]:
    """Before the switch: whatever fails, every JVM started is stopped again and the journal says why.

    Traffic is where it was. What a host that cannot be reached again keeps running, the next deploy stops.
    """
    try:
        yield
    except (BluegreenError, KeyboardInterrupt) as failure:
        error = as_error(failure)
        try:
            # A second Ctrl-C must not cut the undoing; SIGTERM may, as SIGKILL is what comes next.
            with held_back(hurried_by=signal.SIGTERM) as interrupts:
                undone = attempt_each(attempts, lambda attempt: abandon(attempt, error))
                # Whoever was away too long sees what another deploy did to its JVM: that is not the cause.
                error = next((each for each in undone if isinstance(each, LockLost)), error)
                interrupts.settle()
        except KeyboardInterrupt:
            error = Failed(
                f"{INTERRUPTED}; the undoing was cut short",
                why=["the host ends the step that it was at; what still runs in the idle slot serves nobody"],
                remedy="run the command again: it stops what is left",
            )
        raise explained(error, attempts) from failure


def abandon(attempt: Attempt, error: BluegreenError) -> None:
    """Stops the JVM that the attempt started, which serves nobody, and writes why to the journal."""

    def undo(attempt: Attempt) -> None:
        if attempt.started and attempt.tried:
            stop_failed(attempt)
        elif attempt.started:
            try:
                slots.stop(attempt.machine, attempt.slot, attempt.route, stop_timeout_s=ABANDON_TIMEOUT_S)
            except LockLost:
                raise
            except Failed as failure:
                attempt.machine.console.warn(f"{attempt.slot} was not stopped: {failure.message}")
        record_end(attempt, Outcome.FAILED, error.message)

    surviving(attempt, undo)


def stop_failed(attempt: Attempt) -> None:
    """Stops a JVM that was switched to and failed, once what it still answers has ended; or says why not."""
    machine = attempt.machine
    with machine.console.step(f"stop {attempt.slot}", name="stop what failed") as step:
        patience_s = min(machine.settings.old_slot.drain_s, FAILED_DRAIN_S)
        try:
            stopped = slots.stop(machine, attempt.slot, attempt.route, drain_s=patience_s)
            step.done(f"{attempt.slot}, which failed: {stopped or 'nothing ran there any more'}")
        except Failed as error:
            step.done(f"{attempt.slot}, which failed, was not stopped: {error.message}")


def surviving(attempt: Attempt, step: Callable[[Attempt], Given]) -> Given:
    """A step that may be begun anew: over a new connection if the old one is lost."""
    was_connected = attempt.connection.connected
    try:
        return step(attempt)
    except ConnectionLost as lost:
        if was_connected and not attempt.connection.connected:
            # Not lost but closed, to end the step: by an interrupt, which reaches no other thread (fleet.py).
            raise
        connect_again(attempt, lost)
        return step(attempt)


def connect_again(attempt: Attempt, lost: ConnectionLost) -> None:
    """A new connection in place of a lost one, with the lock, once every step of ours on the host has ended.

    Raises:
        Unclear: the host cannot be reached, or another deploy holds it now.
        LockLost: another deploy took over, and has ended.
    """
    machine = attempt.machine
    machine.connection.close()
    try:
        machine.connection.connect()
        lock.take_again(machine, attempt.command)
    except LockLost:
        raise
    except BluegreenError as error:
        raise Unclear(
            f"the connection to {machine.address} was lost, and the {attempt.command} cannot go on",
            why=[lost.message, error.message, "the step that ran there finishes or undoes itself"],
            remedy=f"`status --host {machine.settings.host}` once it can be reached",
        ) from error


def as_error(failure: BluegreenError | KeyboardInterrupt) -> BluegreenError:
    """The error that a person is shown: an interrupt before the switch is a failure as any other."""
    if isinstance(failure, BluegreenError):
        return failure
    return Failed(f"{INTERRUPTED}; what had been started was stopped again")


def explained(error: BluegreenError, attempts: Sequence[Attempt]) -> BluegreenError:
    """The error with what is live now, and its exit code for a failure before the switch (1)."""
    before = "; ".join(dict.fromkeys(attempt.view.describe_live() for attempt in attempts))
    first = attempts[0]
    remedy = error.remedy or (
        f"mend it and run {first.command} again; the whole log: "
        f"`logs --host {first.machine.settings.host} --slot {first.slot}`"
    )
    return Failed(error.message, why=error.why, live=error.live or f"{before} (untouched)", remedy=remedy)
