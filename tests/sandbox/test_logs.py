"""logs: the application's log of a slot."""

from __future__ import annotations

import signal
import subprocess
import threading

import pytest

from tests.support.box import Box
from tests.support.on_host import live_pid
from tests.support.waiting import wait_for


def test_logs_are_those_of_the_live_slot_unless_another_is_named(box: Box) -> None:
    box.deployed("1")
    box.deployed("2")
    ran = box.run("logs")
    assert ran.code == 0, ran.all
    assert "Starting StandIn v2" in ran.out
    assert "Starting StandIn v1" not in ran.out
    ran = box.run("logs", "--slot", "prod2")
    assert "Starting StandIn v1" in ran.out


def test_logs_are_as_many_lines_as_were_asked_for_and_as_they_are(box: Box) -> None:
    box.deployed("1")
    log = box.base / "logs" / "prod2.log"
    last = ["[red]not markup[/red] :bug: 무중단 " + "x" * 2000, "\tat com.example.Main(Main.java:1)", "end"]
    with log.open("a") as file:
        file.write("".join(f"{line}\n" for line in last))
    ran = box.run("logs", "--lines", "3")
    assert ran.out.splitlines()[-3:] == last
    assert "Starting StandIn" not in ran.out


def test_logs_of_a_slot_that_does_not_exist_is_wrong_usage(box: Box) -> None:
    ran = box.run("logs", "--slot", "prod3")
    assert ran.code == 2, ran.all
    assert "✗ --slot prod3: there is no such slot" in ran.out
    assert "prod1, prod2" in ran.out


@pytest.mark.parametrize("lines", ["0", "-5"])
def test_less_than_one_line_is_wrong_usage(box: Box, lines: str) -> None:
    ran = box.run("logs", "--lines", lines)
    assert ran.code == 2, ran.all
    assert f"✗ --lines {lines}: must be 1 or more" in ran.out


def test_logs_of_a_slot_that_never_ran_are_empty(box: Box) -> None:
    ran = box.run("logs", "--slot", "prod2")
    assert ran.code == 0, ran.all


def test_followed_logs_show_new_lines_and_end_with_ctrl_c_leaving_nothing_behind(box: Box) -> None:
    box.deployed("1")
    log = box.base / "logs" / "prod2.log"
    following = box.start("logs", "--follow", "--lines", "1")
    seen: list[str] = []
    assert following.stdout is not None
    reading = threading.Thread(target=seen.extend, args=(following.stdout,))
    reading.start()
    try:
        wait_for(lambda: bool(_followers(str(log))), "the log is followed")
        with log.open("a") as file:
            file.write("something new\n")
        wait_for(lambda: "something new\n" in seen, "the new line is shown at once", timeout_s=10)
    finally:
        following.send_signal(signal.SIGINT)
        code = following.wait(timeout=20)
        reading.join()
    assert code == 0
    wait_for(lambda: not _followers(str(log)), "nobody follows any more")
    assert live_pid(box, "prod2")


def test_followed_logs_go_on_with_the_next_jvm_of_the_slot(box: Box) -> None:
    box.deployed("1")
    log = box.base / "logs" / "prod1.log"
    following = box.start("logs", "--follow", "--slot", "prod1")
    seen: list[str] = []
    assert following.stdout is not None
    reading = threading.Thread(target=seen.extend, args=(following.stdout,))
    reading.start()
    try:
        wait_for(lambda: bool(_followers(str(log))), "the log is followed")
        box.deployed("2")
        wait_for(lambda: any("Starting StandIn v2" in line for line in seen), "the new JVM's lines are shown")
    finally:
        following.send_signal(signal.SIGINT)
        following.wait(timeout=20)
        reading.join()


def _followers(log: str) -> list[str]:
    found = subprocess.run(["pgrep", "-f", f"^tail .*{log}"], capture_output=True, text=True, check=False)
    return found.stdout.split()
