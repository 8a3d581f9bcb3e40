"""A team's repository: its builds, its default branch, its submodules."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bluegreen.remote import limits
from bluegreen.scaffold import gradle_module, maven_module
from bluegreen.scaffold.gradle import is_gradle
from bluegreen.scaffold.module import Module, Tool, folders_in, read
from bluegreen.scaffold.pom import POM

# These folders contain dependencies, output and sources, never a project to deploy.
_SKIPPED_FOLDERS = {"node_modules", "build", "target", "buildSrc", "src", "venv", "dist", "vendor"}
_DEEPEST = 4
_WRAPPERS: dict[Tool, str] = {"gradle": "gradlew", "maven": "mvnw"}
_PROGRAMS: dict[Tool, str] = {"gradle": "gradle", "maven": "mvn"}
_USUAL_BRANCHES = ("main", "master", "develop", "trunk")
# Where teams say which JDK they use, if the build does not.
_JDK_FILES = (
    (".sdkmanrc", re.compile(r"^\s*java\s*=\s*(?:1\.)?(\d+)", re.MULTILINE)),
    (".tool-versions", re.compile(r"^\s*java\s+\D*?-?(?:1\.)?(\d+)", re.MULTILINE)),
    (".java-version", re.compile(r"^\D*(?:1\.)?(\d+)")),
    ("gradle/gradle-daemon-jvm.properties", re.compile(r"^toolchainVersion\s*=\s*(\d+)", re.MULTILINE)),
    ("system.properties", re.compile(r"^java\.runtime\.version\s*=\s*(?:1\.)?(\d+)", re.MULTILINE)),
)


@dataclass(frozen=True)
class Branch:
    """The branch whose pushes are deployed.

    Args:
        name: of the branch.
        is_sure: whether the repository says that it is the default branch.
    """

    name: str
    is_sure: bool


def modules(root: Path) -> tuple[Module, ...]:
    """Every module of every Gradle and Maven build in a repository, the outermost builds first.

    Raises:
        WrongUsage: a pom.xml is not XML.
    """
    found: list[Module] = []
    known: set[Path] = set()
    for folder in (root, *_subfolders(root, _DEEPEST)):
        for tool in _tools(folder):
            # A project of a build may have settings of its own, which that build does not read.
            if tool == "gradle" and folder not in known:
                of_build = gradle_module.read_modules(folder)
                known |= {each.folder for each in of_build}
                found += of_build
            elif tool == "maven" and folder / POM not in known:
                known |= maven_module.files(folder)
                found += maven_module.read_modules(folder)
    return tuple(found)


def launcher(build: Path, root: Path, tool: Tool) -> str:
    """The command that starts a build's tool: the wrapper in its folder or above, or the program itself."""
    for folder in (build, *build.parents):
        wrapper = folder / _WRAPPERS[tool]
        if wrapper.is_file():
            path = os.path.relpath(wrapper, build)
            path = path if path.startswith(".") else f"./{path}"
            # A wrapper that was committed on Windows is not executable.
            return path if os.access(wrapper, os.X_OK) else f"sh {path}"
        if folder == root:
            break
    return _PROGRAMS[tool]


def java_of_team(build: Path, root: Path) -> int | None:
    """The Java version in the files that tell a team's tools which JDK to use; None if there is none."""
    for folder in dict.fromkeys((build, root)):
        for name, pattern in _JDK_FILES:
            if found := pattern.search(read(folder / name)):
                return int(found[1])
    return None


def default_branch(root: Path) -> Branch:
    """The default branch of a repository: that of its remote, or else the only one, or the likeliest."""
    remotes = _git(root, "remote").split()
    remote = "origin" if "origin" in remotes or len(remotes) != 1 else remotes[0]
    head = _git(root, "symbolic-ref", "--quiet", f"refs/remotes/{remote}/HEAD")
    if head:
        return Branch(head.removeprefix(f"refs/remotes/{remote}/"), is_sure=True)
    current = _git(root, "symbolic-ref", "--quiet", "--short", "HEAD")
    for names in (_branches(root, f"refs/remotes/{remote}"), _branches(root, "refs/heads")):
        if len(names) == 1:
            return Branch(names[0], is_sure=True)
        usual = [name for name in _USUAL_BRANCHES if name in names]
        if usual:
            # With `develop` beside `main`, the one that is checked out is the likelier.
            return Branch(current if current in usual else usual[0], is_sure=len(usual) == 1)
    configured = _git(root, "config", "init.defaultBranch")
    # Before the first commit the current branch is the default one.
    is_sure = not (root / ".git").exists() or (current != "" and not _branches(root, "refs/heads"))
    return Branch(current or configured or "main", is_sure)


def has_submodules(root: Path) -> bool:
    """Whether the repository has submodules, which a checkout fetches only if told to."""
    return (root / ".gitmodules").is_file()


def missing_submodules(root: Path) -> tuple[str, ...]:
    """The folders of submodules that are empty: they are not checked out here."""
    paths = re.findall(r"^\s*path\s*=\s*(.+?)\s*$", read(root / ".gitmodules"), re.MULTILINE)
    return tuple(path for path in dict.fromkeys(paths) if not any((root / path).glob("*")))


def _branches(root: Path, below: str) -> list[str]:
    names = _git(root, "for-each-ref", "--format=%(refname)", below).split("\n")
    short = (name.removeprefix(f"{below}/") for name in names)
    return [name for name in short if name and name != "HEAD"]


def _git(root: Path, *arguments: str) -> str:
    """The output of git; empty if it fails, or is not installed, or does not answer."""
    try:
        ran = subprocess.run(
            ["git", "-C", str(root), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=limits.GIT_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return ran.stdout.strip() if ran.returncode == 0 else ""


def _tools(folder: Path) -> Iterator[Tool]:
    """The tools that a folder has a build for: of two, the one that alone has a wrapper."""
    tools: list[Tool] = []
    if is_gradle(folder):
        tools.append("gradle")
    if (folder / POM).is_file():
        tools.append("maven")
    wrapped = [tool for tool in tools if (folder / _WRAPPERS[tool]).is_file()]
    yield from wrapped if len(wrapped) == 1 else tools


def _subfolders(folder: Path, depth: int) -> Iterator[Path]:
    for each in folders_in(folder):
        if each.name not in _SKIPPED_FOLDERS:
            yield each
            if depth > 1:
                yield from _subfolders(each, depth - 1)
