"""`invoke sandbox`: the embedded host for a config.yml, with a jar to deploy to it."""

from __future__ import annotations

from pathlib import Path

from bluegreen.config import Settings
from bluegreen.console.terminal import Console
from bluegreen.errors import CannotConnect
from bluegreen.sandbox import host, standin

STANDIN = Path("standin", "taggle.jar")


def start(settings: Settings, config: Path, console: Console) -> None:
    """Starts what does not run of it, and makes sure that there is a jar to try it with."""
    folder = host.folder_of(config)
    with console.step("start the sandbox") as step:
        box = host.start(settings, folder)
        step.done(f"the sandbox runs in {folder}: sshd on port {box.ssh_port}, nginx on {box.url}")
    for notice in box.notices:
        console.warn(notice)
    jar = folder / STANDIN
    if not jar.exists():
        with console.step("build the stand-in application") as step:
            standin.build(jar)
            step.done(f"built the stand-in application, version 1: {jar}")
    console.line(f"  next: deploy --host {settings.host}")


def stop(config: Path, console: Console) -> None:
    """Ends every process of it; its releases and logs stay."""
    ended = host.stop(host.folder_of(config))
    for line in ended:
        console.line(f"✓ {line}")
    if not ended:
        console.line("nothing of the sandbox was running")


def resolved(settings: Settings, config: Path) -> Settings:
    """The settings with the sandbox's address, key, ports and paths.

    Raises:
        CannotConnect: the sandbox does not run.
    """
    box = host.running(host.folder_of(config))
    if box is None:
        raise CannotConnect("the sandbox is not running", remedy="start it: sandbox")
    return host.resolve(settings, box)
