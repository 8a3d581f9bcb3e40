"""The dry run: every change that would be made, in the order of the deploy, from the same reading."""

from __future__ import annotations

import difflib
import shlex

from bluegreen.console.terminal import seconds, size
from bluegreen.host import slots
from bluegreen.host.files.include import Form, render
from bluegreen.jar import Jar
from bluegreen.rollout.attempt import Attempt, pruned_by


def show(attempt: Attempt, *, jar: Jar | None, switch: bool) -> tuple[str, ...]:
    """Prints and gives what the attempt would do, a line each. Nothing is changed.

    Args:
        jar: what would be uploaded, None for a release that is on the host.
        switch: whether it goes on to the switch.
    """
    console = attempt.machine.console
    if attempt.view.lock:
        console.warn(f"the host is locked by {attempt.view.lock}: a deploy now would end with exit code 4")
    sentences = [*_staging(attempt, jar), *(_switching(attempt) if switch else [])]
    lines = tuple(f"     {each}" if each.startswith(" ") else f"would {each}" for each in sentences)
    for line in lines:
        console.line(line)
    console.line("dry run: nothing was changed")
    return lines


def _staging(attempt: Attempt, jar: Jar | None) -> list[str]:
    settings, release = attempt.machine.settings, attempt.release
    base, there = settings.releases.path, attempt.view.slots[attempt.slot]
    if attempt.pid is not None or release is None:
        return []
    told = []
    if jar:
        same = next((each for each in attempt.view.releases if each.sha256 == jar.sha256), None)
        how = f"take the bytes from release {same.id}" if same else f"upload {size(jar.size_bytes)}"
        told.append(f"{how} to {base}/releases/{release.id}/app.jar")
    if there.owner is not None or there.running:
        told.append(f"stop the JVM in {there.name} (pid {there.pid or there.owner})")
    told.append(f"point {base}/slots/{there.name} at releases/{release.id}")
    told.append(f"start in {there.name}: {shlex.join(slots.command(settings, there.name, release.id))}")
    names = [*settings.env, *settings.secrets]
    if names:
        told.append(f"give it the environment variables {', '.join(names)}")
    told.append(
        f"wait up to {settings.health.timeout_s:g} s for UP on port {settings.health_port(there.name)}"
    )
    return told


def _switching(attempt: Attempt) -> list[str]:
    settings, view = attempt.machine.settings, attempt.view
    form = Form(settings.switch.method)
    fresh = render(settings, attempt.slot, form=form, groups=view.proxy.groups)
    reload_needed = form is Form.PLAIN or view.proxy.form is not form
    diff = [
        line
        for line in difflib.unified_diff(
            view.proxy.include.splitlines(), fresh.splitlines(), lineterm="", n=0
        )
        if line[:1] in "+-" and line[:3] not in ("+++", "---")
    ]
    told = [f"write {settings.switch.include}:", *(f"  {line}" for line in diff)]
    told.append(
        "reload nginx" if reload_needed else f"move the marker to {settings.nginx.runtime}/{attempt.slot}"
    )
    told.append(f"see {attempt.slot} answer through nginx, and watch it for {settings.switch.watch_s:g} s")
    if settings.old_slot.after_switch == "stop" and view.slots[attempt.live].running:
        told.append(f"stop {attempt.live} once nothing is under way there")
    elif settings.old_slot.keep_for_s is not None and view.slots[attempt.live].running:
        told.append(f"have the host stop {attempt.live} {seconds(settings.old_slot.keep_for_s)} later")
    told.extend(f"remove the old release {old}" for old in pruned_by(attempt, attempt.entry()))
    told.append(f"write two lines to {settings.releases.path}/history.jsonl")
    return told
