"""Durations in config.yml: text to seconds and back."""

from __future__ import annotations

import pytest

from bluegreen.config import duration


@pytest.mark.parametrize(
    ("written", "duration_s"),
    [
        ("500ms", 0.5),
        ("1.5s", 1.5),
        ("30s", 30),
        ("2m", 120),
        ("1h", 3600),
        ("30", 30),
        ("0.25", 0.25),
        ("0", 0),
    ],
)
def test_is_read_as_seconds(written: str, duration_s: float) -> None:
    assert duration.seconds(written) == duration_s


@pytest.mark.parametrize("written", ["", "soon", "2 minutes", "-1s", "1d", "ms", "1.s", "inf", "nan", "1s\n"])
def test_what_is_not_a_duration_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        duration.seconds(written)


@pytest.mark.parametrize(
    ("duration_s", "text"),
    [
        (0, "0s"),
        (0.5, "500ms"),
        (1.5, "1.5s"),
        (10, "10s"),
        (90, "90s"),
        (120, "2m"),
        (7200, "2h"),
        (0.0015, "1.5ms"),
    ],
)
def test_is_written_as_a_person_writes_it(duration_s: float, text: str) -> None:
    assert duration.text(duration_s) == text


@pytest.mark.parametrize("duration_s", [0, 0.001, 0.05, 0.123, 1, 1.25, 59.9, 60, 61, 3599, 3600, 86400])
def test_text_is_read_back_exactly(duration_s: float) -> None:
    assert duration.seconds(duration.text(duration_s)) == duration_s
