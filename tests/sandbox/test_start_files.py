"""Whole commands on a host whose ~/.bashrc prints, ends or reads: bash under sshd reads it each time."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest

from tests.support.box import Box
from tests.support.under_traffic import nothing_lost
from tests.support.waiting import wait_for

COMMANDS = {
    "status": ["status"],
    "status --json": ["status", "--json"],
    "history": ["history"],
    "logs": ["logs"],
    "logs --follow": ["logs", "--follow"],
    "check": ["check"],
    "stop": ["stop"],
    "switch": ["switch"],
    "rollback": ["rollback"],
}


@pytest.fixture
def with_bashrc(box: Box) -> Callable[[str], Box]:
    """The sandbox, with this ~/.bashrc from now on."""

    def give(text: str) -> Box:
        home = box.folder / "home"
        home.mkdir(exist_ok=True)
        (home / ".bashrc").write_text(f"{text}\n")
        ssh = box.folder / ".sandbox" / "ssh"
        config, log = ssh / "sshd_config", box.folder / ".sandbox" / "logs" / "sshd.log"
        # SHLVL: the sandbox's own sshd has a value for which bash reads no start file.
        force = f'ForceCommand HOME={home} SHLVL=0 exec bash -c "$SSH_ORIGINAL_COMMAND"\n'
        config.write_text(config.read_text() + force)
        listens = log.read_text().count("Server listening")
        os.kill(int((ssh / "sshd.pid").read_text()), signal.SIGHUP)
        wait_for(lambda: log.read_text().count("Server listening") > listens, "sshd reads its configuration")
        return box

    return give


def test_a_talkative_start_file_changes_no_command(with_bashrc: Callable[[str], Box]) -> None:
    box = with_bashrc(
        "echo 'Hello world!!'; echo careful >&2; set -x\n"
        "printf '\\033[1mno newline\\r'; echo \"live =prod9\"; printf 'no newline' >&2"
    )
    box.deployed("1")
    with nothing_lost(box):
        box.deployed("2")
        assert box.machine()["live"] == "prod1"
        assert box.run("rollback").code == 0
    assert box.machine()["live"] == "prod2"
    assert len(box.history()) == 3
    for name, arguments in COMMANDS.items():
        if name not in ("logs --follow", "switch", "rollback"):
            ran = box.run(*arguments)
            assert ran.code == 0, ran.all
            assert "Hello" not in ran.all, ran.all
            assert "careful" not in ran.all, ran.all


@pytest.mark.parametrize("text", ["exit 0", "echo bye; exit 1"])
def test_a_start_file_that_ends_the_shell_ends_every_command_with_the_cause(
    with_bashrc: Callable[[str], Box], text: str
) -> None:
    box = with_bashrc(text)
    for arguments in COMMANDS.values():
        ran = box.run(*arguments)
        assert ran.code == 5, ran.all
        assert "ended before it ran a command" in ran.all
        assert "~/.bashrc" in ran.all
        assert "Traceback" not in ran.all
    assert box.deploy("1").code == 5
    assert not (box.base / "lock").exists()
    assert not (box.base / "releases").exists()


def test_a_start_file_that_reads_ends_a_deploy_before_anything_is_changed(
    with_bashrc: Callable[[str], Box],
) -> None:
    box = with_bashrc("read x")
    ran = box.deploy("1")
    assert ran.code == 5, ran.all
    assert "waits for input before it runs a command" in ran.all
    assert not (box.base / "lock").exists()
    assert not (box.base / "releases").exists()
    assert box.run("status").code == 5


def test_a_start_file_that_begins_to_fail_leaves_the_live_slot_alone(
    with_bashrc: Callable[[str], Box],
) -> None:
    box = with_bashrc("echo fine")
    box.deployed("1")
    with_bashrc("exit 0")
    with nothing_lost(box):
        assert box.deploy("2").code == 5
    with_bashrc("echo fine again")
    assert box.machine()["live"] == "prod2"
    box.deployed("3")
