"""The program `bluegreen`: the tasks without a tasks.py."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from invoke.exceptions import Exit, ParseError
from invoke.program import Program

from bluegreen import __version__
from bluegreen.console.output import OutputEnded, watch_output
from bluegreen.errors import WrongUsage
from bluegreen.tasks import namespace


class BluegreenProgram(Program):
    """Invoke's program, whose wrong usage ends with our exit code for it (2) rather than with 1."""

    def run(self, argv: list[str] | None = None, exit: bool = True) -> None:  # noqa: A002 # Invoke's name
        # Until a command begins: --help and --list.
        watch_output(reads=True)
        try:
            super().run(argv, exit)
        except OutputEnded as ended:
            sys.stderr.write(f"{ended.message}\n" if ended.message else "")
            sys.exit(ended.exit_code)

    def parse_core(self, argv: list[str] | None) -> None:
        with _wrong_usage():
            super().parse_core(argv)

    def parse_tasks(self) -> None:
        with _wrong_usage():
            super().parse_tasks()


@contextmanager
def _wrong_usage() -> Iterator[None]:
    try:
        yield
    # Invoke passes on the ValueError of int() for a value that is not a number.
    except (ParseError, ValueError) as error:
        message = re.sub(r"<Argument: ([\w-]+)[^>]*>", r"--\1", str(error))
        raise Exit(message, code=WrongUsage.exit_code) from error


program = BluegreenProgram(
    name="bluegreen",
    binary="bluegreen",
    # The completion is for the name that people type.
    binary_names=["bluegreen"],
    namespace=namespace,
    version=__version__,
)

if __name__ == "__main__":
    program.run()
