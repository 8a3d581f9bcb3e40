"""The files that `setup` writes, the same with apt and with dnf, and the packages, whose names differ."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bluegreen.config import Settings, load
from bluegreen.console.terminal import Console, plain_or_rich
from bluegreen.host.facts import Facts
from bluegreen.host.files import root_files
from bluegreen.host.files.packages import installing
from bluegreen.host.files.root_files import HostFile
from bluegreen.host.machine import Machine
from bluegreen.host.survey import missing_packages
from bluegreen.ssh.connection import Connection, Login


def settings_of(folder: Path, sections: str = "") -> Settings:
    config = folder / "config.yml"
    config.write_text(
        f"app: taggle\n{sections}\nhosts: {{prod: {{address: taggle.example, user: ubuntu}}}}\n"
    )
    return load(config).host(None)


def files(settings: Settings, user: str = "deploy") -> dict[str, HostFile]:
    machine = Machine(settings, Connection(Login("taggle.example")), Console(plain_or_rich(stderr=True)))
    root = machine.root_script(user=user)
    wanted = root_files.wanted(settings, root, user=user, nginx_version="1.22.1")
    return {file.what: file for file in wanted}


@pytest.mark.parametrize(
    ("manager", "packages"),
    [
        ("apt-get", ("curl", "util-linux", "nginx", "openjdk-21-jre-headless")),
        ("dnf", ("curl-minimal", "util-linux-core", "nginx", "java-21-amazon-corretto-headless")),
    ],
)
def test_what_is_missing_is_named_as_the_machines_manager_does(
    tmp_path: Path, manager: str, packages: tuple[str, ...]
) -> None:
    facts = Facts([f"manager ={manager}", "missing = curl flock nginx java"])
    assert missing_packages(settings_of(tmp_path, "java: {version: 21}"), facts) == packages


def test_the_remedy_names_packages_as_the_machines_manager_does() -> None:
    tools = ("curl", "flock", "setsid", "java")
    dnf = "sudo dnf install curl-minimal util-linux-core util-linux java-21-amazon-corretto-headless"
    assert installing("dnf", tools, java_version=21) == dnf
    apt = "sudo apt-get install curl util-linux openjdk-21-jre-headless"
    assert installing("apt-get", tools, java_version=21) == installing("", tools, java_version=21) == apt


def test_an_older_java_counts_as_missing_and_a_newer_one_does_not(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    facts = {
        version: Facts(["manager =dnf", f"java.version ={version}", "missing ="])
        for version in ("1.8.0", "11.0.2", "17", "21")
    }
    for old in ("1.8.0", "11.0.2"):
        assert missing_packages(settings, facts[old]) == ("java-17-amazon-corretto-headless",)
    assert missing_packages(settings, facts["17"]) == missing_packages(settings, facts["21"]) == ()


def test_the_files_are_where_both_families_of_linux_read_them(tmp_path: Path) -> None:
    assert [(file.path, f"{file.mode:o}") for file in files(settings_of(tmp_path)).values()] == [
        ("/etc/tmpfiles.d/bluegreen-taggle.conf", "644"),
        ("/etc/nginx/conf.d/service-url.inc", "644"),
        ("/etc/nginx/conf.d/taggle.conf", "644"),
        ("/etc/systemd/system/taggle@.service", "644"),
        ("/usr/local/sbin/bluegreen-taggle", "755"),
        ("/etc/sudoers.d/bluegreen-taggle", "440"),
    ]


def test_systemd_kills_later_than_we_do(tmp_path: Path) -> None:
    unit = files(settings_of(tmp_path, "old_slot: {stop_timeout: 42s}"))["unit"].text.splitlines()
    assert "TimeoutStopSec=47" in unit
    assert "User=deploy" in unit
    # Root would read it, wherever the user made it a link to; the start script reads the environment instead.
    assert not any(line.startswith("EnvironmentFile") for line in unit)


def test_the_script_that_runs_as_root_finds_programs_where_the_user_cannot_put_any(tmp_path: Path) -> None:
    text = files(settings_of(tmp_path))["steps as root"].text
    first = [line for line in text.splitlines() if not line.startswith("#")][:2]
    assert first == ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "export PATH"]
    assert subprocess.run(["sh", "-n"], input=text, text=True).returncode == 0
