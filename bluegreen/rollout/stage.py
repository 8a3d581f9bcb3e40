"""Stage: everything before the switch. Upload the jar, start it in the idle slot, wait for UP, warm it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bluegreen.console.units import seconds, size
from bluegreen.errors import Failed
from bluegreen.host import health, never_up, releases, slots
from bluegreen.host.answer import Answer
from bluegreen.host.machine import application_path
from bluegreen.host.proxy import Proxy
from bluegreen.host.serving import Serving
from bluegreen.jar import Jar
from bluegreen.report.run import Rollout
from bluegreen.rollout.undo import Undo
from bluegreen.ssh.connection import Connection


@dataclass(frozen=True)
class Staged:
    """A release that is UP in the idle slot, ready for the switch.

    Args:
        pid: of its JVM, None for one that bluegreen does not supervise.
        health: its last UP, None if it was not asked.
        proxy: what nginx routes by, as last seen.
        named: whether the verify path names the slot through nginx, so that its answer proves a switch.
        judged_path: what the watch asks of the slot on its own port, besides its health; empty for nothing.
    """

    rollout: Rollout
    pid: int | None
    health: Answer | None
    proxy: Proxy
    named: bool = False
    judged_path: str = ""

    @property
    def connection(self) -> Connection:
        return self.rollout.connection


def running(rollout: Rollout) -> Staged:
    """What the idle slot runs already, as the look found it.

    Raises:
        Failed: it is not UP.
    """
    state = rollout.before
    idle = state.slots[rollout.slot]
    if not idle.up:
        reason = str(idle.health) if idle.health else "it runs no JVM of ours"
        cause = never_up.reason(idle.health, rollout.settings, idle.name) if idle.health else None
        raise Failed(
            f"the idle slot {idle.name} is not UP: {cause.text if cause else reason}",
            live=f"{state.describe_live()} (untouched)",
            remedy=f"{f'{cause.remedy}; ' if cause else ''}"
            f"deploy first: `bluegreen deploy --host {rollout.settings.host} --no-switch`",
        )
    return Staged(rollout, idle.pid, idle.health, state.proxy)


def upload(rollout: Rollout, jar: Jar) -> None:
    """Sends the jar to the machine as the rollout's release."""
    console, release = rollout.machine.console, rollout.release
    assert release is not None  # noqa: S101 # a deploy makes its release from the jar
    with console.step(f"upload {jar.path.name}, {size(jar.size_bytes)}", name="upload") as step:
        with console.progress(jar.path.name, jar.size_bytes) as progress:
            sent = releases.upload(rollout.machine, release, jar, rollout.before.releases, progress)
        rate = size(jar.size_bytes / max(step.so_far_s, 0.001))
        how = f"{size(jar.size_bytes)}, {rate}/s" if sent else "the machine already had these bytes"
        step.done(f"uploaded {jar.path.name} as release {release.id}: {how}")


def start_until_up(rollout: Rollout, environment: Mapping[str, str], undo: Undo) -> Staged:
    """Starts the release in the idle slot and waits until it is UP and its smoke paths answer.

    Args:
        environment: of the JVM, secrets included.

    Raises:
        Failed: it did not become UP; the cause holds the last answer and the last lines of its log.
    """
    _make_room(rollout)
    staged = _start(rollout, environment, undo)
    _warm(rollout)
    return staged


def _make_room(rollout: Rollout) -> None:
    """Stops the JVM of the idle slot, once its requests have ended (P2).

    This run did not start that JVM, so an interrupt does not stop it.
    """
    machine, found = rollout.machine, rollout.before.slots[rollout.slot]
    if not found.occupied:
        return
    with machine.console.step(f"stop the previous JVM of {rollout.slot}", name="make room") as step:
        stopped = slots.stop(
            machine,
            rollout.slot,
            rollout.before.proxy.route,
            drain_s=rollout.settings.old_slot.drain_s,
        )
        step.done(
            f"{rollout.slot}: its previous JVM (pid {stopped.pid}) {stopped}"
            if stopped
            else f"{rollout.slot}: its previous JVM ended by itself"
        )


def _start(rollout: Rollout, environment: Mapping[str, str], undo: Undo) -> Staged:
    machine, slot, release, proxy = rollout.machine, rollout.slot, rollout.release, rollout.before.proxy
    assert release is not None  # noqa: S101 # only a release can be started
    with machine.console.step(f"start {slot}", name="start until UP") as step:
        # Before it runs: whatever happens next, what may have been started is stopped.
        undo.starts(rollout)
        adopted = rollout.workdir.adopted if rollout.workdir else ""
        pid = slots.start(machine, slot, release.id, proxy.route, environment, adopted=adopted)
        began_s = step.so_far_s
        answer = health.wait_until_up(
            machine, slot, pid, Serving(machine, rollout.before.slots[rollout.live])
        )
        step.done(f"{slot} is UP after {seconds(step.so_far_s - began_s)} (pid {pid})")
    return Staged(rollout, pid, answer, proxy)


def _warm(rollout: Rollout) -> None:
    machine, slot = rollout.machine, rollout.slot
    paths, times = rollout.settings.health.smoke, rollout.settings.health.warm
    if paths:
        with machine.console.step(f"request {len(paths)} smoke paths of {slot}", name="smoke paths") as step:
            health.smoke(machine, slot)
            step.done(f"{len(paths)} smoke paths of {slot} answer 2xx")
    elif times:
        with machine.console.step(f"warm {slot}", name="warm") as step:
            health.warm(machine, slot)
            step.done(f"warmed {slot} with {times} requests for {application_path(rollout.settings)}")
