"""The working directory of the JVMs: one folder for all releases, so that what is written survives.

The application reads files beside its jar, and writes to `./uploads`, `./logs` or `./data`. The folder where
it ran before bluegreen goes on being used. What it wrote into folders of releases, where bluegreen 0.1 ran
it, is moved to the working directory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import PurePosixPath

from bluegreen.config import Settings
from bluegreen.host.facts import Facts
from bluegreen.host.jvm import Jvm


class Source(Enum):
    """Why the JVMs run in a folder."""

    PRESENT = "the folder exists"
    NEW = "nothing ran in another folder"
    TAKEN_OVER = "the JVM that serves runs there"


@dataclass(frozen=True)
class Workdir:
    """The working directory of the next JVM.

    Args:
        path: `java.workdir`, or `shared` in the releases' folder.
        source: why it is this one.
        adopted: the folder that `path` is to be a link to, empty for a folder of its own.
        strays: what the application wrote into the folders of releases: names by release. It is moved to the
            working directory.
        elsewhere: the folder that each slot's JVM runs in, if it is another one and has files.
        lost: where `path` leads to as a link, if that is not there; else empty.
        writable: whether the user may write it, or make it.
        apart: whether it is on another file system than the releases.
        resolved: the folder that `path` is or leads to, empty if it does not exist.
    """

    path: str
    source: Source
    adopted: str = ""
    strays: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    lost: str = ""
    writable: bool = True
    apart: bool = False
    resolved: str = ""

    @property
    def text(self) -> str:
        """The working directory, for a person."""
        if self.source is Source.TAKEN_OVER:
            so_far = "where the application ran so far; nothing is moved"
            return f"{self.path} is a link to {self.adopted}, {so_far}"
        return self.path

    @property
    def place(self) -> str:
        """The folder itself, without links."""
        return self.resolved or self.adopted or self.path


def planned(facts: Facts, settings: Settings, jvms: Mapping[str, Jvm], live: str | None) -> Workdir:
    """The working directory of the next JVM, from the facts of a diagnosis; nothing is changed.

    Args:
        jvms: the JVMs that run, by slot.
        live: the slot that serves.
    """
    base = facts.text("base.is") or settings.releases.path
    present = facts.text("workdir.is")
    serving = jvms.get(live or "")
    source, adopted = (Source.PRESENT, "") if present else (Source.NEW, "")
    if not present and settings.java.workdir is None and serving and _is_its_own(serving.folder, base):
        source, adopted = Source.TAKEN_OVER, serving.folder
    here = present or adopted or settings.workdir
    return Workdir(
        path=settings.workdir,
        source=source,
        adopted=adopted,
        strays={release: tuple(names.split()) for release, names in facts.under("workdir.strays.")},
        elsewhere={
            slot: jvm.folder
            for slot, jvm in jvms.items()
            if jvm.folder != here and jvm.has_files and _is_its_own(jvm.folder, base)
        },
        lost=facts.text("workdir.lost"),
        writable=bool(adopted) or "workdir.writable" in facts,
        apart="workdir.apart" in facts,
        resolved=present,
    )


def _is_its_own(folder: str, base: str) -> bool:
    """Whether it is a folder of the application's, not one that is gone, or that of a release.

    Args:
        base: the releases' folder without links, as the kernel names the folders of processes.
    """
    if not folder or folder.endswith(" (deleted)"):
        return False
    return PurePosixPath(base, "releases") not in PurePosixPath(folder).parents
