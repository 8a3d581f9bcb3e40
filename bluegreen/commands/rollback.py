"""rollback: back to what served before, in a blink if it still runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack

from bluegreen.config import Settings, secrets_from
from bluegreen.console.terminal import Console
from bluegreen.errors import Failed, WrongUsage
from bluegreen.host.journal import bad_releases, good_releases, served_before
from bluegreen.host.look import State
from bluegreen.host.machine import Machine
from bluegreen.host.releases import Release
from bluegreen.report.closing import summarize
from bluegreen.rollout import stage
from bluegreen.rollout.attempt import Attempt, record_start, undone_on_failure
from bluegreen.rollout.fleet import connected, locked, side_by_side
from bluegreen.rollout.interrupts import held_back
from bluegreen.rollout.preflight import look_ready, require_startable
from bluegreen.rollout.promote import promote


def run(
    settings: Settings, to: str | None, console: Console, environ: Mapping[str, str] = os.environ
) -> list[Attempt]:
    """Back to the release before, or to the one that `to` names (id or version).

    If the idle slot still runs it and is UP this is a switch alone; else it is started there and goes the
    way of a deploy.

    Raises:
        Failed: there is no good release to go back to, or it did not get UP; traffic is where it was.
        WrongUsage: `to` names no release of the host.
    """
    with held_back() as interrupts, ExitStack() as held:
        with interrupts.let_through():
            machines = held.enter_context(connected(settings, console, environ))
            ours = held.enter_context(locked(machines, "rollback"))
            views = side_by_side(ours, look_ready)
            attempts = [_attempt(machine, view, to) for machine, view in zip(ours, views, strict=True)]
            cold = [attempt for attempt in attempts if attempt.pid is None]
            environment = {**settings.env, **secrets_from(settings, environ)} if cold else {}
            with undone_on_failure(attempts):
                side_by_side(attempts, record_start)
                if cold:
                    side_by_side(cold, lambda attempt: stage.start_until_up(attempt, environment))
        # Back to a warm slot is back to what has served: to watch it could only lead to the bad one again.
        promote(attempts, interrupts, watched=bool(cold))
        summarize(console, attempts)
        return attempts


def _attempt(machine: Machine, view: State, to: str | None) -> Attempt:
    live, idle = view.release_of(view.require_live()), view.idle()
    release = _named(machine, view, to) if to else _before(machine, view, live)
    if release == live and live is not None:
        raise WrongUsage(f"release {release} is live already on {machine.address}")
    warm = idle.up and idle.release == (release.id if release else idle.release)
    if not warm:
        require_startable(machine, view, None)
    attempt = Attempt(machine, "rollback", view, idle.name, release, pid=idle.pid if warm else None)
    # Only going back says that what was left is bad; going forward again with --to does not.
    if live and release and served_before(view.history, release.id, live.id):
        attempt.bad = (live.id,)
    how = "which still runs" if warm else "which is started first"
    machine.console.line(f"live is {view.describe_live()}; back to {attempt.version} in {idle.name}, {how}")
    return attempt


def _before(machine: Machine, view: State, live: Release | None) -> Release | None:
    """The last good release before the live one; the one that still runs in the idle slot, if it is good."""
    bad = bad_releases(view.history)
    idle = view.idle()
    good = [release for release in good_releases(view.history) if not live or release != live.id]
    if idle.up and idle.release in good and idle.release not in bad:
        return view.release(idle.release)
    for release_id in reversed(good):
        found = view.release(release_id)
        if found:
            return found
    raise Failed(
        f"there is no good release on {machine.address} to go back to",
        why=[_told(view)],
        live=f"{view.describe_live()} (untouched)",
        remedy="name one with --to, or deploy the older jar again",
    )


def _named(machine: Machine, view: State, to: str) -> Release:
    found = [release for release in view.releases if to in (release.id, release.version)]
    if found:
        # A version may have been deployed several times: the newest of them.
        return found[-1]
    raise WrongUsage(f"--to {to}: {machine.address} has no such release", why=[_told(view)])


def _told(view: State) -> str:
    bad = bad_releases(view.history)
    told = [f"{release}{' (bad)' if release.id in bad else ''}" for release in view.releases]
    return f"releases there: {', '.join(told)}" if told else "there are no releases there"
