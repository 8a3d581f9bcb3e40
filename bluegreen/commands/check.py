"""check: a read-only diagnosis, each finding with its remedy; its output can be pasted into an issue."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from bluegreen.check import application, finding, nginx_config, resources, routing
from bluegreen.check.finding import Finding, Level
from bluegreen.config import Settings
from bluegreen.console.terminal import Console
from bluegreen.host.facts import Facts
from bluegreen.host.files import root_files
from bluegreen.host.files.root_files import HostFile
from bluegreen.host.look import State, ToolsMissing, look
from bluegreen.host.machine import Machine
from bluegreen.host.survey import changes, exposed, survey
from bluegreen.jar import Jar
from bluegreen.rollout.fleet import connected, side_by_side

_MARKS = {Level.OK: ("✓", "green"), Level.WARNING: ("!", "yellow"), Level.FAILURE: ("✗", "red")}


def run(settings: Settings, jar: Jar | None, console: Console) -> dict[str, Any]:
    """Looks at everything that a deploy needs, and changes nothing.

    Args:
        jar: the jar that would be deployed, None if there is none here.

    Returns:
        The data of `check --json`.
    """
    with connected(settings, console) as machines:
        found = side_by_side(machines, lambda machine: list(diagnose(machine, jar)))
        told = [
            {
                "address": machine.address,
                "findings": [{**asdict(each), "level": each.level.value} for each in mine],
            }
            for machine, mine in zip(machines, found, strict=True)
        ]
    return {"host": settings.host, "app": settings.app, "machines": told}


def failures(told: dict[str, Any]) -> list[str]:
    """The names of the findings that are failures."""
    return [
        finding["name"]
        for machine in told["machines"]
        for finding in machine["findings"]
        if finding["level"] == Level.FAILURE.value
    ]


def show(told: dict[str, Any], console: Console) -> None:
    """Prints the data of `check` for a person."""
    for machine in told["machines"]:
        console.line()
        console.line(f"{told['app']} on {machine['address']}", "bold")
        for each in machine["findings"]:
            mark, style = _MARKS[Level(each["level"])]
            console.line(f"{mark} {each['name']}: {each['text']}", style)
            if each["remedy"]:
                console.line(f"    what to do: {each['remedy']}")


def diagnose(machine: Machine, jar: Jar | None) -> Iterator[Finding]:
    """Every finding of one machine."""
    yield finding.ok("ssh", f"connected as {machine.connection.user}; the host key is known")
    try:
        view = look(machine)
    except ToolsMissing as error:
        yield finding.failure("tools", f"missing: {' '.join(error.tools)}", str(error.remedy))
        return
    facts, here_s = _facts(machine, view), time.time()
    config = facts.text("nginx.config")
    servers = nginx_config.servers(config, machine.settings.switch.include)
    yield from resources.clock(facts, here_s)
    yield from resources.rights(view, facts, machine.connection.user)
    yield from resources.java(view, facts, jar)
    yield from resources.memory(view, facts)
    yield from resources.disk(view, jar)
    yield from routing.nginx(view, facts)
    yield from routing.include(view, servers, nginx_config.upstreams(config), asked=bool(config))
    if machine.settings.nginx.sudo:
        yield from resources.exposed(exposed(_files(machine, view), facts), machine.connection.user)
    yield from routing.site(view, servers)
    yield from routing.method(view, servers)
    yield from routing.drift(view)
    yield from application.ports(view)
    yield from application.jar(view, jar)
    yield from _as_set_up(machine, view, facts)
    yield from resources.lock(view)


def _facts(machine: Machine, view: State) -> Facts:
    paths = "\n".join(file.path for file in _files(machine, view))
    return machine.run("diagnose", java=machine.settings.java.bin, paths=paths)


def _files(machine: Machine, view: State) -> tuple[HostFile, ...]:
    user = machine.settings.user or machine.connection.user
    root = machine.root_script(user=user)
    return root_files.wanted(machine.settings, root, user=user, nginx_version=view.proxy.version)


def _as_set_up(machine: Machine, view: State, facts: Facts) -> Iterator[Finding]:
    """Unit, site, sudoers and the rest as `setup` would write them; what only root may see needs sudo."""
    settings = machine.settings
    if not settings.nginx.sudo:
        return
    files = _files(machine, view)
    if facts.text("sudo_all"):
        found = survey(machine, settings.user or machine.connection.user).changes
    else:
        found = changes(files, facts)
    for change in found:
        how = "is not there" if change.before is None else "is not as setup would write it"
        yield finding.warning(
            change.file.what,
            f"{change.file.path} {how}",
            f"setup --host {settings.host} mends it; with --dry-run it shows the difference",
        )
    if not facts.text("sudo_all"):
        yield finding.warning(
            "not looked at",
            "who reads the include in nginx's configuration, whether that is sound, and the sudoers file: "
            f"{machine.connection.user} may not sudo",
            f"as one who may: setup --host {settings.host} --dry-run --login USER, and there sudo nginx -t",
        )
    elif not found:
        yield finding.ok("setup", "every file is as setup would write it")
