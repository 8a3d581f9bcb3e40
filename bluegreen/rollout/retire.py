"""Retire: keep the old slot warm or have it stopped, after the new one was switched to and watched."""

from __future__ import annotations

from bluegreen.console.units import seconds
from bluegreen.errors import Failed
from bluegreen.host import slots
from bluegreen.host.slots import Slot
from bluegreen.report.run import Rollout
from bluegreen.rollout.switching import Moved


def retire(moved: Moved) -> None:
    """Keeps the old slot warm, or stops it, as `old_slot` of config.yml says."""
    rollout = moved.rollout
    machine, old = rollout.machine, rollout.live
    found, settings = rollout.before.slots[old], rollout.settings.old_slot
    if found.unit:
        machine.console.warn(
            f"{old} still runs the JVM of {found.unit_name}, which would take its port after a boot: "
            f"{found.disable_unit}"
        )
    if not found.occupied:
        return
    warm = _kept(rollout, found)
    if settings.after_switch == "keep" and settings.keep_for_s is None:
        machine.console.note(warm)
        return
    with machine.console.step(f"retire {old}", name="retire the old slot") as step:
        try:
            if settings.after_switch == "stop":
                stopped = slots.stop(machine, old, moved.route, drain_s=settings.drain_s)
                step.done(f"the old slot {old}: {stopped or 'it ran no JVM'}")
            else:
                kept_s = slots.keep_for(machine, found, moved.route)
                step.done(f"{warm}; the machine stops it in {seconds(kept_s)}")
        except Failed as error:
            # The new version serves: an old one that is not stopped does not make the deploy fail.
            step.done(f"the old slot {old} keeps running: {error.message}")


def _kept(rollout: Rollout, old: Slot) -> str:
    """What is kept in the old slot. An instant rollback leads only to a good release that is UP."""
    jobs = "its scheduled jobs and consumers keep running"
    if not old.running:
        return f"the JVM started by hand in {old.name} and {jobs}"
    if old.release in rollout.bad:
        return f"{old.name} keeps running, but its version is marked bad; {jobs}"
    if not old.up:
        return f"{old.name} keeps running, but is not UP ({old.health or 'it does not listen'}); {jobs}"
    return f"{old.name} stays warm for an instant rollback; {jobs}"
