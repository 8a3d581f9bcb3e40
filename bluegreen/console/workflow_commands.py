"""Workflow commands: lines on the output that the runner of GitHub Actions reads.

Source: "Workflow commands for GitHub Actions", GitHub documentation.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path


def on_github(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether this runs in a job of GitHub Actions."""
    return environ.get("GITHUB_ACTIONS") == "true"


def annotation(level: str, title: str, text: str) -> str:
    """The line that makes an annotation.

    Args:
        level: error, warning or notice.
        title: one line; shown in bold above the text.
        text: of as many lines as it takes.
    """
    return f"::{level} title={_property(title)}::{_data(text)}"


def mask(value: str) -> str:
    """The line from which on the runner shows three stars in place of a value."""
    return f"::add-mask::{_data(value)}"


def group(title: str) -> str:
    """The line that begins a group, which is shown folded."""
    return f"::group::{_data(title)}"


END_GROUP = "::endgroup::"


def set_outputs(values: Mapping[str, str], environ: Mapping[str, str] = os.environ) -> None:
    """Sets outputs of the step; does nothing where the runner names no file for them."""
    lines = []
    for name, value in values.items():
        # A delimiter that no value can hold: one could set other outputs with it.
        delimiter = f"end-{secrets.token_hex(16)}"
        lines.append(f"{name}<<{delimiter}\n{value}\n{delimiter}\n")
    _append("GITHUB_OUTPUT", "".join(lines), environ)


def add_to_summary(markdown: str, environ: Mapping[str, str] = os.environ) -> None:
    """Adds to the job's summary; does nothing where the runner names no file for it."""
    _append("GITHUB_STEP_SUMMARY", markdown, environ)


def _append(variable: str, text: str, environ: Mapping[str, str]) -> None:
    name = environ.get(variable)
    if name:
        with Path(name).open("a", encoding="utf-8", newline="\n") as file:
            file.write(text)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
