"""Stage: everything before the switch. Upload, start the idle slot anew, wait until it is UP, smoke paths."""

from __future__ import annotations

from collections.abc import Mapping

from bluegreen.console.terminal import seconds, size
from bluegreen.host import health, releases, slots
from bluegreen.host.machine import application_path
from bluegreen.jar import Jar
from bluegreen.rollout.attempt import Attempt


def upload(attempt: Attempt, jar: Jar) -> None:
    """Brings the jar to the machine as the attempt's release."""
    console, release = attempt.machine.console, attempt.release
    assert release is not None  # noqa: S101 # an upload is of the release that the deploy made
    with console.step(f"upload {jar.path.name}, {size(jar.size_bytes)}", name="upload") as step:
        with console.progress(jar.path.name, jar.size_bytes) as progress:
            sent = releases.upload(attempt.machine, release, jar, attempt.view.releases, progress)
        rate = size(jar.size_bytes / max(step.so_far_s, 0.001))
        how = f"{size(jar.size_bytes)}, {rate}/s" if sent else "the host had these bytes already"
        step.done(f"uploaded {jar.path.name} as release {release.id}: {how}")


def make_room(attempt: Attempt) -> None:
    """Stops what the idle slot still runs, once what is under way there has ended (P2).

    It is not yet the attempt's own: an interrupt meanwhile leaves it to its users.
    """
    machine, found = attempt.machine, attempt.view.slots[attempt.slot]
    if not found.occupied:
        return
    with machine.console.step(f"stop what {attempt.slot} ran before", name="make room") as step:
        stopped = slots.stop(machine, attempt.slot, attempt.route, drain_s=machine.settings.old_slot.drain_s)
        step.done(
            f"{attempt.slot}: its previous JVM (pid {stopped.pid}) {stopped}"
            if stopped
            else f"{attempt.slot}: its previous JVM ended by itself"
        )


def start_until_up(attempt: Attempt, environment: Mapping[str, str]) -> None:
    """Starts the release in the idle slot and waits until it is UP and its smoke paths answer.

    Raises:
        Failed: it did not get there; the cause holds the last answer and the last lines of its log.
    """
    machine, slot, release = attempt.machine, attempt.slot, attempt.release
    assert release is not None  # noqa: S101 # only a release can be started
    make_room(attempt)
    with machine.console.step(f"start {slot}", name="start until UP") as step:
        # Said before it runs: whatever comes next, what may have been started is stopped again.
        attempt.started = True
        attempt.pid = slots.start(machine, slot, release.id, attempt.route, environment)
        began = step.so_far_s
        attempt.health = health.wait_until_up(machine, slot, attempt.pid)
        step.done(f"{slot} is UP {seconds(step.so_far_s - began)} after its start (pid {attempt.pid})")
    paths, times = machine.settings.health.smoke, machine.settings.health.warm
    if paths:
        with machine.console.step(f"ask {len(paths)} smoke paths of {slot}", name="smoke paths") as step:
            health.smoke(machine, slot)
            step.done(f"{len(paths)} smoke paths of {slot} answer 2xx")
    elif times:
        with machine.console.step(f"warm {slot}", name="warm") as step:
            health.warm(machine, slot)
            step.done(f"warmed {slot} with {times} requests for {application_path(machine.settings)}")
