"""A connection that dies while something runs: noticed soon, and never taken for the script's own end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from bluegreen.errors import ConnectionLost
from bluegreen.remote import limits
from bluegreen.ssh.connection import Connection, Limits
from tests.support.processes import alive
from tests.support.servers import Relay, Sshd, saying, sh
from tests.support.waiting import wait_for

FAST_LIMITS = Limits(silence_s=1.5, probe_s=0.5)
# How long each wait for a script may last; the scripts last longer.
WAIT_S = 30


@pytest.fixture
def sshd(sshd_with: Callable[..., Sshd]) -> Sshd:
    return sshd_with()


def _once(condition: Callable[[], object], work: Callable[[], object]) -> None:
    """Does some work in another thread once a condition is true."""

    def wait_and_work() -> None:
        wait_for(condition, "the script begins")
        work()

    threading.Thread(target=wait_and_work, daemon=True).start()


@pytest.mark.parametrize("way", ["run", "lines", "wait", "upload"])
def test_an_sshd_killed_while_a_script_runs_is_a_lost_connection(
    sshd: Sshd, way: str, tmp_path: Path
) -> None:
    big, begun = tmp_path / "big", tmp_path / "begun"
    with big.open("wb") as file:
        file.truncate(1_000_000_000)
    with Connection(sshd.login()) as host:
        _once(begun.exists, sshd.kill_connections)
        # Neither waited for to its end nor timed out: the script sleeps longer than a wait of `_use` lasts.
        with pytest.raises(
            ConnectionLost, match=r"the connection to 127\.0\.0\.1 ended while test ran there"
        ):
            _use(host, way, big, begun)


def _use(host: Connection, way: str, big: Path, begun: Path) -> None:
    """Runs a script in one of the ways; the script makes the file `begun`, and sleeps."""
    script = sh(f"touch {begun}; sleep 60; cat >/dev/null")
    if way == "run":
        host.run(script, timeout_s=WAIT_S)
    elif way == "upload":
        host.upload(script, big, timeout_s=WAIT_S)
    else:
        with host.start(script) as running:
            if way == "lines":
                list(running.lines(timeout_s=WAIT_S))
            else:
                running.wait(timeout_s=WAIT_S)


@pytest.mark.parametrize("way", ["run", "lines", "wait", "upload"])
def test_a_network_that_goes_silent_is_a_lost_connection(
    sshd: Sshd, relay_to: Callable[..., Relay], way: str, tmp_path: Path
) -> None:
    big, begun = tmp_path / "big", tmp_path / "begun"
    with big.open("wb") as file:
        file.truncate(1_000_000_000)
    relay = relay_to(sshd.port)
    with Connection(sshd.login(port=relay.port), limits=FAST_LIMITS) as host:
        _once(begun.exists, lambda: setattr(relay, "silent", True))
        with pytest.raises(ConnectionLost, match=r"did not answer for 1\.5 s"):
            _use(host, way, big, begun)


def test_a_quiet_script_on_a_living_connection_is_waited_for(sshd: Sshd) -> None:
    with Connection(sshd.login(), limits=Limits(silence_s=0.8, probe_s=0.3)) as host:
        assert host.run(sh("sleep 2.5; echo done")).stdout == "done\n"


def test_a_lost_connection_stays_lost_until_it_is_connected_again(sshd: Sshd) -> None:
    with Connection(sshd.login()) as host:
        sshd.kill_connections()
        for _ in range(2):
            with pytest.raises(ConnectionLost):
                host.run(sh("echo"))
        host.connect()
        assert host.run(sh("echo again")).stdout == "again\n"


def test_a_closed_host_says_that_it_is_not_connected(sshd: Sshd) -> None:
    host = Connection(sshd.login())
    with pytest.raises(ConnectionLost, match="is not connected"):
        host.run(sh("echo"))
    with host:
        pass
    with pytest.raises(ConnectionLost, match="is not connected"):
        host.run(sh("echo"))


def test_closing_a_dead_connection_does_not_wait(sshd: Sshd, relay_to: Callable[..., Relay]) -> None:
    relay = relay_to(sshd.port)
    host = Connection(sshd.login(port=relay.port))
    host.connect()
    relay.silent = True
    began = time.monotonic()
    host.close()
    assert time.monotonic() - began < limits.CLOSE_S, "it waited for an answer"


@pytest.fixture
def program(sshd: Sshd, tmp_path: Path) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Starts a Python program that has a connected `host`."""
    started: list[subprocess.Popen[str]] = []

    def start(body: str) -> subprocess.Popen[str]:
        file = tmp_path / "program.py"
        login = sshd.login()
        file.write_text(
            textwrap.dedent(
                f"""
                import signal, sys, time
                from pathlib import Path, PosixPath
                from bluegreen.ssh.connection import *
                from tests.support.servers import sh
                def stop(number, frame): raise SystemExit(f"signal {{number}}")
                signal.signal(signal.SIGTERM, stop)
                host = Connection({login!r})
                host.connect()
                """
            )
            + textwrap.dedent(body)
        )
        root = Path(__file__).parents[2]
        started.append(
            subprocess.Popen(
                [sys.executable, str(file)],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env={**os.environ, "PYTHONPATH": str(root)},
            )
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("way", ["run", "upload"])
def test_a_signal_ends_a_wait_at_once_and_leaves_the_connection_usable(
    program: Callable[[str], subprocess.Popen[str]], tmp_path: Path, number: signal.Signals, way: str
) -> None:
    big = tmp_path / "big"
    with big.open("wb") as file:
        file.truncate(4_000_000_000)
    begun, received = tmp_path / "begun", tmp_path / "received"
    work = {
        "run": f'host.run(sh("echo $$ >{begun}; exec sleep 120"))',
        "upload": f'host.upload(sh("echo $$ >{begun}; wc -c >{received}"), Path({str(big)!r}))',
    }[way]
    process = program(
        f"""
        print("ready", flush=True)
        try:
            {work}
        except BaseException as error:
            print(type(error).__name__, host.run(sh("echo cleaned up")).stdout.strip(), flush=True)
            host.close()
        """
    )
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    wait_for(lambda: begun.exists() and begun.read_text(), "the script begins")
    process.send_signal(number)
    name = {signal.SIGINT: "KeyboardInterrupt", signal.SIGTERM: "SystemExit"}[number]
    assert process.stdout.readline() == f"{name} cleaned up\n"
    process.wait(30)
    # It ended before the script did, and before the file was sent whole.
    if way == "run":
        assert alive(int(begun.read_text()))
        os.kill(int(begun.read_text()), signal.SIGKILL)
    else:
        wait_for(lambda: received.exists() and received.read_text(), "wc sees the end of its input")
        assert int(received.read_text()) < big.stat().st_size


def test_a_signal_ends_connecting_at_once(program: Callable[[str], subprocess.Popen[str]]) -> None:
    connected = threading.Event()
    with saying(b"", connected) as port:
        process = program(
            f"""
            print("ready", flush=True)
            Connection(Login("127.0.0.1", port={port})).connect()
            """
        )
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        assert connected.wait(30)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
        # The server never says who it is: without the signal this would be the end of BANNER_S.
        assert said == f"signal {signal.SIGTERM.value}\n"


def test_the_kernel_ends_a_connection_over_a_dead_network(sshd: Sshd) -> None:
    with Connection(sshd.login()) as host:
        assert host.connected
        (dialled,) = _connections_to(sshd.port)
        with dialled:
            assert dialled.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000
            assert dialled.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert dialled.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def _connections_to(port: int) -> list[socket.socket]:
    """Copies of this process's sockets that are connected to a port."""
    found = []
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            copy = socket.socket(fileno=os.dup(int(entry.name)))
            if copy.getpeername()[1:] == (port,):
                found.append(copy)
            else:
                copy.close()
    return found


def test_nothing_of_paramiko_is_printed(program: Callable[[str], subprocess.Popen[str]], sshd: Sshd) -> None:
    process = program(
        """
        print("ready", flush=True)
        try:
            host.run(sh("sleep 20"))
        except Exception as error:
            print(type(error).__name__)
        """
    )
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    sshd.kill_connections()
    out, err = process.communicate(timeout=10)
    assert (out, err) == ("ConnectionLost\n", "")
