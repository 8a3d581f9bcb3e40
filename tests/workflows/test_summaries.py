"""The job summaries in docs/ match what `deploy` writes now."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scripts import summaries


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs")
    summaries.write(folder)
    return folder


@pytest.mark.parametrize("name", [summaries.GOOD, summaries.FAILED])
def test_the_summaries_in_the_documentation_are_current(made: Path, name: str) -> None:
    now = (made / name).read_text()
    assert without_figures((summaries.DOCS / name).read_text()) == without_figures(now), (
        "python -m scripts.summaries"
    )


def without_figures(text: str) -> str:
    """A summary without what differs in each run: times, counts, pids."""
    without_ids = re.sub(r"\d{8}-\d{6}-\d{3}-[0-9a-f]{8}", "ID", text)
    return re.sub(r"\d+(\.\d+)?( ms| s)?|by method [^|]*", "N", without_ids)
