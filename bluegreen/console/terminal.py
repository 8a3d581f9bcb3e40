"""Terminal output: one line with its time for each step, upload progress, tables and errors.

On a terminal it has colour and a live line; piped or in CI it is plain lines. With `--json` all of it goes to
stderr, so that stdout contains only the JSON.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import NamedTuple

from rich.console import Console as Terminal
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from rich.table import Table
from rich.text import Text

from bluegreen.console.ci import in_ci
from bluegreen.console.units import seconds

PLAIN_WIDTH = 1000


class Timed(NamedTuple):
    """A finished step: its start on the monotonic clock, and its duration."""

    name: str
    began: float
    seconds: float


class Step:
    """A running step; `done` sets the text of its closing line."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.began = time.monotonic()
        self.seconds = 0.0

    def done(self, text: str) -> None:
        """Sets the text of the closing line: what happened, with the figure."""
        self.text = text

    @property
    def so_far_s(self) -> float:
        """Seconds since the step began."""
        return time.monotonic() - self.began


class Console:
    """The output of one command.

    Args:
        terminal: receives the lines; stdout by default.
        prefix: printed before each line; the machine's address if a host is several machines.
    """

    def __init__(self, terminal: Terminal | None = None, *, prefix: str = "") -> None:
        self._terminal = terminal or plain_or_rich(stderr=False)
        self.prefix = prefix
        self.lock = threading.RLock()
        self._times: list[Timed] = []
        self._machines: list[Console] = []

    def on(self, machine: str) -> Console:
        """A console for one of several machines: the same output, prefixed with the machine's address."""
        one = self.prefixed(f"{machine}: ")
        one.lock = self.lock
        self._machines.append(one)
        return one

    def prefixed(self, prefix: str) -> Console:
        """A console of the same kind, with the same output and this prefix."""
        return Console(self._terminal, prefix=prefix)

    @property
    def times(self) -> list[Timed]:
        """The finished steps that have a name, in order; of several machines those of the slowest one."""
        each = [one.times for one in self._machines]
        slowest = max(each, key=lambda times: sum(step.seconds for step in times), default=[])
        return [*self._times, *slowest]

    @property
    def live(self) -> bool:
        """Whether a line may be redrawn: this is a terminal, and only one machine prints to it."""
        # With FORCE_COLOR set, Rich treats any stream as a terminal.
        return self._terminal.is_terminal and self._terminal.file.isatty() and not self.prefix

    def line(self, text: str = "", style: str = "") -> None:
        """Prints one line, without interpreting it."""
        with self.lock:
            # A log's `[…]` is not Rich markup, and its `:bug:` is not an emoji.
            self._terminal.print(
                f"{self.prefix}{text}", style=style or None, markup=False, emoji=False, highlight=False
            )

    def out(self, text: str) -> None:
        """Prints a line of requested data, such as a log line, without style."""
        with self.lock:
            # Not through Rich, which expands the tabs of a stack trace.
            self._terminal.file.write(f"{self.prefix}{text}\n")
            self._terminal.file.flush()

    def note(self, text: str) -> None:
        """Prints an event inside a step."""
        self.line(f"  {text}", "dim")

    def warn(self, text: str) -> None:
        """Prints a warning; the command continues."""
        self.line(f"! {text}", "yellow")

    @contextmanager
    def step(self, text: str, name: str = "") -> Iterator[Step]:
        """Shows a step while it runs (on a terminal), and prints one line with its time when it ends.

        Args:
            name: the step's name in the closing summary; without a name it is not listed there.
        """
        step = Step(text)
        failed = True
        try:
            with self.activity(text):
                yield step
            failed = False
        finally:
            step.seconds = step.so_far_s
            if name:
                self._times.append(Timed(name, step.began, step.seconds))
            mark, style = ("✗", "red") if failed else ("✓", "green")
            self.line(f"{mark} {step.text} ({seconds(step.seconds)})", style)

    @contextmanager
    def progress(self, text: str, total_bytes: int) -> Iterator[Callable[[int], None] | None]:
        """Shows bytes and rate of an upload, on a terminal only; yields the function that updates it."""
        if not self.live:
            yield None
            return
        columns = (TextColumn("  {task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        with Progress(*columns, console=self._terminal, transient=True) as bar:
            task = bar.add_task(text, total=total_bytes)
            yield lambda sent: bar.update(task, completed=sent)

    def table(self, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Prints rows under headers, aligned with spaces only, so that they can be pasted anywhere."""
        table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
        for header in headers:
            table.add_column(header, overflow="fold")
        for row in rows:
            table.add_row(*map(Text, row))
        with self.lock:
            self._terminal.print(table)

    def facts(self, values: Mapping[str, str]) -> None:
        """Prints names and values, one pair per line."""
        width = max(map(len, values), default=0)
        for name, value in values.items():
            self.line(f"  {name:<{width}}  {value}")

    def error(self, error: Exception) -> None:
        """Prints an error with its complete cause (P11)."""
        self.line()
        first, *rest = str(error).splitlines()
        self.line(f"✗ {first}", "bold red")
        for text in rest:
            self.line(text)

    def activity(self, text: str) -> AbstractContextManager[object]:
        """A context that shows that a step runs."""
        return self._terminal.status(text) if self.live else nullcontext()


def plain_or_rich(*, stderr: bool) -> Terminal:
    """A terminal with colour if a person watches; piped or in CI a plain one that folds no line."""
    replace_unencodable_characters()
    if (sys.stderr if stderr else sys.stdout).isatty() and not in_ci():
        return Terminal(stderr=stderr, soft_wrap=True)
    # force_terminal: FORCE_COLOR, which workflows set for other tools, would make Rich draw into a pipe.
    return Terminal(stderr=stderr, soft_wrap=True, width=PLAIN_WIDTH, force_terminal=False)


def replace_unencodable_characters() -> None:
    """Makes stdout and stderr print `?` for what their encoding lacks.

    In a locale without UTF-8 a deploy would otherwise end with a UnicodeEncodeError.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
