"""The way of a deploy up to the switch, on a real sshd, nginx and JVM."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest

from tests.support.box import Box
from tests.support.on_host import (
    arguments_of,
    environment_of,
    first_line,
    journal,
    last_entry,
    line_to,
    live_pid,
    markers,
    pid_of,
    release_of,
    versions,
    whole,
)
from tests.support.processes import alive, free_port, listens
from tests.support.under_traffic import nothing_lost
from tests.support.waiting import wait_for


def test_p6_three_deploys_in_a_row_serve_versions_1_2_3(box: Box) -> None:
    sshd = box.folder / ".sandbox" / "logs" / "sshd.log"
    for number, (version, slot) in enumerate((("1", "prod2"), ("2", "prod1"), ("3", "prod2")), 1):
        box.deployed(version)
        assert sshd.read_text().count("Accepted publickey") == number, "one connection for a whole deploy"
        assert box.served() == version
        assert first_line(box) == line_to(slot)
        assert markers(box) == [slot]
    assert box.machine()["live"] == "prod2"


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "never_up": ({"health": "never-up"}, 'last health answer: HTTP 503 {"status":"OUT_OF_SERVICE"}'),
    "down_with_a_part_up": ({"health": "part-up"}, 'last health answer: HTTP 503 {"status":"DOWN"'),
    "down_with_200": ({"health": "part-up-200"}, 'last health answer: HTTP 200 {"status":"DOWN"'),
    "a_health_that_hangs": ({"health": "hang"}, "last health answer: no answer"),
    "closed_connections": ({"health": "no-answer"}, "last health answer: no answer"),
}


@pytest.mark.parametrize(("behaviour", "message"), REFUSED.values(), ids=REFUSED)
def test_p1_p4_what_is_not_up_is_refused_and_the_old_version_serves_on(
    box: Box, behaviour: dict[str, Any], message: str
) -> None:
    box.deployed("1")
    before = live_pid(box, "prod2")
    box.configure(health={"timeout": "3s"})
    with nothing_lost(box) as traffic:
        ran = box.deploy("2", **behaviour)
    assert ran.code == 1, ran.all
    assert set(traffic.answered) == {"1"}
    assert live_pid(box, "prod2") == before
    assert pid_of(box, "prod1") is None, "the JVM that was not UP runs on"
    cause = ran.out.split("✗ prod1 was not UP within 3 s")[1]
    assert message in cause
    assert "StandIn started on port" in cause
    assert "live now: prod2, version 1 (untouched)" in cause
    assert last_entry(box)["outcome"] == "failed"
    assert last_entry(box)["reason"] == "prod1 was not UP within 3 s"


def test_a_slow_starter_is_waited_for_and_its_up_is_noticed_within_a_second(box: Box) -> None:
    box.configure(health={"warm": 0})
    before = time.monotonic()
    box.machine()
    look_s = time.monotonic() - before
    box.deployed("1", start_s=2)
    assert box.served() == "1"
    log = (box.base / "logs" / "prod2.log").read_text()
    (started,) = [line.split()[0] for line in log.splitlines() if "StandIn started on port" in line]
    # The marker came with the switch, so this counts the switch itself as well. A look takes half a second,
    # or more where this machine is busy.
    switched = (box.runtime / "prod2").stat().st_ctime
    noticed_s = switched - datetime.fromisoformat(started.replace("Z", "+00:00")).timestamp()
    assert 0 < noticed_s < 0.5 + look_s


def test_p1_three_ups_in_a_row_are_waited_for_where_three_are_asked_for(box: Box) -> None:
    box.deployed("1")
    box.configure(health={"ups": 3, "every": "1s", "timeout": "5s"})
    with nothing_lost(box) as traffic:
        # UP when it is asked first and perhaps a second time, never a third.
        ran = box.deploy("2", down_after_s=1.5)
        assert ran.code == 1, ran.all
        assert "prod1 health: UP" in ran.out
        assert "prod1 health: DOWN" in ran.out
        box.deployed("3")
    assert list(traffic.answered) == ["1", "3"]


def test_a_smoke_path_that_is_not_found_refuses_the_release(box: Box) -> None:
    box.deployed("1")
    box.configure(health={"smoke": ["/version", "/nothing"]})
    ran = box.deploy("2")
    assert ran.code == 1, ran.all
    _, _, cause = ran.out.partition("✗ smoke path /nothing of prod1 answered 404")
    assert "StandIn started on port" in cause
    assert "smoke path /nothing of prod1 answered 404" in last_entry(box)["reason"]
    assert pid_of(box, "prod1") is None
    assert box.served() == "1"


def test_a_smoke_path_that_fails_refuses_the_release(box: Box) -> None:
    box.configure(health={"smoke": ["/api/v1/profiles"]})
    ran = box.deploy("1", fail_after_s=0)
    assert ran.code == 1, ran.all
    assert "✗ smoke path /api/v1/profiles of prod2 answered 500" in ran.out


def test_smoke_paths_that_answer_are_asked_as_often_as_the_jvm_is_to_be_warmed(box: Box) -> None:
    box.configure(health={"smoke": ["/version?ms=100", "/api/v1/profiles"], "warm": 4})
    ran = box.deployed("1")
    assert "2 smoke paths of prod2 answer 2xx" in ran.out
    (took,) = [line for line in ran.out.splitlines() if "smoke paths of prod2" in line]
    assert float(took.rpartition("(")[2].split()[0]) >= 0.4


def test_without_smoke_paths_the_verify_path_is_what_warms_the_jvm(box: Box) -> None:
    box.configure(health={"warm": 4}, switch={"verify": "/api/v1/profiles?ms=100"})
    ran = box.deployed("1")
    warmed = re.search(r"warmed prod2 with 4 requests for /api/v1/profiles\?ms=100 \((.*) s\)", ran.out)
    assert warmed is not None, ran.out
    assert float(warmed[1]) >= 0.4


def test_p1_the_health_of_a_management_port_decides(box: Box) -> None:
    ports = {"prod1": free_port(), "prod2": free_port()}
    box.configure(health={"ports": ports, "timeout": "3s"})
    box.deployed("1")
    assert f"-Dmanagement.server.port={ports['prod2']}" in arguments_of(live_pid(box, "prod2"))
    assert box.machine()["slots"]["prod2"]["health"] == "UP"
    with nothing_lost(box) as traffic:
        ran = box.deploy("2", health="never-up")
    assert ran.code == 1, ran.all
    assert "OUT_OF_SERVICE" in ran.out
    assert set(traffic.answered) == {"1"}


def test_p11_a_failure_ends_with_the_answer_the_log_what_is_live_and_what_to_do(box: Box) -> None:
    box.deployed("1")
    box.configure(health={"timeout": "3s"})
    with nothing_lost(box):
        ran = box.deploy("2", health="never-up", log_lines=40)
    assert ran.code == 1, ran.all
    assert ran.out.count("prod1 health: OUT_OF_SERVICE") == 1, "a state is reported when it changes"
    _, _, cause = ran.out.rpartition("\n✗ ")
    headline, answer, begin, *log, live, remedy = cause.splitlines()
    assert headline == "prod1 was not UP within 3 s"
    assert answer == '  last health answer: HTTP 503 {"status":"OUT_OF_SERVICE"}'
    assert begin == "  last 30 lines of the log of prod1:"
    assert [line.rpartition("Line ")[2] for line in log] == [f"{number} of 40" for number in range(11, 41)]
    assert live == "  live now: prod2, version 1 (untouched)"
    assert remedy.startswith("  what to do: ")
    assert "`bluegreen logs --host sandbox --slot prod1`" in remedy
    assert ran.err == ""


def test_p12_a_jvm_that_dies_while_starting_is_told_with_its_stack_trace(box: Box) -> None:
    box.deployed("1")
    before = live_pid(box, "prod2")
    ran = box.deploy("2", die_starting=True)
    assert ran.code == 1, ran.all
    cause = ran.out.split("✗ prod1 died while starting")[1]
    assert "it never listened on port" in cause
    assert "Error creating bean with name 'dataSource'" in cause
    assert live_pid(box, "prod2") == before
    assert box.served() == "1"


# --- a stale process on the idle port ---------------------------------------------------------------------


def test_p1_a_jvm_of_ours_that_lost_its_pid_file_is_stopped_and_not_taken_for_the_new_one(box: Box) -> None:
    box.deployed("1")
    box.deployed("2")
    stale = live_pid(box, "prod2")
    (box.base / "run" / "prod2.pid").unlink()
    with nothing_lost(box) as traffic:
        ran = box.deployed("3")
    assert f"its previous JVM (pid {stale}) stopped" in ran.out
    assert not alive(stale)
    assert list(traffic.answered) == ["2", "3"]
    assert box.served() == "3"


def test_p1_anothers_process_on_the_idle_port_is_named_and_nothing_is_changed(box: Box) -> None:
    box.deployed("1")
    with _answers_up(box.sandbox.slots["prod1"]) as stranger:
        before = whole(box)
        with nothing_lost(box) as traffic:
            ran = box.deploy("2")
        assert ran.code == 1, ran.all
        assert f"port {box.sandbox.slots['prod1']} is held by pid {stranger.pid}" in ran.out
        assert "status_up_for_everybody" not in ran.out
        assert "live now: prod2, version 1" in ran.out
        assert _without_lock(whole(box)) == _without_lock(before)
        assert stranger.poll() is None
    assert set(traffic.answered) == {"1"}


def test_p4_stop_leaves_anothers_process_on_the_idle_port_alone(box: Box) -> None:
    box.deployed("1")
    with _answers_up(box.sandbox.slots["prod1"]) as stranger:
        assert box.run("stop").code == 0
        assert stranger.poll() is None


@contextmanager
def _answers_up(port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is not ours, and says UP in JSON whatever it is asked."""
    program = f"""\
import http.server, sys
class status_up_for_everybody(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write({json.dumps({"status": "UP"}).encode()!r})
http.server.HTTPServer(("127.0.0.1", {port}), status_up_for_everybody).serve_forever()
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_for(lambda: listens(port), "the other process listens")
        yield process
    finally:
        process.kill()
        process.wait()


def _without_lock(files: dict[str, str]) -> dict[str, str]:
    return {path: content for path, content in files.items() if not path.endswith(("/lock", "/lock.step"))}


# --- the old slot -----------------------------------------------------------------------------------------


def test_the_old_slot_stays_warm(box: Box) -> None:
    box.deployed("1")
    old = live_pid(box, "prod2")
    ran = box.deployed("2")
    assert alive(old)
    assert "prod2 stays warm for an instant rollback" in ran.out


def test_the_old_slot_is_stopped_where_the_settings_say_so(box: Box) -> None:
    box.configure(old_slot={"after_switch": "stop", "drain": "10s"})
    box.deployed("1")
    with nothing_lost(box) as traffic:
        ran = box.deployed("2")
    assert pid_of(box, "prod2") is None
    assert "the old slot prod2: stopped after" in ran.out
    assert set(traffic.answered) <= {"1", "2"}
    assert box.served() == "2"


def test_an_old_jvm_that_ignores_sigterm_is_killed_and_that_is_said(box: Box) -> None:
    box.configure(old_slot={"after_switch": "stop", "drain": 0, "stop_timeout": "1s"})
    box.deployed("1", ignores_term=True)
    old = live_pid(box, "prod2")
    ran = box.deployed("2")
    assert not alive(old)
    assert "the old slot prod2: killed after ignoring SIGTERM" in ran.out


# --- what the JVM is given --------------------------------------------------------------------------------

AWKWARD = {
    "PLAIN": "Asia/Seoul",
    "BLANKS": "  two  blanks\tand a tab ",
    "QUOTES": """it's "quoted" `so` and \\""",
    "DOLLARS": "$HOME ${PATH} $(id) $$ %s",
    "UNICODE": "무중단 배포 ✓",
    "NUMBER": "1.10",
    # Names of variables in our own scripts.
    "base": "elsewhere",
    "slot": "prod9",
    "release": "none",
}


