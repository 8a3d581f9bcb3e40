"""What a build file says of one module: where it is, what it builds, what it needs."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Tool = Literal["gradle", "maven"]


@dataclass(frozen=True)
class Module:
    """One project of a Gradle or Maven build.

    Args:
        tool: Gradle or Maven.
        build: the folder of the build that it belongs to, where its command runs.
        folder: its own folder.
        name: what the build calls it: `:module-api`, or for a root its name; the artifactId.
        project: the name of the whole build.
        output: the folder that its jar is written to.
        jar: the jar's name, or a pattern of it.
        java: the major Java version that it is compiled for; None if the build does not name one.
        is_boot: whether the Spring Boot plugin is applied to it.
        is_disabled: whether the build says that no executable jar is made of it.
        has_actuator: whether it depends on Spring Boot Actuator, as far as the build's own files say.
        sources: the folders of its source files.
        needs: the folders of the modules of the same build that it depends on.
        arguments: what the build command needs for it, such as `-Pprod`.
        remarks: what a person must know about it.
    """

    tool: Tool
    build: Path
    folder: Path
    name: str
    project: str
    output: Path
    jar: str
    java: int | None
    is_boot: bool
    is_disabled: bool
    has_actuator: bool
    sources: tuple[Path, ...]
    needs: tuple[Path, ...] = ()
    arguments: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def read(file: Path) -> str:
    """The text of a file; empty if there is none, or it is not ours to read."""
    try:
        return file.read_text(encoding="utf-8-sig", errors="replace") if file.is_file() else ""
    except PermissionError:
        return ""


def folders_in(folder: Path) -> list[Path]:
    """The folders in a folder, without hidden ones, links, and those that are not ours to read."""
    # The data of a database in a container belongs to another user.
    return [
        each
        for each in sorted(folder.iterdir())
        if each.name[0] != "."
        and each.is_dir()
        and not each.is_symlink()
        and os.access(each, os.R_OK | os.X_OK)
    ]
