"""What `check` finds, each with its remedy. A finding reads what is known, and asks nothing itself."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Level(Enum):
    """How bad it is: a warning stops no deploy, a failure would."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True)
class Finding:
    """One finding: what was looked at, how it is, what to do about it (empty if it is fine)."""

    name: str
    level: Level
    text: str
    remedy: str = ""


def ok(name: str, text: str) -> Finding:
    """It is as it should be."""
    return Finding(name, Level.OK, text)


def warning(name: str, text: str, remedy: str) -> Finding:
    """It works, and should be better."""
    return Finding(name, Level.WARNING, text, remedy)


def failure(name: str, text: str, remedy: str) -> Finding:
    """A deploy would fail, or has already."""
    return Finding(name, Level.FAILURE, text, remedy)
