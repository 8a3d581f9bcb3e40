"""sandbox: start or stop the embedded host of a config.yml, with a jar to deploy to it."""

from __future__ import annotations

from pathlib import Path

from bluegreen.config import Settings
from bluegreen.console.terminal import Console
from bluegreen.errors import Failed
from bluegreen.rollout.interrupts import interrupted_as
from bluegreen.sandbox import embedded, standin

STANDIN = Path("standin", "taggle.jar")

_INTERRUPTED = Failed(
    "interrupted: some of the sandbox's processes may run, and others not",
    remedy="to start the others: bluegreen sandbox; to end all: bluegreen sandbox --stop",
)


def run(settings: Settings, config: Path, console: Console) -> None:
    """Starts the servers of the sandbox that do not run, and builds a jar for it if there is none."""
    folder = embedded.folder_of(config)
    with interrupted_as(lambda: _INTERRUPTED), console.step("start the sandbox") as step:
        box = embedded.start(settings, folder)
        step.done(f"the sandbox runs in {folder}: sshd on port {box.ssh_port}, nginx on {box.url}")
    for notice in box.notices:
        console.warn(notice)
    jar = folder / STANDIN
    if not jar.exists():
        with interrupted_as(lambda: _INTERRUPTED), console.step("build the stand-in application") as step:
            standin.build(jar)
            step.done(f"built the stand-in application, version 1: {jar}")
    console.line(f"  next: bluegreen deploy --host {settings.host}")


def stop(config: Path, console: Console) -> None:
    """Ends every process of the sandbox; its releases and logs stay."""
    with interrupted_as(lambda: _INTERRUPTED):
        stopped = embedded.stop(embedded.folder_of(config))
    for line in stopped:
        console.line(f"✓ {line}")
    if not stopped:
        console.line("the sandbox was not running")
