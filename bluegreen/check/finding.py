"""A finding of `check`: what was examined, its state, what to do, and which steps of a rollout it stops."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum


class Level(Enum):
    """The severity of a finding: a warning stops nothing, a failure is a defect of the machine or the jar."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


class Step(Enum):
    """A step that a failure can stop.

    SETUP is what `setup` does. START is the start of the idle slot, SWITCH the switch to it, and FORWARD a
    switch to a version that has not served before. A deploy does these three, `switch` the last two. A
    rollback is never stopped by what stops FORWARD; it does START only if the previous version does not run
    any more.
    """

    SETUP = "setup"
    START = "start"
    SWITCH = "switch"
    FORWARD = "forward"


@dataclass(frozen=True)
class Finding:
    """One finding.

    Args:
        name: what was examined, in a word or two.
        text: its state, a clause with a subject and a verb that can be read without the name.
        remedy: a command to paste or a line to write, empty if all is well.
        stops: the steps that the preflight refuses because of it.
    """

    name: str
    level: Level
    text: str
    remedy: str = ""
    stops: tuple[Step, ...] = ()

    @property
    def key(self) -> str:
        """The name as `--force` takes it: `nginx-configuration`."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")


def ok(name: str, text: str) -> Finding:
    """Returns a finding that needs no action."""
    return Finding(name, Level.OK, text)


def warning(name: str, text: str, remedy: str) -> Finding:
    """Returns a finding that stops nothing but can be improved."""
    return Finding(name, Level.WARNING, text, remedy)


def failure(name: str, text: str, remedy: str, stops: tuple[Step, ...] = ()) -> Finding:
    """Returns a finding that must be fixed.

    Args:
        stops: empty where a rollout can go on, or fails later by itself with traffic untouched.
    """
    return Finding(name, Level.FAILURE, text, remedy, stops)
