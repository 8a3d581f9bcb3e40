"""How long a rollback to a warm slot takes: on the host, for the one who typed it, and for a user.

.venv/bin/python -m benchmarks.rollback [--rounds N]

In the sandbox, and as root also on a guest with systemd, as `setup` makes a host.
"""

from __future__ import annotations

import argparse
import http.client
import os
import re
import tempfile
import threading
import time
from pathlib import Path

from benchmarks import table
from tests.support.box import Box, box_in
from tests.support.guest import booted
from tests.support.hosts import rented

HEADERS = ["", "median (least to most)"]
PARTS = [
    "on the host, from the first line of the script that switches to an answer of the old version",
    "from typing it to the first answer of the old version",
    "the whole command",
]


def one(box: Box, before: str, address: str, port: int) -> tuple[float, float, float]:
    """One rollback: ms on the host, from typing it to a user's first old answer, of the whole command."""
    connection = http.client.HTTPConnection(address, port, timeout=10)
    began = time.monotonic()
    seen: list[float] = []

    def ask() -> None:
        while not seen:
            connection.request("GET", "/version")
            if connection.getresponse().read().decode() == before:
                seen.append(time.monotonic())

    user = threading.Thread(target=ask)
    user.start()
    ran = box.run("rollback", "--to", before)
    ended = time.monotonic()
    assert ran.code == 0, ran.all
    user.join()
    connection.close()
    on_host = re.search(r"switched to \w+ in (\d+) ms on the host", ran.out)
    assert on_host is not None, ran.out
    return float(on_host[1]), (seen[0] - began) * 1000, (ended - began) * 1000


def several(box: Box, rounds: int, address: str, port: int) -> list[list[str]]:
    """The rows of so many rollbacks to and fro."""
    box.deployed("1")
    box.deployed("2")
    took = [one(box, "1" if number % 2 == 0 else "2", address, port) for number in range(rounds)]
    return [[part, table.of(times)] for part, times in zip(PARTS, zip(*took, strict=True), strict=True)]


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    command = f"python -m benchmarks.rollback --rounds {rounds}"
    with tempfile.TemporaryDirectory() as name, box_in(Path(name)) as box:
        rows = several(box, rounds, "127.0.0.1", box.sandbox.http_port)
    table.show(f"{rounds} rollbacks to a warm slot in the sandbox", HEADERS, rows, command=command)
    if os.geteuid() != 0:
        return
    with tempfile.TemporaryDirectory() as name, booted("rollback") as guest:
        host = rented(Path(name), guest)
        host.set_up()
        rows = several(host, rounds, guest.address, 80)
    table.show(f"{rounds} rollbacks to a warm slot under systemd", HEADERS, rows, command=f"sudo {command}")


if __name__ == "__main__":
    main()
