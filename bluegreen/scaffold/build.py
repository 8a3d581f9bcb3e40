"""The build of a repository: Gradle or Maven, its command, the jar that it writes, the Java version."""

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
_PROJECT_FILES: dict[Tool, tuple[str, ...]] = {
    "gradle": ("settings.gradle", "settings.gradle.kts", *_BUILD_FILES["gradle"]),
    "maven": _BUILD_FILES["maven"],
}
_WRAPPERS: dict[Tool, str] = {"gradle": "gradlew", "maven": "mvnw"}
_JARS: dict[Tool, str] = {"gradle": "build/libs/*.jar", "maven": "target/*.jar"}
# The Spring Boot plugin as applied to a project. `apply false` only declares it for subprojects.
_SPRING_BOOT_PLUGIN: dict[Tool, re.Pattern[str]] = {
    "gradle": re.compile(
        r"""(?:\bid\s*\(?\s*['"]org\.springframework\.boot['"]"""
        r"""|\bplugin\s*[:=]\s*['"]org\.springframework\.boot['"]"""
        r"""|\balias\(\s*libs\.plugins\.[\w.]*boot[\w.]*\s*\))(?![^\n]*apply\(?\s*false)""",
        re.IGNORECASE,
    ),
    "maven": re.compile(r"<artifactId>\s*spring-boot-maven-plugin\s*</artifactId>"),
}
_JAVA_VERSION = re.compile(
    # Java 8 and older are written 1.8 or VERSION_1_8.
    r"JavaLanguageVersion\.of\(\s*(\d+)|jvmToolchain\(\s*(\d+)"
    r"|(?:source|target)Compatibility\s*=?\s*['\"]?(?:JavaVersion\.VERSION_)?(?:1[._])?(\d+)"
    r"|<(?:java\.version|maven\.compiler\.release|release)>\s*(?:1\.)?(\d+)"
)
_PROJECT_NAME: dict[Tool, re.Pattern[str]] = {
    "gradle": re.compile(r"rootProject\.name\s*=\s*['\"]([^'\"]+)"),
    "maven": re.compile(r"<artifactId>\s*([^<\s]+)\s*</artifactId>"),
}
# The parts of a pom.xml that describe the parent, or plugins that modules may apply.
_NOT_THIS_PROJECT = re.compile(r"<parent>.*?</parent>|<pluginManagement>.*?</pluginManagement>", re.DOTALL)
# These folders contain dependencies, output and sources, never a project to deploy.
_SKIPPED_FOLDERS = {"node_modules", "build", "target", "buildSrc", "src"}


@dataclass(frozen=True)
class Build:
    """The build of a repository.

    Args:
        tool: Gradle or Maven.
        folder: the project's folder, relative to the repository's root; `.` is the root.
        launcher: the command that starts the tool: the project's wrapper, or else the installed program.
        jar: pattern of the jar to deploy, relative to the repository's root.
        java: the major Java version that the build compiles for.
        name: the project's name.
        has_slot_path: whether the sources contain the path that reports the slot.
        has_actuator: whether the project depends on Spring Boot Actuator.
    """

    tool: Tool
    folder: str
    launcher: str
    jar: str
    java: int
    name: str
    has_slot_path: bool
    has_actuator: bool

    @property
    def command(self) -> str:
        """The command that builds and tests the project, to be run in `folder`."""
        return f"{self.launcher} {'build' if self.tool == 'gradle' else '--batch-mode verify'}"


def find(root: Path, jar: str | None, *, default_java: int, verify: str) -> Build:
    """The build of a repository: in its root, or else in the only subfolder that has one.

    Args:
        root: the repository's root folder.
        jar: pattern of the jar to deploy, for a repository that builds several.
        default_java: the Java version if the build does not name one.
        verify: the path on which an application reports its slot.

    Raises:
        WrongUsage: the repository has no build, or several.
    """
    project, tool = _find_project(root)
    applications = [each for each in (project, *_subfolders(project, depth=2)) if _builds_app(each, tool)]
    if jar:
        applications = [each for each in applications if _jar_pattern(root, each, tool) == jar]
    if len(applications) > 1:
        patterns = [_jar_pattern(root, each, tool) for each in applications]
        raise WrongUsage(
            f"there are several Spring Boot applications in {root}: {', '.join(patterns)}",
            remedy=f"choose the one to deploy, for example: bluegreen init --jar '{patterns[0]}'",
        )
    application = applications[0] if applications else project
    texts = [_read_project_files(folder, tool) for folder in dict.fromkeys((application, project))]
    return Build(
        tool=tool,
        folder=_relative(root, project),
        launcher=_launcher(project, tool),
        jar=jar or _jar_pattern(root, application, tool),
        java=next((java for text in texts if (java := _java_version(text))), default_java),
        name=_project_name(project, tool),
        has_slot_path=_sources_contain(application, verify.strip("/")),
        has_actuator=any("actuator" in text for text in texts),
    )


