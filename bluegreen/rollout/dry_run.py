"""The dry run: every change that a deploy would make, in its order, from the same look."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from bluegreen.console.units import seconds, size
from bluegreen.host import command_line, launch, route
from bluegreen.host.machine import verify_path
from bluegreen.jar import Jar
from bluegreen.report.record import pruned_by
from bluegreen.report.run import Rollout
from bluegreen.rollout.route import cost_of_reload, needs_conversion


def plan(rollout: Rollout, jar: Jar, *, switch: bool) -> tuple[str, ...]:
    """The changes that the deploy of a jar would make, a line each. Nothing is changed.

    Args:
        switch: whether it would go on to the switch.
    """
    steps = [*_staging(rollout, jar), *(_switching(rollout) if switch else ())]
    return tuple(f"     {step}" if step.startswith(" ") else f"would {step}" for step in steps)


def show(rollout: Rollout, lines: tuple[str, ...]) -> None:
    """Prints the plan of one machine."""
    console = rollout.machine.console
    if rollout.before.lock:
        console.warn(f"the lock is held by {rollout.before.lock}: a deploy now would end with exit code 4")
    for line in lines:
        console.line(line)
    console.line("dry run: nothing was changed")


def _staging(rollout: Rollout, jar: Jar) -> Iterator[str]:
    settings, release = rollout.settings, rollout.release
    base, slot = settings.releases.path, rollout.before.slots[rollout.slot]
    if release is None:
        return
    same = next((each for each in rollout.before.releases if each.sha256 == jar.sha256), None)
    how = f"take the bytes from release {same.id}" if same else f"upload {size(jar.size_bytes)}"
    yield f"{how} to {base}/releases/{release.id}/app.jar"
    if slot.owner is not None or slot.running:
        yield f"stop the JVM in {slot.name} (pid {slot.pid or slot.owner})"
    yield f"point {base}/slots/{slot.name} at releases/{release.id}"
    if workdir := rollout.workdir:
        yield f"run it in {workdir.text}"
        for name, files in workdir.strays.items():
            yield f"move from releases/{name} to {workdir.path}: {', '.join(files)}"
    yield f"start in {slot.name}: {command_line.shown(launch.command(settings, slot.name, release.id))}"
    names = [*settings.env, *settings.secrets]
    if names:
        yield f"give it the environment variables {', '.join(names)}"
    yield f"wait up to {settings.health.timeout_s:g} s for UP on port {settings.health_port(slot.name)}"


def _include(path: str, old: str, new: str) -> Iterator[str]:
    if old.strip() == new.strip():
        return
    yield f"write {path}:"
    for line in difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=0):
        if line[:1] in "+-" and line[:3] not in ("+++", "---"):
            yield f"  {line}"


def _switching(rollout: Rollout) -> Iterator[str]:
    settings, state = rollout.settings, rollout.before
    text = state.proxy.include.text
    if needs_conversion(rollout):
        old, text = text, route.rewritten(rollout.machine, state.proxy, rollout.live)
        yield from _include(settings.switch.include, old, text)
        yield f"load it, with {rollout.live} live as before: {cost_of_reload(state.proxy)}"
    if settings.switch.method == "instant":
        yield f"ask {verify_path(settings)} of {rollout.slot} through nginx, with a token that no user has"
    new = route.rewritten(rollout.machine, state.proxy, rollout.slot)
    yield from _include(settings.switch.include, text, new)
    if settings.switch.method == "reload":
        yield "reload nginx"
    else:
        yield f"move the marker to {settings.nginx.runtime}/{rollout.slot}"
    yield f"verify that {rollout.slot} answers through nginx, and watch it for {settings.switch.watch_s:g} s"
    old_slot, runs = settings.old_slot, state.slots[rollout.live].running
    if old_slot.after_switch == "stop" and runs:
        yield f"stop {rollout.live} once it has no requests to drain"
    elif old_slot.keep_for_s is not None and runs:
        yield f"have the machine stop {rollout.live} {seconds(old_slot.keep_for_s)} later"
    for release in pruned_by(rollout):
        yield f"remove the old release {release}"
    yield f"write two lines to {settings.releases.path}/history.jsonl"
