"""The sandbox with the real Spring Boot jar of example/: what the readers of the old scripts deploy."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.support.box import Box
from tests.support.command import Ran
from tests.support.processes import alive
from tests.support.springboot import Variant, fat_jar
from tests.support.under_traffic import nothing_lost
from tests.support.waiting import wait_for


@pytest.fixture
def spring(box: Box) -> Box:
    """The sandbox, with the patience that a Spring Boot application needs."""
    box.configure(
        java={"options": ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto", "-Xmx256m"]},
        health={"timeout": "90s"},
    )
    return box


def test_p1_p2_deploys_in_a_row_lose_no_request_and_stop_a_jvm_of_ours_that_lost_its_pid_file(
    spring: Box,
) -> None:
    _deployed(spring, "1")
    with nothing_lost(spring) as seen:
        _deployed(spring, "2")
        assert spring.served() == "2"
        _deployed(spring, "3")
        assert spring.served() == "3"
    # Each came once, after the one before.
    assert list(seen.answered) == ["1", "2", "3"]
    assert spring.machine()["live"] == "prod2"
    stale = spring.pid("prod1")
    assert stale is not None
    # What the supervisor knows of it is lost: only its port and its command line tell whose it is.
    (spring.base / "run" / "prod1.pid").unlink()
    with nothing_lost(spring) as seen:
        ran = _deployed(spring, "4")
    assert not alive(stale)
    assert f"pid {stale}" in ran.all
    assert list(seen.answered) == ["3", "4"]
    assert spring.served() == "4"
    assert spring.pid("prod1") not in (None, stale)


def test_p1_p12_neither_down_nor_dying_nor_a_stranger_on_the_idle_port_is_taken_for_the_new_version(
    spring: Box, tmp_path: Path
) -> None:
    began = time.monotonic()
    _deployed(spring, "1")
    # DOWN, with a part that is UP. Enough time for its answers: several times what a boot takes here now.
    spring.configure(health={"timeout": round(max(15, 3 * (time.monotonic() - began)))})
    with nothing_lost(spring) as seen:
        ran = _deploy(spring, "2", "part-up")
    assert ran.code == 1, ran.all
    assert "prod1 was not UP within " in ran.all
    assert '"status":"DOWN"' in ran.all
    assert '"status":"UP"' in ran.all
    assert set(seen.answered) == {"1"}

    # One that dies while it starts is reported within a second, with its cause.
    spring.configure(health={"timeout": "90s"})
    jar = fat_jar(spring.folder / "taggle-2.jar", version="2", variant="dies-starting")
    pid_file = spring.base / "run" / "prod1.pid"
    before = pid_file.read_text() if pid_file.exists() else ""
    process = spring.start("deploy", "--jar", str(jar), "--version", "2")
    began = time.monotonic()
    wait_for(
        lambda: (
            (pid_file.exists() and pid_file.read_text() not in ("", before)) or process.poll() is not None
        ),
        "the JVM starts",
        60,
    )
    pid = int(pid_file.read_text().split()[0])
    wait_for(lambda: not alive(pid), "it dies", 90)
    died = time.monotonic()
    out, err = process.communicate(timeout=60)
    took_s = time.monotonic() - died

    ran = Ran(process.wait(), out, err)
    assert ran.code == 1, ran.all
    # The promised second, and as much for the undoing and the end of the command: no more than the boot took.
    assert took_s < max(2.5, died - began)
    assert f"prod1 died while starting (pid {pid})" in ran.all
    assert "Caused by: " in ran.all
    assert "taggle.p12" in ran.all
    assert "live now: prod2, version 1 (untouched)" in ran.all
    assert spring.served() == "1"

    # Another's application on the port of the idle slot.
    port = spring.sandbox.slots["prod1"]
    jar = fat_jar(tmp_path / "stranger.jar", version="0")
    # As the old scripts start it: UP on that port, and none of ours.
    stranger = subprocess.Popen(
        ["java", "-XX:TieredStopAtLevel=1", f"-Dserver.port={port}", "-jar", str(jar)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(lambda: spring.machine()["slots"]["prod1"]["health"] == "UP", "the stranger is UP", 90)
        with nothing_lost(spring) as seen:
            ran = _deploy(spring, "2")
        assert ran.code == 1, ran.all
        assert f"port {port} is held by pid {stranger.pid}" in ran.all
        assert stranger.poll() is None
        assert set(seen.answered) == {"1"}
    finally:
        os.kill(stranger.pid, signal.SIGKILL)
        stranger.wait()


def _deploy(box: Box, version: str, variant: Variant = "healthy") -> Ran:
    jar = fat_jar(box.folder / f"taggle-{version}.jar", version=version, variant=variant)
    return box.run("deploy", "--jar", str(jar), "--version", version)


def _deployed(box: Box, version: str) -> Ran:
    ran = _deploy(box, version)
    assert ran.code == 0, ran.all
    return ran
