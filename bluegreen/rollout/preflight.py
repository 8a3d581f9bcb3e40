"""Preflight: raises the first finding of `check` that stops a rollout, before it changes anything (P12)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from bluegreen.check import nginx, startup
from bluegreen.check.diagnose import diagnose
from bluegreen.check.evidence import Evidence
from bluegreen.check.finding import Finding, Level, Step
from bluegreen.check.findings import findings
from bluegreen.errors import Failed, WrongUsage
from bluegreen.host import proxy
from bluegreen.host.look import State
from bluegreen.host.machine import Machine
from bluegreen.host.nginx_config import NginxConfig
from bluegreen.host.workdir import Workdir
from bluegreen.jar import Jar

SETUP = frozenset({Step.SETUP})
DEPLOY = frozenset({Step.START, Step.SWITCH, Step.FORWARD})
SWITCH = frozenset({Step.SWITCH, Step.FORWARD})
BACK = frozenset({Step.SWITCH})
BACK_FROM_COLD = frozenset({Step.START, Step.SWITCH})


@dataclass(frozen=True)
class Passed:
    """What the preflight of a machine found.

    Args:
        config: the configuration of nginx, None if it was not read.
        forced: the findings that `--force` overrode.
        workdir: the working directory of the next JVM, None if it was not read.
    """

    config: NginxConfig | None
    forced: tuple[str, ...]
    workdir: Workdir | None = None


def preflight(
    machine: Machine,
    state: State,
    steps: Collection[Step],
    *,
    jar: Jar | None = None,
    forced: Collection[str] = (),
) -> Passed:
    """Requires that no finding stops a rollout. Warns if the live version hangs.

    A switch back by the marker alone asks nginx for nothing, so it does not wait for a diagnosis.

    Args:
        steps: what the rollout does.
        jar: the jar to upload, None for a release that is on the machine.
        forced: the findings that are overridden, as `Finding.key`.

    Raises:
        Unclear: the live slot is unclear.
        Failed: the first failure that stops a step.
    """
    state.require_live()
    by_marker = proxy.marker_suffices(state.proxy, state.settings)
    evidence = Evidence(
        state,
        user=machine.connection.user,
        jar=jar,
        release_bytes=jar.size_bytes if jar else 0,
        diagnosis=None if by_marker and steps == BACK else diagnose(machine, state),
    )
    overridden = require(evidence, steps, forced)
    for finding in overridden:
        machine.console.warn(f"--force {finding.key}: {finding.text}")
    if Step.START in steps:
        # What the old JVM had and the new one has not, before users are on it.
        for finding in startup.options(evidence):
            machine.console.warn(f"{finding.text}; {finding.remedy}")
    for finding in nginx.answers(evidence):
        if finding.level is not Level.OK and finding not in overridden:
            machine.console.warn(finding.text)
    config = evidence.diagnosis.nginx_config if evidence.diagnosis else None
    workdir = evidence.diagnosis.workdir if evidence.diagnosis else None
    return Passed(config, tuple(finding.key for finding in overridden), workdir)


def require(
    evidence: Evidence, steps: Collection[Step], forced: Collection[str] | None = ()
) -> tuple[Finding, ...]:
    """Requires that no finding stops one of the steps.

    Args:
        forced: the findings that are overridden, as `Finding.key`; None for a command that overrides none.

    Returns:
        The findings that would stop it and are overridden.

    Raises:
        Unclear: the live slot is unclear.
        WrongUsage: there is no finding of a name to override.
        Failed: the first failure that stops a step and is not overridden.
    """
    state = evidence.state
    # A machine that is to be set up has none yet.
    if Step.SETUP not in steps:
        state.require_live()
    keys = frozenset(forced or ())
    every = list(findings(evidence))
    stopping = [
        finding
        for finding in every
        if finding.level is Level.FAILURE and not set(steps).isdisjoint(finding.stops)
    ]
    if unknown := keys - {finding.key for finding in every}:
        names = ", ".join(finding.key for finding in stopping) or "nothing stops it"
        raise WrongUsage(
            f"--force {min(unknown)}: {state.address} has no such finding; nothing was changed",
            why=[f"what would stop it now: {names}"],
            remedy=f"bluegreen check --host {state.settings.host} shows all findings",
        )
    for finding in stopping:
        if finding.key not in keys:
            override = [] if forced is None else [f"to go on nevertheless: --force {finding.key}"]
            raise Failed(
                f"{state.address}: {finding.text}",
                why=["nothing was changed", *override],
                live=state.describe_live(),
                remedy=finding.remedy,
            )
    return tuple(stopping)
