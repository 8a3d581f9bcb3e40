"""The Spring Boot jar on a host of a restricted user; test_setup.py deploys it to a machine that was bare."""

from __future__ import annotations

from pathlib import Path

from tests.support.guest import Guest
from tests.support.hosts import rented, three_spring_boot_deploys_and_back


def test_as_user_deploy_with_the_sudoers_file_alone(guest: Guest, tmp_path: Path) -> None:
    host = rented(tmp_path, guest, user="deploy")
    host.set_up("--login", "ubuntu")
    three_spring_boot_deploys_and_back(host, tmp_path)
