"""What warming is worth: how long users wait in the two seconds after a switch, with the Spring Boot example.

.venv/bin/python -m benchmarks.warming [--rounds N]
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from benchmarks import table
from tests.support import springboot
from tests.support.box import box_in
from tests.support.incidents import settings_of
from tests.support.load import ANY, Load
from tests.support.series import Series

CLIENTS = 16
PAUSE_S = 0.03
PATHS = ["/version", "/api/v1/profiles", "/"]


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=4)
    rounds = parser.parse_args().rounds
    took: dict[str, list[float]] = {"not warmed": [], "smoke, warm: 5": [], "smoke, warm: 100": []}
    smoke = {"not warmed": ([], 0), "smoke, warm: 5": (PATHS, 5), "smoke, warm: 100": (PATHS, 100)}
    with tempfile.TemporaryDirectory() as name, box_in(Path(name)) as box:
        # As people run them, not as the tests want them started quickly.
        box.configure(java={"options": ["-Xmx256m"]}, health={"timeout": "2m"})
        version = 0
        first = springboot.fat_jar(box.folder / "first.jar", version="first")
        assert box.run("deploy", "--jar", str(first), "--version", "first").code == 0
        # In turn, so that whatever else the machine does befalls each alike.
        for _ in range(rounds):
            for how, (paths, warm) in smoke.items():
                version += 1
                box.configure(health={"smoke": paths, "warm": warm}, switch={"watch": "3s"})
                jar = springboot.fat_jar(box.folder / f"{version}.jar", version=str(version))
                with Load(box.sandbox.url, clients=CLIENTS, pause_s=PAUSE_S) as load:
                    series = Series(settings_of(box), settled=load.expect, moving=lambda: load.expect(ANY))
                    series.deploy(jar, str(version))
                assert not load.tally.failed, load.tally.failed
                took[how] += load.tally.after[str(version)]
    worst = table.percentile(took["not warmed"], 99)
    table.show(
        f"answers of the new version in the 2 s from its first one on, {rounds} deploys each",
        ["", "requests", "p50", "p99", "slowest", "p99 against not warmed"],
        [
            [
                how,
                str(len(times)),
                f"{table.percentile(times, 50):.1f} ms",
                f"{table.percentile(times, 99):.1f} ms",
                f"{max(times):.1f} ms",
                f"{table.percentile(times, 99) / worst:.2f}",
            ]
            for how, times in took.items()
        ],
        command=f"python -m benchmarks.warming --rounds {rounds}",
    )


if __name__ == "__main__":
    main()
