"""The genuine Spring Boot jar on a genuine host: what a team does the first day, and every day after."""

from __future__ import annotations

from pathlib import Path

from tests.support import springboot
from tests.support.guest import Guest
from tests.support.hosts import Rented, rented


def three_deploys_and_back(host: Rented, folder: Path) -> None:
    """Each version serves in its turn, and a rollback brings back the one before."""
    for version in ("1", "2", "3"):
        jar = springboot.fat_jar(folder / f"taggle-{version}.jar", version=version)
        ran = host.done("deploy", "--jar", str(jar), "--version", version)
        assert "Started TaggleApplication" in host.done("logs").out, ran.all
        assert host.served() == version
    assert "which still runs" in host.done("rollback").out
    assert host.served() == "2"
    assert host.machine()["drift"] == []
    assert [entry["failed"] for entry in host.history()] == [0, 0, 0, 0]


def test_from_a_bare_machine_as_user_ubuntu(bare_guest: Guest, tmp_path: Path) -> None:
    host = rented(tmp_path, bare_guest)
    host.set_up()
    three_deploys_and_back(host, tmp_path)


def test_as_user_deploy_with_the_sudoers_file_alone(guest: Guest, tmp_path: Path) -> None:
    host = rented(tmp_path, guest, user="deploy")
    host.set_up("--login", "ubuntu")
    three_deploys_and_back(host, tmp_path)
