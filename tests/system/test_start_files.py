"""Start files of login shells on a booted machine, for each kind of user: what they print hinders nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.guest import Guest
from tests.support.hosts import Rented, rented

TALKATIVE = """
echo 'Hello world!!'; echo careful >&2; printf 'no newline'; printf 'none here' >&2
echo read >>~/start_file
"""


def _home(host: Rented) -> Path:
    return host.guest.root / host.home.lstrip("/")


@contextmanager
def talking(host: Rented) -> Iterator[None]:
    """The user has a ~/.bashrc that prints, and it is read."""
    (_home(host) / ".bashrc").write_text(TALKATIVE)
    yield
    assert (_home(host) / "start_file").read_text().count("read") > 4


@pytest.mark.parametrize("user", ["ubuntu", "root"])
def test_setup_and_the_commands_after_it_are_not_hindered(guest: Guest, tmp_path: Path, user: str) -> None:
    host = rented(tmp_path, guest, user=user)
    with talking(host):
        host.set_up()
        host.deployed("1")
        host.deployed("2")
        assert host.served() == "2"
        host.done("rollback")
        assert host.served() == "1"
        assert "Hello" not in host.done("logs").out
        assert "Hello" not in host.done("check").all


def test_a_user_with_one_sudoers_file_is_not_hindered(deploys_host: Rented) -> None:
    with talking(deploys_host):
        deploys_host.deployed("1")
        deploys_host.deployed("2")
        deploys_host.done("rollback")
        assert deploys_host.served() == "1"
        assert "Hello" not in deploys_host.done("status").all


def test_a_user_whose_start_file_ends_the_shell_changes_nothing(guest: Guest, tmp_path: Path) -> None:
    host = rented(tmp_path, guest)
    (_home(host) / ".bashrc").write_text("exit 0\n")
    ran = host.run("setup")
    assert ran.code == 5, ran.all
    assert "~/.bashrc" in ran.all
    assert host.guest.run("ls /etc/systemd/system").stdout.count("taggle") == 0
