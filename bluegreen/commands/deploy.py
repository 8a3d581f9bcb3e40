"""deploy: upload a jar, start it in the idle slot, switch once every machine is UP."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from bluegreen.config import Settings, secrets_from
from bluegreen.console.terminal import Console
from bluegreen.host import lock, releases
from bluegreen.host.journal import Outcome
from bluegreen.host.look import look
from bluegreen.host.machine import Machine
from bluegreen.jar import Jar
from bluegreen.report.closing import summarize
from bluegreen.report.record import record_end, record_start
from bluegreen.report.run import Result, Rollout
from bluegreen.rollout import dry_run, preflight, stage
from bluegreen.rollout.fleet import connected, locked, side_by_side
from bluegreen.rollout.interrupts import held_back
from bluegreen.rollout.promote import promote
from bluegreen.rollout.route import converted, previewed
from bluegreen.rollout.stage import Staged
from bluegreen.rollout.undo import Undo


@dataclass(frozen=True)
class Order:
    """What is to be deployed.

    Args:
        version: what people call it.
        switch: False stops before the switch (`--no-switch`).
        dry_run: reads for real, changes nothing.
        forced: the findings of the preflight that are overridden (`--force`).
    """

    jar: Jar
    version: str
    switch: bool = True
    dry_run: bool = False
    forced: tuple[str, ...] = ()


def run(
    settings: Settings, order: Order, console: Console, environ: Mapping[str, str] = os.environ
) -> list[Result]:
    """Stages every machine side by side; only when all are UP, all are switched.

    Args:
        environ: where the values of `secrets` come from.

    Raises:
        BluegreenError: its exit code says what came of the deploy.
    """
    environment = {**settings.env, **secrets_from(settings, environ)}
    for warning in order.jar.warnings:
        console.warn(warning)
    with held_back() as interrupts, ExitStack() as until_the_end:
        with interrupts.let_through():
            machines = until_the_end.enter_context(connected(settings, console, environ))
            if order.dry_run:
                return [_dry_run(machine, order) for machine in machines]
            machines = until_the_end.enter_context(locked(machines, "deploy"))
            rollouts = side_by_side(machines, lambda each: _rollout(each, order))
            for rollout in rollouts:
                _announce(rollout)
        undo = Undo(rollouts)
        with undo.on_failure(), interrupts.let_through():
            staged = side_by_side(rollouts, lambda each: _stage(each, order, environment, undo))
            staged = side_by_side(staged, previewed)
        if order.switch:
            results = promote(staged, undo, interrupts, watched=True)
        else:
            side_by_side(rollouts, lambda each: record_end(each, Outcome.STAGED))
            interrupts.discard()
            results = [Result(rollout) for rollout in rollouts]
        summarize(console, results)
        return results


def version_of(jar: Jar, named: str | None, environ: Mapping[str, str] = os.environ) -> str:
    """The version of a jar: `--version`, else the commit on GitHub, else its manifest's, else its sha256."""
    commit = environ.get("GITHUB_SHA", "")[:12]
    return (named or "").strip() or commit or jar.version or jar.sha256[:12]


def _rollout(machine: Machine, order: Order) -> Rollout:
    state = look(machine)
    machine = machine.asking(https=state.proxy.https)
    passed = preflight.preflight(machine, state, preflight.DEPLOY, jar=order.jar, forced=order.forced)
    release = releases.new(order.jar, order.version, by=lock.person(), url=lock.run_url())
    return Rollout(
        machine,
        "deploy",
        state,
        state.idle().name,
        release,
        config=passed.config,
        workdir=passed.workdir,
        forced=passed.forced,
    )


def _announce(rollout: Rollout) -> None:
    console, state = rollout.machine.console, rollout.before
    for drift in state.drift:
        console.warn(str(drift))
    console.line(f"live is {state.describe_live()}; deploying version {rollout.version} to {rollout.slot}")


def _stage(rollout: Rollout, order: Order, environment: Mapping[str, str], undo: Undo) -> Staged:
    record_start(rollout)
    rollout = converted(rollout, undo)
    stage.upload(rollout, order.jar)
    return stage.start_until_up(rollout, environment, undo)


def _dry_run(machine: Machine, order: Order) -> Result:
    rollout = _rollout(machine, order)
    _announce(rollout)
    plan = dry_run.plan(rollout, order.jar, switch=order.switch)
    dry_run.show(rollout, plan)
    return Result(rollout, plan=plan)
