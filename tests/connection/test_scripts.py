"""Scripts over a connection: their input and output arrive whole, and no other user can read them."""

from __future__ import annotations

import base64
import getpass
import hashlib
import os
import random
import shlex
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import paramiko
import pytest
from paramiko.common import MSG_CHANNEL_DATA, MSG_CHANNEL_EOF

from bluegreen.config import load
from bluegreen.console.terminal import Console
from bluegreen.errors import CannotConnect, Failed, Locked, WrongUsage
from bluegreen.host import health, lock
from bluegreen.host.facts import Facts, lines_of, marked
from bluegreen.host.machine import Machine
from bluegreen.remote.script import Script
from bluegreen.ssh.connection import Connection, Result, TimedOut
from bluegreen.ssh.login_shell import command
from bluegreen.ssh.sessions import order
from tests.support.processes import command_line
from tests.support.servers import Relay, Sshd, sh
from tests.support.waiting import wait_for

NASTY = """ '"$`\\n\\ $(id) ; & | * é\nsecond line """


@pytest.mark.parametrize("code", [0, 1, 3, 255])
def test_an_exit_code_is_a_result_whatever_it_is(host: Connection, code: int) -> None:
    assert host.run(sh(f"echo out; echo err >&2; exit {code}")) == Result(code, "out\n", "err\n")


def test_a_script_killed_by_a_signal_has_the_exit_code_a_shell_gives_it(host: Connection) -> None:
    assert host.run(sh("kill -KILL $$")).exit_code == 128 + signal.SIGKILL
    assert host.run(sh("echo alive")).stdout == "alive\n"


# Eight times the output costs eight times the work, and sixty-four times where it is quadratic.
TIMES_MORE, MOST_TIMES_THE_WORK = 8, 24


def test_sixteen_megabytes_of_output_come_whole_and_in_linear_time(host: Connection) -> None:
    def work_s(size_bytes: int) -> float:
        before = time.process_time()
        result = host.run(sh(f"head -c {size_bytes} /dev/zero | tr '\\0' x"))
        assert result.stdout == "x" * size_bytes
        return time.process_time() - before

    few_s = work_s(2_000_000)
    assert work_s(2_000_000 * TIMES_MORE) < few_s * MOST_TIMES_THE_WORK


def test_lines_of_a_large_output_come_whole_and_in_linear_time(host: Connection) -> None:
    def work_s(count: int) -> float:
        before = time.process_time()
        with host.start(sh(f"seq 1 {count}")) as running:
            lines = enumerate(running.lines(timeout_s=60), 1)
            assert sum(1 for number, line in lines if int(line) == number) == count
            assert running.wait(timeout_s=30).exit_code == 0
        return time.process_time() - before

    few_s = work_s(125_000)
    assert work_s(125_000 * TIMES_MORE) < few_s * MOST_TIMES_THE_WORK


def test_utf8_is_whole_over_the_borders_of_reads(host: Connection) -> None:
    script = sh("printf 'x'; yes 'é漢字🚀' | head -n 50000")
    assert host.run(script).stdout == "x" + "é漢字🚀\n" * 50_000
    with host.start(script) as running:
        assert list(running.lines(timeout_s=5))[1:] == ["é漢字🚀"] * 49_999


def test_bytes_that_are_not_utf8_are_replaced(host: Connection) -> None:
    assert host.run(sh(r"printf 'a\377b'")).stdout == "a\ufffdb"


def test_a_flood_on_stderr_stops_neither_lines_nor_the_script(host: Connection) -> None:
    with host.start(sh("head -c 6000000 /dev/zero >&2; echo done")) as running:
        assert list(running.lines(timeout_s=10)) == ["done"]
        assert len(running.wait(timeout_s=5).stderr) == 6_000_000