def default_branch(root: Path) -> str:
    """The default branch of a repository: of its origin if known, or else the one checked out, or `main`.

    Source: gitrepository-layout(5).
    """
    for name in ("refs/remotes/origin/HEAD", "HEAD"):
        branch = _read(root / ".git" / name).strip().rpartition("/")[2]
        # The branch that is checked out may be a feature branch.
        if branch and (name != "HEAD" or branch in ("main", "master", "trunk")):
            return branch
    return "main"


def _find_project(root: Path) -> tuple[Path, Tool]:
    projects = [(each, tool) for each in (root, *_subfolders(root)) if (tool := _tool_of(each))]
    if not projects:
        raise WrongUsage(
            f"there is no Gradle or Maven build in {root}",
            remedy="run `bluegreen init` in the root folder of the repository to deploy",
        )
    if projects[0][0] != root and len(projects) > 1:
        raise WrongUsage(
            f"there are several builds in {root}: {', '.join(_relative(root, each) for each, _ in projects)}",
            remedy="`bluegreen init` supports one build. Write config.yml and the workflows by hand: "
            "see docs/github.md",
        )
    return projects[0]


def _tool_of(folder: Path) -> Tool | None:
    for tool, names in _PROJECT_FILES.items():
        if any((folder / name).is_file() for name in names):
            return tool
    return None


def _launcher(project: Path, tool: Tool) -> str:
    wrapper = project / _WRAPPERS[tool]
    if not wrapper.is_file():
        return {"gradle": "gradle", "maven": "mvn"}[tool]
    # A wrapper that was committed on Windows is not executable.
    return f"{'' if os.access(wrapper, os.X_OK) else 'sh '}./{wrapper.name}"


def _subfolders(folder: Path, depth: int = 1) -> Iterator[Path]:
    for each in sorted(folder.iterdir()):
        if each.is_dir() and not each.name.startswith(".") and each.name not in _SKIPPED_FOLDERS:
            yield each
            if depth > 1:
                yield from _subfolders(each, depth - 1)


def _builds_app(folder: Path, tool: Tool) -> bool:
    # Without settings.gradle, which only declares plugins for subprojects.
    text = _NOT_THIS_PROJECT.sub("", "\n".join(_read(folder / name) for name in _BUILD_FILES[tool]))
    return "<packaging>pom<" not in text and bool(_SPRING_BOOT_PLUGIN[tool].search(text))


def _read_project_files(folder: Path, tool: Tool) -> str:
    return "\n".join(_read(folder / name) for name in _PROJECT_FILES[tool])


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""


def _relative(root: Path, folder: Path) -> str:
    return folder.relative_to(root).as_posix()


def _jar_pattern(root: Path, application: Path, tool: Tool) -> str:
    folder = _relative(root, application)
    return _JARS[tool] if folder == "." else f"{folder}/{_JARS[tool]}"


def _java_version(text: str) -> int | None:
    match = _JAVA_VERSION.search(text)
    return int(next(group for group in match.groups() if group)) if match else None


def _project_name(project: Path, tool: Tool) -> str:
    text = _NOT_THIS_PROJECT.sub("", _read_project_files(project, tool))
    match = _PROJECT_NAME[tool].search(text)
    return match.group(1) if match else project.resolve().name


def _sources_contain(application: Path, text: str) -> bool:
    sources = (application / "src" / "main").rglob("*")
    return any(text in _read(file) for file in sources if file.suffix in (".java", ".kt", ".groovy"))
