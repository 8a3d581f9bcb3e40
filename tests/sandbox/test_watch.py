"""The watch after a switch, and the probe that asks through nginx meanwhile."""

from __future__ import annotations

import json
import re
import shutil
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bluegreen.sandbox import processes
from bluegreen.sandbox.folder import Folder
from tests.support.box import Box
from tests.support.incidents import deployed_and_later_s, jvms
from tests.support.on_host import first_line, last_entry, line_to, live_pid, markers, pid_of, release_of
from tests.support.processes import free_port
from tests.support.sites import Site, serving, until
from tests.support.waiting import wait_for

ANSWER_TIMEOUT_S = 0.5


@dataclass(frozen=True)
class Failure:
    """A release that is UP and fails later.

    Args:
        behaviour: the name of the stand-in's behaviour that says after how many seconds it fails.
        seen_at: the path where users see it.
        within_s: the longest that they may: two looks with a second for each answer, and what a switch and a
            busy machine take.
        without_verify: no path names the slot, and health has a port of its own, which stays well.
        probed: what the probe sees first; empty where that is over before it asks, or nothing.
    """

    behaviour: str
    message: str
    seen_at: str = "/api/v1/profiles"
    within_s: float = 3
    probed: str = ""
    without_verify: bool = False


FAILING = {
    "dies": Failure("die_after_s", "prod1 died (pid "),
    "health_gets_down": Failure(
        "down_after_s", 'health: HTTP 503 {"status":"DOWN"', seen_at="/actuator/health"
    ),
    "answers_500": Failure("fail_after_s", ": HTTP 500", probed="HTTP 500"),
    "hangs": Failure("hang_after_s", "health: no answer", within_s=5, probed="no answer"),
    "answers_500_without_verify": Failure(
        "fail_after_s", ": HTTP 500", probed="HTTP 500", without_verify=True
    ),
    "hangs_without_verify": Failure(
        "hang_after_s",
        ": no answer",
        within_s=5,
        probed="no answer",
        without_verify=True,
    ),
}


@dataclass
class Log:
    """What one user saw: when each request was sent, and the status of its answer (0: none in time)."""

    answers: list[tuple[float, int]] = field(default_factory=list)

    @property
    def bad(self) -> list[float]:
        return [at for at, code in self.answers if code != 200]

    @property
    def bad_for_s(self) -> float:
        """From the first request that was not answered well to the first of those that were again."""
        return next(at for at, code in self.answers if code == 200 and at > self.bad[-1]) - self.bad[0]


@contextmanager
def user(box: Box, path: str) -> Iterator[Log]:
    """A user who asks for a path again and again, and asks anew where no answer comes."""
    log, over = Log(), threading.Event()

    def ask() -> None:
        while not over.is_set():
            at = time.monotonic()
            log.answers.append((at, _status(box.sandbox.url + path)))

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield log
    finally:
        over.set()
        thread.join()


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=ANSWER_TIMEOUT_S) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


# --- what fails --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("failure", FAILING.values(), ids=FAILING)
def test_a_slot_that_fails_soon_after_the_switch_is_switched_back_from_after_two_looks(
    box: Box, failure: Failure
) -> None:
    later_s = deployed_and_later_s(box)
    before = live_pid(box, "prod2")
    box.configure(switch={"watch": 3 * later_s})
    if failure.without_verify:
        box.configure(health={"ports": {"prod1": free_port(), "prod2": free_port()}}, switch={"verify": None})
    # As much longer as this machine is busier.
    began = time.monotonic()
    box.machine()
    look_s = time.monotonic() - began
    with user(box, failure.seen_at) as log:
        ran = box.deploy("2", **{failure.behaviour: later_s})
        back = time.monotonic()
        wait_for(lambda: log.answers[-1][0] > back, "an answer after the deploy")
    message = failure.message
    assert ran.code == 3, ran.all
    print(f"users saw it for {log.bad_for_s:.1f} s")  # noqa: T201 the figure of this test
    assert log.bad_for_s < failure.within_s + look_s, ran.out
    assert len(re.findall("^! watch: ", ran.out, re.MULTILINE)) <= 2, ran.out
    assert not [at for at in log.bad if at > back]
    assert box.served() == "1"
    assert live_pid(box, "prod2") == before
    assert (first_line(box), markers(box)) == (line_to("prod2"), ["prod2"])
    _, _, cause = ran.out.partition("✗ 2 failed the watch on 127.0.0.1 and was switched back")
    assert message in cause
    assert "StandIn started on port" in cause
    assert "live now: prod2, version 1" in cause
    assert last_entry(box)["outcome"] == "switched back"
    entry = last_entry(box)
    assert message in entry["reason"]
    assert entry["bad"] == [release_of(box, "2")]
    seen = re.search(
        rf"probe: {entry['requests']} requests for \S+ through nginx, "
        rf"{entry['failed']} failed(?: within [\d.]+ s)?"
        r"(?: \(the first: (.*?) \d+ ms after the switch began\))?",
        cause,
    )
    assert seen is not None, ran.out
    assert not failure.probed or seen[1] == failure.probed


