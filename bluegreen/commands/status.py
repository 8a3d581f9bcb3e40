"""status: the live slot, both slots' health, releases, lock, drift."""

from __future__ import annotations

from typing import Any

from bluegreen.config import Settings
from bluegreen.console.terminal import Console, size
from bluegreen.host.journal import bad_releases, good_releases
from bluegreen.host.look import State, look
from bluegreen.host.machine import Machine
from bluegreen.host.slots import Slot
from bluegreen.rollout.fleet import connected, side_by_side


def run(settings: Settings, console: Console) -> dict[str, Any]:
    """What a host is like now, as the data of `status --json`; nothing is changed."""
    with connected(settings, console) as machines:
        views = side_by_side(machines, look)
        told = [_machine(machine, view) for machine, view in zip(machines, views, strict=True)]
    lives = {each["live"] for each in told}
    return {
        "host": settings.host,
        "app": settings.app,
        "live": lives.pop() if len(lives) == 1 else None,
        "machines": told,
    }


def show(told: dict[str, Any], console: Console) -> None:
    """Prints the data of `status` for a person."""
    for machine in told["machines"]:
        nginx = machine["nginx"]
        console.line()
        console.line(f"{told['app']} on {machine['address']}: live is {machine['live'] or 'unclear'}", "bold")
        console.table(
            ["slot", "", "port", "release", "version", "health", "pid", "memory"],
            [_row(name, slot, machine["live"]) for name, slot in machine["slots"].items()],
        )
        console.line()
        console.table(
            ["release", "version", "size", "uploaded", "by", ""],
            [
                [each["id"], each["version"], size(each["size_bytes"]), each["at"], each["by"], each["state"]]
                for each in machine["releases"]
            ],
        )
        console.line()
        lock = machine["lock"]
        console.facts(
            {
                "nginx": f"{nginx['version'] or 'not found'}, method {nginx['method']}, {nginx['include']}",
                "lock": f"held by {lock['by']} since {lock['since']} ({lock['command']})" if lock else "free",
            }
        )
        for sentence in machine["drift"]:
            console.warn(sentence)


def _machine(machine: Machine, view: State) -> dict[str, Any]:
    good, bad = good_releases(view.history), bad_releases(view.history)
    return {
        "address": machine.address,
        "live": view.live,
        "slots": {name: _slot(view, slot) for name, slot in view.slots.items()},
        "releases": [
            {
                "id": each.id,
                "version": each.version,
                "size_bytes": each.size_bytes,
                "at": each.at,
                "by": each.by,
                "state": "bad" if each.id in bad else "good" if each.id in good else "never live",
            }
            for each in reversed(view.releases)
        ],
        "lock": {
            "by": view.lock.by,
            "since": view.lock.since,
            "command": view.lock.command,
            "url": view.lock.url,
        }
        if view.lock
        else None,
        "drift": list(view.drift),
        "nginx": {
            "version": view.proxy.version or None,
            "method": view.proxy.form.value,
            "include": machine.settings.switch.include,
        },
    }


def _slot(view: State, slot: Slot) -> dict[str, Any]:
    release = view.release_of(slot.name)
    return {
        "port": slot.port,
        "release": slot.release,
        "version": release.version if release else None,
        "running": slot.running,
        "health": slot.health.status if slot.health else None,
        "pid": slot.pid,
        "memory_bytes": slot.memory_bytes,
    }


def _row(name: str, slot: dict[str, Any], live: str | None) -> list[str]:
    memory = slot["memory_bytes"]
    return [
        name,
        "live" if name == live else "idle",
        str(slot["port"]),
        slot["release"] or "-",
        slot["version"] or "-",
        slot["health"] or ("not listening" if slot["running"] else "stopped"),
        str(slot["pid"] or "-"),
        size(memory) if memory else "-",
    ]
