"""One of two machines is down (case 20), or nginx is (case 21): the readers show the rest and name it."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from tests.support.box import Box
from tests.support.incidents import Deployer
from tests.support.sites import nginx

DOWN = "127.0.0.9"


@pytest.fixture
def pair(box: Box) -> Box:
    """A host of two machines: the sandbox, and an address where nothing listens."""
    box.deployed("1")
    box.deployed("2")
    ssh = box.folder / ".sandbox" / "ssh"
    key = " ".join(Path(f"{ssh}/host_ed25519.pub").read_text().split()[:2])
    box.configure(
        slots=box.sandbox.slots,
        supervisor="process",
        releases={"path": str(box.base)},
        switch={"include": str(box.include)},
        site={"listen": box.sandbox.http_port},
        hosts={
            "pair": {
                "address": ["127.0.0.1", DOWN],
                "port": box.sandbox.ssh_port,
                "user": "root",
                "host_key": key,
                "identity": str(ssh / "id_ed25519"),
            }
        },
    )
    return box


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        (("status",), "taggle on 127.0.0.1: live is prod1"),
        (("history",), "switched"),
        (("logs",), "Started StandIn"),
        (("check",), "✓ ssh: connected as root"),
        (("stop",), "live is prod1"),
    ],
)
def test_the_machine_that_is_down_is_named_after_the_others_were_shown(
    pair: Box, command: tuple[str, ...], shown: str
) -> None:
    ran = pair.run(*command, "--host", "pair")
    assert ran.code in ((1,) if command == ("check",) else (5,)), ran.all
    assert shown in ran.out
    assert f"! {DOWN} could not be reached" in ran.out
    if command != ("check",):
        assert f"✗ 1 of 2 machines could not be reached: {DOWN}" in ran.out.split(shown)[-1]


@pytest.mark.parametrize("command", ["status", "history", "check"])
def test_the_json_has_an_error_in_place_of_the_data_of_the_machine_that_is_down(
    pair: Box, command: str
) -> None:
    ran = pair.run(command, "--host", "pair", "--json")
    data = json.loads(ran.out)
    assert [machine["address"] for machine in data["machines"]] == ["127.0.0.1", DOWN]
    there, down = data["machines"]
    assert "error" not in there
    assert set(down) == {"address", "error"}
    assert command != "status" or data["live"] is None


def test_a_rollback_refuses_and_names_the_flag_that_goes_without_the_machine(pair: Box) -> None:
    ran = pair.run("rollback", "--host", "pair")
    assert ran.code == 5, ran.all
    assert "nothing was changed" in ran.out
    assert "bluegreen rollback --host pair --skip-unreachable" in ran.out
    assert pair.served() == "2"


def test_status_reports_that_nginx_is_stopped(pair: Box) -> None:
    pair.configure(hosts={"pair": {**pair.settings["hosts"]["pair"], "address": "127.0.0.1"}})
    assert pair.run("status", "--host", "pair").code == 0
    port = pair.sandbox.http_port
    nginx(pair, "-s", "stop")
    ran = pair.run("status", "--host", "pair")
    assert ran.code == 6, ran.all
    assert "✗ users get no answer from 127.0.0.1" in ran.out
    assert f"nothing listens on port {port}" in ran.out
    assert "what to do: sudo nginx -t && sudo systemctl start nginx" in ran.out
    data = json.loads(pair.run("status", "--host", "pair", "--json").out)
    assert data["machines"][0]["outage"]
    assert "✗ drift: nothing listens" in pair.run("check", "--host", "pair").out


def test_status_reports_that_the_live_slot_is_down_with_the_command_that_helps(box: Box) -> None:
    box.deployed("1")
    box.deployed("2")
    box.kill("prod1")
    ran = box.run("status")
    assert ran.code == 6, ran.all
    assert "while the other slot is UP" in ran.out
    assert "what to do: bluegreen switch --host sandbox" in ran.out
    box.kill("prod2")
    ran = box.run("status")
    assert ran.code == 6, ran.all
    assert "what to do: bluegreen rollback --host sandbox, or deploy again" in ran.out


def test_a_host_that_never_served_has_no_outage(box: Box) -> None:
    ran = box.run("status")
    assert ran.code == 0, ran.all


def test_each_line_of_the_logs_of_several_machines_names_its_machine(pair: Box) -> None:
    pair.configure(hosts={"pair": {**pair.settings["hosts"]["pair"], "address": ["127.0.0.1", "localhost"]}})
    ran = pair.run("logs", "--host", "pair", "--lines", "2")
    assert ran.code == 0, ran.all
    lines = [line for line in ran.out.splitlines() if not line.startswith("✓")]
    assert [line.split(": ")[0] for line in lines] == ["127.0.0.1"] * 2 + ["localhost"] * 2
    alone = pair.run("logs", "--host", "sandbox", "--lines", "2").out.splitlines()[-2:]
    assert [line.removeprefix("localhost: ") for line in lines[2:]] == alone


def test_followed_logs_of_several_machines_name_the_machine_of_each_new_line(pair: Box) -> None:
    pair.configure(hosts={"pair": {**pair.settings["hosts"]["pair"], "address": ["127.0.0.1", "localhost"]}})
    following = Deployer(pair.start("logs", "--host", "pair", "--follow"))
    following.until_said("localhost: ")
    with (pair.base / "logs" / "prod1.log").open("a") as file:
        file.write("something new\n")
    for address in ("127.0.0.1", "localhost"):
        following.until_said(f"\n{address}: something new\n")
    following.send(signal.SIGINT)
    assert following.ended() == 0, following.said


def test_followed_logs_of_several_machines_end_once_nobody_reads(pair: Box) -> None:
    pair.configure(hosts={"pair": {**pair.settings["hosts"]["pair"], "address": ["127.0.0.1", "localhost"]}})
    following = pair.start("logs", "--host", "pair", "--follow")
    assert following.stdout is not None
    following.stdout.readline()
    following.stdout.close()
    # The stream of one machine ends, and no line of the other one comes.
    with (pair.base / "logs" / "prod1.log").open("a") as file:
        file.write("something new\n")
    assert following.wait(60) == 141
