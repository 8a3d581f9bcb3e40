"""Benchmark: time of a rollback to a slot that still runs, in ms (median, minimum, maximum).

Command: .venv/bin/python -m benchmarks.rollback [--rounds N]

Measures three times per rollback: on the host, from the command to the first answer of the previous version,
and the whole command. Runs in the sandbox; as root also on a guest with systemd, after `bluegreen setup`.
"""

from __future__ import annotations

import argparse
import http.client
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks import table
from tests.support.box import Box, box_in
from tests.support.guest import booted
from tests.support.hosts import rented


@dataclass(frozen=True)
class Times:
    """The times of one rollback.

    Args:
        on_host_ms: from the first line of the switch script to an answer of the previous version.
        first_answer_ms: from the start of the command to the first answer that a client gets from it.
        command_ms: from the start to the end of the command.
    """

    on_host_ms: float
    first_answer_ms: float
    command_ms: float


def measure(box: Box, version: str, address: str, port: int) -> Times:
    """Rolls back once while a client asks for the version.

    Args:
        version: the version to roll back to.
        address: the address of nginx.
        port: the port of nginx.
    """
    connection = http.client.HTTPConnection(address, port, timeout=10)
    began = time.monotonic()
    answered: list[float] = []

    def ask() -> None:
        while not answered:
            connection.request("GET", "/version")
            if connection.getresponse().read().decode() == version:
                answered.append(time.monotonic())

    client = threading.Thread(target=ask)
    client.start()
    # As a person starts it: the commands of the tests come from a process that has imported everything.
    ran = subprocess.run(
        [Path(sys.executable).with_name("bluegreen"), "rollback", "--to", version],
        cwd=box.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    ended = time.monotonic()
    assert ran.returncode == 0, ran.stdout
    client.join()
    connection.close()
    on_host = re.search(r"switched to \w+ in (\d+) ms on the host", ran.stdout)
    assert on_host is not None, ran.stdout
    return Times(float(on_host[1]), (answered[0] - began) * 1000, (ended - began) * 1000)


def measure_rows(box: Box, rounds: int, address: str, port: int) -> list[list[str]]:
    """Rolls back `rounds` times between two versions; returns the rows of the table."""
    box.deployed("1")
    box.deployed("2")
    times = [measure(box, "1" if number % 2 == 0 else "2", address, port) for number in range(rounds)]
    parts = {
        "on the host: from the first line of the switch script to an answer of the previous version": [
            each.on_host_ms for each in times
        ],
        "from the start of the command to the first answer of the previous version": [
            each.first_answer_ms for each in times
        ],
        "the whole command": [each.command_ms for each in times],
    }
    return [[part, table.median_and_range(values_ms)] for part, values_ms in parts.items()]


def main() -> None:
    """Measures, and prints one table per host."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    command = f"python -m benchmarks.rollback --rounds {rounds}"
    headers = ["", "median (minimum to maximum)"]
    with tempfile.TemporaryDirectory() as name, box_in(Path(name)) as box:
        rows = measure_rows(box, rounds, "127.0.0.1", box.sandbox.http_port)
    title = f"{rounds} rollbacks to a slot that still runs, in the sandbox"
    table.print_table(title, headers, rows, command=command)
    if os.geteuid() != 0:
        return
    with tempfile.TemporaryDirectory() as name, booted("rollback") as guest:
        host = rented(Path(name), guest)
        host.set_up()
        rows = measure_rows(host, rounds, guest.address, 80)
    title = f"{rounds} rollbacks to a slot that still runs, under systemd"
    table.print_table(title, headers, rows, command=f"sudo {command}")


if __name__ == "__main__":
    main()
