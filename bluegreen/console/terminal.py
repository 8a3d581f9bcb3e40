"""What a person sees: a line a finished step with its time, progress of the upload, errors and summaries.

On a terminal with colour and a live line; plain lines when piped or in CI. With `--json` all of it goes to
stderr, so that stdout holds the JSON alone.
"""

from __future__ import annotations

import os
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

from bluegreen.errors import BluegreenError

PLAIN_WIDTH = 1000


class Timed(NamedTuple):
    """A step that has ended: when it began (monotonic clock), and the seconds that it took."""

    name: str
    began: float
    seconds: float


class Step:
    """A step under way; `done` says in the end what happened, with the figure."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.began = time.monotonic()
        self.seconds = 0.0

    def done(self, text: str) -> None:
        """What to say of it once it has ended."""
        self.text = text

    @property
    def so_far_s(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self.began


class Console:
    """Where a command speaks to a person.

    Args:
        terminal: where the lines go; stdout by default.
        prefix: ahead of each line, the machine's address where a host is several.
    """

    def __init__(self, terminal: Terminal | None = None, *, prefix: str = "") -> None:
        self._terminal = terminal or plain_or_rich(stderr=False)
        self.prefix = prefix
        self.alone = threading.RLock()
        self._times: list[Timed] = []
        self._machines: list[Console] = []

    def on(self, machine: str) -> Console:
        """The same place to speak to, for one machine among several."""
        one = self.prefixed(f"{machine}: ")
        one.alone = self.alone
        self._machines.append(one)
        return one

    def prefixed(self, prefix: str) -> Console:
        """A console of the same kind that writes to the same place."""
        return Console(self._terminal, prefix=prefix)

    @property
    def times(self) -> list[Timed]:
        """The named steps that have ended, in their order; of several machines those of the slowest."""
        each = [one.times for one in self._machines]
        slowest = max(each, key=lambda times: sum(step.seconds for step in times), default=[])
        return [*self._times, *slowest]

    @property
    def live(self) -> bool:
        """Whether a line may be redrawn: a terminal, and one machine alone speaks."""
        # Rich takes any stream for a terminal where FORCE_COLOR is set.
        return self._terminal.is_terminal and self._terminal.file.isatty() and not self.prefix

    def line(self, text: str = "", style: str = "") -> None:
        """One line as it is."""
        with self.alone:
            # As it is: a log's `[…]` is no markup, and its `:bug:` no picture.
            self._terminal.print(
                f"{self.prefix}{text}", style=style or None, markup=False, emoji=False, highlight=False
            )

    def out(self, text: str) -> None:
        """A line of what was asked for, such as a log: as it is, without style or prefix."""
        with self.alone:
            # Not by rich, which makes blanks of the tabs of a stack trace.
            self._terminal.file.write(f"{text}\n")
            self._terminal.file.flush()

    def note(self, text: str) -> None:
        """Something that happened inside a step."""
        self.line(f"  {text}", "dim")

    def warn(self, text: str) -> None:
        """Something that a person should know, and that stops nothing."""
        self.line(f"! {text}", "yellow")

    @contextmanager
    def step(self, text: str, name: str = "") -> Iterator[Step]:
        """A step: shown while it runs on a terminal, and one line with its time when it has ended.

        Args:
            name: what the closing summary calls it, empty to leave it out there.
        """
        step = Step(text)
        failed = True
        try:
            with self.under_way(text):
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
        """Bytes and rate of an upload, on a terminal only."""
        if not self.live:
            yield None
            return
        columns = (TextColumn("  {task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        with Progress(*columns, console=self._terminal, transient=True) as bar:
            task = bar.add_task(text, total=total_bytes)
            yield lambda sent: bar.update(task, completed=sent)

    def table(self, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Rows under headers; aligned by blanks alone, so that they can be pasted anywhere."""
        table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
        for header in headers:
            table.add_column(header, overflow="fold")
        for row in rows:
            table.add_row(*map(Text, row))
        with self.alone:
            self._terminal.print(table)

    def facts(self, told: Mapping[str, str]) -> None:
        """Names and values, one a line."""
        width = max(map(len, told), default=0)
        for name, value in told.items():
            self.line(f"  {name:<{width}}  {value}")

    def error(self, error: BluegreenError) -> None:
        """An error, its cause last and whole (P11)."""
        self.line()
        first, *rest = str(error).splitlines()
        self.line(f"✗ {first}", "bold red")
        for text in rest:
            self.line(text)

    def under_way(self, text: str) -> AbstractContextManager[object]:
        """What shows that a step runs, from its start to its end."""
        return self._terminal.status(text) if self.live else nullcontext()


def plain_or_rich(*, stderr: bool) -> Terminal:
    """A terminal where a person watches; piped or in CI it is plain, and no line is folded."""
    nothing_lost()
    if (sys.stderr if stderr else sys.stdout).isatty() and not in_ci():
        return Terminal(stderr=stderr, soft_wrap=True)
    # By force: FORCE_COLOR, which workflows set for other tools, would make rich draw into a pipe.
    return Terminal(stderr=stderr, soft_wrap=True, width=PLAIN_WIDTH, force_terminal=False)


def in_ci(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether a CI runs this: nobody watches, and nobody can answer."""
    return environ.get("CI", "").lower() not in ("", "0", "false")


def nothing_lost() -> None:
    """A locale without UTF-8 must not end a deploy with a UnicodeEncodeError."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def seconds(duration_s: float) -> str:
    """A duration in words: 40 ms, 7.8 s, 2 min 5 s."""
    if duration_s < 0.0995:
        return f"{duration_s * 1000:.0f} ms"
    if duration_s < 59.95:
        return f"{duration_s:.1f} s"
    minutes, rest = divmod(round(duration_s), 60)
    return f"{minutes} min {rest} s"


def size(size_bytes: float) -> str:
    """A number of bytes in words."""
    if size_bytes < 1000:
        return f"{size_bytes:.0f} B"
    for unit in ("kB", "MB"):
        size_bytes /= 1000
        # Where one decimal would round it up to 1000.0, the next unit begins.
        if size_bytes < 999.95:
            return f"{size_bytes:.1f} {unit}"
    return f"{size_bytes / 1000:.1f} GB"
