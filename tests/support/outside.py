"""Commands on the machine that runs the tests, which the guests are made with."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path


class NoGuest(Exception):
    """This machine gives no guest; the text says why, and ends with what the failing command said."""


def outside(command: Sequence[str]) -> str:
    """What a command printed that must work.

    Raises:
        NoGuest: it did not.
    """
    try:
        ran = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise NoGuest(f"this machine lacks {command[0]}, which makes guests") from error
    if ran.returncode != 0:
        said = "\n".join((ran.stdout + ran.stderr).splitlines()[-15:])
        raise NoGuest(f"exit code {ran.returncode} of: {shlex.join(command)}\n{said}")
    return ran.stdout


def works(command: Sequence[str]) -> bool:
    """Runs a command that may fail."""
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True).returncode == 0


def write(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Writes a file of a tree, with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
