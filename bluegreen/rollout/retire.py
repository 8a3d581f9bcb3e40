"""Retire: what becomes of the slot that served before, once the new one holds."""

from __future__ import annotations

from bluegreen.console.terminal import seconds
from bluegreen.errors import Failed
from bluegreen.host import slots
from bluegreen.rollout.attempt import Attempt


def retire(attempt: Attempt) -> None:
    """Keeps the old slot warm, or has it stopped, as `old_slot` says."""
    old, found = attempt.live, attempt.view.slots[attempt.live]
    if not found.occupied:
        return
    machine, settings = attempt.machine, attempt.machine.settings.old_slot
    # No release is known of one that was started by hand: no rollback leads there.
    warm = (
        f"{old} stays warm for an instant rollback; its scheduled jobs and consumers run on"
        if found.running
        else f"the JVM started by hand in {old} and its scheduled jobs and consumers run on"
    )
    if settings.after_switch == "keep" and settings.keep_for_s is None:
        machine.console.note(warm)
        return
    with machine.console.step(f"retire {old}", name="retire the old slot") as step:
        try:
            if settings.after_switch == "stop":
                stopped = slots.stop(machine, old, attempt.route, drain_s=settings.drain_s)
                step.done(f"the old slot {old}: {stopped or 'nothing ran there'}")
            else:
                kept_s = slots.keep_for(machine, found, attempt.route)
                step.done(f"{warm}; the host stops it {seconds(kept_s)} from now")
        except Failed as error:
            # The new version serves: that the old one still runs as well is no failure of the deploy.
            step.done(f"the old slot {old} runs on: {error.message}")
