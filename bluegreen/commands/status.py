"""status: the live slot, the health of both slots, the releases, the lock, and drift."""

from __future__ import annotations

from typing import Any

from bluegreen.config import Settings
from bluegreen.console.terminal import Console
from bluegreen.console.units import size
from bluegreen.host.journal import bad_releases, good_releases
from bluegreen.host.lock import Holder
from bluegreen.host.look import State, look
from bluegreen.host.slots import Slot
from bluegreen.rollout.fleet import connected, side_by_side


def run(settings: Settings, console: Console) -> dict[str, Any]:
    """Returns the state of a host as the data of `status --json`; nothing is changed."""
    with connected(settings, console) as machines:
        states = side_by_side(machines, look)
    lives = {state.live for state in states}
    return {
        "host": settings.host,
        "app": settings.app,
        "live": lives.pop() if len(lives) == 1 else None,
        "machines": [_machine(state) for state in states],
    }


def show(data: dict[str, Any], console: Console) -> None:
    """Prints the data of `status --json` for a person."""
    for machine in data["machines"]:
        nginx = machine["nginx"]
        console.line()
        console.line(f"{data['app']} on {machine['address']}: live is {machine['live'] or 'unclear'}", "bold")
        console.table(
            ["slot", "", "port", "release", "version", "health", "pid", "memory"],
            [_row(name, slot, machine["live"]) for name, slot in machine["slots"].items()],
        )
        console.line()
        console.table(
            ["release", "version", "size", "uploaded", "by", "state"],
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
        for drift in machine["drift"]:
            console.warn(drift)


def _machine(state: State) -> dict[str, Any]:
    good, bad = good_releases(state.history), bad_releases(state.history)
    return {
        "address": state.address,
        "live": state.live,
        "slots": {name: _slot(state, slot) for name, slot in state.slots.items()},
        "releases": [
            {
                "id": each.id,
                "version": each.version,
                "size_bytes": each.size_bytes,
                "at": each.at,
                "by": each.by,
                "state": "bad" if each.id in bad else "good" if each.id in good else "never live",
            }
            for each in reversed(state.releases)
        ],
        "lock": _lock(state.lock) if state.lock else None,
        "drift": [str(drift) for drift in state.drift],
        "nginx": {
            "version": state.proxy.version or None,
            "method": state.proxy.form.value,
            "include": state.settings.switch.include,
        },
    }


def _slot(state: State, slot: Slot) -> dict[str, Any]:
    release = state.release_of(slot.name)
    return {
        "port": slot.port,
        "release": slot.release,
        "version": release.version if release else None,
        "running": slot.running,
        "health": slot.health.status if slot.health else None,
        "pid": slot.pid,
        "memory_bytes": slot.memory_bytes,
    }


def _lock(holder: Holder) -> dict[str, Any]:
    return {"by": holder.by, "since": holder.since, "command": holder.command, "url": holder.url}


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
