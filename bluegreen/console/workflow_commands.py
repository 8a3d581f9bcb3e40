"""Workflow commands: output lines that the GitHub Actions runner interprets.

Source: "Workflow commands for GitHub Actions", GitHub documentation.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path


def annotation(level: str, title: str, text: str) -> str:
    """The command that creates an annotation.

    Args:
        level: `error`, `warning` or `notice`.
        title: one line, shown in bold above the text.
        text: one line or several.
    """
    return f"::{level} title={_property(title)}::{_data(text)}"


def mask(value: str) -> str:
    """The command after which the runner prints `***` instead of this value."""
    return f"::add-mask::{_data(value)}"


def group(title: str) -> str:
    """The command that begins a group of lines, which GitHub shows folded."""
    return f"::group::{_data(title)}"


END_GROUP = "::endgroup::"


def set_outputs(values: Mapping[str, str], environ: Mapping[str, str] = os.environ) -> None:
    """Sets outputs of the step; does nothing outside GitHub Actions (without GITHUB_OUTPUT).

    Raises:
        OSError: the file that GITHUB_OUTPUT names was not written; it is as before.
    """
    lines = []
    for name, value in values.items():
        # The delimiter is random: a value that contains it could set other outputs.
        delimiter = f"end-{secrets.token_hex(16)}"
        lines.append(f"{name}<<{delimiter}\n{value}\n{delimiter}\n")
    _append("GITHUB_OUTPUT", "".join(lines), environ)


def add_to_summary(markdown: str, environ: Mapping[str, str] = os.environ) -> None:
    """Appends to the job summary; does nothing outside GitHub Actions (without GITHUB_STEP_SUMMARY).

    Raises:
        OSError: the file that GITHUB_STEP_SUMMARY names was not written; it is as before.
    """
    _append("GITHUB_STEP_SUMMARY", markdown, environ)


def _append(variable: str, text: str, environ: Mapping[str, str]) -> None:
    name = environ.get(variable)
    if not name:
        return
    data = text.encode("utf-8", errors="replace")
    with Path(name).open("ab", buffering=0) as file:
        before = file.seek(0, os.SEEK_END) if file.seekable() else None
        try:
            while data:
                data = data[file.write(data) :]
        except OSError:
            # Half a value, without its delimiter, would make the runner fail the whole step.
            if before is not None:
                file.truncate(before)
            raise


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