def test_a_slot_that_failed_the_watch_does_not_run_on(box: Box) -> None:
    later_s = deployed_and_later_s(box)
    box.configure(switch={"watch": 3 * later_s})
    ran = box.deploy("2", down_after_s=later_s)
    assert ran.code == 3, ran.all
    assert "the failed JVM of prod1: stopped after" in ran.out
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
    assert re.search(r"the switch was verified \d+ ms after it began", ran.out), "no answer names the slot"


def test_a_probe_path_that_fails_is_warned_of_and_stands_in_history(box: Box) -> None:
    box.deployed("1")
    box.configure(switch={"probe": "/no-such-page"})
    ran = box.deployed("2")
    requests, failed = last_entry(box)["requests"], last_entry(box)["failed"]
    assert 0 < failed <= requests
    assert f"! probe: {requests} requests for /no-such-page through nginx, {failed} failed" in ran.out
    assert f"{failed} of {requests} probe requests failed" in box.run("history").out
    assert json.loads(box.run("history", "--json").out)["machines"][0]["entries"][0]["failed"] == failed


# A site with a path of its own for the probe.
PROBED = """
log_format connections '$connection $request_uri';
server {{
    listen 127.0.0.1:{listen};
    include {include};
    location / {{ proxy_pass $service_url; }}
    location = /hello {{
        access_log {folder}/probe.log connections;
        %s
    }}
}}
"""
VERSION = "rewrite ^ /version break; proxy_pass $service_url;"


def test_the_probe_keeps_its_connection_as_users_do(box: Box) -> None:
    serving(box, Site(PROBED % VERSION))
    box.configure(switch={"probe": "/hello", "watch": "2s"})
    box.deployed("2")
    requests = (box.folder / "probe.log").read_text().splitlines()
    # The first request finds out where the site is; the others share a connection.
    assert len({line.split()[0] for line in requests}) == 2
    # The deployer may leave before it has read the last one.
    assert 10 < last_entry(box)["requests"] <= len(requests) <= last_entry(box)["requests"] + 1


def test_p2_a_request_lost_on_a_kept_connection_is_counted_and_takes_no_release_back(
    box: Box,
) -> None:
    # nginx closes the connection instead of answering the fifth request.
    serving(box, Site(PROBED % f"if ($connection_requests = 5) {{{{ return 444; }}}} {VERSION}"))
    box.configure(switch={"probe": "/hello", "watch": "2s"})
    ran = box.deployed("2")
    requests, failed = last_entry(box)["requests"], last_entry(box)["failed"]
    assert 1 < failed < requests / 3
    assert f"! probe: {requests} requests for /hello through nginx, {failed} failed" in ran.out
    assert "(the first: no answer " in ran.out
    until(box, "2")


def test_a_page_of_the_probe_that_is_too_large_for_memory_is_no_failure(box: Box) -> None:
    with (box.folder / "large").open("wb") as file:
        file.truncate(200_000_000)
    (box.folder / "large").chmod(0o644)
    serving(box, Site(PROBED % "alias {folder}/large;"))
    box.configure(switch={"probe": "/hello", "watch": "1s"})
    before = shutil.disk_usage("/dev/shm").free
    ran = box.start("deploy", "--jar", str(box.jar("2")), "--version", "2")
    least = before
    while ran.poll() is None:
        least = min(least, shutil.disk_usage("/dev/shm").free)
    assert ran.returncode == 0, ran.communicate()
    assert last_entry(box)["failed"] == 0
    assert before - least < 64 * 1024 * 1024
    assert not list(Path("/dev/shm").glob(f"bluegreen-probe-{box.sandbox.http_port}.*"))


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
