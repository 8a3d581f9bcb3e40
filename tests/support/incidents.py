"""What befalls a deploy in the tests: its moments, and what happens in them."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from bluegreen import config
from bluegreen.config import Settings
from bluegreen.console.terminal import Console
from bluegreen.errors import BluegreenError
from bluegreen.host.machine import Machine
from bluegreen.remote import limits
from bluegreen.rollout import fleet
from bluegreen.sandbox import embedded, processes
from bluegreen.sandbox.folder import Folder
from tests.support import command
from tests.support.box import Box
from tests.support.command import Process
from tests.support.processes import alive, command_line, descendants, kill_sessions
from tests.support.servers import sh
from tests.support.waiting import wait_for

Moment = Literal["upload", "start", "health", "switch", "watch"]
MOMENTS: tuple[Moment, ...] = ("upload", "start", "health", "switch", "watch")

# A deployer whose lock notices silence soon, so that a test need not wait the 15 s.
IMPATIENT = (
    "from bluegreen.remote import limits; limits.LOCK_HEARTBEAT_S, limits.LOCK_SILENCE_S = 0.5, 3;"
    "from bluegreen.__main__ import program; program.run()"
)


# How long these pause between two looks.
DRAIN_PAUSE, WATCH_PAUSE, STOP_PAUSE = "0.1", "0.05", "0.05"


# --- a deployer under way ----------------------------------------------------------------------------


class Deployer:
    """A command that runs, with what it has said so far."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.said = ""
        self._readers = [
            threading.Thread(target=self._read, args=(stream,), daemon=True)
            for stream in (process.stdout, process.stderr)
            if stream is not None
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, stream: Iterator[str]) -> None:
        for line in stream:
            self.said += line

    def until_said(self, text: str) -> None:
        wait_for(lambda: text in self.said or self.process.poll() is not None, f"`{text}`: {self.said}", 60)
        assert text in self.said, self.said

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def ended(self, within_s: float = 90) -> int:
        """Its exit code."""
        code = self.process.wait(within_s)
        for reader in self._readers:
            reader.join(10)
        return code


class OnTerminal(Deployer):
    """A command on a terminal of its own, which can hang up."""

    def __init__(self, box: Box, *arguments: str) -> None:
        self._leader, terminal = os.openpty()
        super().__init__(command.start_on(terminal, arguments, box.folder, {}))
        os.close(terminal)
        self._hung_up = threading.Event()
        self._screen = threading.Thread(target=self._show, daemon=True)
        self._screen.start()

    def hang_up(self) -> None:
        """Closes the terminal, to which nothing can be written then, and sends SIGHUP as the kernel does."""
        self._hung_up.set()
        self._screen.join()
        os.close(self._leader)
        self.send(signal.SIGHUP)

    def _show(self) -> None:
        while not self._hung_up.is_set():
            if select.select([self._leader], [], [], 0.1)[0]:
                self.said += os.read(self._leader, 4096).decode(errors="replace")


def deploying(
    box: Box,
    version: str,
    *arguments: str,
    environ: Mapping[str, str] | None = None,
    impatient: bool = False,
    **behaviour: object,
) -> Deployer:
    """A deploy of that version, under way."""
    jar = box.jar(version, **behaviour)
    typed = ("deploy", "--jar", str(jar), "--version", version, *arguments)
    if not impatient:
        return Deployer(box.start(*typed, environ=environ))
    return Deployer(
        subprocess.Popen(
            [sys.executable, "-c", IMPATIENT, *typed],
            cwd=box.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **(environ or {})},
        )
    )


def deploying_at(
    box: Box,
    version: str,
    moment: Moment,
    slot: str,
    *,
    impatient: bool = False,
    start: Callable[[Path], Deployer] | None = None,
) -> Deployer:
    """A deploy to `slot` that has just got to a moment, which lasts long enough to interrupt it there.

    Args:
        start: starts the deploy of a jar in another way than by the command.
    """

    def deploy(**behaviour: Any) -> Deployer:
        if start:
            return start(box.jar(version, **behaviour))
        return deploying(box, version, impatient=impatient, **behaviour)

    if moment == "upload":
        deployer = deploy(padding_bytes=300_000_000)
        _wait(
            deployer, lambda: any(_size(file) > 1e6 for file in box.base.glob("releases/.*.partial/app.jar"))
        )
    elif moment == "start":
        before = _text(box.base / "run" / f"{slot}.pid")
        deployer = deploy(start_s=60)
        _wait(deployer, lambda: _text(box.base / "run" / f"{slot}.pid") not in (before, ""))
    elif moment == "health":
        deployer = deploy(health="never-up")
        deployer.until_said("OUT_OF_SERVICE")
    elif moment == "switch":
        pauses = slow_switch(box)
        deployer = deploy()
        _wait(deployer, pauses.exists)
    else:
        box.configure(switch={"watch": "4s"})
        deployer = deploy()
        deployer.until_said(f"switched to {slot}")
    return deployer


