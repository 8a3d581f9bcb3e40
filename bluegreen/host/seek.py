"""Seeking the health endpoint of a slot that does not have it where config.yml says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bluegreen.config import Settings
from bluegreen.host.answer import Answer
from bluegreen.host.machine import Machine
from bluegreen.host.never_up import STATUSES, NeverUp
from bluegreen.remote import limits

# Of Spring Boot with the base paths that people set, then of Micronaut, Quarkus and Helidon.
PATHS = (
    "/actuator/health",
    "/manage/health",
    "/management/health",
    "/health",
    "/q/health/ready",
    "/observe/health",
)


# `Tomcat started on port 8081 (http) with context path '/shop'`
_CONTEXT = re.compile(r" with context path '((?:/[\w.~-]+)+)'")


@dataclass(frozen=True)
class Place:
    """Where a process answers a health status."""

    port: int
    path: str
    status: str


def located(machine: Machine, slot: str, cause: NeverUp, log: Sequence[str]) -> NeverUp:
    """Returns the cause with the place where the slot does answer a health status, if there is one.

    Args:
        log: the log of the slot, in which Spring Boot names its context path.
    """
    settings = machine.settings
    expected = settings.health_port(slot)
    paths = tuple(dict.fromkeys((*_below_context(log), settings.health.path, *PATHS)))
    found = sorted(_places(machine, slot, paths), key=lambda place: place.port != expected)
    if not found:
        tried = ", ".join(path for path in paths if path != settings.health.path)
        return replace(cause, text=f"{cause.text}; nor is it at {tried}")
    place = found[0]
    return replace(
        cause,
        text=f"{cause.text}; port {place.port} answers {place.status} at {place.path}",
        remedy=_remedy(place, settings, slot),
    )


def _remedy(place: Place, settings: Settings, slot: str) -> str:
    keys, steps = [], []
    if place.path != settings.health.path:
        keys.append(f"path: {place.path}")
    if place.port != settings.health_port(slot) and place.port == settings.slots[slot]:
        steps.append("remove health.ports from config.yml")
    elif place.port != settings.health_port(slot):
        ports = ", ".join(f"{name}: {port + 1000}" for name, port in settings.slots.items())
        keys.append(f"ports: {{{ports}}}")
    if keys:
        steps.append(f"write into config.yml: health: {{{', '.join(keys)}}}")
    return "; ".join(steps)


def _below_context(log: Sequence[str]) -> Iterator[str]:
    for line in log:
        if found := _CONTEXT.search(line):
            yield f"{found[1]}{PATHS[0]}"


def _places(machine: Machine, slot: str, paths: Sequence[str]) -> Iterator[Place]:
    """The places in the order in which they were asked; none if the machine could not ask."""
    settings = machine.settings
    report = machine.attempt(
        "seek_health",
        port=settings.slots[slot],
        paths="\n".join(paths),
        answer_s=limits.LOOK_ANSWER_S,
    )
    for _, value in report.facts.under("found."):
        port, code, path, body = value.split(" ", 3)
        status = Answer(int(code), body).status
        expected = int(port) == settings.health_port(slot) and path == settings.health.path
        if status in STATUSES and not expected:
            yield Place(int(port), path, status)
