"""Findings that no guest can be broken for: its clock is this machine's."""

from __future__ import annotations

import pytest

from bluegreen.check import resources
from bluegreen.check.finding import Level
from bluegreen.host.facts import Facts


@pytest.mark.parametrize(
    ("there_ms", "level", "text"),
    [
        (1_000_000_000, Level.OK, "within a minute"),
        (1_000_059_000, Level.OK, "within a minute"),
        (1_000_061_000, Level.WARNING, "61 s ahead of this machine's"),
        (999_000_000, Level.WARNING, "1000 s behind this machine's"),
    ],
)
def test_a_clock_that_is_off_by_more_than_a_minute_is_told(there_ms: int, level: Level, text: str) -> None:
    (finding,) = resources.clock(Facts([f"now_ms ={there_ms}"]), 1_000_000)
    assert finding.level is level
    assert text in finding.text
    assert bool(finding.remedy) is (level is Level.WARNING)
