"""Real servers on loopback ports for one test: sshd, and a relay that can delay or go silent."""

from __future__ import annotations

import contextlib
import functools
import getpass
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bluegreen.remote.script import Script
from bluegreen.ssh.connection import Login
from tests.support.processes import descendants, free_port, kill_sessions
from tests.support.waiting import wait_for

SSHD = shutil.which("sshd") or "/usr/sbin/sshd"


@dataclass(frozen=True)
class Inline(Script):
    """A script given by its text."""

    body: str = ""

    def __post_init__(self) -> None:
        """It has no file whose variables could be compared."""

    def text(self) -> str:
        return f"bluegreen_main() {{\n{self.body}\n}}\nbluegreen_main\n"


def sh(body: str) -> Inline:
    return Inline(name="test", body=body)


def keygen(file: Path, kind: str = "ed25519", passphrase: str = "", *more: str) -> Path:
    subprocess.run(
        ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", "a test", "-f", str(file), *more], check=True
    )
    return file


@functools.cache
def _rsa_key() -> Path:
    """One for all: making an rsa key takes up to a second."""
    return keygen(Path(tempfile.mkdtemp(prefix="bluegreen-")) / "host_rsa", "rsa", "", "-b", "2048")


def public(file: Path) -> str:
    """The public half as it is pinned: type and base64."""
    return " ".join(Path(f"{file}.pub").read_text().split()[:2])


def fingerprint(file: Path) -> str:
    listed = subprocess.run(["ssh-keygen", "-lf", f"{file}.pub"], check=True, capture_output=True, text=True)
    return listed.stdout.split()[1]


@dataclass
class Sshd:
    """An sshd of our own in a folder, with three host keys and one user key that it lets in."""

    folder: Path
    settings: str = ""
    port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.host_keys = {kind: keygen(self.folder / f"host_{kind}", kind) for kind in ("ed25519", "ecdsa")}
        self.host_keys["rsa"] = _rsa_key()
        self.user_key = keygen(self.folder / "user")
        self.authorized = self.folder / "authorized_keys"
        self.authorize(self.user_key)
        self.log = self.folder / "log"
        config = self.folder / "sshd_config"
        config.write_text(
            "\n".join(
                [
                    self.settings,  # first: sshd takes the first value it finds
                    f"Port {self.port}",
                    "ListenAddress 127.0.0.1",
                    *(f"HostKey {key}" for key in self.host_keys.values()),
                    f"AuthorizedKeysFile {self.authorized}",
                    f"PidFile {self.folder / 'pid'}",
                    "StrictModes no",
                    "PasswordAuthentication no",
                    "KbdInteractiveAuthentication no",
                    "UsePAM no",
                    "LogLevel VERBOSE",
                    # bash under sshd reads ~/.bashrc: whoever runs the tests may have pyenv in it (0.15 s).
                    f"SetEnv HOME={self.folder} PATH={self.folder}/bin:/usr/local/bin:/usr/bin:/bin",
                    "",
                ]
            )
        )
        self.process = subprocess.Popen(
            [SSHD, "-D", "-f", str(config), "-E", str(self.log)], stdin=subprocess.DEVNULL
        )
        wait_for(lambda: self._listens() or self.process.poll() is not None, "sshd listens")
        assert self.process.poll() is None, self.log.read_text()

    def _listens(self) -> bool:
        return self.log.exists() and "Server listening" in self.log.read_text()

    def authorize(self, key: Path) -> None:
        with self.authorized.open("a") as file:
            file.write(Path(f"{key}.pub").read_text())

    def login(self, **changes: object) -> Login:
        """One that works: the host key pinned, the right key."""
        values: dict[str, object] = {
            "address": "127.0.0.1",
            "port": self.port,
            "user": getpass.getuser(),
            "host_keys": (public(self.host_keys["ed25519"]),),
            "identity": self.user_key,
        }
        return Login(**{**values, **changes})  # type: ignore[arg-type]

    def known_hosts_line(self, kind: str = "ed25519", name: str | None = None) -> str:
        return f"{name or f'[127.0.0.1]:{self.port}'} {public(self.host_keys[kind])}\n"

    def children(self) -> list[int]:
        """The processes sshd started, and theirs."""
        return descendants(self.process.pid)

    def kill_connections(self) -> None:
        """SIGKILL for the sshd processes that serve connections; what they run is left alone."""
        kill_sessions(self.process.pid)

    def stop(self) -> None:
        children = self.children()
        self.process.terminate()
        self.process.wait(10)
        for pid in children:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)


class Relay:
    """A TCP proxy to a port: with a delay each way, or silent from some moment on, with all kept open."""

    def __init__(self, target: int, delay_s: float = 0) -> None:
        self._target = target
        self._delay_s = delay_s
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = [self._listener]
        self.port = int(self._listener.getsockname()[1])
        self.silent = False
        self.sent_bytes = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
                for one in (near, far):
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self._sockets.append(one)
                self._pipe(near, far)
                self._pipe(far, near)

    def _pipe(self, source: socket.socket, sink: socket.socket) -> None:
        queue: list[tuple[float, bytes]] = []
        news = threading.Condition()

        def read() -> None:
            data = b"?"
            while data:
                try:
                    data = source.recv(1 << 16)
                except OSError:
                    data = b""
                with news:
                    queue.append((time.monotonic() + self._delay_s, data))
                    news.notify()

        def write() -> None:
            while True:
                with news:
                    news.wait_for(lambda: queue)
                    due, data = queue.pop(0)
                threading.Event().wait(max(0.0, due - time.monotonic()))
                if self.silent:
                    return
                try:
                    if not data:
                        sink.shutdown(socket.SHUT_WR)
                        return
                    sink.sendall(data)
                    self.sent_bytes += len(data)
                except OSError:
                    return

        for work in (read, write):
            threading.Thread(target=work, daemon=True).start()

    def close(self) -> None:
        for one in self._sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


@contextlib.contextmanager
def saying(greeting: bytes, connected: threading.Event | None = None) -> Iterator[int]:
    """A port that accepts connections, sends a greeting, and nothing more.

    Args:
        connected: set at the first connection.
    """
    kept = []
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                one, _ = listener.accept()
                kept.append(one)
                one.sendall(greeting)
                if connected:
                    connected.set()

    threading.Thread(target=accept, daemon=True).start()
    yield int(listener.getsockname()[1])
    for one in (listener, *kept):
        one.close()
