"""What the workflows of a repository build, and with which command."""

from __future__ import annotations

from dataclasses import dataclass

from bluegreen.scaffold.module import Tool


@dataclass(frozen=True)
class Build:
    """The build of a repository.

    Args:
        tool: Gradle or Maven.
        folder: the folder of the build, relative to the repository's root; `.` is the root.
        launcher: the command that starts the tool: the build's wrapper, or else the installed program.
        jar: pattern of the jar to deploy, relative to the repository's root.
        java: the major Java version to build with.
        arguments: what the command needs besides, such as `-Pprod`.
    """

    tool: Tool
    folder: str
    launcher: str
    jar: str
    java: int
    arguments: tuple[str, ...] = ()

    @property
    def command(self) -> str:
        """The command that builds and tests the project, to be run in `folder`."""
        words = ("build",) if self.tool == "gradle" else ("--batch-mode", *self.arguments, "verify")
        return " ".join((self.launcher, *words))
