"""Questions to the person at the terminal; none if piped or in CI."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from bluegreen.console.ci import in_ci
from bluegreen.console.output import stdout_lost


def somebody_answers() -> bool:
    """Whether a person can answer a question."""
    # A stdin that was closed when Python started is None.
    return bool(sys.stdin and sys.stdin.isatty()) and not in_ci() and not stdout_lost()


def confirmed(question: str) -> bool:
    """Whether the person answers yes; False where nobody can answer."""
    return somebody_answers() and input(f"{question} [y/N] ").strip().lower() in ("y", "yes")


def answer(name: str, question: str, default: str | None, choices: Sequence[str] = ()) -> str | None:
    """What the person answers, or the default; None where neither is given.

    Args:
        choices: what may be answered, shown with numbers.
    """
    if somebody_answers():
        listed = "".join(f"  {number}  {choice}\n" for number, choice in enumerate(choices, 1))
        given = input(f"{listed}{name}: {question}{f' [{default}]' if default else ''}: ").strip()
        return given or default
    return default
