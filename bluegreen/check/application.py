"""Findings about the application: the ports of its slots, and what its jar contains."""

from __future__ import annotations

from collections.abc import Iterator

from bluegreen.check.evidence import Evidence
from bluegreen.check.finding import Finding, Step, failure, ok, warning
from bluegreen.config.settings import Health
from bluegreen.host import command_line, never_up
from bluegreen.host.slots import Slot

# Graceful shutdown is the default from this version on (Spring Boot 3.4 release notes).
GRACEFUL_SINCE = (3, 4)

DEFAULT_HEALTH_PATH = Health().path


def ports(evidence: Evidence) -> Iterator[Finding]:
    """Whether the port of each slot is free or held by the slot's own JVM."""
    state = evidence.state
    for slot in state.slots.values():
        name = f"port of {slot.name}"
        if slot.owner is None:
            yield ok(name, f"port {slot.port} is free")
        elif other := _other_app(slot, evidence.settings.app):
            yield failure(
                name,
                f"port {slot.port} is held by the JVM of {other}, another app on this machine",
                evidence.own_keys,
                stops=(Step.SETUP, Step.START, Step.SWITCH),
            )
        elif not slot.foreign:
            yield ok(name, f"port {slot.port} is held by the JVM of {slot.name} (pid {slot.owner})")
        elif slot.unit:
            text = f"port {slot.port} is held by {slot.unit_name} (pid {slot.owner})"
            if slot.name == state.live:
                yield warning(
                    name,
                    f"{text}, which serves users; at a boot it takes the port again",
                    f"after a deploy to {evidence.settings.other(slot.name)}: {slot.disable_unit}",
                )
            else:
                yield failure(
                    name,
                    f"{text}, so {slot.name} cannot start",
                    slot.disable_unit,
                    stops=(Step.START,),
                )
        elif slot.name == state.live:
            yield ok(name, f"port {slot.port} is held by {_owner(slot)}, which serves users")
        else:
            yield failure(
                name,
                f"port {slot.port} is held by {_owner(slot)}, so {slot.name} cannot start",
                f"stop that process, or set another port for {slot.name} under slots: in config.yml",
                stops=(Step.START,),
            )


def health(evidence: Evidence) -> Iterator[Finding]:
    """Whether the health of each JVM that runs can be UP; the next release may answer otherwise."""
    for slot in evidence.state.slots.values():
        if not slot.occupied or slot.health is None:
            continue
        name = f"health of {slot.name}"
        if cause := never_up.reason(slot.health, evidence.settings, slot.name):
            yield warning(name, cause.text, cause.remedy)
        elif slot.health.up:
            yield ok(name, f"{evidence.settings.health.path} of {slot.name} answers UP")


def _other_app(slot: Slot, app: str) -> str:
    """The app of bluegreen whose JVM holds the port of a slot, empty if it is this one or none."""
    others = (
        word.removeprefix("-Dbluegreen.app=") for word in slot.command if word.startswith("-Dbluegreen.app=")
    )
    return next((other for other in others if other != app), "")


def _owner(slot: Slot) -> str:
    if slot.owner == "?":
        return "a process of another user"
    user = f" of {slot.owner_user}" if slot.owner_user else ""
    command = f" ({command_line.shown(slot.command)})" if slot.command else ""
    return f"pid {slot.owner}{user}{command}"


def jar(evidence: Evidence) -> Iterator[Finding]:
    """What would go wrong when the jar starts."""
    jar, settings = evidence.jar, evidence.settings
    if jar is None:
        yield warning(
            "jar",
            f"no file here matches {settings.jar}, so the jar was not examined",
            "./gradlew bootJar, or: ./mvnw package",
        )
        return
    for text in jar.warnings:
        yield warning("jar", text, "fix it in the application, and build the jar again")
    if not jar.warnings:
        yield ok("jar", f"{jar.path.name} needs Java {jar.java_release or '(any version)'}")


def management_port(evidence: Evidence) -> Iterator[Finding]:
    """Whether both slots would open the same management port."""
    jar, settings = evidence.jar, evidence.settings
    if jar is None or jar.management_port is None or len(settings.health.ports) >= len(settings.slots):
        return
    ports = ", ".join(f"{slot}: {port + 1000}" for slot, port in settings.slots.items())
    yield failure(
        "management port",
        f"the jar sets management.server.port to {jar.management_port} for both slots, "
        "so the second slot cannot start",
        f"write into config.yml: health: {{ports: {{{ports}}}}}",
    )


def health_path(evidence: Evidence) -> Iterator[Finding]:
    """Whether the jar puts its health endpoint at another path than Spring Boot's own, which is asked for."""
    jar, path = evidence.jar, evidence.settings.health.path
    if jar is None or jar.health_path in (None, path) or path != DEFAULT_HEALTH_PATH:
        return
    yield warning(
        "health path",
        f"the jar puts its health endpoint at {jar.health_path}, and {path} is asked for",
        f"write into config.yml: health: {{path: {jar.health_path}}}",
    )


def graceful_shutdown(evidence: Evidence) -> Iterator[Finding]:
    """Whether the application finishes its running requests when it is stopped."""
    jar = evidence.jar
    if jar is None:
        return
    if jar.graceful is False:
        cause = "the jar sets server.shutdown to immediate"
    elif jar.graceful is None and jar.spring_boot and jar.spring_boot < GRACEFUL_SINCE:
        version = ".".join(map(str, jar.spring_boot[:2]))
        cause = f"graceful shutdown is off by default in Spring Boot {version}"
    else:
        return
    yield warning(
        "graceful shutdown",
        f"{cause}: requests that run when the old slot is stopped are cut off",
        "write into application.yml: server.shutdown: graceful",
    )
