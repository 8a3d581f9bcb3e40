"""Deploys and rollbacks in this process: for tests of many of them in a row."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console as Terminal

from bluegreen import jar as jars
from bluegreen.commands import deploy, rollback
from bluegreen.config import Settings
from bluegreen.console.terminal import Console


class _Output(io.StringIO):
    def __init__(self, heard: Callable[[str], None]) -> None:
        super().__init__()
        self._heard = heard

    def write(self, text: str) -> int:
        self._heard(text)
        return super().write(text)


@dataclass
class Series:
    """Deploys and rollbacks of one host, in a row.

    Args:
        settled: called with the version as soon as it is said to be switched to.
        moving: called when that is to be another.
    """

    settings: Settings
    settled: Callable[[str], None]
    moving: Callable[[], None]
    said: list[str] = field(default_factory=list)

    def deploy(self, jar: Path, version: str) -> str:
        """Deploys a jar; gives what was said."""
        order = deploy.Order(jars.inspect(jar), version)
        return self._run(version, lambda console: deploy.run(self.settings, order, console, {}))

    def back_to(self, version: str) -> str:
        """Rolls back to a version; gives what was said."""
        return self._run(version, lambda console: rollback.run(self.settings, version, console, {}))

    def _run(self, version: str, run: Callable[[Console], object]) -> str:
        def heard(text: str) -> None:
            if text.startswith("✓ switched to "):
                self.settled(version)

        output = _Output(heard)
        self.moving()
        run(Console(Terminal(file=output, width=1000)))
        self.said.append(output.getvalue())
        return output.getvalue()
