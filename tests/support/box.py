"""A sandbox of its own for a test: its config.yml, its jars, and the commands run as a person types them."""

from __future__ import annotations

import itertools
import json
import os
import signal
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from bluegreen import config
from bluegreen.sandbox import embedded, standin
from bluegreen.sandbox.standin import Behaviour
from tests.support import command
from tests.support.command import Ran
from tests.support.jvm import QUICK_JAVA
from tests.support.processes import alive
from tests.support.waiting import wait_for

_BOXES = itertools.count()


@dataclass
class Box:
    """A folder with a config.yml whose one host is a sandbox."""

    folder: Path
    settings: dict[str, Any] = field(default_factory=dict)

    def configure(self, **sections: Any) -> None:
        """Writes config.yml; sections given here are merged over what was set before."""
        for name, value in sections.items():
            before = self.settings.get(name)
            self.settings[name] = {**before, **value} if isinstance(before, dict) else value
        (self.folder / "config.yml").write_text(yaml.safe_dump(self.settings, sort_keys=False))

    def jar(self, version: str, **behaviour: Any) -> Path:
        """A stand-in that behaves so."""
        return standin.build(self.folder / f"taggle-{version}.jar", Behaviour(version=version, **behaviour))

    def start(self, *arguments: str, environ: Mapping[str, str] | None = None) -> command.Process:
        """Starts a command and gives its process."""
        return command.start(arguments, self.folder, environ)

    def run(self, *arguments: str, environ: Mapping[str, str] | None = None) -> Ran:
        """Runs a command to its end."""
        process = self.start(*arguments, environ=environ)
        out, err = process.communicate(timeout=180)
        return Ran(process.wait(), out, err)

    def run_on_terminal(
        self, *arguments: str, environ: Mapping[str, str] | None = None, typed: str = ""
    ) -> Ran:
        """Runs a command to its end on a terminal of its own; gives all that it shows there as `out`.

        Args:
            typed: what a person types; it waits there until it is read.
        """
        leader, terminal = os.openpty()
        os.write(leader, typed.encode())
        process = command.start_on(terminal, arguments, self.folder, environ or {})
        os.close(terminal)
        shown = b""
        # Ends with an error once nobody has the terminal open any more.
        with suppress(OSError):
            while data := os.read(leader, 4096):
                shown += data
        os.close(leader)
        return Ran(process.wait(180), shown.decode(), "")

    def deploy(self, version: str, *arguments: str, **behaviour: Any) -> Ran:
        """Deploys a stand-in of that version."""
        jar = self.jar(version, **behaviour)
        return self.run("deploy", "--jar", str(jar), "--version", version, *arguments)

    def deployed(self, version: str, *arguments: str, **behaviour: Any) -> Ran:
        """Deploys a stand-in of that version, which must work."""
        ran = self.deploy(version, *arguments, **behaviour)
        assert ran.code == 0, ran.all
        return ran

    def machine(self, *, code: int = 0) -> dict[str, Any]:
        """The one machine of `status --json`.

        Args:
            code: its exit code: 6 during an outage.
        """
        ran = self.run("status", "--json")
        assert ran.code == code, ran.all
        machine: dict[str, Any] = json.loads(ran.out)["machines"][0]
        return machine

    def history(self) -> list[dict[str, Any]]:
        """The entries of `history --json`, newest first."""
        ran = self.run("history", "--json")
        assert ran.code == 0, ran.all
        entries: list[dict[str, Any]] = json.loads(ran.out)["machines"][0]["entries"]
        return entries

    @property
    def sandbox(self) -> embedded.Sandbox:
        """The sandbox, which runs."""
        running = embedded.running(self.folder / ".sandbox")
        assert running is not None
        return running

    @property
    def base(self) -> Path:
        """The releases' folder on the host."""
        return self.folder / ".sandbox" / "host" / "taggle"

    @property
    def include(self) -> Path:
        return self.folder / ".sandbox" / "nginx" / "conf.d" / "service-url.inc"

    @property
    def runtime(self) -> Path:
        """The folder of the markers."""
        return self.folder / ".sandbox" / "run" / "taggle"

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, str]:
        """What nginx answers: status, 0 if there was no answer, and body."""
        request = urllib.request.Request(self.sandbox.url + path, headers=dict(headers or {}))
        try:
            with urllib.request.urlopen(request, timeout=40) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def served(self) -> str:
        """The version that serves users."""
        return self.get("/version")[1]

    def kill(self, slot: str) -> None:
        """SIGKILL for the JVM of a slot."""
        pid = int((self.base / "run" / f"{slot}.pid").read_text().split()[0])
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not alive(pid), "the end of the JVM")

    def pid(self, slot: str) -> int | None:
        """The pid of a slot's JVM, as status tells it."""
        pid: int | None = self.machine()["slots"][slot]["pid"]
        return pid


@contextmanager
def box_in(folder: Path, **sections: Any) -> Iterator[Box]:
    """A sandbox that runs, with nothing deployed; what `sections` set is merged over quick settings."""
    folder.mkdir(parents=True, exist_ok=True)
    box = Box(folder)
    # Of this process and this box alone: a slot's port is free until its deploy, so two could take the same.
    first_port = 20_000 + 5_000 * (next(_BOXES) % 2) + os.getpid() % 1_000 * 5
    box.configure(
        app="taggle",
        slots={"prod1": first_port + 1, "prod2": first_port + 2},
        site={"listen": first_port},
        java={"options": QUICK_JAVA},
        health={"every": "100ms", "timeout": "20s"},
        switch={"watch": 0},
        old_slot={"drain": "1s", "stop_timeout": "5s"},
        hosts={"sandbox": {"sandbox": True}},
    )
    box.configure(**sections)
    # Not by the command: a Python more for each start and stop would be a third of the suite's time.
    place = folder / ".sandbox"
    embedded.start(config.load(folder / "config.yml").host("sandbox"), place)
    try:
        yield box
    finally:
        embedded.stop(place)
