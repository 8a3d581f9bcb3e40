"""P8: nobody reads what a command prints. One that acts goes on as if somebody did; one that reads ends."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.box import Box
from tests.support.command import CHECKOUT, environ_at_a_keyboard
from tests.support.incidents import jvms
from tests.support.on_host import last_entry

# After the command, of which `$code` keeps the exit code.
NOBODY_READS = (
    "| head -3",
    "| grep -m1 'is UP after'",
    ">/dev/full",
    "<&- >&- 2>&-",
    "2>&1 | true",
)


@dataclass(frozen=True)
class InShell:
    """A command that ended in a shell: its exit code, and what came through."""

    code: int
    out: str
    err: str


def in_shell(box: Box, *arguments: str, where: str, environ: dict[str, str] | None = None) -> InShell:
    """Runs a command in a shell, with its output redirected."""
    code = box.folder / "code"
    command = shlex.join([sys.executable, "-m", "bluegreen", *arguments])
    ran = subprocess.run(
        ["sh", "-c", f"( {command}; echo $? >{shlex.quote(str(code))} ) {where}"],
        cwd=box.folder,
        env={**environ_at_a_keyboard(), "PYTHONPATH": str(CHECKOUT), **(environ or {})},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    return InShell(int(code.read_text()), ran.stdout, ran.stderr)


def deploy(box: Box, version: str, where: str, **behaviour: object) -> InShell:
    jar = box.jar(version, **behaviour)
    return in_shell(box, "deploy", "--jar", str(jar), "--version", version, where=where)


@pytest.mark.parametrize("where", NOBODY_READS)
def test_p8_a_deploy_that_nobody_reads_is_watched_retired_and_recorded(box: Box, where: str) -> None:
    box.configure(switch={"watch": "500ms"}, old_slot={"after_switch": "stop"})
    ran = deploy(box, "1", where)
    assert ran.code == 0, ran
    assert "Traceback" not in ran.out + ran.err
    assert box.served() == "1"
    entry = last_entry(box)
    assert (entry["version"], entry["outcome"], entry.get("reason")) == ("1", "switched", None)


@pytest.mark.parametrize("where", ["| head -3", ">/dev/full", ">&-"])
def test_p8_a_deploy_that_fails_unread_cleans_up_and_says_the_cause_on_stderr(box: Box, where: str) -> None:
    box.configure(health={"timeout": "1s"})
    ran = deploy(box, "1", where, health="never-up")
    assert ran.code == 1, ran
    assert jvms(box) == set()
    assert last_entry(box)["outcome"] == "failed"
    assert "stdout cannot be written" in ran.err
    assert "live now: prod1" in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("command", ["rollback", "switch"])
def test_p8_the_other_ways_to_switch_go_on_unread(box: Box, command: str) -> None:
    box.deployed("1")
    box.deployed("2", *(["--no-switch"] if command == "switch" else []))
    ran = in_shell(box, command, where=">&- 2>&-")
    assert ran.code == 0, ran
    assert box.served() == {"rollback": "1", "switch": "2"}[command]
    assert (box.history()[0]["command"], box.history()[0]["outcome"]) == (command, "switched")


def test_stop_and_the_sandbox_go_on_unread(box: Box) -> None:
    box.deployed("1")
    box.deployed("2")
    assert in_shell(box, "stop", where="| true").code == 0
    assert box.pid("prod2") is None
    assert in_shell(box, "sandbox", "--stop", where=">/dev/full").code == 0
    assert not jvms(box)
    assert in_shell(box, "sandbox", where=">&-").code == 0
    assert box.sandbox


def test_init_writes_its_files_unread(tmp_path: Path) -> None:
    plugin = "<plugin><artifactId>spring-boot-maven-plugin</artifactId></plugin>"
    (tmp_path / "pom.xml").write_text(
        "<project><artifactId>taggle</artifactId><version>1</version>"
        f"<build><plugins>{plugin}</plugins></build></project>"
    )
    sources = tmp_path / "src" / "main" / "java"
    sources.mkdir(parents=True)
    (sources / "Taggle.java").write_text(
        "@SpringBootApplication class Taggle { public static void main(String[] args) {} }"
    )
    ran = in_shell(Box(tmp_path), "init", "--address", "10.0.0.5", where="| true")
    assert ran.code == 0, ran
    assert (tmp_path / "config.yml").exists()
    assert list((tmp_path / ".github" / "workflows").iterdir())


READERS = [
    ("status",),
    ("status", "--json"),
    ("history",),
    ("history", "--json"),
    ("check",),
    ("check", "--json"),
    ("config",),
    ("logs",),
    ("logs", "--follow"),
    ("deploy", "--dry-run"),
    ("--help",),
    ("--list",),
]


def test_a_reader_ends_quietly_once_nobody_reads(box: Box) -> None:
    box.configure(jar=str(box.jar("1")))
    box.deployed("1")
    for arguments in READERS:
        ran = in_shell(box, *arguments, where="| true")
        assert (ran.code, "Traceback" in ran.err) == (141, False), (arguments, ran)
        assert "--json" in arguments or ran.err == ""


def test_a_reader_says_why_it_cannot_write(box: Box) -> None:
    box.deployed("1")
    for arguments in (("status",), ("history", "--json"), ("--help",)):
        full = in_shell(box, *arguments, where=">/dev/full")
        assert full.code == 1, full
        assert "No space left on device" in full.err.splitlines()[-1]
        closed = in_shell(box, *arguments, where=">&-")
        assert closed.code == 1, closed
        assert "Traceback" not in full.err + closed.err


def test_a_reader_is_read_without_stderr(box: Box) -> None:
    for where in ("2>&-", "2>/dev/full"):
        ran = in_shell(box, "status", "--json", where=where)
        assert (ran.code, '"live": "prod1"' in ran.out) == (0, True), ran


def test_what_is_read_before_the_pipe_closes_is_whole(box: Box) -> None:
    box.deployed("1")
    ran = in_shell(box, "logs", "--lines", "2", where="| head -1")
    assert len(ran.out.splitlines()) == 1
    assert ran.code in (0, 141), ran
    assert ran.err == ""


@pytest.mark.parametrize(
    ("missing", "file"), [("GITHUB_OUTPUT", "/dev/full"), ("GITHUB_STEP_SUMMARY", "missing/file")]
)
def test_files_of_github_that_cannot_be_written_change_no_exit_code(
    box: Box, missing: str, file: str
) -> None:
    box.configure(health={"timeout": "1s"})
    other = {"GITHUB_OUTPUT": "GITHUB_STEP_SUMMARY"}.get(missing, "GITHUB_OUTPUT")
    environ = {
        "GITHUB_ACTIONS": "true",
        missing: file if file.startswith("/") else str(box.folder / file),
        other: str(box.folder / "written"),
    }
    good = box.run("deploy", "--jar", str(box.jar("1")), "--version", "1", environ=environ)
    assert good.code == 0, good.all
    assert "could not be written for GitHub" in good.out
    assert "Traceback" not in good.all
    assert (box.folder / "written").stat().st_size
    bad = box.run("deploy", "--jar", str(box.jar("2", health="never-up")), "--version", "2", environ=environ)
    assert bad.code == 1, bad.all
    assert box.served() == "1"


def test_half_a_value_is_taken_back_from_a_file_of_github_on_a_full_disk(tmp_path: Path) -> None:
    """On GitHub a value without its delimiter fails the whole step."""
    disk, file = tmp_path / "disk", tmp_path / "disk" / "output"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", str(disk)], check=True)
    try:
        file.write_text("before<<end\n1\nend\n")
        ran = subprocess.run(
            [
                sys.executable,
                "-c",
                "from bluegreen.console.workflow_commands import set_outputs as s; s({'slot': 'x' * 9000})",
            ],
            env={**os.environ, "PYTHONPATH": str(CHECKOUT), "GITHUB_OUTPUT": str(file)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert "No space left" in ran.stderr
        assert file.read_text() == "before<<end\n1\nend\n"
    finally:
        subprocess.run(["umount", str(disk)], check=True)
