"""The working directory of the JVMs: one folder for all releases, so that what is written survives.

The application reads files beside its jar, and writes to `./uploads`, `./logs` or `./data`. The folder where
it ran before bluegreen, or with bluegreen 0.1, goes on being used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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
    RELEASE = "the JVM that serves runs in the folder of its release, as bluegreen 0.1 started it"


@dataclass(frozen=True)
class Workdir:
    """The working directory of the next JVM.

    Args:
        path: `java.workdir`, or `shared` in the releases' folder.
        source: why it is this one.
        adopted: the folder that `path` is to be a link to, empty for a folder of its own.
        strays: what the application wrote into the folders of releases: names by release. It is moved to the
            working directory.
        elsewhere: the working directory of each slot's JVM that is another one and stays so.
    """

    path: str
    source: Source
    adopted: str
    strays: Mapping[str, tuple[str, ...]]
    elsewhere: Mapping[str, str]

    @property
    def text(self) -> str:
        """The working directory, for a person."""
        if self.source is Source.TAKEN_OVER:
            return (
                f"{self.path} is a link to {self.adopted}, where the application ran so far; nothing is moved"
            )
        if self.source is Source.RELEASE:
            return f"{self.path} is a link to {self.adopted}, where the version that serves runs"
        return self.path


def planned(facts: Facts, settings: Settings, jvms: Mapping[str, Jvm], live: str | None) -> Workdir:
    """The working directory of the next JVM, from the facts of a diagnosis; nothing is changed.

    Args:
        jvms: the JVMs that run, by slot.
        live: the slot that serves.
    """
    path = settings.workdir
    present = facts.text("workdir.is")
    strays = {release: tuple(names.split()) for release, names in facts.under("workdir.strays.")}
    source, adopted = Source.NEW, ""
    if present:
        source = Source.PRESENT
    elif settings.java.workdir is None:
        source, adopted = _adopted(settings, jvms.get(live or ""), strays)
    here = present or adopted or path
    strays.pop(_release_of(here, settings) or "", None)
    return Workdir(path, source, adopted, strays, _elsewhere(settings, jvms, here))


def _adopted(settings: Settings, serving: Jvm | None, strays: Mapping[str, object]) -> tuple[Source, str]:
    """Why, and which folder the working directory is to be a link to."""
    if serving is None or not serving.folder or serving.folder.endswith(" (deleted)"):
        return Source.NEW, ""
    release = _release_of(serving.folder, settings)
    if release is None:
        return Source.TAKEN_OVER, serving.folder
    return (Source.RELEASE, serving.folder) if release in strays else (Source.NEW, "")


def _elsewhere(settings: Settings, jvms: Mapping[str, Jvm], here: str) -> dict[str, str]:
    """The folders of JVMs that bluegreen did not start, and that are not the working directory."""
    return {
        slot: jvm.folder
        for slot, jvm in jvms.items()
        if jvm.folder
        and jvm.folder != here
        and _release_of(jvm.folder, settings) is None
        and not jvm.bluegreen
    }


def _release_of(folder: str, settings: Settings) -> str | None:
    """The release whose folder it is, None if it is not one. The releases' folder may be below a link."""
    path = PurePosixPath(folder)
    base = PurePosixPath(settings.releases.path)
    return path.name if path.parent.name == "releases" and path.parent.parent.name == base.name else None
