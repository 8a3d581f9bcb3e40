"""Where this process runs: in CI, in a job of GitHub Actions, or neither."""

from __future__ import annotations

import os
from collections.abc import Mapping


def in_ci(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether a CI runs this process: nobody watches, and nobody can answer a question."""
    return environ.get("CI", "").lower() not in ("", "0", "false")


def on_github(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether this process runs in a job of GitHub Actions."""
    return environ.get("GITHUB_ACTIONS") == "true"
