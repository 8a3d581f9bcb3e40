"""The demo: what a team does with bluegreen, under traffic that must not lose a request.

Each command is printed before it runs, and the output is its own. Ends with exit code 1 if anything was not
as it should be.
"""

from __future__ import annotations

import contextlib
import http.client
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

from bluegreen.console.terminal import Console, seconds
from bluegreen.sandbox import embedded
from scripts.traffic import Tally, Traffic, WrongAnswer, ask

FILES = {
    "config.yml": """\
app: taggle
jar: .sandbox/standin/taggle.jar  # a small application that needs only a JDK; `invoke sandbox` builds it
health: {timeout: 4s}             # by default 2m
switch: {watch: 2s}               # by default 10s
hosts:
  sandbox: {sandbox: true}        # an sshd and an nginx of its own, in this folder
""",
    "tasks.py": """\
from bluegreen.tasks import namespace
__all__ = ["namespace"]
""",
}
BUILD = "python -m bluegreen.sandbox.standin"
# How long the version that the last step left is asked on.
AFTER_S = 1.0


@dataclass(frozen=True)
class Step:
    """A command that changes what serves.

    Args:
        serves: the version that must answer when it has ended.
        answers: the versions that may answer between its start and the next step's.
        exit_code: what it must end with.
    """

    name: str
    command: str
    serves: str
    answers: frozenset[str]
    exit_code: int = 0


FIRST = Step("deploy version 1", "invoke deploy", "1", frozenset("1"))
UNDER_TRAFFIC = (
    Step("deploy version 2", "invoke deploy --jar taggle-2.jar", "2", frozenset("12")),
    Step("deploy version 3, never UP", "invoke deploy --jar taggle-3.jar", "2", frozenset("2"), exit_code=1),
    Step("roll back", "invoke rollback", "1", frozenset("12")),
)


@dataclass(frozen=True)
class Seen:
    """What came of a step; `tally` is what the clients saw from its start to the next step's."""

    step: Step
    took_s: float
    exit_code: int
    serves: str
    tally: Tally

    def faults(self) -> Iterator[str]:
        """All that is not as the step says, in words."""
        step, tally = self.step, self.tally
        if self.exit_code != step.exit_code:
            yield f"exit code {self.exit_code}, not {step.exit_code}"
        if self.serves != step.serves:
            yield f"version {self.serves} serves after it, not {step.serves}"
        for version in sorted(tally.answered.keys() - step.answers):
            yield f"{tally.answered[version]} answers of version {version}"
        for cause, count in tally.failed.most_common():
            yield f"{count} requests failed: {cause}"
        if (lost := tally.sent - tally.answered.total() - tally.failed.total()) != 0:
            yield f"{lost} requests have no outcome"


def play(folder: Path, console: Console) -> int:
    """The whole story, in a folder of its own; gives the exit code."""
    for name, text in FILES.items():
        Path(folder, name).write_text(text)
    console.line(f"$ cd {folder}", "bold")
    run("cat config.yml", folder, console)
    run(f"{BUILD} taggle-2.jar --version 2", folder, console)
    run(f"{BUILD} taggle-3.jar --version 3 --health never-up", folder, console)
    run("invoke sandbox", folder, console)
    box = embedded.running(folder / ".sandbox")
    if box is None:
        return 1
    with contextlib.closing(Traffic(box.url)) as traffic:
        seen = [take(FIRST, folder, console, box.url, traffic)]
        if seen[0].serves == FIRST.serves:
            traffic.start()
            seen += [take(step, folder, console, box.url, traffic) for step in UNDER_TRAFFIC]
            run("invoke status", folder, console)
            time.sleep(AFTER_S)
    return conclude(seen, console)


def take(step: Step, folder: Path, console: Console, url: str, traffic: Traffic) -> Seen:
    """Takes one step, and asks which version serves after it."""
    tally = traffic.phase()
    began = time.monotonic()
    exit_code = run(step.command, folder, console)
    return Seen(step, time.monotonic() - began, exit_code, serving(url), tally)


def run(command: str, folder: Path, console: Console) -> int:
    """Prints a command and runs it; an interrupt waits for its clean-up."""
    console.line()
    console.line(f"$ {command}", "bold")
    process = subprocess.Popen(shlex.split(command), cwd=folder)
    try:
        return process.wait()
    except KeyboardInterrupt:
        # A Ctrl-C has reached it as well; a SIGTERM that was for the demo alone has not.
        try:
            process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            process.terminate()
            process.wait()
        raise


def serving(url: str) -> str:
    """The version that answers now; what happened instead if none does."""
    with contextlib.closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=5)) as connection:
        try:
            return ask(connection, "GET", "/version")
        except (OSError, http.client.HTTPException, WrongAnswer) as error:
            return f"none ({error or type(error).__name__})"


def conclude(seen: Sequence[Seen], console: Console) -> int:
    """Prints the closing table and what was wrong; gives the exit code."""
    versions = ("1", "2", "3")
    rows = [
        [
            each.step.name,
            seconds(each.took_s),
            str(each.exit_code),
            each.serves,
            f"{each.tally.sent}",
            *(f"{each.tally.answered[version]}" for version in versions),
            f"{each.tally.failed.total()}",
        ]
        for each in seen
    ]
    console.line()
    console.table(
        [
            "step",
            "took",
            "exit",
            "serves then",
            "sent",
            *(f"by version {each}" for each in versions),
            "failed",
        ],
        rows,
    )
    sent = sum(each.tally.sent for each in seen)
    failed = sum(each.tally.failed.total() for each in seen)
    faults = [f"{each.step.name}: {fault}" for each in seen for fault in each.faults()]
    if len(seen) <= len(UNDER_TRAFFIC):
        faults.append("version 1 does not serve, so the rest was not tried")
    console.line()
    for fault in faults:
        console.line(f"✗ {fault}", "red")
    style = "bold red" if faults else "bold green"
    console.line(
        f"{'✗' if faults else '✓'} {sent} requests sent from the first deploy to the end, {failed} failed",
        style,
    )
    return 1 if faults else 0


def main() -> int:
    """Plays the demo in a new folder; whatever happens, nothing of it runs on."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="bluegreen-demo-"))
    console = Console()
    exit_code = 1
    try:
        exit_code = play(folder, console)
    except KeyboardInterrupt:
        exit_code = 130
    finally:
        # The sandbox is ended whole, also under a second Ctrl-C; the command inherits this.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        if run("invoke sandbox --stop", folder, console) != 0:
            exit_code = 1
        if exit_code == 1:
            console.line(f"left to look at: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    console.line()
    console.line(f"the demo took {seconds(time.monotonic() - began)}")
    return exit_code


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
