"""The pom.xml of a Maven project, with what it inherits from parents in the same repository."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from bluegreen.errors import WrongUsage

POM = "pom.xml"
_REFERENCE = re.compile(r"\$\{([^}]+)\}")
# A parent of a parent of …: more is a circle.
_DEEPEST = 20


@dataclass(frozen=True)
class Pom:
    """A pom.xml.

    Args:
        file: its path.
        root: its root element; names are without namespaces.
        parent: its parent, if that is in the same repository.
    """

    file: Path
    root: ElementTree.Element
    parent: Pom | None

    @property
    def folder(self) -> Path:
        """The folder of the project."""
        return self.file.parent

    @property
    def lineage(self) -> tuple[Pom, ...]:
        """This pom and its parents, nearest first."""
        return (self, *(self.parent.lineage if self.parent else ()))

    @property
    def outer_parent(self) -> tuple[str, str] | None:
        """The artifactId and the version of the nearest parent that is not in the repository."""
        last = self.lineage[-1]
        parent = last.root.find("parent")
        return None if parent is None else (last.text(parent, "artifactId"), last.text(parent, "version"))

    @property
    def properties(self) -> Mapping[str, str]:
        """The properties, its own and the inherited ones, and those of the project itself."""
        found: dict[str, str] = {}
        for pom in reversed(self.lineage):
            for each in pom.root.findall("properties/*"):
                found[each.tag] = (each.text or "").strip()
        name = (self.root.findtext("artifactId") or "").strip()
        return {**found, **dict.fromkeys(("project.artifactId", "artifactId", "pom.artifactId"), name)}

    @property
    def name(self) -> str:
        """The artifactId."""
        return self.properties["project.artifactId"]

    @property
    def packaging(self) -> str:
        """The packaging, such as jar, war or pom."""
        return self.text(self.root, "packaging") or "jar"

    def text(self, element: ElementTree.Element, path: str) -> str:
        """The text of an element below another, its references filled in; empty if there is none."""
        return self.filled(element.findtext(path) or "")

    def filled(self, text: str) -> str:
        """A text with the properties in it filled in; what is not known stays as it is."""
        for _ in range(5):
            text = _REFERENCE.sub(lambda found: self.properties.get(found[1], found[0]), text)
        return text.strip()

    def inherited(self, path: str) -> str:
        """The text of an element that children inherit, nearest first; empty if there is none."""
        return next((text for pom in self.lineage if (text := self.text(pom.root, path))), "")

    def plugins(self, artifact: str) -> Iterator[ElementTree.Element]:
        """The elements that apply a plugin to this project, and then those that only configure it."""
        for where in (
            "build/plugins/plugin",
            "profiles/profile/build/plugins/plugin",
            "build/pluginManagement/plugins/plugin",
            "profiles/profile/build/pluginManagement/plugins/plugin",
        ):
            for pom in self.lineage:
                for plugin in pom.root.findall(where):
                    if self.text(plugin, "artifactId") == artifact:
                        yield plugin

    def is_applied(self, artifact: str) -> bool:
        """Whether a plugin is applied to this project, by itself or by a parent."""
        return any(
            self.text(plugin, "artifactId") == artifact
            for pom in self.lineage
            for plugin in pom.root.findall("build/plugins/plugin")
        )

    def profile_of(self, artifact: str) -> str | None:
        """The id of the profile that alone applies a plugin; None for one that is always or never applied."""
        if not self.is_applied(artifact):
            for pom in self.lineage:
                for profile in pom.root.findall("profiles/profile"):
                    names = (
                        self.text(each, "artifactId") for each in profile.findall("build/plugins/plugin")
                    )
                    if artifact in names:
                        return self.text(profile, "id")
        return None

    def setting(self, artifact: str, name: str) -> str:
        """A configuration element of a plugin, of its executions too; empty if there is none."""
        for plugin in self.plugins(artifact):
            for where in (f"configuration/{name}", f"executions/execution/configuration/{name}"):
                if text := self.text(plugin, where):
                    return text
        return ""

    def dependencies(self) -> Iterator[str]:
        """The artifactId of each dependency, the inherited ones too."""
        for pom in self.lineage:
            for where in ("dependencies/dependency", "profiles/profile/dependencies/dependency"):
                yield from (self.text(each, "artifactId") for each in pom.root.findall(where))

    def modules(self) -> Iterator[Path]:
        """The pom of each module that it lists, of its profiles too."""
        for where in ("modules/module", "subprojects/subproject", "profiles/profile/modules/module"):
            for each in self.root.findall(where):
                path = Path(os.path.normpath(self.folder / (each.text or "").strip()))
                yield path if path.suffix == ".xml" else path / POM


def read_pom(file: Path, depth: int = _DEEPEST) -> Pom:
    """A pom.xml with its parents.

    Raises:
        WrongUsage: it is not XML.
    """
    root = _without_namespaces(file)
    parent = root.find("parent")
    path = None if parent is None else parent.findtext("relativePath", f"../{POM}")
    if not path or depth == 0:
        return Pom(file, root, None)
    above = Path(os.path.normpath(file.parent / path.strip()))
    above = above / POM if above.is_dir() else above
    # Without a relativePath Maven looks one folder up, where another project may be.
    if not above.is_file() or _artifact(_without_namespaces(above)) != _artifact(parent):
        return Pom(file, root, None)
    return Pom(file, root, read_pom(above, depth - 1))


def _artifact(element: ElementTree.Element | None) -> str:
    return "" if element is None else (element.findtext("artifactId") or "").strip()


def _without_namespaces(file: Path) -> ElementTree.Element:
    try:
        root = ElementTree.fromstring(file.read_bytes())  # noqa: S314 - the team's own file, on its own machine
    except (ElementTree.ParseError, ValueError) as error:
        raise WrongUsage(
            f"{file} is not readable XML: {error}", remedy="correct it: `mvn validate` must accept it"
        ) from error
    for element in root.iter():
        if isinstance(element.tag, str):
            element.tag = element.tag.rpartition("}")[2]
    return root
