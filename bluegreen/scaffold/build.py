"""The build of a repository, as found: Gradle or Maven, where its jar comes out, for which Java."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bluegreen.errors import WrongUsage

Tool = Literal["gradle", "maven"]

_BUILD_FILES: dict[Tool, tuple[str, ...]] = {
    "gradle": ("build.gradle", "build.gradle.kts"),
    "maven": ("pom.xml",),
}
_FILES: dict[Tool, tuple[str, ...]] = {
    "gradle": ("settings.gradle", "settings.gradle.kts", *_BUILD_FILES["gradle"]),
    "maven": _BUILD_FILES["maven"],
}
_WRAPPER: dict[Tool, str] = {"gradle": "gradlew", "maven": "mvnw"}
_JARS: dict[Tool, str] = {"gradle": "build/libs/*.jar", "maven": "target/*.jar"}
# What makes a jar that can be started: the plugin applied, rather than only named for others to apply.
_MAKES_A_JAR: dict[Tool, re.Pattern[str]] = {
    "gradle": re.compile(
        r"""(?:\bid\s*\(?\s*['"]org\.springframework\.boot['"]"""
        r"""|\bplugin\s*[:=]\s*['"]org\.springframework\.boot['"]"""
        r"""|\balias\(\s*libs\.plugins\.[\w.]*boot[\w.]*\s*\))(?![^\n]*apply\(?\s*false)""",
        re.IGNORECASE,
    ),
    "maven": re.compile(r"<artifactId>\s*spring-boot-maven-plugin\s*</artifactId>"),
}
_JAVA = re.compile(
    # Up to 8 it is written 1.8 or VERSION_1_8.
    r"JavaLanguageVersion\.of\(\s*(\d+)|jvmToolchain\(\s*(\d+)"
    r"|(?:source|target)Compatibility\s*=?\s*['\"]?(?:JavaVersion\.VERSION_)?(?:1[._])?(\d+)"
    r"|<(?:java\.version|maven\.compiler\.release|release)>\s*(?:1\.)?(\d+)"
)
_NAME = re.compile(r"rootProject\.name\s*=\s*['\"]([^'\"]+)")
_ARTIFACT = re.compile(r"<artifactId>\s*([^<\s]+)\s*</artifactId>")
# Of a pom.xml what is another's, or is only said for modules to take.
_NOT_ITS_OWN = re.compile(r"<parent>.*?</parent>|<pluginManagement>.*?</pluginManagement>", re.DOTALL)
# Never a project of the team's own.
_PASSED_OVER = {"node_modules", "build", "target", "buildSrc", "src"}


@dataclass(frozen=True)
class Build:
    """A build.

    Args:
        folder: of the project, from the repository's root; `.` is the root itself.
        starter: what starts Gradle or Maven: the project's own wrapper, or the one that is installed.
        jar: pattern of the one jar, from the repository's root.
        java: the Java that its classes are for.
        name: what the project calls itself.
        tells_slot: its sources have the path that tells which slot answers.
        has_health: it depends on Spring's actuator.
    """

    tool: Tool
    folder: str
    starter: str
    jar: str
    java: int
    name: str
    tells_slot: bool
    has_health: bool

    @property
    def command(self) -> str:
        """What builds and tests it, run in its folder."""
        return f"{self.starter} {'build' if self.tool == 'gradle' else '--batch-mode verify'}"


def find(root: Path, jar: str | None, *, default_java: int, verify: str) -> Build:
    """The build of a repository: at its root, else in the one folder below that has any.

    Args:
        root: of the repository.
        jar: pattern of the jar that is meant, where a repository makes several.
        default_java: where the build names none.
        verify: the path by which an application tells its slot.

    Raises:
        WrongUsage: there is none, or several.
    """
    project, tool = _project(root)
    makers = [each for each in (project, *_below(project, depth=2)) if _makes_a_jar(each, tool)]
    if jar:
        makers = [each for each in makers if _pattern(root, each, tool) == jar]
    if len(makers) > 1:
        patterns = [_pattern(root, each, tool) for each in makers]
        raise WrongUsage(
            f"there are several applications of Spring Boot in {root}: {', '.join(patterns)}",
            remedy=f"say which is deployed, such as --jar '{patterns[0]}'",
        )
    application = makers[0] if makers else project
    texts = [_text(folder, tool) for folder in dict.fromkeys((application, project))]
    return Build(
        tool=tool,
        folder=_from(root, project),
        starter=_starter(project, tool),
        jar=jar or _pattern(root, application, tool),
        java=next((java for text in texts if (java := _java(text))), default_java),
        name=_name(project, tool),
        tells_slot=_mentioned(application, verify.strip("/")),
        has_health=any("actuator" in text for text in texts),
    )


def default_branch(root: Path) -> str:
    """The branch that a repository's pushes are merged into: what its origin says, else what is checked out.

    Source: gitrepository-layout(5).
    """
    for name in ("refs/remotes/origin/HEAD", "HEAD"):
        branch = _read(root / ".git" / name).strip().rpartition("/")[2]
        # A branch of somebody's own may be checked out.
        if branch and (name != "HEAD" or branch in ("main", "master", "trunk")):
            return branch
    return "main"


def _project(root: Path) -> tuple[Path, Tool]:
    found = [(each, tool) for each in (root, *_below(root)) if (tool := _tool(each))]
    if not found:
        raise WrongUsage(
            f"there is no build of Gradle or Maven in {root}",
            remedy="run it at the root of the repository that is to be deployed",
        )
    if found[0][0] != root and len(found) > 1:
        raise WrongUsage(
            f"there are several builds in {root}: {', '.join(_from(root, each) for each, _ in found)}",
            remedy="init fits one: write config.yml and the workflows by hand, after docs/github.md",
        )
    return found[0]


def _tool(folder: Path) -> Tool | None:
    for tool, names in _FILES.items():
        if any((folder / name).is_file() for name in names):
            return tool
    return None


def _starter(project: Path, tool: Tool) -> str:
    wrapper = project / _WRAPPER[tool]
    if not wrapper.is_file():
        return {"gradle": "gradle", "maven": "mvn"}[tool]
    # Committed from Windows it is not executable.
    return f"{'' if os.access(wrapper, os.X_OK) else 'sh '}./{wrapper.name}"


def _below(folder: Path, depth: int = 1) -> Iterator[Path]:
    for each in sorted(folder.iterdir()):
        if each.is_dir() and not each.name.startswith(".") and each.name not in _PASSED_OVER:
            yield each
            if depth > 1:
                yield from _below(each, depth - 1)


def _makes_a_jar(folder: Path, tool: Tool) -> bool:
    # settings.gradle names plugins for others to take.
    text = _NOT_ITS_OWN.sub("", "\n".join(_read(folder / name) for name in _BUILD_FILES[tool]))
    return "<packaging>pom<" not in text and bool(_MAKES_A_JAR[tool].search(text))


def _text(folder: Path, tool: Tool) -> str:
    return "\n".join(_read(folder / name) for name in _FILES[tool])


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""


def _from(root: Path, folder: Path) -> str:
    return folder.relative_to(root).as_posix()


def _pattern(root: Path, application: Path, tool: Tool) -> str:
    below = _from(root, application)
    return _JARS[tool] if below == "." else f"{below}/{_JARS[tool]}"


def _java(text: str) -> int | None:
    found = _JAVA.search(text)
    return int(next(group for group in found.groups() if group)) if found else None


def _name(project: Path, tool: Tool) -> str:
    text = _NOT_ITS_OWN.sub("", _text(project, tool))
    found = (_NAME if tool == "gradle" else _ARTIFACT).search(text)
    return found.group(1) if found else project.resolve().name


def _mentioned(application: Path, words: str) -> bool:
    sources = (application / "src" / "main").rglob("*")
    return any(words in _read(file) for file in sources if file.suffix in (".java", ".kt", ".groovy"))
