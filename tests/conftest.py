"""What holds for all tests: `--no-skips` for CI, and the slowest files first."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tests.support.kept import cache

# By folder, what a test takes that was never measured here, in seconds.
ESTIMATES_S = {"workflows": 60.0, "system": 8.0, "sandbox": 3.0, "connection": 0.5, "unit": 0.1}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-skips", action="store_true", help="a skipped test is a failure")


# --- no skips: a test that skips itself in CI has tested nothing -------------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    # An expected failure is reported as skipped too.
    if item.config.getoption("no_skips") and report.skipped and not hasattr(report, "wasxfail"):
        _fail(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if collector.config.getoption("no_skips") and report.skipped:
        _fail(report)
    return report


def _fail(report: pytest.TestReport | pytest.CollectReport) -> None:
    report.outcome = "failed"
    report.longrepr = f"--no-skips: {_reason(report.longrepr)}"


def _reason(skipped: object) -> str:
    return f"{skipped[0]}:{skipped[1]}: {skipped[2]}" if isinstance(skipped, tuple) else str(skipped)


# --- the slowest files first, so that all workers end at about the same time -------------------------------


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("numprocesses", None) and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Durations(cache() / "durations.json"), "bluegreen-durations")


class Durations:
    """What each test took, by its id, kept from one run with several workers to the next.

    Args:
        file: where it is kept.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._before: dict[str, float] = _read(file)
        self._measured: dict[str, float] = defaultdict(float)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Gives a worker what was measured: all of them must sort alike."""
        node.workerinput["durations"] = self._before

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._measured[report.nodeid] += report.duration

    def pytest_sessionfinish(self) -> None:
        # Read again: another run may have ended meanwhile.
        durations = {**_read(self._file), **self._measured}
        fresh = self._file.with_suffix(f".{os.getpid()}")
        fresh.write_text(json.dumps(durations, indent=0, sort_keys=True))
        fresh.replace(self._file)


def _read(file: Path) -> dict[str, float]:
    try:
        found: dict[str, float] = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return found


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Sorts in the workers alone: without them the order on the command line holds."""
    durations = getattr(config, "workerinput", {}).get("durations")
    if durations is None:
        return
    by_file: dict[Path, float] = defaultdict(float)
    for item in items:
        by_file[item.path] += durations.get(item.nodeid, _estimate_s(item.path))
    # Within a file the order stays: what is made for a module is made once.
    items.sort(key=lambda item: -by_file[item.path])


def _estimate_s(path: Path) -> float:
    return next((ESTIMATES_S[part] for part in path.parts[::-1] if part in ESTIMATES_S), 1.0)
