"""The clean-up of a run that fails before it has switched every machine."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from bluegreen.errors import BluegreenError, Failed, SwitchedBack
from bluegreen.host import slots
from bluegreen.host.journal import Outcome
from bluegreen.host.machine import LockLost
from bluegreen.host.probe import Proof
from bluegreen.host.route import MovedBack
from bluegreen.remote import limits
from bluegreen.report.record import record_end
from bluegreen.report.run import Rollout
from bluegreen.rollout.fleet import try_each
from bluegreen.rollout.interrupts import held_back
from bluegreen.rollout.reconnect import retry_once

INTERRUPTED = "interrupted before the switch"

# What the probe of a machine has seen so far, if it runs there.
ProofOf = Callable[[Rollout], Proof | None]


class Undo:
    """What was begun on each machine of a run, and how it is undone.

    Args:
        rollouts: one a machine.
    """

    def __init__(self, rollouts: Sequence[Rollout]) -> None:
        self._rollouts = tuple(rollouts)
        self._routes = {rollout.machine.address: rollout.before.proxy.route for rollout in rollouts}
        self._started: set[str] = set()
        self._switched: set[str] = set()
        self._moved: set[str] = set()

    def starts(self, rollout: Rollout) -> None:
        """Call before a JVM is started: from then on the clean-up stops it."""
        self._started.add(rollout.machine.address)

    def switches(self, rollout: Rollout) -> None:
        """Call before a switch: from then on users may have requests in the new slot."""
        self._switched.add(rollout.machine.address)

    def switch_began(self, rollout: Rollout) -> bool:
        """Whether users may have requests in the new slot."""
        return rollout.machine.address in self._switched

    def moved(self, rollout: Rollout) -> None:
        """Call when users were on the new slot: from then on a failure is a switch back."""
        self._moved.add(rollout.machine.address)

    def routed(self, rollout: Rollout, route: str) -> None:
        """Call when the route in force has changed: a stop checks that it is still this one (P4)."""
        self._routes[rollout.machine.address] = route

    def route(self, rollout: Rollout) -> str:
        """The route in force, as last seen."""
        return self._routes[rollout.machine.address]

    @contextmanager
    def on_failure(self, proof: ProofOf = lambda rollout: None) -> Iterator[None]:
        """Cleans up if the block fails or is interrupted: for everything before the switch.

        Traffic is where it was. A JVM on a machine that is not reached again is stopped by the next deploy.

        Args:
            proof: what the probe of a machine has seen, for the journal.

        Raises:
            Failed: the block failed; the error says what is live.
        """
        try:
            yield
        except (BluegreenError, KeyboardInterrupt) as failure:
            error = _as_error(failure)
            try:
                # A second Ctrl-C must not cut the clean-up; SIGTERM may, as SIGKILL follows it.
                with held_back(hurried_by=signal.SIGTERM) as interrupts:
                    cleaned = self.clean_up(error, proof)
                    # If another deploy took the lock meanwhile, that is the cause of the first error.
                    error = next((each for each in cleaned if isinstance(each, LockLost)), error)
                    interrupts.discard()
            except KeyboardInterrupt:
                error = Failed(
                    f"{INTERRUPTED}; the clean-up was cut short",
                    why=["the machine finishes its current step; the idle slot serves no users"],
                    remedy="run the command again: it stops what still runs in the idle slot",
                )
            raise self.explained(error) from failure
        except Exception as bug:
            with held_back(hurried_by=signal.SIGTERM):
                self.clean_up(Failed(f"ended by a bug of bluegreen: {type(bug).__name__}"), proof)
            raise

    def clean_up(
        self, error: BluegreenError, proof: ProofOf = lambda rollout: None
    ) -> list[BluegreenError | None]:
        """Stops each JVM that this run started, and writes the cause to the journal.

        Returns:
            For each machine the error of its clean-up, None where it worked.
        """
        return try_each(
            self._rollouts, lambda each: retry_once(each, lambda: self._clean(each, error, proof))
        )

    def stop_failed(self, rollout: Rollout) -> None:
        """Stops a JVM that took traffic and failed, once its requests have ended; warns if it cannot."""
        machine = rollout.machine
        with machine.console.step(f"stop {rollout.slot}", name="stop what failed") as step:
            drain_s = min(rollout.settings.old_slot.drain_s, limits.FAILED_DRAIN_S)
            try:
                stopped = slots.stop(machine, rollout.slot, self.route(rollout), drain_s=drain_s)
                step.done(f"the failed JVM of {rollout.slot}: {stopped or 'it had already ended'}")
            except Failed as error:
                step.done(f"the failed JVM of {rollout.slot} was not stopped: {error.message}")

    def explained(self, error: BluegreenError) -> BluegreenError:
        """The error of a run that left the previous version live: with what is live, and exit code 1 or 3."""
        first = self._rollouts[0]
        live = "; ".join(dict.fromkeys(each.before.describe_live() for each in self._rollouts))
        kind = SwitchedBack if isinstance(error, MovedBack) else Failed
        if self._moved:
            live += f" (users were on {self._moved_to()} for a moment{self._moved_where()})"
        else:
            live += " (untouched)"
        return kind(error.message, why=error.why, live=error.live, remedy=error.remedy).extended(
            live=live,
            remedy=f"fix it, then run {first.command} again",
        )

    def _moved_to(self) -> str:
        slots_of = {each.machine.address: each.slot for each in self._rollouts}
        return " and ".join(sorted({slots_of[address] for address in self._moved}))

    def _moved_where(self) -> str:
        return f" on {', '.join(sorted(self._moved))}" if len(self._rollouts) > 1 else ""

    def _clean(self, rollout: Rollout, error: BluegreenError, proof: ProofOf) -> None:
        address = rollout.machine.address
        if address in self._started and address in self._switched:
            self.stop_failed(rollout)
        elif address in self._started:
            self._stop_unused(rollout)
        # A release that failed its users is bad; one that another machine could not switch to is not.
        bad = isinstance(error, MovedBack) and rollout.release is not None
        record_end(
            rollout,
            Outcome.SWITCHED_BACK if address in self._moved else Outcome.FAILED,
            error.message,
            proof=proof(rollout),
            bad=(rollout.release.id,) if bad and rollout.release else (),
        )

    def _stop_unused(self, rollout: Rollout) -> None:
        machine = rollout.machine
        try:
            slots.stop(machine, rollout.slot, self.route(rollout), stop_timeout_s=limits.ABANDON_STOP_S)
        except LockLost:
            raise
        except Failed as failure:
            machine.console.warn(f"{rollout.slot} was not stopped: {failure.message}")


def _as_error(failure: BluegreenError | KeyboardInterrupt) -> BluegreenError:
    """The error that a person sees: an interrupt before the switch is a failure like any other."""
    if isinstance(failure, BluegreenError):
        return failure
    return Failed(
        f"{INTERRUPTED}; everything that this run started was stopped", remedy="run the command again"
    )
