"""The closing summary on the terminal: what serves now, the previous version, and how long each part took."""

from __future__ import annotations

from collections.abc import Sequence

from bluegreen.console.terminal import Console
from bluegreen.console.units import seconds
from bluegreen.host import proxy
from bluegreen.report.run import Result


def summarize(console: Console, results: Sequence[Result]) -> None:
    """Prints what serves now on each machine, the previous version, and the times."""
    console.line()
    for result in results:
        _where_it_serves(console, result)
    for result in results:
        _how_it_switched(result)
    parts = "  ".join(f"{each.name} {seconds(each.seconds)}" for each in console.times)
    console.line(f"  {parts}  total {seconds(sum(each.seconds for each in console.times))}")


def _where_it_serves(console: Console, result: Result) -> None:
    rollout = result.rollout
    where = f"{rollout.settings.app} on {rollout.machine.address}"
    if result.serves:
        console.line(f"✓ {where}: {rollout.came_from} → {rollout.goes_to}", "bold green")
        return
    console.line(
        f"✓ {where}: {rollout.goes_to} is UP but not live; {rollout.came_from} is still live", "bold green"
    )
    console.line(f"  next: bluegreen switch --host {rollout.settings.host}")


def _how_it_switched(result: Result) -> None:
    console = result.rollout.machine.console
    if result.switched:
        console.line(f"  switched {result.switched}")
        found, reloaded = result.rollout.before.proxy, result.switched.reloaded
        if reloaded and not proxy.reloads_without_loss(found):
            console.warn(
                f"a reload of nginx {found.version} can cost clients on keep-alive connections a request; "
                f"{reloaded.advice}"
            )
    if result.proof and result.proof.failed:
        console.warn(f"probe: {result.proof}")
    elif result.proof:
        console.line(f"  probe: {result.proof}")
