"""The story that `scripts/test --quick` plays: the installed program, on the sandbox, under traffic."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.box import Box
from tests.support.command import environ_at_a_keyboard
from tests.support.under_traffic import nothing_lost


def bluegreen(box: Box, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the installed program as a shell does."""
    return subprocess.run(
        [str(Path(sys.executable).with_name("bluegreen")), *arguments],
        cwd=box.folder,
        env=environ_at_a_keyboard(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )


def deploy(box: Box, version: str, **behaviour: object) -> int:
    """Deploys a stand-in of that version; returns the exit code."""
    jar = box.jar(version, **behaviour)
    return bluegreen(box, "deploy", "--jar", str(jar), "--version", version).returncode


def test_p1_p2_version_2_goes_live_a_broken_one_does_not_and_a_rollback_brings_version_1_back(
    box: Box,
) -> None:
    box.configure(health={"timeout": "3s"})
    assert deploy(box, "1") == 0
    with nothing_lost(box) as traffic:
        assert deploy(box, "2") == 0
        assert box.served() == "2"
        assert deploy(box, "3", health="never-up") == 1
        assert box.served() == "2"
        # The failed deploy used the slot of version 1.
        assert bluegreen(box, "rollback").returncode == 0
        assert box.served() == "1"
    assert set(traffic.answered) == {"1", "2"}
    outcomes = [(entry["version"], entry["outcome"]) for entry in box.history()]
    assert outcomes == [("1", "switched"), ("3", "failed"), ("2", "switched"), ("1", "switched")]