def test_p10_environment_and_secrets_reach_the_jvm_byte_for_byte_and_no_command_line(box: Box) -> None:
    box.configure(env=AWKWARD, secrets=["DB_PASSWORD"])
    secrets = {"DB_PASSWORD": "s3cret 'with' \"quotes\" $HOME 비밀"}
    ran = box.run("deploy", "--jar", str(box.jar("1")), environ=secrets)
    assert ran.code == 0, ran.all
    pid = live_pid(box, "prod2")
    given = environment_of(pid)
    assert {name: given.get(name) for name in AWKWARD} == AWKWARD
    assert given["DB_PASSWORD"] == secrets["DB_PASSWORD"]
    assert "LC_ALL" not in given, "the scripts' own locale is not the application's"
    assert "BLUEGREEN_PID_FILE" not in given
    assert not any("s3cret" in argument for argument in arguments_of(pid))
    assert "s3cret" not in ran.all
    on_disk = [path for path in box.base.rglob("*") if path.is_file()]
    assert not [path for path in on_disk if b"s3cret" in path.read_bytes()]


def test_a_locale_of_the_settings_is_the_applications(box: Box) -> None:
    box.configure(env={"LC_ALL": "C.UTF-8"})
    box.deployed("1")
    assert environment_of(live_pid(box, "prod2"))["LC_ALL"] == "C.UTF-8"