def test_lines_come_as_they_are_printed(host: Connection) -> None:
    with host.start(sh("echo first; read answer; echo $answer; printf 'no newline'")) as running:
        lines = running.lines(timeout_s=5)
        assert next(lines) == "first"
        running.write(b"second\n")
        assert list(lines) == ["second", "no newline"]


def test_what_lines_did_not_read_is_left_for_wait(host: Connection) -> None:
    with host.start(sh("printf 'one\\ntwo\\n'; read go; printf three")) as running:
        assert next(running.lines(timeout_s=5)) == "one"
        running.write(b"\n")
        assert running.wait(timeout_s=5).stdout == "two\nthree"


def test_stdin_arrives_whole_and_binary(host: Connection) -> None:
    data = random.Random(1).randbytes(3_000_000)  # noqa: S311
    result = host.run(sh("sha256sum"), stdin=data)
    assert result.stdout.split()[0] == hashlib.sha256(data).hexdigest()


def test_a_script_may_print_while_it_is_still_given_input(host: Connection) -> None:
    assert len(host.run(sh("cat"), stdin=b"x" * 8_000_000).stdout) == 8_000_000


def test_without_stdin_a_script_that_reads_it_ends(host: Connection) -> None:
    assert host.run(sh("cat; echo end"), timeout_s=5).stdout == "end\n"


def test_a_script_that_ends_without_reading_its_input_is_a_result(host: Connection) -> None:
    assert host.run(sh("exit 4"), stdin=b"x" * 6_000_000, timeout_s=10).exit_code == 4


def test_neither_script_nor_input_shows_in_the_process_list(host: Connection) -> None:
    with host.start(
        sh("secret='hidden-in-a-value'; echo ready; read word; echo $word; read more")
    ) as running:
        lines = running.lines(timeout_s=5)
        next(lines)
        running.write(b"hidden-on-stdin\n")
        next(lines)
        seen = [
            line.read_bytes() + (line.parent / "environ").read_bytes()
            for line in Path("/proc").glob("[0-9]*/cmdline")
            if int(line.parent.name) != os.getpid() and b"bluegreen" in _content(line)
        ]
        assert seen
        assert not [line for line in seen if b"hidden-" in line]


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""


def test_nasty_values_arrive_as_they_are(host: Connection) -> None:
    assert host.run(sh(f'value={shlex.quote(NASTY)}; printf %s "$value"')).stdout == NASTY


def test_a_text_cut_short_runs_nothing(shared: Sshd, host: Connection, tmp_path: Path) -> None:
    login = shared.login()
    client = paramiko.SSHClient()
    client.get_host_keys().add(f"[127.0.0.1]:{shared.port}", "ssh-ed25519", _key(login.host_keys[0]))
    client.connect("127.0.0.1", shared.port, login.user, key_filename=str(login.identity), allow_agent=False)
    transport = client.get_transport()
    assert transport is not None
    witness = tmp_path / "ran"
    whole = order(sh(f"touch {witness}; echo one; echo two").text().encode(), sudo=False)
    for length in range(1, len(whole) - len("bluegreen_main\n"), 7):
        channel = transport.open_session()
        channel.exec_command(command("ready"))
        channel.sendall(whole[:length])
        channel.shutdown_write()
        channel.status_event.wait(5)
        assert not witness.exists(), whole[:length]
        channel.close()
    client.close()
    assert host.run(sh(f"touch {witness}")).exit_code == 0
    assert witness.exists()


def _key(pinned: str) -> paramiko.PKey:
    return paramiko.PKey.from_type_string(pinned.split()[0], base64.b64decode(pinned.split()[1]))


def test_a_script_that_takes_too_long_is_reported_and_the_connection_lives_on(host: Connection) -> None:
    with pytest.raises(TimedOut, match=r"test did not end within 0\.3 s"):
        host.run(sh("sleep 5"), timeout_s=0.3)
    assert host.run(sh("echo on")).stdout == "on\n"


