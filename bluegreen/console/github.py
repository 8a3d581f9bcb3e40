"""Output in a GitHub Actions job: a group per step, and annotations that an application cannot forge."""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TextIO, cast

from rich.console import Console as Terminal

from bluegreen.console.terminal import PLAIN_WIDTH, Console, replace_unencodable_characters
from bluegreen.console.workflow_commands import END_GROUP, annotation, group, mask

# GitHub shows ten annotations per step; one is reserved for the error.
MOST_WARNINGS = 9
# `::` after any blanks at the start of a line, and the older form `##[` anywhere.
_COMMAND = re.compile(r"(?P<new>(?:\A|(?<=[\r\n]))\s*:)(?=:)|(?P<old>##)(?=\[)")
_ZERO_WIDTH_SPACE = "\u200b"


class Inert:
    """A stream that makes workflow commands inert: an application's log must not command the runner."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Writes the text after `inert` and returns the number of characters written."""
        return self._stream.write(inert(text))

    def flush(self) -> None:
        self._stream.flush()

    def isatty(self) -> bool:
        return False


def inert(text: str) -> str:
    """The text with a zero-width space inside each workflow command, so that the runner ignores it.

    Source: ActionCommand.cs of actions/runner: `::` after blanks at the start of a line, `##[` anywhere.
    """
    return _COMMAND.sub(lambda found: f"{found[0]}{_ZERO_WIDTH_SPACE}", text)


class GithubConsole(Console):
    """The output of one command in a GitHub Actions job.

    Args:
        stream: stdout or stderr, which the runner reads.
        prefix: printed before each line; the machine's address if a host is several machines.
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
            self._command(annotation("warning", f"{self.prefix}bluegreen", text))

    def error(self, error: Exception) -> None:
        super().error(error)
        title, _, rest = str(error).partition("\n")
        self._command(annotation("error", title, rest or title))

    def hide(self, values: Iterable[str]) -> None:
        """Makes the runner mask these values in the log; of a value of several lines it masks each line."""
        for value in filter(None, values):
            self._command(mask(value))

    def activity(self, text: str) -> AbstractContextManager[object]:
        # Groups do not nest: machines that print at the same time would end each other's groups.
        return super().activity(text) if self.prefix else self._group(text)

    @contextmanager
    def _group(self, title: str) -> Iterator[None]:
        self._command(group(title))
        try:
            yield
        finally:
            self._command(END_GROUP)

    def _command(self, command: str) -> None:
        with self.lock:
            self._stream.write(f"{command}\n")
            self._stream.flush()


def github_console(*, stderr: bool, secrets: Iterable[str] = ()) -> GithubConsole:
    """A console for the job that runs this process.

    Args:
        stderr: print to stderr instead of stdout.
        secrets: values that the runner masks from now on.
    """
    replace_unencodable_characters()
    console = GithubConsole(sys.stderr if stderr else sys.stdout)
    console.hide(secrets)
    return console
