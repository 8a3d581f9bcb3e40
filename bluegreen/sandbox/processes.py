"""The processes of a sandbox: how they are recognized, and how they are ended.

A server has one of the sandbox's logs open. A process that was started over the sandbox's SSH, such as a
slot's JVM, has inherited the variable `MARK` from the sandbox's sshd. psutil compares start times before it
sends a signal, so a later process with the same pid is never ended.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import TypeVar

import psutil

from bluegreen.sandbox.folder import Folder

MARK = "BLUEGREEN_SANDBOX"

T = TypeVar("T")


def servers(folder: Folder, name: str) -> list[psutil.Process]:
    """All processes of the sandbox's nginx or sshd: listener, workers, sessions."""
    # From OpenSSH 9.8 on, sshd's sessions are called sshd-session and sshd-auth.
    return [
        process
        for process in _living()
        if name_of(process).startswith(name) and _logs_to(process, folder.logs)
    ]


def started_over_ssh(folder: Folder) -> list[psutil.Process]:
    """The processes of the sandbox's SSH sessions, and those that outlived their session: scripts, JVMs."""
    return [
        process
        for process in _living()
        if _read(process.environ, dict[str, str]()).get(MARK) == str(folder.path)
    ]


def all_of(folder: Folder) -> list[psutil.Process]:
    """Every process of the sandbox."""
    return list(
        dict.fromkeys([*servers(folder, "nginx"), *servers(folder, "sshd"), *started_over_ssh(folder)])
    )


def main_process(pid_file: Path, among: Iterable[psutil.Process]) -> psutil.Process | None:
    """The process that the pid file names, None if it is not among these."""
    try:
        pid = int(pid_file.read_text())
    except (OSError, ValueError):
        return None
    return next((process for process in among if process.pid == pid), None)


def jvms(folder: Folder) -> dict[str, psutil.Process]:
    """The running JVMs by slot, from the pid files of remote/process.sh."""
    # A pid file may be stale: only a process of this sandbox can be the JVM.
    ours = {process.pid: process for process in started_over_ssh(folder)}
    found = {}
    for file in sorted(folder.path.glob("host/*/run/*.pid")):
        with contextlib.suppress(OSError, ValueError, IndexError):
            pid = int(file.read_text().split()[0])
            if pid in ours:
                found[file.stem] = ours[pid]
    return found


def holds_port(process: psutil.Process, port: int) -> bool:
    """Whether the process listens on the port."""
    try:
        connections = process.net_connections("tcp")
    except psutil.Error:
        return False
    return any(each.status == psutil.CONN_LISTEN and each.laddr.port == port for each in connections)


def name_of(process: psutil.Process) -> str:
    """The name of the process, empty if it has ended."""
    return _read(process.name, "")


def end(processes: Collection[psutil.Process], *, timeout_s: float) -> None:
    """Sends SIGTERM to all of them, and after the timeout SIGKILL to those that still run."""
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    for process in _wait(processes, timeout_s):
        with contextlib.suppress(psutil.Error):
            process.kill()
    _wait(processes, timeout_s)


def _wait(processes: Collection[psutil.Process], timeout_s: float) -> list[psutil.Process]:
    """Waits until all of them have ended; returns those that still run at the timeout."""
    # Not psutil.wait_procs: it waits for a zombie until the timeout, and in a container PID 1 may reap none.
    until = time.monotonic() + timeout_s
    while (left := [process for process in processes if _lives(process)]) and time.monotonic() < until:
        time.sleep(0.01)
    return left


def _living() -> Iterable[psutil.Process]:
    # Not psutil.process_iter: its cache may yield an ended process for a pid that another one has by now.
    for pid in psutil.pids():
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            if pid != os.getpid() and _lives(process):
                yield process


def _lives(process: psutil.Process) -> bool:
    return process.is_running() and _read(process.status, psutil.STATUS_DEAD) not in (
        psutil.STATUS_ZOMBIE,
        psutil.STATUS_DEAD,
    )


def _logs_to(process: psutil.Process, logs: Path) -> bool:
    # Not Process.open_files: it leaves out deleted files, and a user may delete a log.
    with contextlib.suppress(OSError):
        for file in Path(f"/proc/{process.pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                if file.readlink().is_relative_to(logs):
                    return True
    return False


def _read(fact: Callable[[], T], otherwise: T) -> T:
    """The fact about a process, or this value if it has ended or belongs to another user."""
    try:
        return fact()
    except (psutil.Error, OSError):
        return otherwise
