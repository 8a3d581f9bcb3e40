"""Durations as people write them (`500ms`, `30s`, `2m`), and their length in seconds."""

from __future__ import annotations

import re

PATTERN = r"^[0-9]+(\.[0-9]+)?(ms|s|m|h)?$"
"""A duration as text. Without a unit it is in seconds, as a bare number is."""

_SECONDS_PER = {"ms": 0.001, "s": 1.0, "": 1.0, "m": 60.0, "h": 3600.0}


def seconds(text: str) -> float:
    """The length in seconds of a duration such as `500ms`.

    Raises:
        ValueError: the text is not a duration.
    """
    if not re.fullmatch(PATTERN, text):
        raise ValueError(f"{text!r} is not a duration")
    number = text.rstrip("msh")
    return round(float(number) * _SECONDS_PER[text[len(number) :]], 6)


def text(duration_s: float) -> str:
    """The shortest exact text for a duration: `2m`, `90s`, `1.5s`, `500ms`, `0s`."""
    if duration_s == 0:
        return "0s"
    for unit in ("h", "m"):
        if duration_s % _SECONDS_PER[unit] == 0:
            return f"{duration_s / _SECONDS_PER[unit]:g}{unit}"
    if duration_s < 1:
        return f"{round(duration_s * 1000, 3):.10g}ms"
    return f"{duration_s:.10g}s"
