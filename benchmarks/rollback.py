"""How long a rollback to a warm slot takes: on the host, for the one who typed it, and for a user.

.venv/bin/python -m benchmarks.rollback [--rounds N]
"""

from __future__ import annotations

import argparse
import http.client
import re
import tempfile
import threading
import time
from pathlib import Path

from benchmarks import table
from tests.box import Box, box_in


def one(box: Box, live: str, before: str) -> tuple[float, float, float]:
    """One rollback: ms on the host, of the whole command, from typing it to a user's first old answer."""
    connection = http.client.HTTPConnection("127.0.0.1", box.sandbox.http_port, timeout=10)
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
    return float(on_host[1]), (ended - began) * 1000, (seen[0] - began) * 1000


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name, box_in(Path(name)) as box:
        box.deployed("1")
        box.deployed("2")
        took = [one(box, *(("2", "1") if number % 2 == 0 else ("1", "2"))) for number in range(rounds)]
    host, command, user = (list(each) for each in zip(*took, strict=True))
    table.show(
        f"{rounds} rollbacks to a warm slot",
        ["", "median (least to most)"],
        [
            ["on the host, from the command's start there to the end of the verification", table.of(host)],
            ["from typing it to the first answer of the old version", table.of(user)],
            ["the whole command", table.of(command)],
        ],
        command=f"python -m benchmarks.rollback --rounds {rounds}",
    )


if __name__ == "__main__":
    main()
