"""deploy: a jar from here to live, on every machine of a host, with nobody on the other side noticing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from bluegreen.config import Settings, secrets_from
from bluegreen.console.terminal import Console
from bluegreen.host import lock, releases
from bluegreen.host.journal import Outcome
from bluegreen.host.look import State
from bluegreen.host.machine import Machine
from bluegreen.host.releases import Release
from bluegreen.jar import Jar
from bluegreen.report.closing import summarize
from bluegreen.rollout import dry_run, stage
from bluegreen.rollout.attempt import Attempt, record_end, record_start, undone_on_failure
from bluegreen.rollout.fleet import connected, locked, side_by_side
from bluegreen.rollout.interrupts import held_back
from bluegreen.rollout.preflight import look_ready, require_startable
from bluegreen.rollout.promote import promote


@dataclass(frozen=True)
class Order:
    """What is to be deployed.

    Args:
        version: what people call it.
        switch: False stops before the switch (`--no-switch`).
        dry_run: reads for real, changes nothing.
    """

    jar: Jar
    version: str
    switch: bool = True
    dry_run: bool = False


def run(
    settings: Settings, order: Order, console: Console, environ: Mapping[str, str] = os.environ
) -> list[Attempt]:
    """The whole way of a deploy: every machine is staged side by side, and only when all are UP all switch.

    Args:
        environ: where the values of `secrets` come from.

    Raises:
        BluegreenError: with the exit code that tells what came of it.
    """
    environment = {**settings.env, **secrets_from(settings, environ)}
    for warning in order.jar.warnings:
        console.warn(warning)
    with held_back() as interrupts, ExitStack() as held:
        with interrupts.let_through():
            machines = held.enter_context(connected(settings, console, environ))
            if order.dry_run:
                return [_planned(machine, order) for machine in machines]
            ours = held.enter_context(locked(machines, "deploy"))
            views = side_by_side(ours, look_ready)
            attempts = [_attempt(*each, order) for each in zip(ours, views, strict=True)]
            for attempt in attempts:
                _announce(attempt)
            with undone_on_failure(attempts):
                side_by_side(attempts, lambda attempt: _stage(attempt, order, environment))
        if order.switch:
            promote(attempts, interrupts, watched=True)
        else:
            side_by_side(attempts, lambda attempt: record_end(attempt, Outcome.STAGED))
            interrupts.settle()
        summarize(console, attempts)
        return attempts


def version_of(jar: Jar, wanted: str | None, environ: Mapping[str, str] = os.environ) -> str:
    """What a jar is called: `--version`, else the commit on GitHub, else its manifest's, else its sha256."""
    commit = environ.get("GITHUB_SHA", "")[:12]
    return (wanted or "").strip() or commit or jar.version or jar.sha256[:12]


def _attempt(machine: Machine, view: State, order: Order) -> Attempt:
    require_startable(machine, view, order.jar)
    return Attempt(machine, "deploy", view, view.idle().name, _release(order))


def _release(order: Order) -> Release:
    return releases.new(order.jar, order.version, by=lock.person(), url=lock.run_url())


def _announce(attempt: Attempt) -> None:
    console, view = attempt.machine.console, attempt.view
    for drift in view.drift:
        console.warn(str(drift))
    console.line(f"live is {view.describe_live()}; version {attempt.version} goes to {attempt.slot}")


def _stage(attempt: Attempt, order: Order, environment: Mapping[str, str]) -> None:
    record_start(attempt)
    stage.upload(attempt, order.jar)
    stage.start_until_up(attempt, environment)


def _planned(machine: Machine, order: Order) -> Attempt:
    attempt = _attempt(machine, look_ready(machine), order)
    _announce(attempt)
    attempt.plan = dry_run.show(attempt, jar=order.jar, switch=order.switch)
    return attempt
