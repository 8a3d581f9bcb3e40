"""The command line: help, versions, and what is typed wrong (exit code 2, nothing done)."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bluegreen import __version__
from bluegreen.tasks import namespace
from tests.support.box import Box
from tests.support.command import Ran

CHECKOUT = Path(__file__).resolve().parents[2]
COMMANDS = sorted(namespace.task_names)


@pytest.fixture
def idle(tmp_path: Path) -> Box:
    """A folder with a config.yml whose host nobody reaches (RFC 5737, TEST-NET-1)."""
    box = Box(tmp_path)
    box.configure(app="taggle", hosts={"staging": {"address": "192.0.2.1", "user": "ubuntu"}})
    return box


def invoke(box: Box, *arguments: str) -> Ran:
    """Runs Invoke itself, with the tasks.py of that folder."""
    ran = subprocess.run(
        [sys.executable, "-m", "invoke", *arguments],
        cwd=box.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return Ran(ran.returncode, ran.stdout, ran.stderr)


def reached(ran: Ran) -> bool:
    """Whether a host was spoken to."""
    return "connect to" in ran.all or "connected to" in ran.all


@pytest.mark.parametrize("command", COMMANDS)
def test_help_tells_what_a_command_does_and_does_nothing(idle: Box, command: str) -> None:
    for arguments in ([command, "--help"], ["--help", command], [command, "-h"]):
        ran = idle.run(*arguments)
        assert ran.code == 0, ran.all
        assert "Docstring:" in ran.out
        assert "Options:" in ran.out
        assert "✓" not in ran.all
        assert not (idle.folder / ".sandbox").exists()


def test_help_behind_a_host_that_was_forgotten_deploys_nothing(idle: Box) -> None:
    ran = idle.run("deploy", "--host", "--help")
    assert ran.code in (0, 2), ran.all
    assert not reached(ran)


def test_without_a_command_the_commands_are_listed(idle: Box) -> None:
    ran = idle.run()
    assert ran.code == 0, ran.all
    for command in COMMANDS:
        assert f"  {command} " in ran.out


def test_the_version_is_the_packages(idle: Box) -> None:
    ran = idle.run("--version")
    assert (ran.code, ran.out.strip().lower()) == (0, f"bluegreen {__version__}")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_there_is_a_completion_for_each_shell(idle: Box, shell: str) -> None:
    ran = idle.run("--print-completion-script", shell)
    assert ran.code == 0, ran.all
    assert "bluegreen" in ran.out
    if shell == "bash":
        subprocess.run(["bash", "-n"], input=ran.out, text=True, check=True)


def test_completion_completes_commands_and_their_flags(idle: Box) -> None:
    assert "rollback" in idle.run("--complete", "--", "bluegreen").out.split()
    assert "--no-switch" in idle.run("--complete", "--", "bluegreen deploy --").out.split()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["deploy", "--host"], "--host needed value"),
        (["deploy", "--host", "prod"], "has no host 'prod'"),
        (["deploy", "--host", "stagin"], "did you mean 'staging'"),
        (["deploy", "--to", "1"], "--to"),
        (["deploy", "prod"], "prod"),
        (["depoy"], "depoy"),
        (["--nothing"], "--nothing"),
        (["rollback", "--version", "1"], "'1'"),
        (["sandbox", "--host", "nope"], "✗ config.yml has no sandbox called nope"),
        (["setup", "--force", "--keep"], "✗ --force and --keep are mutually exclusive"),
        (["logs", "--lines", "many"], "✗ --lines many is not a number"),
        (["--list-depth", "many", "--list"], "many"),
        (["status", "--config", "nowhere.yml"], "nowhere.yml"),
        (["deploy", "--jar", "nowhere.jar"], "no file matches the jar 'nowhere.jar' in "),
        (["deploy", "--jar", "config.yml"], "config.yml: is not a jar"),
        (["deploy", "--jar", "."], "is a folder, not a jar"),
        (["deploy", "--dry", "--jar", "app.jar"], "deploy --dry-run"),
        (["--dry", "stop"], "--dry is a flag of Invoke"),
        (["--config", "config.yml", "deploy", "--jar", "app.jar"], "write it after the command"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_typed_wrong_ends_with_2_and_does_nothing(
    idle: Box, arguments: list[str], message: str
) -> None:
    idle.jar("1").rename(idle.folder / "app.jar")
    ran = idle.run(*arguments)
    assert ran.code == 2, ran.all
    assert message in ran.all
    assert "Traceback" not in ran.all
    assert not reached(ran)


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        (
            "helth: {timeout: 2m}\n",
            "\n✗ config.yml:2: helth: unknown key 'helth'; did you mean 'health'?\n",
        ),
        (
            "slots: {prod1: 8081, prod2: 8081}\nswitch: {method: instnat}\n",
            "\n✗ config.yml has 2 errors:\n"
            "  config.yml:2: slots.prod2: 8081 is already the port of slots.prod1; write another one, "
            "such as 8082\n"
            "  config.yml:3: switch.method: 'instnat' is not a method; did you mean 'instant'? "
            "(instant or reload)\n",
        ),
    ],
    ids=["one error", "several errors"],
)
def test_what_is_wrong_in_config_yml_is_told_whole_and_nothing_is_done(
    idle: Box, sections: str, message: str
) -> None:
    hosts = "hosts: {staging: {address: 192.0.2.1, user: ubuntu}}\n"
    (idle.folder / "config.yml").write_text(f"app: taggle\n{sections}{hosts}")
    idle.jar("1").rename(idle.folder / "app.jar")
    ran = idle.run("deploy", "--jar", "app.jar")
    assert (ran.code, ran.out, ran.err) == (2, message, "")


def test_what_invoke_cannot_parse_does_nothing(idle: Box) -> None:
    (idle.folder / "tasks.py").write_bytes((CHECKOUT / "tasks.py").read_bytes())
    idle.jar("1").rename(idle.folder / "app.jar")
    deploy = ["deploy", "--jar", "app.jar"]
    for arguments in (
        ["depoy"],
        [*deploy, "--bogus"],
        [*deploy, "--host"],
        [*deploy, "prod"],
        [*deploy, "stop", "x"],
    ):
        ran = invoke(idle, *arguments)
        # Its own code: Invoke's program knows none for wrong usage alone.
        assert ran.code == 1, ran.all
        assert arguments[-1].strip("-") in ran.err
        assert "Traceback" not in ran.all
        assert not reached(ran)
    ran = invoke(idle, "logs", "--lines", "many")
    assert ran.code == 2, ran.all
    assert "✗ --lines many is not a number" in ran.out


def test_without_a_jar_the_pattern_and_what_to_build_is_told(idle: Box) -> None:
    ran = idle.run("deploy")
    assert ran.code == 2, ran.all
    assert "no file matches the jar 'build/libs/*.jar'" in ran.out
    assert "./gradlew bootJar" in ran.out
    assert not reached(ran)


def test_a_pattern_given_as_jar_is_searched_and_what_several_match_is_listed(idle: Box) -> None:
    for version in ("1", "2"):
        idle.jar(version)
    ran = idle.run("deploy", "--jar", "taggle-*.jar")
    assert ran.code == 2, ran.all
    assert "✗ 2 files match the jar 'taggle-*.jar'" in ran.out
    assert "  taggle-1.jar\n  taggle-2.jar\n" in ran.out
    refused = idle.run("deploy", "--jar", str(idle.folder))
    (remedy,) = re.findall(r"what to do: --jar '(.*)'", refused.out)
    (idle.folder / "taggle-2.jar").unlink()
    (idle.folder / "taggle-1.jar").write_text("no jar")
    assert "taggle-1.jar: is not a jar" in idle.run("deploy", "--jar", remedy).out


def test_a_sandbox_that_does_not_run_cannot_be_connected_to(idle: Box) -> None:
    idle.settings["hosts"] = {"sandbox": {"sandbox": True}}
    idle.configure()
    for command in (["status"], ["deploy", "--jar", str(idle.jar("1"))], ["rollback"], ["stop"]):
        ran = idle.run(*command)
        assert ran.code == 5, ran.all
        assert "✗ the sandbox is not running" in ran.out


def test_what_makes_no_sense_for_a_host_is_wrong_usage(idle: Box) -> None:
    idle.configure(hosts={"sandbox": {"sandbox": True}})
    trusted = idle.run("trust", "--host", "sandbox")
    assert trusted.code == 2, trusted.all
    assert "✗ sandbox is a sandbox: its key is pinned already" in trusted.out


def test_secrets_that_are_missing_are_all_named_before_anything_is_sent(box: Box) -> None:
    box.configure(secrets=["DB_PASSWORD", "MAIL_PASSWORD", "GIVEN"])
    ran = box.run("deploy", "--jar", str(box.jar("1")), environ={"GIVEN": "x", "MAIL_PASSWORD": ""})
    assert ran.code == 2, ran.all
    assert "✗ secrets missing from the environment: DB_PASSWORD, MAIL_PASSWORD" in ran.out
    assert not reached(ran)
    assert not (box.base / "releases").exists()


def test_p10_config_shows_the_settings_as_resolved_and_of_secrets_the_names_only(idle: Box) -> None:
    idle.configure(secrets=["DB_PASSWORD"], env={"TZ": "Asia/Seoul"}, health={"timeout": "90s"})
    ran = idle.run("config", environ={"DB_PASSWORD": "s3cret", "BLUEGREEN_SSH_KEY": "-----BEGIN s3cret"})
    assert ran.code == 0, ran.all
    assert "- DB_PASSWORD" in ran.out
    assert "TZ: Asia/Seoul" in ran.out
    assert "/actuator/health" in ran.out
    assert "s3cret" not in ran.all


def test_config_of_several_hosts_shows_each_or_the_one_that_is_named(idle: Box) -> None:
    hosts = {
        "prod": {"address": "192.0.2.1", "user": "ubuntu"},
        "staging": {"address": "192.0.2.2", "user": "ubuntu", "health": {"ups": 7}},
    }
    idle.settings["hosts"] = hosts
    idle.configure()
    ran = idle.run("config")
    assert ran.code == 0, ran.all
    assert "# prod" in ran.out
    assert "# staging" in ran.out
    ran = idle.run("config", "--host", "staging")
    assert "192.0.2.1" not in ran.out
    assert "ups: 7" in ran.out
    ran = idle.run("status")
    assert ran.code == 2, ran.all
    assert "has several hosts: prod, staging" in ran.out


def test_another_config_is_read_where_it_lies(box: Box) -> None:
    box.jar("1").rename(box.folder / "only.jar")
    box.configure(jar="only.jar")
    elsewhere = box.folder / "elsewhere"
    elsewhere.mkdir()
    ran = subprocess.run(
        [sys.executable, "-m", "bluegreen", "deploy", "--config", "../config.yml"],
        cwd=elsewhere,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert box.served() == "1"


def test_invoke_in_the_checkout_has_the_same_commands(idle: Box) -> None:
    listed = {}
    for program in ("bluegreen", "invoke"):
        ran = subprocess.run(
            [sys.executable, "-m", program, "--list"],
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "COLUMNS": "200"},
        )
        _, _, commands = ran.stdout.partition("ommands:\n" if program == "bluegreen" else "tasks:\n")
        listed[program] = [line.split()[0] for line in commands.splitlines() if line.startswith("  ")]
    assert listed["invoke"] == listed["bluegreen"]
    assert set(COMMANDS) <= set(listed["invoke"])
