"""A process that has imported bluegreen and forks one command after the other: the server of `command.py`.

Starting Python and importing bluegreen takes a second of a core, which was half of the suite's time. What is
forked is an ordinary process with its own arguments, environment, folder, streams and signals.

    python -m tests.support.preloaded FD

A request on the socket FD is one message of JSON with four files: stdin, stdout, stderr and a socket for the
answers, which are the command's pid and, once it has ended, its exit code.
"""

from __future__ import annotations

import gc
import importlib
import io
import json
import os
import pkgutil
import runpy
import selectors
import socket
import sys
import time
from dataclasses import dataclass

import bluegreen

LARGEST_REQUEST = 1 << 20


@dataclass(frozen=True)
class Order:
    """A command to run."""

    arguments: list[str]
    folder: str
    environ: dict[str, str]


class Server:
    """Forks a process for each request, and answers with its pid and its exit code.

    Args:
        requests: where they come from; at its end the server ends too.
    """

    def __init__(self, requests: socket.socket) -> None:
        self._requests = requests
        self._selector = selectors.DefaultSelector()
        self._selector.register(requests, selectors.EVENT_READ)
        # By the pidfd of the command.
        self._running: dict[int, tuple[int, socket.socket]] = {}

    def serve(self) -> Order | None:
        """Returns an order in each process that is forked for one, and None at the end of the requests."""
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is not self._requests:
                    self._ended(key.fd)
                    continue
                message, files, _, _ = socket.recv_fds(self._requests, LARGEST_REQUEST, 4)
                if not message:
                    return None
                pid = os.fork()
                if pid == 0:
                    self._leave(files)
                    return Order(**json.loads(message))
                self._forked(pid, files)

    def _forked(self, pid: int, files: list[int]) -> None:
        *streams, answer = files
        for stream in streams:
            os.close(stream)
        ended, asker = os.pidfd_open(pid), socket.socket(fileno=answer)
        self._running[ended] = pid, asker
        self._selector.register(ended, selectors.EVENT_READ)
        _answer(asker, pid)

    def _ended(self, pidfd: int) -> None:
        self._selector.unregister(pidfd)
        pid, asker = self._running.pop(pidfd)
        os.close(pidfd)
        _, status = os.waitpid(pid, 0)
        with asker:
            _answer(asker, os.waitstatus_to_exitcode(status))

    def _leave(self, files: list[int]) -> None:
        """Makes the forked process independent of the server: whoever waits for the end of a file sees it."""
        self._selector.close()
        self._requests.close()
        for pidfd, (_, asker) in self._running.items():
            os.close(pidfd)
            asker.close()
        for stream, file in enumerate(files[:3]):
            os.dup2(file, stream)
        for file in files:
            os.close(file)


def _answer(asker: socket.socket, number: int) -> None:
    try:
        asker.sendall(f"{number}\n".encode())
    except BrokenPipeError:
        return  # the test does not wait for this command


def become(order: Order) -> None:
    """What `python -m bluegreen` starts with."""
    os.chdir(order.folder)
    os.environ.clear()
    os.environ.update(order.environ)
    time.tzset()
    sys.argv = ["bluegreen", *order.arguments]
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 for the rest of the process
    sys.stdout = _stream(1, line_buffering=os.isatty(1))
    sys.stderr = _stream(2, line_buffering=True)


def _stream(descriptor: int, *, line_buffering: bool) -> io.TextIOWrapper:
    errors = "backslashreplace" if descriptor == 2 else "strict"
    return open(descriptor, "w", closefd=False, errors=errors, buffering=1 if line_buffering else -1)


def preload() -> None:
    """Imports every module of bluegreen but __main__, which each command runs."""
    for module in pkgutil.walk_packages(bluegreen.__path__, "bluegreen."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


if __name__ == "__main__":
    preload()
    # What was imported is not looked at by the garbage collector, so that a fork shares its memory.
    gc.freeze()
    ordered = Server(socket.socket(fileno=int(sys.argv[1]))).serve()
    if ordered:
        become(ordered)
        runpy.run_module("bluegreen", run_name="__main__", alter_sys=True)
