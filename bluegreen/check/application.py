"""Findings about the application: its ports, and what its jar says."""

from __future__ import annotations

from collections.abc import Iterator

from bluegreen.check.finding import Finding, failure, ok, warning
from bluegreen.host.look import State
from bluegreen.jar import Jar

# From this Spring Boot on graceful shutdown is the default (its release notes).
GRACEFUL_SINCE = (3, 4)


def ports(view: State) -> Iterator[Finding]:
    """Both slots' ports free or ours."""
    for slot in view.slots.values():
        name = f"port of {slot.name}"
        if slot.foreign and slot.name != view.live:
            who = f"pid {slot.owner}" if slot.owner != "?" else "a process of another user"
            yield failure(
                name,
                f"{slot.port} is held by {who}: {slot.command}".rstrip(": "),
                "stop it, or choose another port",
            )
        elif slot.owner is None:
            yield ok(name, f"{slot.port} is free")
        else:
            yield ok(name, f"{slot.port} is ours (pid {slot.owner})")


def jar(view: State, found: Jar | None) -> Iterator[Finding]:
    """What the jar that would be deployed says of itself."""
    if found is None:
        yield warning("jar", f"no jar matches {view.settings.jar} here: it was not looked into", "build it")
        return
    for sentence in found.warnings:
        yield warning("jar", sentence, "mend it in the application")
    if found.management_port is not None and len(view.settings.health.ports) < len(view.slots):
        yield failure(
            "management port",
            f"the jar sets it to {found.management_port} for both slots: the second cannot start",
            "give each slot its own: health.ports: {prod1: 9081, prod2: 9082}",
        )
    if found.spring_boot and found.spring_boot < GRACEFUL_SINCE and found.graceful is not True:
        yield warning(
            "graceful shutdown",
            "off: requests that run when the old slot is stopped are cut",
            "server.shutdown: graceful in application.yml",
        )
    elif found.graceful is False:
        yield warning(
            "graceful shutdown",
            "server.shutdown is immediate: running requests are cut",
            "server.shutdown: graceful",
        )
    else:
        yield ok("jar", f"{found.path.name}, needs Java {found.java_release or 'unknown'}")
