"""status: what a host is like now, for a person and as JSON."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from tests.support.box import Box, box_in
from tests.support.on_host import live_pid, release_of
from tests.support.waiting import wait_for


def test_the_json_of_status_has_the_keys_that_are_promised_and_nothing_else_is_on_stdout(box: Box) -> None:
    box.deployed("1")
    box.deployed("2")
    assert box.run("stop").code == 0
    ran = box.run("status", "--json")
    assert ran.code == 0, ran.all
    data = json.loads(ran.out)
    assert "connected to" in ran.err
    assert {**data, "machines": None} == {
        "host": "sandbox",
        "app": "taggle",
        "live": "prod1",
        "machines": None,
    }
    (machine,) = data["machines"]
    releases, slots = machine.pop("releases"), machine["slots"]
    assert machine == {
        "address": "127.0.0.1",
        "live": "prod1",
        "slots": {
            "prod1": {
                "port": box.sandbox.slots["prod1"],
                "release": release_of(box, "2"),
                "version": "2",
                "running": True,
                "health": "UP",
                "pid": live_pid(box, "prod1"),
                "memory_bytes": slots["prod1"]["memory_bytes"],
            },
            "prod2": {
                "port": box.sandbox.slots["prod2"],
                "release": release_of(box, "1"),
                "version": "1",
                "running": False,
                "health": None,
                "pid": None,
                "memory_bytes": None,
            },
        },
        "lock": None,
        "drift": [],
        "outage": [],
        "nginx": {
            "version": machine["nginx"]["version"],
            "method": "instant",
            "include": str(box.include),
        },
    }
    assert 10_000_000 < slots["prod1"]["memory_bytes"] < 1_000_000_000
    assert machine["nginx"]["version"].count(".") == 2
    assert [(each["version"], each["state"]) for each in releases] == [("2", "good"), ("1", "good")]


def test_status_before_the_first_deploy_reports_that_nothing_listens(box: Box) -> None:
    ran = box.run("status")
    assert ran.code == 0, ran.all
    assert "taggle on 127.0.0.1: live is prod1" in ran.out
    machine = box.machine()
    assert machine["releases"] == []
    assert {slot["running"] for slot in machine["slots"].values()} == {False}


def test_status_for_a_person_is_a_table_that_can_be_pasted(box: Box) -> None:
    box.deployed("1")
    assert box.deploy("2", die_starting=True).code == 1
    ran = box.run("status")
    assert ran.code == 0, ran.all
    lines = ran.out.splitlines()
    assert "taggle on 127.0.0.1: live is prod2" in lines
    rows = {line.split()[0]: line.split() for line in lines if line.startswith("prod")}
    assert rows["prod2"][1:] == [
        "live",
        str(box.sandbox.slots["prod2"]),
        release_of(box, "1"),
        "1",
        "UP",
        str(live_pid(box, "prod2")),
        *rows["prod2"][-2:],
    ]
    assert rows["prod1"][1] == "idle"
    assert "stopped" in rows["prod1"]
    states = [line.split()[-1] for line in lines if line.startswith((release_of(box, "1"), "2026", "2027"))]
    assert "good" in states
    assert any("never live" in line for line in lines if release_of(box, "2") in line)
    assert any(line.strip() == "lock   free" for line in lines)
    assert "\x1b" not in ran.out


def test_status_shows_a_slot_that_starts_as_not_listening_yet(box: Box) -> None:
    box.deployed("1")
    box.configure(health={"timeout": "3m"})
    deploying = box.start("deploy", "--jar", str(box.jar("2", start_s=150)), "--version", "2")
    try:
        machine = box.machine()
        while not machine["slots"]["prod1"]["running"]:
            assert deploying.poll() is None
            machine = box.machine()
        assert machine["slots"]["prod1"]["health"] is None
        assert machine["live"] == "prod2"
        assert machine["lock"]["command"] == "deploy"
        assert "@" in machine["lock"]["by"]
        assert "not listening" in box.run("status").out
    finally:
        deploying.terminate()
        deploying.communicate(timeout=60)


def test_a_host_that_lacks_a_tool_is_reported_by_every_command_that_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for folder in os.get_exec_path():
        for program in Path(folder).glob("*"):
            # Debian's awk is a link to one of them.
            if not program.name.endswith("awk") and not (tools / program.name).is_symlink():
                (tools / program.name).symlink_to(program)
    # The sandbox's sshd gives its own PATH to what it runs.
    monkeypatch.setenv("PATH", str(tools))
    with box_in(tmp_path) as box:
        for command in (["history"], ["stop"], ["logs"], ["status"], ["deploy", "--jar", str(box.jar("1"))]):
            ran = box.run(*command)
            assert ran.code == 1, ran.all
            assert "✗ 127.0.0.1 lacks awk; nothing was changed" in ran.out
            assert "what to do: sudo apt-get install gawk" in ran.out
        assert "✗ tools: the machine lacks awk" in box.run("check").out


def test_a_live_slot_that_died_beside_one_that_is_up_is_reported_and_the_remedy_repairs_it(box: Box) -> None:
    box.deployed("1")
    box.deployed("2")
    os.kill(live_pid(box, "prod1"), signal.SIGKILL)
    wait_for(lambda: box.get("/version")[0] == 502, "the end of the live JVM")
    (drift,) = box.machine(code=6)["drift"]
    text, _, remedy = drift.rpartition(": ")
    assert text.startswith("nginx routes to prod1, where nothing listens")
    assert remedy == "bluegreen switch --host sandbox"
    assert f"✗ drift: {text}\n    what to do: {remedy}\n" in box.run("check").out
    assert box.run("switch", "--host", "sandbox").code == 0
    assert box.served() == "1"


def test_a_version_that_hangs_is_replaced_by_the_next(box: Box) -> None:
    box.deployed("1")
    hanging = live_pid(box, "prod2")
    os.kill(hanging, signal.SIGSTOP)
    try:
        ran = box.deployed("2")
    finally:
        os.kill(hanging, signal.SIGCONT)
    assert "! /api/v1/profiles gave no answer through nginx in time" in ran.out
    assert box.served() == "2"
