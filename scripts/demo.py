"""The demo: deploys and a rollback in a sandbox, under traffic that must not lose a request.

Prints each command before it runs, and its output unchanged. Exits with 1 if a step did not end as described,
or if a request failed.
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

from bluegreen.console.terminal import Console
from bluegreen.console.units import seconds
from bluegreen.sandbox import embedded
from scripts.traffic import CLIENTS, Tally, Traffic, WrongAnswer, ask

FILES = {
    "config.yml": """\
app: taggle
jar: .sandbox/standin/taggle.jar  # a small application without dependencies; `invoke sandbox` builds it
health: {timeout: 4s}             # default: 2m
switch: {watch: 2s}               # default: 10s
hosts:
  sandbox: {sandbox: true}        # an sshd and an nginx that run in this folder
""",
    "tasks.py": """\
from bluegreen.tasks import namespace
__all__ = ["namespace"]
""",
}
BUILD = "python -m bluegreen.sandbox.standin"
VERSIONS = ("1", "2", "3")
# Traffic before the second step and after the last one, to see which version answers.
STEADY_S = 1.0


@dataclass(frozen=True)
class Step:
    """A command that deploys or rolls back, and its expected outcome.

    Args:
        name: the name in the closing table.
        explanation: what the step shows.
        live: the version that is live after the command.
        answers: the versions that may answer between the start of this step and the start of the next.
    """

    name: str
    explanation: str
    command: str
    live: str
    answers: frozenset[str]
    exit_code: int = 0


FIRST = Step(
    name="deploy version 1",
    explanation="Deploy version 1 to the empty host.",
    command="invoke deploy",
    live="1",
    answers=frozenset("1"),
)
UNDER_TRAFFIC = (
    Step(
        name="deploy version 2",
        explanation=f"From here on {CLIENTS} clients send requests and never retry. Deploy version 2.",
        command="invoke deploy --jar taggle-2.jar",
        live="2",
        answers=frozenset("12"),
    ),
    Step(
        name="deploy version 3, never UP",
        explanation="Deploy version 3, whose health is never UP: bluegreen must not switch to it.",
        command="invoke deploy --jar taggle-3.jar",
        live="2",
        answers=frozenset("2"),
        exit_code=1,
    ),
    Step(
        name="roll back",
        explanation="Roll back to version 1. Deploying version 3 stopped its JVM, so it is started again.",
        command="invoke rollback",
        live="1",
        answers=frozenset("12"),
    ),
)


@dataclass(frozen=True)
class Outcome:
    """The outcome of a step.

    Args:
        live: the version that answered after the command.
        tally: the requests of the clients from the start of this step to the start of the next.
    """

    step: Step
    took_s: float
    exit_code: int
    live: str
    tally: Tally

    def problems(self) -> Iterator[str]:
        """Every difference from the expected outcome, as text."""
        step, tally = self.step, self.tally
        if self.exit_code != step.exit_code:
            yield f"exit code {self.exit_code}, expected {step.exit_code}"
        if self.live != step.live:
            yield f"version {self.live} is live, expected {step.live}"
        for version in sorted(tally.answered.keys() - step.answers):
            yield f"{tally.answered[version]} answers from version {version}, expected none"
        for cause, count in tally.failed.most_common():
            yield f"{count} requests failed: {cause}"
        if (missing := tally.sent - tally.answered.total() - tally.failed.total()) != 0:
            yield f"{missing} requests have no outcome"


def run_demo(folder: Path, console: Console) -> int:
    """Runs the whole demo; returns the exit code.

    Args:
        folder: an empty folder.
    """
    for name, text in FILES.items():
        Path(folder, name).write_text(text)
    console.line(f"$ cd {folder}", "bold")
    run("cat config.yml", folder, console, "The host is a sandbox: ordinary processes in this folder.")
    run("invoke sandbox", folder, console, "Start its sshd and nginx, and build version 1.")
    sandbox = embedded.running(folder / ".sandbox")
    if sandbox is None:
        return 1
    run(f"{BUILD} taggle-2.jar --version 2", folder, console, "Build versions 2 and 3.")
    run(f"{BUILD} taggle-3.jar --version 3 --health never-up", folder, console)
    with contextlib.closing(Traffic(sandbox.url)) as traffic:
        outcomes = [run_step(FIRST, folder, console, sandbox.url, traffic)]
        if outcomes[0].live == FIRST.live:
            traffic.start()
            time.sleep(STEADY_S)
            outcomes += [run_step(step, folder, console, sandbox.url, traffic) for step in UNDER_TRAFFIC]
            run("invoke status", folder, console, "What runs on the host now.")
            time.sleep(STEADY_S)
    return print_result(outcomes, console)


def run_step(step: Step, folder: Path, console: Console, url: str, traffic: Traffic) -> Outcome:
    """Runs the command of a step, and asks which version is live after it."""
    tally = traffic.phase()
    began = time.monotonic()
    exit_code = run(step.command, folder, console, step.explanation)
    return Outcome(step, time.monotonic() - began, exit_code, live_version(url), tally)


def run(command: str, folder: Path, console: Console, explanation: str = "") -> int:
    """Prints a command and runs it; on an interrupt waits for its clean-up. Returns its exit code.

    Args:
        explanation: printed before the command, as a comment of the shell.
    """
    console.line()
    if explanation:
        console.line(f"# {explanation}", "cyan")
    console.line(f"$ {command}", "bold")
    process = subprocess.Popen(shlex.split(command), cwd=folder)
    try:
        return process.wait()
    except KeyboardInterrupt:
        # Ctrl-C was sent to the command too, but a SIGTERM was sent only to the demo.
        try:
            process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            process.terminate()
            process.wait()
        raise


def live_version(url: str) -> str:
    """The version that answers now, or `none` with the error."""
    with contextlib.closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=5)) as connection:
        try:
            return ask(connection, "GET", "/version")
        except (OSError, http.client.HTTPException, WrongAnswer) as error:
            return f"none ({error or type(error).__name__})"


def print_result(outcomes: Sequence[Outcome], console: Console) -> int:
    """Prints the closing table and every problem; returns the exit code."""
    console.line()
    console.line("# The requests of the clients, by step and by the version that answered.", "cyan")
    console.table(
        [
            "step",
            "took",
            "exit code",
            "live after",
            "requests",
            *(f"version {each}" for each in VERSIONS),
            "failed",
        ],
        [
            [
                each.step.name,
                seconds(each.took_s),
                str(each.exit_code),
                each.live,
                str(each.tally.sent),
                *(str(each.tally.answered[version]) for version in VERSIONS),
                str(each.tally.failed.total()),
            ]
            for each in outcomes
        ],
    )
    problems = [f"{each.step.name}: {problem}" for each in outcomes for problem in each.problems()]
    if len(outcomes) <= len(UNDER_TRAFFIC):
        problems.append("version 1 is not live, so the other steps did not run")
    console.line()
    for problem in problems:
        console.line(f"✗ {problem}", "red")
    mark, style = ("✗", "bold red") if problems else ("✓", "bold green")
    sent = sum(each.tally.sent for each in outcomes)
    failed = sum(each.tally.failed.total() for each in outcomes)
    console.line(f"{mark} {sent} requests sent, {failed} failed", style)
    return 1 if problems else 0


def main() -> int:
    """Runs the demo in a temporary folder and stops the sandbox, whatever happens; returns the exit code."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="bluegreen-demo-"))
    console = Console()
    exit_code = 1
    try:
        exit_code = run_demo(folder, console)
    except KeyboardInterrupt:
        exit_code = 130
    finally:
        # A second Ctrl-C must not stop the clean-up; the command inherits the ignored signals.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        if run("invoke sandbox --stop", folder, console) != 0:
            exit_code = 1
        if exit_code == 1:
            console.line(f"the folder of the demo was kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    console.line()
    console.line(f"the demo took {seconds(time.monotonic() - began)}")
    return exit_code


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
