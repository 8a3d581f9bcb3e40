"""Benchmark: response times in ms of a new version in the 2 s after a switch, with and without a warm-up.

Command: .venv/bin/python -m benchmarks.warming [--rounds N]

Deploys the Spring Boot example to the sandbox under load, with each of `WARM_UPS`; prints the 50th and the
99th percentile, the slowest answer, and the 99th percentile relative to a deploy without a warm-up.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks import table
from tests.support import springboot
from tests.support.box import Box, box_in
from tests.support.incidents import settings_of
from tests.support.load import ANY, Load
from tests.support.series import Series

CLIENTS = 16
PAUSE_S = 0.03
PATHS = ["/version", "/api/v1/profiles", "/"]
NOT_WARMED = "not warmed"
# The values of health.smoke and health.warm.
WARM_UPS: dict[str, tuple[list[str], int]] = {
    NOT_WARMED: ([], 0),
    "smoke, warm: 5": (PATHS, 5),
    "smoke, warm: 100": (PATHS, 100),
}


def measure(box: Box, rounds: int) -> dict[str, list[float]]:
    """Deploys `rounds` times with each warm-up; returns the response times in ms by warm-up."""
    # The JVM of a team, not the fast one of the tests.
    box.configure(java={"options": ["-Xmx256m"]}, health={"timeout": "2m"})
    first = springboot.fat_jar(box.folder / "first.jar", version="first")
    assert box.run("deploy", "--jar", str(first), "--version", "first").code == 0
    times_ms: dict[str, list[float]] = {name: [] for name in WARM_UPS}
    # In turn, so that other load on this machine affects each warm-up alike.
    for version, name in enumerate([*WARM_UPS] * rounds, start=1):
        times_ms[name] += deploy_under_load(box, *WARM_UPS[name], version=str(version))
    return times_ms


def deploy_under_load(box: Box, smoke: list[str], warm: int, *, version: str) -> list[float]:
    """Deploys a version under load; returns its response times in the 2 s after its first answer, in ms."""
    box.configure(health={"smoke": smoke, "warm": warm}, switch={"watch": "3s"})
    jar = springboot.fat_jar(box.folder / f"{version}.jar", version=version)
    with Load(box.sandbox.url, clients=CLIENTS, pause_s=PAUSE_S) as load:
        series = Series(settings_of(box), settled=load.expect, moving=lambda: load.expect(ANY))
        series.deploy(jar, version)
    assert not load.tally.failed, load.tally.failed
    return load.tally.after[version]


def rows_of(times_ms: Mapping[str, Sequence[float]]) -> list[list[str]]:
    """The rows of the table."""
    not_warmed_ms = table.percentile(times_ms[NOT_WARMED], 99)
    return [
        [
            name,
            str(len(times)),
            f"{table.percentile(times, 50):.1f} ms",
            f"{table.percentile(times, 99):.1f} ms",
            f"{max(times):.1f} ms",
            f"{table.percentile(times, 99) / not_warmed_ms:.2f}",
        ]
        for name, times in times_ms.items()
    ]


def main() -> None:
    """Measures, and prints the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=4)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name, box_in(Path(name)) as box:
        times_ms = measure(box, rounds)
    table.print_table(
        f"answers of the new version in the 2 s after its first one, {rounds} deploys each",
        ["", "requests", "p50", "p99", "slowest", "p99 relative to not warmed"],
        rows_of(times_ms),
        command=f"python -m benchmarks.warming --rounds {rounds}",
    )


if __name__ == "__main__":
    main()
