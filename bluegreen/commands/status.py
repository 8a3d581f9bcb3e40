"""status: the live slot, the health of both slots, the releases, the lock, and drift."""

from __future__ import annotations

from typing import Any

from bluegreen.commands.machines import listed, require_all_reached, shown
from bluegreen.config import Settings
from bluegreen.console.terminal import Console
from bluegreen.console.units import size
from bluegreen.errors import Unclear
from bluegreen.host.files.include import Form
from bluegreen.host.journal import bad_releases, good_releases
from bluegreen.host.lock import Holder
from bluegreen.host.look import State, look
from bluegreen.host.slots import Slot
from bluegreen.rollout.fleet import reached, side_by_side


def run(settings: Settings, console: Console) -> dict[str, Any]:
    """Returns the state of a host as the data of `status --json`; nothing is changed.

    A machine that could not be reached has its address and an `error` only.

    Raises:
        CannotConnect: no machine was reached.
    """
    with reached(settings, console) as found:
        states = side_by_side(found.machines, look)
    lives = {state.live for state in states} | {None for _ in found.errors}
    return {
        "host": settings.host,
        "app": settings.app,
        "live": lives.pop() if len(lives) == 1 else None,
        "machines": listed(settings, found, [_machine(state) for state in states]),
    }


def require_well(data: dict[str, Any]) -> None:
    """Requires that every machine was reached, and that users get answers from each.

    Args:
        data: that of `status --json`, which was shown already.

    Raises:
        Unclear: users get no answer from a machine.
        CannotConnect: a machine was not reached.
    """
    out = [each for each in data["machines"] if each.get("outage")]
    if out:
        first = out[0]["outage"][0]
        raise Unclear(
            f"users get no answer from {', '.join(each['address'] for each in out)}",
            why=[each["text"] for machine in out for each in machine["outage"]],
            remedy=first["remedy"],
        )
    require_all_reached(data["machines"])


def show(data: dict[str, Any], console: Console) -> None:
    """Prints the data of `status --json` for a person."""
    for machine in shown(data):
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
        "outage": [
            {"text": drift.text, "remedy": drift.remedy} for drift in state.drift if drift.kind.is_outage
        ],
        "nginx": {
            "version": state.proxy.version or None,
            "method": _method(state.proxy.include.form),
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


def _method(form: Form) -> str:
    """The method that an include is made for; that of bluegreen 0.1 is instant, too."""
    return "reload" if form is Form.PLAIN else "instant"