def test_only_a_newline_ends_a_line_of_the_error_output(host: Connection) -> None:
    with pytest.raises(TimedOut) as raised:
        host.run(sh(r"printf 'one\342\200\250still one\ntwo\n' >&2; sleep 5"), timeout_s=1)
    assert raised.value.why == ("one\u2028still one", "two")


def test_a_silence_between_lines_is_reported(host: Connection) -> None:
    with host.start(sh("echo one; sleep 5")) as running:
        lines = running.lines(timeout_s=0.5)
        assert next(lines) == "one"
        with pytest.raises(TimedOut, match="printed no line"):
            next(lines)


def test_something_left_behind_on_the_output_is_named_as_the_cause(host: Connection) -> None:
    with pytest.raises(TimedOut, match="keeps its output open"):
        host.run(sh("sleep 3 & exit 0"), timeout_s=1)


def test_a_script_notices_that_it_is_let_go(host: Connection, tmp_path: Path) -> None:
    witness = tmp_path / "noticed"
    with host.start(sh(f"echo ready; cat >/dev/null; touch {witness}")) as running:
        assert next(running.lines(timeout_s=5)) == "ready"
    wait_for(witness.exists, "the script ends")


def test_a_script_without_pty_outlives_the_connection(shared: Sshd, tmp_path: Path) -> None:
    witness = tmp_path / "finished"
    with Connection(shared.login()) as host:
        running = host.start(sh(f"trap '' HUP PIPE; echo ready; sleep 0.5; touch {witness}"))
        assert next(running.lines(timeout_s=5)) == "ready"
    assert not witness.exists()
    wait_for(witness.exists, "the script ends")


def test_nothing_of_ours_is_left_on_the_host_after_the_connection(sshd_with: Callable[..., Sshd]) -> None:
    sshd = sshd_with()
    with Connection(sshd.login()) as host:
        host.run(sh("echo"))
        wait_for(lambda: len(_shells(sshd.children())) == 2, "two shells wait for an order")
        waiting = sshd.children()
    wait_for(lambda: not _shells(waiting), "the shells end")


def _shells(pids: Iterable[int]) -> list[int]:
    return [pid for pid in pids if "bluegreen" in str(command_line(pid))]


