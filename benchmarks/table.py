"""Output of a benchmark: a title, a table, and the command that measured it."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from statistics import median

from bluegreen.console.terminal import Console


def print_table(title: str, headers: Sequence[str], rows: Sequence[Sequence[str]], *, command: str) -> None:
    """Prints a table with its title and the command that measured it."""
    console = Console()
    console.line()
    console.line(title, "bold")
    console.table(headers, rows)
    console.line(f"measured by: {command}  ({platform.machine()}, Python {platform.python_version()})")


def median_and_range(values_ms: Sequence[float]) -> str:
    """The median, the minimum and the maximum of times in ms, as text: `62 ms (55 to 83)`."""
    return f"{median(values_ms):.0f} ms ({min(values_ms):.0f} to {max(values_ms):.0f})"


def percentile(values: Sequence[float], percent: float) -> float:
    """The value at a percentile.

    Args:
        percent: 0 to 100.
    """
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]
