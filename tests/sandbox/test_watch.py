"""The watch after a switch, and the probe that asks through nginx meanwhile."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from bluegreen.sandbox import processes
from bluegreen.sandbox.folder import Folder
from tests.box import Box, wait_for
from tests.incidents import jvms
from tests.on_host import first_line, last_entry, line_to, live_pid, markers, pid_of, release_of

FAILING: dict[str, tuple[dict[str, Any], str]] = {
    "dies": ({"die_after_s": 4}, "prod1 died (pid "),
    "health_gets_down": ({"down_after_s": 4}, 'health answers HTTP 503 {"status":"DOWN"'),
    "answers_500": ({"fail_after_s": 4}, "/api/v1/profiles through nginx answers 500"),
    "hangs": ({"hang_after_s": 4}, "health answers no answer"),
}


@dataclass
class Log:
    """What one user saw: when each request was sent, and the status of its answer (0: none)."""

    answers: list[tuple[float, int]] = field(default_factory=list)

    @property
    def bad(self) -> list[float]:
        return [at for at, code in self.answers if code != 200]


@contextmanager
def user(box: Box, path: str) -> Iterator[Log]:
    """A user who asks for a path again and again, on a connection of its own each time."""
    log, over = Log(), threading.Event()

    def ask() -> None:
        while not over.is_set():
            at = time.monotonic()
            log.answers.append((at, box.get(path)[0]))

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield log
    finally:
        over.set()
        thread.join()


# --- what fails --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("behaviour", "told"), FAILING.values(), ids=FAILING)
def test_a_slot_that_fails_soon_after_the_switch_is_switched_back_from_after_two_looks(
    box: Box, behaviour: dict[str, Any], told: str
) -> None:
    box.deployed("1")
    before = live_pid(box, "prod2")
    box.configure(switch={"watch": "20s"})
    with user(box, "/api/v1/profiles") as log:
        ran = box.deploy("2", **behaviour)
        back = time.monotonic()
        wait_for(lambda: log.answers[-1][0] > back, "an answer after the deploy")
    assert ran.code == 3, ran.all
    assert len(re.findall("^! watch: ", ran.out, re.MULTILINE)) <= 2, ran.out
    assert not [at for at in log.bad if at > back]
    assert box.served() == "1"
    assert live_pid(box, "prod2") == before
    assert (first_line(box), markers(box)) == (line_to("prod2"), ["prod2"])
    _, _, cause = ran.out.partition("✗ 2 failed the watch on 127.0.0.1 and was switched back")
    assert told in cause
    assert "StandIn started on port" in cause
    assert "live now: prod2, version 1" in cause
    assert last_entry(box)["outcome"] == "switched back"
    assert told in last_entry(box)["reason"]
    assert last_entry(box)["bad"] == [release_of(box, "2")]


def test_what_users_saw_of_a_failing_slot_is_told_and_written_to_the_journal(box: Box) -> None:
    box.deployed("1")
    box.configure(switch={"watch": "20s"})
    ran = box.deploy("2", fail_after_s=4)
    assert ran.code == 3, ran.all
    seen = re.search(
        r"users meanwhile: (\d+) requests for /api/v1/profiles through nginx, (\d+) failed "
        r"\(the first: HTTP 500 \d+ ms after the switch began\)",
        ran.out,
    )
    assert seen is not None, ran.out
    entry = last_entry(box)
    assert 0 < entry["failed"] < entry["requests"]
    assert f"{entry['failed']} failed" in seen[0]
    assert "health" not in entry["reason"]


def test_a_slot_that_failed_the_watch_does_not_run_on(box: Box) -> None:
    box.deployed("1")
    box.configure(switch={"watch": "20s"})
    ran = box.deploy("2", down_after_s=4)
    assert ran.code == 3, ran.all
    assert "prod1, which failed: stopped after" in ran.out
    assert pid_of(box, "prod1") is None
    assert jvms(box) == {live_pid(box, "prod2")}


# --- what holds --------------------------------------------------------------------------------------------


def test_a_slot_that_holds_for_the_time_of_the_watch_is_kept(box: Box) -> None:
    box.configure(switch={"watch": "1s"})
    ran = box.deployed("1")
    assert "watched prod2 for 1." in ran.out
    assert last_entry(box)["outcome"] == "switched"


def test_the_probe_asks_ten_times_a_second_from_before_the_switch_to_the_end_of_the_watch(box: Box) -> None:
    box.deployed("1")
    box.configure(switch={"watch": "3s"})
    ran = box.deployed("2")
    entry = last_entry(box)
    # Slower than that only where the machine is; never faster.
    assert 10 < entry["requests"] <= 50
    assert entry["failed"] == 0
    assert f"probe: {entry['requests']} requests for /api/v1/profiles through nginx, 0 failed" in ran.out
    assert re.search(r"first answer of the new slot \d+ ms after the switch began", ran.out)


def test_the_probe_asks_the_path_that_the_settings_name(box: Box) -> None:
    box.deployed("1")
    box.configure(switch={"probe": "/version", "watch": "1s"})
    ran = box.deployed("2")
    log = (box.folder / ".sandbox" / "logs" / "nginx-access.log").read_text()
    assert log.count("GET /version ") >= last_entry(box)["requests"] > 0
    assert "requests for /version through nginx, 0 failed" in ran.out


def test_a_probe_path_that_fails_is_warned_of_and_stands_in_history(box: Box) -> None:
    box.deployed("1")
    box.configure(switch={"probe": "/no-such-page"})
    ran = box.deployed("2")
    requests, failed = last_entry(box)["requests"], last_entry(box)["failed"]
    assert 0 < failed <= requests
    assert f"! probe: {requests} requests for /no-such-page through nginx, {failed} failed" in ran.out
    assert f"{failed} of {requests} probe requests failed" in box.run("history").out
    assert json.loads(box.run("history", "--json").out)["machines"][0]["entries"][0]["failed"] == failed


def test_no_probe_is_left_on_the_host(box: Box) -> None:
    box.configure(switch={"watch": "1s"})
    box.deployed("1")
    place = Folder.at(box.folder / ".sandbox")
    wait_for(
        lambda: {process.pid for process in processes.started_over_ssh(place)} == jvms(box),
        "nothing but the JVM is left of the deploy",
    )


# --- rollback ----------------------------------------------------------------------------------------------


def test_a_rollback_is_probed_and_not_watched(box: Box) -> None:
    box.deployed("1")
    box.deployed("2")
    box.configure(switch={"watch": "20s"})
    ran = box.run("rollback")
    assert ran.code == 0, ran.all
    assert "watched" not in ran.out
    assert last_entry(box)["requests"] > 0
    assert "first answer of the new slot" in ran.out


def test_that_nothing_listened_before_a_first_deploy_is_no_failure_of_its_switch(box: Box) -> None:
    ran = box.deployed("1")
    assert last_entry(box)["failed"] == 0
    assert re.search(r"0 failed, \d+ more before the switch", ran.out), ran.out
    assert "! probe" not in ran.out