def test_several_threads_run_scripts_at_the_same_time(host: Connection) -> None:
    results: dict[int, str] = {}

    def work(number: int) -> None:
        for turn in range(5):
            results[number * 10 + turn] = host.run(sh(f"sleep 0.05; echo {number}")).stdout

    threads = [threading.Thread(target=work, args=(number,)) for number in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert results == {n * 10 + turn: f"{n}\n" for n in range(9) for turn in range(5)}


@pytest.mark.parametrize("most", [1, 2])
def test_a_host_that_allows_few_sessions_is_enough(sshd_with: Callable[..., Sshd], most: int) -> None:
    with Connection(sshd_with(f"MaxSessions {most}").login()) as host:
        for number in range(6):
            assert host.run(sh(f"echo {number}")).stdout == f"{number}\n"


def test_more_sessions_than_the_machine_allows_names_the_setting(sshd_with: Callable[..., Sshd]) -> None:
    with (
        Connection(sshd_with("MaxSessions 1").login()) as host,
        host.start(sh("read go")),
        pytest.raises(Failed, match="MaxSessions"),
    ):
        host.run(sh("echo"))


def test_a_user_that_may_run_nothing_differs_from_a_lost_connection(
    sshd_with: Callable[..., Sshd],
) -> None:
    sshd = sshd_with("ForceCommand /bin/false")
    with pytest.raises(CannotConnect, match="ended before it ran a command"):
        Connection(sshd.login()).connect()


def test_sudo_never_asks(sshd_with: Callable[..., Sshd]) -> None:
    sshd = sshd_with()
    stand_in = sshd.folder / "bin" / "sudo"
    stand_in.parent.mkdir()
    stand_in.write_text('#!/bin/sh\n[ "$1" = -n ] || exit 9\nshift\nBY_SUDO=yes exec "$@"\n')
    stand_in.chmod(0o755)
    # Root itself is not sent through sudo, and root may be who runs the tests.
    unprivileged = sshd.folder / "bin" / "id"
    unprivileged.write_text("#!/bin/sh\necho 1000\n")
    unprivileged.chmod(0o755)
    with Connection(sshd.login()) as host:
        result = host.run(sh("echo ${BY_SUDO:-no}; cat"), stdin=b"input", sudo=True)
        assert result == Result(0, "yes\ninput", "")


# --- facts ---------------------------------------------------------------------------------------------

# As bash under sshd reads it for every command. Its last output has no newline.
TALKATIVE = r"""
echo 'Welcome to this host.'
echo 'user =forged'
echo 'bluegreen user =forged'
echo 'bluegreen: user =forged'
echo 'bluegreen:0123456789abcdef user =forged'
echo 'bluegreen: held =yes'
printf 'loading 99 %%'
"""


@pytest.fixture
def talkative(sshd_with: Callable[..., Sshd], tmp_path: Path) -> Iterator[Machine]:
    """A host whose login prints before every command, as a machine of an app."""
    sshd = sshd_with('ForceCommand . "$HOME/talk"; exec sh -c "$SSH_ORIGINAL_COMMAND"')
    (sshd.folder / "talk").write_text(TALKATIVE)
    config = tmp_path / "config.yml"
    config.write_text(
        f"app: taggle\nsupervisor: process\nreleases: {{path: {tmp_path}/taggle}}\n"
        "hosts: {prod: {address: 127.0.0.1}}\n"
    )
    with Connection(sshd.login()) as connection:
        yield Machine(load(config).host(None), connection, Console(prefix=""))


def test_what_a_login_prints_is_never_taken_for_a_fact(talkative: Machine) -> None:
    assert talkative.connection.run(sh("echo out")).stdout == "out\n"
    facts = talkative.run("look", root=talkative.root_script())
    assert facts.text("user") == getpass.getuser()
    assert "held" not in facts
    assert facts.number("disk_free_kb")


def test_what_a_login_prints_is_never_taken_for_an_event(talkative: Machine) -> None:
    with lock.held(talkative, "deploy"):
        with pytest.raises(Locked, match="deploy"), lock.held(talkative, "switch"):
            pass
        holder = lock.parse(talkative.run("look", root=talkative.root_script()).text("lock"))
        assert holder is not None
        assert holder.command == "deploy"


def test_what_a_login_prints_is_not_part_of_a_log(talkative: Machine) -> None:
    log = Path(talkative.settings.releases.path, "logs", "prod1.log")
    log.parent.mkdir(parents=True)
    log.write_text("one\ntwo\n")
    assert health.logs_of(talkative, "prod1") == ["one", "two"]


@pytest.mark.parametrize("printed", ["bluegreen: reloaded =form", "reloaded form"], ids=["now", "0.1"])
def test_facts_of_the_steps_that_need_root_are_those_of_the_run(
    talkative: Machine, tmp_path: Path, printed: str
) -> None:
    """root.sh, as installed, cannot know the nonce; the script that calls it passes on its facts."""
    root = tmp_path / "root"
    root.write_text(f"#!/bin/sh\necho 'noise'\necho '{printed}'\nexit 20\n")
    root.chmod(0o755)
    with lock.held(talkative, "deploy") as ours:
        route = ours.run("look", root=ours.root_script()).text("route")
        step = ours.script(
            "route_step", ours.root_script(), verb="switch", slot="prod1", route=route, form=""
        )
        checksum = hashlib.sha256(root.read_bytes()).hexdigest()
        values = {**step.values, "root_installed": str(root), "root_sha256": checksum, "root_sudo": False}
        result = ours.connection.run(Script("route_step", values, "process"))
    facts = Facts(marked(lines_of(result.stdout), str(values["nonce"])))
    assert (result.exit_code, facts.text("reloaded")) == (20, "form")
    assert facts.number("began")


# --- uploading -----------------------------------------------------------------------------------------


def test_an_upload_arrives_whole_and_tells_how_far_it_is(host: Connection, tmp_path: Path) -> None:
    source = tmp_path / "app.jar"
    source.write_bytes(random.Random(2).randbytes(20_000_000))  # noqa: S311
    sent: list[int] = []
    result = host.upload(sh("sha256sum"), source, progress=sent.append)
    assert result.stdout.split()[0] == hashlib.sha256(source.read_bytes()).hexdigest()
    assert sent == sorted(sent)
    assert sent[-1] == 20_000_000


def test_an_empty_file_can_be_uploaded(host: Connection, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert host.upload(sh("wc -c"), tmp_path / "empty").stdout.strip() == "0"


def test_an_upload_stops_at_once_when_the_script_ends_early(host: Connection, tmp_path: Path) -> None:
    source = tmp_path / "app.jar"
    with source.open("wb") as file:
        file.truncate(2_000_000_000)
    sent = [0]
    result = host.upload(
        sh("head -c 1000000 >/dev/null; echo no room >&2; exit 7"), source, progress=sent.append
    )
    assert (result.exit_code, result.stderr) == (7, "no room\n")
    assert sent[-1] < 50_000_000


@pytest.fixture
def slow_to_send(monkeypatch: pytest.MonkeyPatch) -> None:
    """Data and its end leave this machine late, as from a thread that the processor was taken from."""
    send = paramiko.Transport._send_user_message  # type: ignore[attr-defined]

    def late(self: paramiko.Transport, message: paramiko.Message) -> None:
        if message.asbytes()[0] in (MSG_CHANNEL_DATA, MSG_CHANNEL_EOF):
            time.sleep(0.2)
        send(self, message)

    monkeypatch.setattr(paramiko.Transport, "_send_user_message", late)


@pytest.mark.usefixtures("slow_to_send")
def test_a_script_that_ends_while_its_input_is_sent_does_not_end_the_connection(
    host: Connection, tmp_path: Path
) -> None:
    # sshd ends a connection at a message for a channel that is closed on both sides.
    assert host.run(sh("exit 3")).exit_code == 3
    path = tmp_path / "input"
    path.write_bytes(bytes(500_000))
    assert host.upload(sh("head -c 1 >/dev/null; exit 4"), path).exit_code == 4
    with host.start(sh("read -r line; echo $line; exec sleep 60")) as running:
        sender = threading.Thread(target=running.write, args=(b"hello\n",))
        sender.start()
    sender.join()
    assert host.run(sh("echo lives")).stdout == "lives\n"


def test_an_upload_that_no_process_reads_times_out(host: Connection, tmp_path: Path) -> None:
    source = tmp_path / "app.jar"
    source.write_bytes(bytes(8_000_000))
    with pytest.raises(TimedOut, match=r"accepted no input for 0\.5 s"):
        host.upload(sh("sleep 5"), source, timeout_s=0.5)
    assert host.run(sh("echo on")).stdout == "on\n"


def test_a_file_that_is_not_there_is_a_wrong_usage(host: Connection, tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match="cannot be read"):
        host.upload(sh("cat"), tmp_path / "missing")


# --- round trips ---------------------------------------------------------------------------------------


def test_a_script_costs_one_round_trip(shared: Sshd, relay_to: Callable[..., Relay]) -> None:
    one_way_s = 0.05
    relay = relay_to(shared.port, one_way_s)
    script = sh("cat >/dev/null; echo done")
    with Connection(shared.login(port=relay.port)) as host:
        host.run(script)
        times = []
        for _ in range(5):
            begun = time.monotonic()
            host.run(script, stdin=b"input")
            times.append(time.monotonic() - begun)
    # The quickest of them: this machine may be busy.
    assert 2 * one_way_s <= min(times) < 4 * one_way_s, "more than one round trip"
