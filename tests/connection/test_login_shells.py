"""Login shells whose start file prints, reads, ends or starts something else; the shells are real ones."""

from __future__ import annotations

import random
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bluegreen.errors import CannotConnect, ConnectionLost
from bluegreen.remote import limits
from bluegreen.ssh.connection import Connection, Result
from bluegreen.ssh.login_shell import GUARD
from tests.support.servers import Relay, Sshd, sh
from tests.support.waiting import wait_for

StartFile = Callable[..., Sshd]


@pytest.fixture
def with_shell(sshd_with: StartFile) -> StartFile:
    """An sshd whose user has this login shell, with a start file.

    The login shell of whoever runs the tests starts it, as if it were the first one (SHLVL).
    """

    def start(shell: str, file: str, text: str) -> Sshd:
        assert shutil.which(shell.split()[0]), f"{shell} is not installed: scripts/test installs it"
        sshd = sshd_with(f'ForceCommand HOME=$HOME/home SHLVL=0 exec {shell} -c "$SSH_ORIGINAL_COMMAND"')
        (sshd.folder / "home" / file).parent.mkdir(parents=True)
        (sshd.folder / "home" / file).write_text(text)
        return sshd

    return start


@pytest.fixture
def with_bashrc(with_shell: StartFile) -> StartFile:
    """An sshd whose user has this ~/.bashrc; bash reads it under sshd for every command."""
    return lambda text: with_shell("bash", ".bashrc", text)


def works(connection: Connection, tmp_path: Path) -> None:
    """Scripts with and without an input, an upload, and a script that is read while it runs."""
    script = sh("echo out; echo err >&2; exit 3")
    assert [connection.run(script) for _ in range(4)] == [Result(3, "out\n", "err\n")] * 4
    data = random.Random(1).randbytes(300_000).hex()  # noqa: S311
    assert connection.run(sh("cat"), stdin=data.encode()).stdout == data
    source = tmp_path / "source"
    source.write_bytes(b"x" * 100_000)
    assert connection.upload(sh("wc -c"), source).stdout.strip() == "100000"
    with connection.start(sh("echo first; read answer; echo $answer")) as running:
        lines = running.lines(timeout_s=10)
        assert next(lines) == "first"
        running.write(b"second\n")
        assert list(lines) == ["second"]


# --- harmless --------------------------------------------------------------------------------------------

HARMLESS = {
    "an echo": "echo 'Hello world!!'",
    "no newline": "printf 'no newline'",
    "stderr": "echo warning >&2; printf 'no newline' >&2",
    "colours": r"printf '\033[31mred\033[0m\rover\n\033]0;title\007'",
    "bytes": r"printf '\000\377\376'",
    "a flood": "head -c 3000000 /dev/zero | tr '\\0' x; head -c 1000000 /dev/zero >&2",
    "lines like ours": 'echo; echo bluegreen; echo bluegreen-0123456789abcdef; echo "$BASH_EXECUTION_STRING"',
    "a trace": "set -x",
    "a failure": "false; no-such-command",
    "a folder": "cd /",
    "a lost stderr": "exec 2>/dev/null",
    "an input that is not read": "cat </dev/null",
    "a missing file": '. "$HOME/no-such-file"',
    "a function": "read() { exit 9; }; echo() { exit 9; }; alias eval='exit 9'",
    "a strict mode": "set -euo pipefail",
}


@pytest.mark.parametrize("text", HARMLESS.values(), ids=HARMLESS.keys())
def test_what_a_start_file_prints_is_not_seen(with_bashrc: StartFile, tmp_path: Path, text: str) -> None:
    with Connection(with_bashrc(f"{text}\n").login()) as connection:
        if "exec 2>" in text:
            assert connection.run(sh("echo out; echo err >&2; exit 3")) == Result(3, "out\n", "")
        else:
            works(connection, tmp_path)


def test_a_slow_start_file_is_waited_for(
    with_bashrc: StartFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "LOGIN_SHELL_QUIET_S", 0.3)
    with Connection(with_bashrc("sleep 0.5\n").login()) as connection:
        works(connection, tmp_path)


@pytest.mark.parametrize(
    ("shell", "file"),
    [
        ("zsh", ".zshenv"),
        ("fish", ".config/fish/config.fish"),
        ("tcsh", ".tcshrc"),
        ("dash", ".profile"),
        ("busybox ash", ".profile"),
    ],
)
def test_any_login_shell_starts_ours(with_shell: StartFile, tmp_path: Path, shell: str, file: str) -> None:
    with Connection(with_shell(shell, file, "echo noise; printf more\n").login()) as connection:
        works(connection, tmp_path)


def documented() -> dict[str, tuple[str, str]]:
    """The file and the line of each shell in docs/config.md."""
    text = (Path(__file__).parents[2] / "docs" / "config.md").read_text()
    rows = re.findall(r"^\| (bash|zsh|fish|tcsh) \| `~/(\S+?)`.* \| `(.*)` \|$", text, re.MULTILINE)
    return {shell: (file, line.replace("\\|", "|")) for shell, file, line in rows}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "tcsh"])
