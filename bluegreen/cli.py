"""What all commands share: their arguments, where they print, and how an error becomes an exit code."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from invoke.context import Context
from invoke.exceptions import Exit

from bluegreen.config.secrets import values_to_mask
from bluegreen.console.ci import on_github
from bluegreen.console.github import github_console
from bluegreen.console.output import OutputEnded, stdout_lost, watch_output
from bluegreen.console.terminal import Console, plain_or_rich
from bluegreen.errors import BluegreenError, WrongUsage
from bluegreen.rollout.interrupts import ignore_interrupts, raise_on_termination

HOST = "an entry of hosts: in config.yml; not needed if there is only one"
CONFIG = "the file to read instead of config.yml in the current folder"
FORCE = "go on although this finding of `check` would stop it: its name, with dashes; may be repeated"
JSON = "print JSON to stdout, everything else to stderr"
INTERRUPTED = 130

Given = TypeVar("Given")


@contextmanager
def console_of(c: Context, *, reads: bool = False, as_json: bool = False) -> Iterator[Console]:
    """Where a command prints; an expected error is printed and becomes the exit code.

    Args:
        reads: whether the command changes nothing, and so ends when nobody reads its output any more.
        as_json: stdout is for JSON.
    """
    raise_on_termination()
    watch_output(reads=reads)
    console = (
        github_console(stderr=as_json, secrets=values_to_mask(os.environ))
        if on_github()
        else Console(plain_or_rich(stderr=as_json))
    )
    try:
        refuse_flags_of_invoke(c)
        yield console
        sys.stdout.flush()
    except OutputEnded as ended:
        raise Exit(ended.message, code=ended.exit_code) from ended
    except BluegreenError as error:
        ignore_interrupts()
        with suppress(OutputEnded):
            console.error(error)
        if stdout_lost() and not as_json:
            # The cause reaches somebody, even if stdout does not (P11).
            sys.stderr.write(f"{error}\n")
        raise Exit(code=error.exit_code) from error
    except KeyboardInterrupt:
        ignore_interrupts()
        with suppress(OutputEnded):
            console.line("interrupted" if reads else "interrupted; nothing was changed")
        raise Exit(code=INTERRUPTED) from None


def ended(run: Callable[[], Given]) -> Given:
    """Runs a command to its end, from which on an interrupt cannot change its exit code."""
    try:
        return run()
    finally:
        ignore_interrupts()


def options(**own: str) -> dict[str, Any]:
    """The arguments of `@task` that all commands share.

    Nothing is positional and no short flag is made: Invoke would read `deploy --help` as a host called
    `--help`, and `-h`, `-e` of a task would shadow its own (invoke #982).
    """
    return {"positional": [], "auto_shortflags": False, "help": {"host": HOST, "config": CONFIG, **own}}


def refuse_flags_of_invoke(c: Context) -> None:
    """Two flags of Invoke's own look like ours, and would deploy for real, or with another config.yml."""
    if c.config.run.dry:
        raise WrongUsage(
            "--dry is a flag of Invoke, which bluegreen ignores; nothing was done",
            remedy="to see what would be changed: `bluegreen deploy --dry-run`",
        )
    ahead = c.config._runtime_path
    if ahead and ahead != os.environ.get("INVOKE_RUNTIME_CONFIG"):
        raise WrongUsage(
            "--config before the command is a flag of Invoke, for its own settings; nothing was done",
            remedy=f"write it after the command: `bluegreen status --config {ahead}`",
        )


def number(flag: str, given: str) -> int:
    # Invoke would end with the traceback of int().
    try:
        return int(given)
    except ValueError:
        raise WrongUsage(f"{flag} {given} is not a number") from None


def print_json(data: object) -> None:
    sys.stdout.write(f"{json.dumps(data, ensure_ascii=False, indent=2)}\n")  # the only thing on stdout then
