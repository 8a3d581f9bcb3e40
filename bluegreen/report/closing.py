"""The closing summary: from which release and slot to which, and how long each part took."""

from __future__ import annotations

from collections.abc import Sequence

from bluegreen.console.terminal import Console, seconds
from bluegreen.host import proxy
from bluegreen.rollout.attempt import Attempt


def _how(attempt: Attempt) -> None:
    """How it was switched, and what the probe saw of it."""
    console = attempt.machine.console
    if attempt.switched:
        console.line(f"  switched {attempt.switched}")
        reloaded, found = attempt.switched.reloaded, attempt.view.proxy
        if reloaded and not proxy.reloads_without_loss(found):
            console.warn(
                f"a reload of nginx {found.version} can cost clients on keep-alive connections a request; "
                f"{reloaded.advice}"
            )
    proof = attempt.proof
    if proof and proof.failed:
        console.warn(f"probe: {proof}")
    elif proof:
        console.line(f"  probe: {proof}")


def summarize(console: Console, attempts: Sequence[Attempt]) -> None:
    """Prints what serves now, where it came from, and the times."""
    console.line()
    for attempt in attempts:
        settings = attempt.machine.settings
        where = f"{settings.app} on {attempt.machine.address}"
        if attempt.serves:
            console.line(f"✓ {where}: {attempt.came_from} → {attempt.goes_to}", "bold green")
        else:
            console.line(
                f"✓ {where}: {attempt.goes_to} is UP and waits; {attempt.came_from} still serves",
                "bold green",
            )
            console.line(f"  next: switch --host {settings.host}")
    for attempt in attempts:
        _how(attempt)
    told = "  ".join(f"{each.name} {seconds(each.seconds)}" for each in console.times)
    console.line(f"  {told}  total {seconds(sum(each.seconds for each in console.times))}")
