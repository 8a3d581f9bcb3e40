"""Commands of bluegreen as a person types them, each a process of its own."""

from __future__ import annotations

import functools
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol

CHECKOUT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ran:
    """A command that has ended: its exit code and what it printed."""

    code: int
    out: str
    err: str

    @property
    def all(self) -> str:
        return self.out + self.err


class Process(Protocol):
    """What the tests need of a process: `subprocess.Popen` and `Command` have it."""

    @property
    def pid(self) -> int: ...
    @property
    def stdout(self) -> IO[str] | None: ...
    @property
    def stderr(self) -> IO[str] | None: ...
    @property
    def returncode(self) -> int | None: ...

    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def communicate(self, *, timeout: float | None = None) -> tuple[str, str]: ...
    def send_signal(self, sig: int) -> None: ...
    def terminate(self) -> None: ...
    def kill(self) -> None: ...


def environ_at_a_keyboard() -> dict[str, str]:
    """The environment of a person at a keyboard, whoever runs the tests."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("GITHUB_", "BLUEGREEN_", "CI"))
    }


def start(arguments: Sequence[str], folder: Path, environ: Mapping[str, str] | None = None) -> Process:
    """Starts `bluegreen` with these arguments in a folder, piped; `environ` is over that of a keyboard."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    out, their_out = os.pipe()
    err, their_err = os.pipe()
    theirs = (nothing, their_out, their_err)
    try:
        everything = {**environ_at_a_keyboard(), **(environ or {})}
        return Command(arguments, folder, everything, theirs, (os.fdopen(out), os.fdopen(err)))
    finally:
        for file in theirs:
            os.close(file)


def start_on(terminal: int, arguments: Sequence[str], folder: Path, environ: Mapping[str, str]) -> Process:
    """As `start`, with all three streams on a terminal."""
    everything = {**environ_at_a_keyboard(), "TERM": "xterm", **environ}
    return Command(arguments, folder, everything, (terminal,) * 3, (None, None))


class Command:
    """A command that was started: as much of `subprocess.Popen` as the tests need.

    Args:
        streams: its stdin, stdout and stderr.
        outputs: the other ends of stdout and stderr, where they are pipes.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        folder: Path,
        environ: Mapping[str, str],
        streams: tuple[int, int, int],
        outputs: tuple[IO[str] | None, IO[str] | None],
    ) -> None:
        self.stdout, self.stderr = outputs
        self.returncode: int | None = None
        ours, theirs = socket.socketpair()
        order = {"arguments": list(arguments), "folder": str(folder), "environ": dict(environ)}
        with theirs, _one_at_a_time:
            socket.send_fds(_server()[0], [json.dumps(order).encode()], [*streams, theirs.fileno()])
        self._answers = ours
        self._said = ours.makefile()
        self.pid = int(self._said.readline())
        self._ending = threading.Lock()

    def poll(self) -> int | None:
        """Its exit code, None if it runs."""
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, once it has ended; minus the signal's number if one ended it.

        Raises:
            subprocess.TimeoutExpired: it still runs after `timeout` seconds.
        """
        # Not in the lock: another thread may ask meanwhile. The socket stays readable once the code has come.
        if self.returncode is None and not _readable(self._answers, timeout):
            raise subprocess.TimeoutExpired("bluegreen", timeout or 0)
        with self._ending:
            if self.returncode is None:
                self.returncode = int(self._said.readline())
            return self.returncode

    def communicate(self, *, timeout: float | None = None) -> tuple[str, str]:
        """All that it prints, once it has ended."""
        printed = ["", ""]

        def read(number: int, stream: IO[str]) -> None:
            with stream:
                printed[number] = stream.read()

        until = None if timeout is None else time.monotonic() + timeout
        readers = [
            threading.Thread(target=read, args=each, daemon=True)
            for each in enumerate((self.stdout, self.stderr))
            if each[1] is not None and not each[1].closed
        ]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join(None if until is None else max(0.0, until - time.monotonic()))
            if reader.is_alive():
                raise subprocess.TimeoutExpired("bluegreen", timeout or 0)
        self.wait(None if until is None else max(0.1, until - time.monotonic()))
        return printed[0], printed[1]

    def send_signal(self, sig: int) -> None:
        """Sends it a signal, if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, sig)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def __enter__(self) -> Command:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.wait()


_one_at_a_time = threading.Lock()


@functools.cache
def _server() -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """A process that has imported bluegreen, and the socket for its requests; it ends with this process."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.preloaded", str(theirs.fileno())],
        cwd=CHECKOUT,
        env=environ_at_a_keyboard(),
        stdin=subprocess.DEVNULL,
        pass_fds=[theirs.fileno()],
    )
    theirs.close()
    return ours, process


def _readable(answers: socket.socket, timeout: float | None) -> bool:
    # The exit code is the only line after the pid, so nothing of it is buffered.
    poller = select.poll()
    poller.register(answers, select.POLLIN)
    return bool(poller.poll(None if timeout is None else timeout * 1000))