def test_options_and_arguments_reach_the_jvm_as_they_are(box: Box) -> None:
    options = [*box.settings["java"]["options"], '-Dname=it\'s "a" $HOME 값', "-Dempty="]
    args = ["--greeting=안녕 $USER", "--quote='\"", "*"]
    box.configure(java={"options": options, "args": args})
    box.deployed("1")
    command = arguments_of(live_pid(box, "prod2"))
    assert command[: len(options) + 1] == ["java", *options]
    assert command[-len(args) :] == args
    assert "-Dspring.profiles.active=prod2" in command


# --- what a person sees ---------------------------------------------------------------------------------


def test_a_deploy_ends_with_from_where_to_where_and_how_long_each_part_took(box: Box) -> None:
    box.deployed("1")
    # A workflow sets FORCE_COLOR for its other tools.
    ran = box.run("deploy", "--jar", str(box.jar("2")), "--version", "2", environ={"FORCE_COLOR": "1"})
    *_, summary, switched, proof, times = ran.out.splitlines()
    first, second = (release_of(box, version) for version in ("1", "2"))
    assert summary == f"✓ taggle on 127.0.0.1: prod2 (1, {first}) → prod1 (2, {second})"
    sent = r"\d+\.\d kB, \d+(\.\d)? [kM]?B/s"
    assert re.search(rf"^✓ uploaded taggle-2\.jar as release {second}: {sent} \(.+\)$", ran.out, re.M)
    assert re.fullmatch(
        r"  switched in \d+ ms on the host by method instant, one rename without a reload", switched
    )
    assert re.fullmatch(
        r"  probe: \d+ requests for /api/v1/profiles through nginx, 0 failed, slowest \d+ ms, "
        r"first answer of the new slot \d+ ms after the switch began",
        proof,
    )
    for part in ("connect ", "upload ", "start until UP ", "switch ", "total "):
        assert part in times
    assert "\x1b" not in ran.all, "plain lines when piped"


def test_the_journal_has_a_line_for_the_start_and_one_for_the_outcome(box: Box) -> None:
    environ = {
        "GITHUB_ACTOR": "kim",
        "GITHUB_SERVER_URL": "https://github.example",
        "GITHUB_REPOSITORY": "team/taggle",
        "GITHUB_RUN_ID": "7",
    }
    ran = box.run("deploy", "--jar", str(box.jar("1")), "--version", "1", environ=environ)
    assert ran.code == 0, ran.all
    start, end = journal(box)
    assert start["run"] == end["run"]
    assert (start["outcome"], end["outcome"]) == ("running", "switched")
    assert end["by"] == "kim"
    assert end["url"] == "https://github.example/team/taggle/actions/runs/7"
    assert (end["slot"], end["version"], end["from_slot"]) == ("prod2", "1", "prod1")
    assert versions(box) == ["1"]
