"""Questions to the person at the terminal; none if piped or in CI."""

from __future__ import annotations

import sys

from bluegreen.console.ci import in_ci


def somebody_answers() -> bool:
    """Whether a person can answer a question."""
    return sys.stdin.isatty() and not in_ci()


def confirmed(question: str) -> bool:
    """Whether the person answers yes; False where nobody can answer."""
    return somebody_answers() and input(f"{question} [y/N] ").strip().lower() in ("y", "yes")


def answer(name: str, question: str, default: str | None) -> str | None:
    """What the person answers, or the default; None where neither is given."""
    if somebody_answers():
        given = input(f"{name}: {question}{f' [{default}]' if default else ''}: ").strip()
        return given or default
    return default
