"""How a figure is shown: what was asked, the rows, and the command that makes them again."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from statistics import median

from bluegreen.console.terminal import Console


def show(title: str, headers: Sequence[str], rows: Sequence[Sequence[str]], *, command: str) -> None:
    """Prints a table that can be pasted as it is."""
    console = Console()
    console.line()
    console.line(title, "bold")
    console.table(headers, rows)
    console.line(f"made by: {command}  ({platform.machine()}, Python {platform.python_version()})")


def of(values: Sequence[float], unit: str = "ms") -> str:
    """The median of some values, with the least and the most."""
    return f"{median(values):.0f} {unit} ({min(values):.0f} to {max(values):.0f})"


def percentile(values: Sequence[float], percent: float) -> float:
    """The value below which so many percent are."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]
