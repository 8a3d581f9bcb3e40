"""scripts/demo: its four steps end as described, and no request fails."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tests.support.command import environ_at_a_keyboard

CHECKOUT = Path(__file__).resolve().parents[2]


def test_p2_the_demo_takes_its_four_steps_and_loses_no_request() -> None:
    ran = subprocess.run(
        [CHECKOUT / "scripts" / "demo"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=environ_at_a_keyboard(),
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    _, _, closing = ran.stdout.rpartition("\nstep ")
    assert re.search(r"^✓ [1-9]\d* requests sent, 0 failed$", closing, re.M), closing
    rows, _, _ = closing.partition("\n\n")
    assert [re.split(r"\s{2,}", row)[0] for row in rows.splitlines()[1:]] == [
        "deploy version 1",
        "deploy version 2",
        "deploy version 3, never UP",
        "roll back",
    ]
