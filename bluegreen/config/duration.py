"""Times as people write them, `500ms`, `30s`, `2m`, and the seconds they are."""

from __future__ import annotations

import math
import re

PATTERN = r"^[0-9]+(\.[0-9]+)?(ms|s|m|h)?$"
"""A time in text. Without a unit it counts seconds, as a bare number does."""

_SECONDS_IN = {"ms": 0.001, "s": 1.0, "": 1.0, "m": 60.0, "h": 3600.0}


def seconds(written: object) -> float:
    """The seconds that a number or a text such as `500ms` stands for.

    Raises:
        ValueError: it is no time, or not a finite one from 0 up.
    """
    if isinstance(written, str) and re.fullmatch(PATTERN, written):
        number = written.rstrip("msh")
        told_s = round(float(number) * _SECONDS_IN[written[len(number) :]], 6)
    elif isinstance(written, (int, float)) and not isinstance(written, bool):
        told_s = float(written)
    else:
        raise ValueError(f"no time: {written!r}")
    if math.isfinite(told_s) and told_s >= 0:
        return told_s
    raise ValueError(f"no time: {written!r}")


def text(duration_s: float) -> str:
    """The shortest way to write so many seconds without loss: `2m`, `90s`, `1.5s`, `500ms`, `0s`."""
    if duration_s == 0:
        return "0s"
    for unit in ("h", "m"):
        if duration_s % _SECONDS_IN[unit] == 0:
            return f"{duration_s / _SECONDS_IN[unit]:g}{unit}"
    if duration_s < 1:
        return f"{round(duration_s * 1000, 3):.10g}ms"
    return f"{duration_s:.10g}s"
