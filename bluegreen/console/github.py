"""What a person sees of a command on GitHub: a group a step, and annotations that nobody else can forge."""

from __future__ import annotations

import itertools
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import TextIO, cast

from rich.console import Console as Terminal

from bluegreen.config import bundled
from bluegreen.console.terminal import PLAIN_WIDTH, Console, nothing_lost
from bluegreen.console.workflow_commands import END_GROUP, annotation, group, mask
from bluegreen.errors import BluegreenError, WrongUsage

# GitHub shows ten annotations of a step; one is kept for the error.
MOST_WARNINGS = 9
# At the start of a line as the runner sees it, whatever blanks stand ahead; its older form anywhere.
_COMMAND = re.compile(r"(?P<new>(?:\A|(?<=[\r\n]))\s*:)(?=:)|(?P<old>##)(?=\[)")
_BREAK = "\u200b"


class Inert:
    """A stream in which nothing is a workflow command: what an application logs must not speak to GitHub."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Writes it, with a break of no width in what the runner would obey."""
        return self._stream.write(inert(text))

    def flush(self) -> None:
        self._stream.flush()

    def isatty(self) -> bool:
        return False


def inert(text: str) -> str:
    """A text without workflow commands.

    Source: ActionCommand.cs of actions/runner: `::` behind blanks at the start of a line, `##[` anywhere.
    """
    return _COMMAND.sub(lambda found: f"{found[0]}{_BREAK}", text)


class GithubConsole(Console):
    """Where a command speaks in a job of GitHub Actions.

    Args:
        stream: what the runner reads.
        numbers: counts the warnings of all machines.
    """

    def __init__(self, stream: TextIO, *, prefix: str = "", numbers: Iterator[int] | None = None) -> None:
        super().__init__(
            Terminal(file=cast(TextIO, Inert(stream)), soft_wrap=True, width=PLAIN_WIDTH), prefix=prefix
        )
        self._stream = stream
        self._numbers = numbers or itertools.count(1)

    def prefixed(self, prefix: str) -> GithubConsole:
        return GithubConsole(self._stream, prefix=prefix, numbers=self._numbers)

    def warn(self, text: str) -> None:
        super().warn(text)
        if next(self._numbers) <= MOST_WARNINGS:
            self._order(annotation("warning", f"{self.prefix}bluegreen", text))

    def error(self, error: BluegreenError) -> None:
        super().error(error)
        title, _, rest = str(error).partition("\n")
        self._order(annotation("error", title, rest or title))

    def hide(self, values: Iterable[str]) -> None:
        """Has the runner mask them: of a secret of several lines it masks each line, and no part of one."""
        for value in filter(None, values):
            self._order(mask(value))

    def under_way(self, text: str) -> AbstractContextManager[object]:
        # Machines that speak side by side would end each other's groups.
        return super().under_way(text) if self.prefix else self._group(text)

    @contextmanager
    def _group(self, title: str) -> Iterator[None]:
        self._order(group(title))
        try:
            yield
        finally:
            self._order(END_GROUP)

    def _order(self, command: str) -> None:
        with self.alone:
            self._stream.write(f"{command}\n")
            self._stream.flush()


def github_console(*, stderr: bool, environ: Mapping[str, str] = os.environ) -> GithubConsole:
    """A console for the job that this runs in; the application's secrets are masked from now on."""
    nothing_lost()
    console = GithubConsole(sys.stderr if stderr else sys.stdout)
    # What is malformed is told by whoever reads it.
    with suppress(WrongUsage):
        console.hide(bundled(environ).values())
    return console
