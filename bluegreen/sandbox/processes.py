"""The processes of a sandbox, known by marks that no other process bears, and how they end.

A server holds one of the sandbox's logs open. What was started over its SSH, a slot's JVM included, has
inherited the variable `MARK` from its sshd.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bluegreen.sandbox.folder import Folder

MARK = "BLUEGREEN_SANDBOX"

_LISTENS = "0A"


@dataclass(frozen=True)
class Process:
    """One process that lived when it was looked at.

    Args:
        started: clock ticks after boot; with it the pid is never taken for a later process's.
    """

    pid: int
    started: int
    name: str


def servers(folder: Folder, name: str) -> list[Process]:
    """The sandbox's nginx or sshd: listener, workers, sessions."""
    # sshd's sessions are called sshd-session and sshd-auth from OpenSSH 9.8 on.
    return [
        process for process in _living() if process.name.startswith(name) and _logs_to(process, folder.logs)
    ]


def started_over_ssh(folder: Folder) -> list[Process]:
    """The commands of the sandbox's sessions and what is left of them: scripts, JVMs."""
    mark = f"{MARK}={folder.path}".encode()
    return [process for process in _living() if mark in _environment(process)]


def all_of(folder: Folder) -> list[Process]:
    """Everything that runs in the sandbox."""
    slots = [jvm for _, jvm in jvms(folder)]
    found = [*servers(folder, "nginx"), *servers(folder, "sshd"), *slots, *started_over_ssh(folder)]
    return list(dict.fromkeys(found))


def main_process(pid_file: Path, among: Iterable[Process]) -> Process | None:
    """The one of these processes that the pid file names."""
    try:
        pid = int(pid_file.read_text())
    except (OSError, ValueError):
        return None
    return next((process for process in among if process.pid == pid), None)


def jvms(folder: Folder) -> Iterator[tuple[str, Process]]:
    """The slots' JVMs that run, each with its slot, as remote/process.sh wrote them down."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    for file in sorted(folder.path.glob("host/*/run/*.pid")):
        with contextlib.suppress(OSError, ValueError):
            pid, started, booted = file.read_text().split()
            process = _process(int(pid))
            if process and booted == boot and process.started == int(started):
                yield file.stem, process


def holds_port(process: Process, port: int) -> bool:
    """Whether the process listens on the port. Source: proc(5), /proc/net/tcp."""
    inodes = set()
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in Path("/proc/net", table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTENS and int(fields[1].rpartition(":")[2], 16) == port:
                    inodes.add(f"socket:[{fields[9]}]")
    return not inodes.isdisjoint(_open_files(process))


def end(processes: Iterable[Process], *, patience_s: float) -> None:
    """SIGTERM for all of them at once, and SIGKILL for those that are still there after `patience_s`."""
    with contextlib.ExitStack() as stack:
        waiting = select.poll()
        handles: set[int] = set()
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                # The handle first, then the look: from then on the pid cannot become another's.
                handle = os.pidfd_open(process.pid)
                stack.callback(os.close, handle)
                if _process(process.pid) != process:
                    continue
                signal.pidfd_send_signal(handle, signal.SIGTERM)
                waiting.register(handle, select.POLLIN)
                handles.add(handle)
        handles = _left_of(handles, waiting, patience_s)
        for handle in handles:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(handle, signal.SIGKILL)
        _left_of(handles, waiting, patience_s)


def _left_of(handles: set[int], waiting: select.poll, timeout_s: float) -> set[int]:
    left = set(handles)
    until = time.monotonic() + timeout_s
    while left and (left_s := until - time.monotonic()) > 0:
        for handle, _ in waiting.poll(left_s * 1000):
            waiting.unregister(handle)
            left.discard(handle)
    return left


def _living() -> Iterator[Process]:
    for entry in os.listdir("/proc"):  # noqa: PTH208 thousands of names, each asked once
        if entry.isdigit() and int(entry) != os.getpid() and (process := _process(int(entry))):
            yield process


def _process(pid: int) -> Process | None:
    """None if it has ended; a zombie has, also where PID 1 never reaps it."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    head, _, tail = stat.rpartition(")")
    fields = tail.split()
    if fields[0] in "ZX":
        return None
    return Process(pid, int(fields[19]), head.partition("(")[2])


def _environment(process: Process) -> list[bytes]:
    try:
        return Path(f"/proc/{process.pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _logs_to(process: Process, logs: Path) -> bool:
    return any(file.startswith(f"{logs}/") for file in _open_files(process))


def _open_files(process: Process) -> list[str]:
    files = []
    with contextlib.suppress(OSError):
        for file in Path(f"/proc/{process.pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                files.append(str(file.readlink()))
    return files