def _wait(deployer: Deployer, condition: Callable[[], bool]) -> None:
    wait_for(lambda: condition() or deployer.process.poll() is not None, "the moment", 60)
    assert deployer.process.poll() is None, deployer.said


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _text(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        return ""


# --- what happens to it ------------------------------------------------------------------------------


def slow_switch(box: Box, *, seconds: float = 2, then: str = "") -> Path:
    """From now on a switch pauses between include and marker; gives a file that is there once one did.

    Args:
        then: what a shell does after the pause; `exit 1` makes the switch fail there.
    """
    tools, paused = box.folder / "slow", box.folder / "the-switch-pauses"
    tools.mkdir(exist_ok=True)
    mkdir = tools / "mkdir"
    mkdir.write_text(
        f"""#!/bin/sh
case "$*" in "-p {box.runtime}") : >"{paused}"; sleep {seconds}; {then or ":"} ;; esac
exec {shutil.which("mkdir")} "$@"
"""
    )
    mkdir.chmod(0o755)
    ssh = box.folder / ".sandbox" / "ssh"
    config = (ssh / "sshd_config").read_text()
    if str(tools) not in config:
        (ssh / "sshd_config").write_text(config.replace('"PATH=', f'"PATH={tools}:'))
        os.kill(int((ssh / "sshd.pid").read_text()), signal.SIGHUP)
        wait_for(lambda: _path_of_sessions(box).startswith(str(tools)), "sshd has its new PATH")
    return paused


def _path_of_sessions(box: Box) -> str:
    with contextlib.suppress(BluegreenError), machine_of(box) as machine:
        return machine.connection.run(sh('printf %s "$PATH"')).stdout
    return ""


def ssh_port(box: Box, port: int) -> None:
    """From now on deployers reach the sandbox's sshd over this port."""
    ports = json.loads(_state(box).read_text())["ports"]
    _change_state(box, ports={**ports, "sshd": port})


def cut_connections(box: Box) -> None:
    """SIGKILL for the sshd processes that serve deployers; what they run is left alone."""
    kill_sessions(int((box.folder / ".sandbox" / "ssh" / "sshd.pid").read_text()))


def drains(box: Box) -> bool:
    """Whether a script on this sandbox waits for requests to end; between two looks it sleeps."""
    return _runs(box, lambda line: line == ["sleep", DRAIN_PAUSE])


def stops(box: Box) -> bool:
    """Whether a script on this sandbox waits for the end of a JVM that it asked to end."""
    return _runs(box, lambda line: line == ["sleep", STOP_PAUSE])


def watches(box: Box, slot: str) -> bool:
    """Whether a script on this sandbox watches a slot: it asks for its health, or sleeps until it asks again.

    On a busy machine a look takes longer than the time between two, and then it never sleeps.
    """
    health = f"http://127.0.0.1:{box.sandbox.slots[slot]}/actuator/health"
    return _runs(box, lambda line: line == ["sleep", WATCH_PAUSE] or health in line)


def _runs(box: Box, matches: Callable[[list[str]], bool]) -> bool:
    """Whether a script on this sandbox runs a command, looked at for as long as two looks of a watch last.

    The commands are gone before all processes of a machine were listed; the scripts stay.
    """
    scripts = [each.pid for each in processes.started_over_ssh(Folder.at(box.folder / ".sandbox"))]
    until = time.monotonic() + 2 * limits.WATCH_EVERY_S
    while time.monotonic() < until:
        if any(matches(command_line(pid)) for script in scripts for pid in descendants(script)):
            return True
    return False


def jvms(box: Box) -> set[int]:
    """Every JVM that runs on this sandbox, whoever knows of it."""
    found = set()
    mark = f"BLUEGREEN_SANDBOX={box.folder.resolve() / '.sandbox'}".encode()
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            ours = b"-Dbluegreen.app=" in (entry / "cmdline").read_bytes()
            java = (entry / "comm").read_text() == "java\n"
            here = mark in (entry / "environ").read_bytes().split(b"\0")
            if ours and java and here and alive(int(entry.name)):
                found.add(int(entry.name))
    return found


def _state(box: Box) -> Path:
    return box.folder / ".sandbox" / "sandbox.json"


def _change_state(box: Box, **changes: object) -> None:
    state = json.loads(_state(box).read_text())
    _state(box).write_text(json.dumps({**state, **changes}))


# --- in this process ---------------------------------------------------------------------------------


def settings_of(box: Box) -> Settings:
    """The settings of the sandbox as a deploy resolves them."""
    path = box.folder / "config.yml"
    return embedded.resolved(config.load(path).host(None), path)


@contextlib.contextmanager
def machine_of(box: Box, **changes: object) -> Iterator[Machine]:
    """The sandbox as a connected machine; `changes` to its settings."""
    settings = settings_of(box).model_copy(update=changes)
    with fleet.connected(settings, Console(prefix="")) as machines:
        yield machines[0]


def deployed_and_later_s(box: Box) -> float:
    """Deploys version 1; returns after how many seconds the next version may fail: it is switched to by then.

    They count from when it listens, a second or two before its switch, or more where the machine is busy.
    """
    box.jar("1")
    began = time.monotonic()
    box.deployed("1")
    return round(3 + 2.5 * (time.monotonic() - began), 1)
