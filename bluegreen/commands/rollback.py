"""rollback: back to the previous version, by one switch if it still runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace

from bluegreen.config import Settings, secrets_from
from bluegreen.console.terminal import Console
from bluegreen.errors import CannotConnect, Failed, WrongUsage
from bluegreen.host.journal import bad_releases, good_releases, served_before
from bluegreen.host.look import State, look
from bluegreen.host.machine import Machine
from bluegreen.host.releases import Release
from bluegreen.report.closing import summarize
from bluegreen.report.record import record_start
from bluegreen.report.run import Result, Rollout
from bluegreen.rollout import preflight, stage
from bluegreen.rollout.fleet import Reached, locked, reached, side_by_side
from bluegreen.rollout.interrupts import held_back
from bluegreen.rollout.promote import promote
from bluegreen.rollout.route import converted, previewed
from bluegreen.rollout.stage import Staged
from bluegreen.rollout.undo import Undo


def run(
    settings: Settings,
    to: str | None,
    console: Console,
    environ: Mapping[str, str] = os.environ,
    *,
    forced: tuple[str, ...] = (),
    skip_unreachable: bool = False,
) -> list[Result]:
    """Goes back to the last good release, or to the one that `to` names (id or version).

    If the idle slot still runs it and is UP this is a switch alone; else it is started there, as in a deploy.

    Args:
        forced: the findings of the preflight that are overridden (`--force`).
        skip_unreachable: go on without the machines that cannot be reached.

    Raises:
        Failed: there is no good release to go back to, a finding stops the rollback, or the release did not
            become UP; traffic is where it was.
        WrongUsage: `to` names no release of the machine.
    """
    with held_back() as interrupts, ExitStack() as until_the_end:
        with interrupts.let_through():
            found = until_the_end.enter_context(reached(settings, console, environ))
            if found.errors and not skip_unreachable:
                raise _not_all_reached(settings, found)
            machines = until_the_end.enter_context(locked(found.machines, "rollback"))
            skipped = tuple(found.errors)
            rollouts = [
                replace(rollout, skipped=skipped)
                for rollout in side_by_side(machines, lambda each: _rollout(each, to, forced))
            ]
            cold = any(not _is_warm(rollout) for rollout in rollouts)
            environment = {**settings.env, **secrets_from(settings, environ)} if cold else {}
        undo = Undo(rollouts)
        with undo.on_failure(), interrupts.let_through():
            side_by_side(rollouts, record_start)
            staged = side_by_side(rollouts, lambda each: _stage(each, environment, undo))
            staged = side_by_side(staged, previewed)
        # A warm slot has served before: a watch that fails could only lead back to the bad version.
        results = promote(staged, undo, interrupts, watched=cold)
        summarize(console, results)
        for address in skipped:
            console.warn(
                f"{address} was skipped: it routes as before; once it is up: "
                f"`bluegreen status --host {settings.host}`"
            )
        return results


def _not_all_reached(settings: Settings, found: Reached) -> CannotConnect:
    return CannotConnect(
        f"{', '.join(found.errors)} could not be reached; nothing was changed",
        why=[f"{address}: {error.message}" for address, error in found.errors.items()],
        remedy=f"to go back without it: bluegreen rollback --host {settings.host} --skip-unreachable",
    )


def _rollout(machine: Machine, to: str | None, forced: tuple[str, ...]) -> Rollout:
    state = look(machine)
    machine = machine.asking(https=state.proxy.https)
    live, idle = state.release_of(state.require_live()), state.idle()
    release = _named(machine, state, to) if to else _last_good(machine, state, live)
    if release == live and live is not None:
        raise WrongUsage(f"release {release} is live already on {machine.address}")
    # Only going back says that the live release is bad; going forward again with --to does not.
    back = live and release and served_before(state.history, release.id, live.id)
    rollout = Rollout(machine, "rollback", state, idle.name, release, bad=(live.id,) if live and back else ())
    warm = _is_warm(rollout)
    steps = preflight.BACK if warm else preflight.BACK_FROM_COLD
    passed = preflight.preflight(machine, state, steps, forced=forced)
    how = "which still runs" if warm else "which is started first"
    machine.console.line(
        f"live is {state.describe_live()}; back to version {rollout.version} in {idle.name}, {how}"
    )
    return replace(rollout, config=passed.config, workdir=passed.workdir, forced=passed.forced)


def _is_warm(rollout: Rollout) -> bool:
    """Whether the idle slot runs the release already, and is UP."""
    idle = rollout.before.slots[rollout.slot]
    return idle.up and idle.release == (rollout.release.id if rollout.release else idle.release)


def _stage(rollout: Rollout, environment: Mapping[str, str], undo: Undo) -> Staged:
    warm = _is_warm(rollout)
    rollout = converted(rollout, undo)
    if warm:
        return stage.running(rollout)
    return stage.start_until_up(rollout, environment, undo)


def _last_good(machine: Machine, state: State, live: Release | None) -> Release | None:
    """The last good release before the live one; first the one that the idle slot runs, if it is good."""
    bad = bad_releases(state.history)
    idle = state.idle()
    good = [release for release in good_releases(state.history) if not live or release != live.id]
    if idle.up and idle.release in good and idle.release not in bad:
        return state.release(idle.release)
    for release_id in reversed(good):
        found = state.release(release_id)
        if found:
            return found
    raise Failed(
        f"there is no good release on {machine.address} to go back to",
        why=[_listed(state)],
        live=f"{state.describe_live()} (untouched)",
        remedy="name one with --to, or deploy the older jar again",
    )


def _named(machine: Machine, state: State, to: str) -> Release:
    found = [release for release in state.releases if to in (release.id, release.version)]
    if found:
        # A version may have been deployed several times: the newest of them.
        return found[-1]
    raise WrongUsage(f"--to {to}: {machine.address} has no such release", why=[_listed(state)])


def _listed(state: State) -> str:
    bad = bad_releases(state.history)
    names = [f"{release}{' (bad)' if release.id in bad else ''}" for release in state.releases]
    return f"releases on the machine: {', '.join(names)}" if names else "there are no releases on the machine"