def test_the_line_in_the_documentation_repairs_the_start_file(
    with_shell: StartFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shell: str
) -> None:
    file, line = documented()[shell]
    monkeypatch.setattr(limits, "LOGIN_SHELL_QUIET_S", 0.5)
    sshd = with_shell(shell, file, "cat >/dev/null\n")
    assert "waits for input" in refused(sshd).message
    (sshd.folder / "home" / file).write_text(f"{line}\ncat >/dev/null\n")
    with Connection(sshd.login()) as connection:
        works(connection, tmp_path)
    assert shell != "bash" or line == GUARD


def test_nothing_is_sent_before_our_shell_has_started(with_bashrc: StartFile) -> None:
    """Another shell in its place would run half of a script."""
    sshd = with_bashrc("exec cat >$HOME/received\n")
    with pytest.raises(CannotConnect):
        Connection(sshd.login()).connect()
    wait_for(lambda: not sshd.children(), "cat ends with its connection")
    assert (sshd.folder / "home" / "received").read_bytes() == b""


def test_waiting_for_our_shell_costs_no_round_trip(
    with_bashrc: StartFile, relay_to: Callable[..., Relay]
) -> None:
    """A script does not wait for the start file: two shells are kept ready."""
    sshd = with_bashrc("sleep 1.5; echo >>$HOME/started\n")
    relay = relay_to(sshd.port, 0.05)
    with Connection(sshd.login(port=relay.port)) as connection:
        wait_for(lambda: _count(sshd) == 2, "two shells wait")
        began = time.monotonic()
        connection.run(sh("echo"))
        assert time.monotonic() - began < 1.5, "it waited for a start file"


def _count(sshd: Sshd) -> int:
    started = sshd.folder / "home" / "started"
    return len(started.read_text()) if started.exists() else 0


# --- refused ---------------------------------------------------------------------------------------------


def refused(sshd: Sshd) -> CannotConnect:
    with pytest.raises(CannotConnect) as caught:
        Connection(sshd.login()).connect()
    assert caught.value.exit_code == 5
    assert GUARD in (caught.value.remedy or "")
    return caught.value


@pytest.mark.parametrize("code", [0, 1, 7])
def test_a_start_file_that_ends_the_shell_is_named_with_what_it_printed(
    with_bashrc: StartFile, code: int
) -> None:
    error = refused(
        with_bashrc(rf"printf '\033[31mLicence expired\033[0m\n'; echo call us >&2; exit {code}" "\n")
    )
    assert f"ended before it ran a command (exit code {code})" in error.message
    assert error.why[:2] == ("it printed: Licence expired", "it printed: call us")


@pytest.mark.parametrize(
    "text",
    [
        "read answer",
        "read -p 'Press enter: ' answer; read another",
        "cat >/dev/null",
        "select one in a b; do break; done",
        "exec bash",
        "exec zsh",
        "sh",
        "exec cat",
        "echo menu; while read -r choice; do :; done; exit 1",
    ],
)
def test_a_start_file_that_reads_the_input_is_named(
    with_bashrc: StartFile, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(limits, "LOGIN_SHELL_QUIET_S", 0.5)
    assert "waits for input" in refused(with_bashrc(f"{text}\n")).message


def test_a_start_file_that_hangs_is_named_with_what_it_printed(
    with_bashrc: StartFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "LOGIN_SHELL_QUIET_S", 0.2)
    monkeypatch.setattr(limits, "LOGIN_SHELL_S", 1.0)
    error = refused(with_bashrc("echo mounting; exec sleep 600\n"))
    assert "did not run a command within 1 s" in error.message
    assert error.why[0] == "it printed: mounting"


def test_output_without_an_end_is_given_up(with_bashrc: StartFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LOGIN_SHELL_S", 1.0)
    assert "did not run a command within 1 s" in refused(with_bashrc("exec yes\n")).message


@pytest.mark.parametrize("program", ["/bin/false", "/usr/sbin/nologin", "internal-sftp"])
def test_an_account_without_a_shell_is_named(
    sshd_with: StartFile, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    monkeypatch.setattr(limits, "LOGIN_SHELL_QUIET_S", 0.5)
    error = refused(sshd_with(f"ForceCommand {program}"))
    assert "ended before it ran a command" in error.message or "waits for input" in error.message


def test_a_start_file_that_breaks_during_a_run_is_a_lost_connection(with_bashrc: StartFile) -> None:
    sshd = with_bashrc("")
    with Connection(sshd.login()) as connection:
        (sshd.folder / "home" / ".bashrc").write_text("exit 1\n")
        with pytest.raises(ConnectionLost, match=r"ended before it ran a command .*: test was not started"):
            works(connection, sshd.folder)  # some shells wait already
