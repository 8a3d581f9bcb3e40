"""A Gradle build: its projects, and the scripts that apply to each of them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bluegreen.scaffold.catalog import Catalog, read_catalog
from bluegreen.scaffold.gradle_plugins import constants, own_plugins
from bluegreen.scaffold.gradle_script import (
    blocks,
    for_project,
    is_for,
    strings_in,
    without_blocks,
    without_comments,
)
from bluegreen.scaffold.module import folders_in, read

SETTINGS = ("settings.gradle", "settings.gradle.kts")
SCRIPTS = ("build.gradle", "build.gradle.kts")
# These blocks of a script are for other projects, or only declare plugins.
_FOR_OTHERS = r"subprojects|allprojects|configure|project|buildscript|pluginManagement|gradlePlugin"
_INCLUDE = re.compile(r"\binclude\b(?!Build)\s*\(?\s*((?:['\"][^'\"\n]+['\"]\s*,?\s*)*)")
_FOLDER_OF = re.compile(r"project\(\s*['\"](:[^'\"]+)['\"]\s*\)\.projectDir\s*=\s*([^\n;]+)")
_PLUGIN = re.compile(
    r"\bid\s*\(?\s*['\"](?P<id>[^'\"]+)['\"]"
    r"|\bapply\s*\(?\s*plugin\s*[:=]\s*['\"](?P<apply>[^'\"]+)['\"]"
    r"|\bplugin\(\s*['\"](?P<block>[^'\"]+)['\"]"
    r"|\b(?:plugins|pluginManager)\.apply\(\s*['\"](?P<manager>[^'\"]+)['\"]"
    r"|\balias\s*\(?\s*\w+\.plugins\.(?P<alias>[\w.]+)"
    r"|\bapply\b[^\n]*?\.plugins\.(?P<accessor>[\w.]+?)\.get\(\)"
    r"|\bfindPlugin\(\s*['\"](?P<found>[^'\"]+)['\"]"
    r"|`(?P<accessed>[\w.-]+)`"
    r"|\bapply[^\n]*(?P<type>SpringBootPlugin)\b"
    r"|^\s*(?P<word>war)\s*$",
    re.MULTILINE,
)
_APPLY_FALSE = re.compile(r"[^\n;]*?(?:\bapply\s+false|\bapply\s*\(\s*false)")
_APPLY_FROM = re.compile(r"\bapply\s*\(?\s*from\s*[:=]\s*([^\n;]+)")
_SPRING_BOOT = "org.springframework.boot"


@dataclass(frozen=True)
class Project:
    """One project of a Gradle build, with everything that its scripts say of it.

    Args:
        path: `:` for the root, `:apps:web`.
        folder: its folder.
        text: the scripts that apply to it, the one that counts most last: the blocks of the projects above
            it, its convention plugins, its own.
        plugins: the ids of the plugins that are applied to it.
    """

    path: str
    folder: Path
    text: str
    plugins: frozenset[str]

    @property
    def name(self) -> str:
        """The last word of its path; empty for the root."""
        return self.path.rpartition(":")[2]

    @property
    def is_boot(self) -> bool:
        """Whether the Spring Boot plugin is applied to it."""
        return _SPRING_BOOT in self.plugins


@dataclass(frozen=True)
class GradleBuild:
    """A Gradle build.

    Args:
        folder: the folder of settings.gradle, or of the only build.gradle.
        settings: the text of settings.gradle without comments.
        folders: the folder of each project by its path.
        scripts: the text of each project's own script by its path, without comments.
        catalog: its version catalogs.
        plugins: the sources of its own plugins by their ids: buildSrc, and builds that it includes.
        shared: texts in which its variables may be: gradle.properties, the sources of buildSrc.
    """

    folder: Path
    settings: str
    folders: Mapping[str, Path]
    scripts: Mapping[str, str]
    catalog: Catalog
    plugins: Mapping[str, str]
    shared: str

    @property
    def name(self) -> str:
        """The name of the root project."""
        found = re.search(r"rootProject\.name\s*=\s*['\"]([^'\"]+)", self.settings)
        return found[1] if found else self.folder.resolve().name


def is_gradle(folder: Path) -> bool:
    """Whether a folder has a Gradle build of its own, or a script."""
    return any((folder / name).is_file() for name in (*SETTINGS, *SCRIPTS))


def read_build(folder: Path) -> GradleBuild:
    """The Gradle build in a folder."""
    settings = without_comments("\n".join(read(folder / name) for name in SETTINGS))
    folders = _folders(folder, settings)
    logic = [folder / "buildSrc", *_included_builds(folder, settings)]
    tomls = sorted((folder / "gradle").glob("*.versions.toml"))
    named = re.findall(r"['\"]([^'\"]+\.toml)['\"]", settings)
    catalog = read_catalog(map(read, {*tomls, *(folder / name for name in named)}), settings)
    return GradleBuild(
        folder=folder,
        settings=settings,
        folders=folders,
        scripts={path: _script(each, folder) for path, each in folders.items()},
        catalog=catalog,
        plugins={name: text for each in logic for name, text in own_plugins(each).items()},
        shared="\n".join([settings, read(folder / "gradle.properties"), *map(constants, logic)]),
    )


def projects(build: GradleBuild) -> Iterator[Project]:
    """Each project of a build that has a folder."""
    for path, folder in build.folders.items():
        if folder.is_dir():
            name = path.rpartition(":")[2] or build.name
            own = without_blocks(build.scripts[path], _FOR_OTHERS)
            text = for_project("\n".join([*_from_above(build, path), own]), name)
            text = "\n".join(_with_plugins(build, folder, text, set()))
            yield Project(path, folder, text, frozenset(plugin_ids(text, build.catalog)))


def plugin_ids(text: str, catalog: Catalog) -> Iterator[str]:
    """The ids of the plugins that a script applies; `apply false` only declares one."""
    for found in _PLUGIN.finditer(text):
        if _APPLY_FALSE.match(text, found.end()):
            continue
        kind = str(found.lastgroup)
        value = found[kind]
        if kind == "type":
            yield _SPRING_BOOT
        else:
            yield catalog.plugin(value) if kind in ("alias", "accessor", "found") else value


def needs(build: GradleBuild, project: Project) -> Iterator[Path]:
    """The folders of the projects that a project depends on."""
    for path in re.findall(r"\bproject\(\s*(?:path\s*[:=]\s*)?['\"](:[^'\"]+)['\"]", project.text):
        if path in build.folders:
            yield build.folders[path]
    for accessor in re.findall(r"\bprojects\.([\w.]+)", project.text):
        for path, folder in build.folders.items():
            if re.sub(r"\W|_", "", path).lower() == re.sub(r"\W|_", "", accessor).lower():
                yield folder


def _folders(root: Path, settings: str) -> dict[str, Path]:
    """The folder of each project by its path, those above an included one too."""
    folders = {":": root}
    is_computed = bool(_APPLY_FROM.search(settings))
    for literal in _INCLUDE.findall(settings):
        paths = strings_in(literal)
        is_computed |= not paths or "$" in literal
        for path in (each for each in paths if "$" not in each):
            parts = path.strip(":").split(":")
            for depth in range(1, len(parts) + 1):
                folders[":" + ":".join(parts[:depth])] = root.joinpath(*parts[:depth])
    for path, expression in _FOLDER_OF.findall(settings):
        if named := strings_in(expression):
            folders[path] = _resolved(named[-1], root, root)
    missing = [path for path, folder in folders.items() if not folder.is_dir()]
    if is_computed or missing:
        _add_found(folders, missing, root)
    return folders


def _add_found(folders: dict[str, Path], missing: list[str], root: Path) -> None:
    """Adds the folders with a script, for settings that compute the projects or where they are."""
    known = set(folders.values())
    found = [each for each in _with_scripts(root, depth=4) if each not in known]
    by_name = {each.name: each for each in found}
    for path in missing:
        if folder := by_name.get(path.rpartition(":")[2]):
            folders[path] = folder
            found.remove(folder)
            del by_name[folder.name]
    for folder in found:
        folders.setdefault(":" + ":".join(folder.relative_to(root).parts), folder)


def _with_scripts(folder: Path, depth: int) -> Iterator[Path]:
    for each in folders_in(folder):
        if each.name not in ("buildSrc", "build", "src"):
            if not any((each / name).is_file() for name in SETTINGS) and _script_files(each):
                yield each
            if depth > 1:
                yield from _with_scripts(each, depth - 1)


def _script_files(folder: Path) -> list[Path]:
    """The script of a project; some builds name it after the project."""
    names = (*SCRIPTS, f"{folder.name}.gradle", f"{folder.name}.gradle.kts")
    return [folder / name for name in names if (folder / name).is_file()]


def _script(folder: Path, root: Path) -> str:
    """The script of a project, after the scripts that it applies to itself."""
    text = without_comments("\n".join(map(read, _script_files(folder)[:1])))
    return "\n".join([*_applied(without_blocks(text, _FOR_OTHERS), folder, root), text])


def _applied(text: str, folder: Path, root: Path) -> Iterator[str]:
    """The texts of the scripts that a text applies with `apply from:`, of files only."""
    for expression in _APPLY_FROM.findall(text):
        for name in strings_in(expression)[-1:]:
            yield without_comments(read(_resolved(name, folder, root)))


def _from_above(build: GradleBuild, path: str) -> Iterator[str]:
    """What the scripts of a project, and of those above it, say of it in `subprojects { }` and such."""
    parts = path.strip(":").split(":") if path != ":" else []
    for depth in range(len(parts) + 1):
        above = ":" + ":".join(parts[:depth])
        text = build.scripts.get(above, "")
        for block in blocks(text, "allprojects|subprojects|configure|project"):
            kind = re.split(r"\W", block.header, maxsplit=1)[0]
            is_for_project = {
                "allprojects": True,
                "subprojects": above != path,
                "configure": _names(_filled(block.header, text), path, above),
                "project": _names(block.header, path, above),
            }
            if is_for_project[kind]:
                yield block.body


def _names(header: str, path: str, above: str) -> bool:
    """Whether `configure(…)` or `project(…)` in the script of `above` is about a project."""
    name = path.rpartition(":")[2]
    listed = set(re.findall(r"project\(\s*['\"](:[^'\"]*)['\"]\s*\)", header))
    if "allprojects" not in header and "subprojects" not in header:
        return path in listed
    if path == above and "subprojects" in header:
        return False
    return path not in listed and is_for(header, name) is not False


def _filled(header: str, text: str, depth: int = 3) -> str:
    """A header with the variables in it replaced by what they are set to."""

    def definition(word: re.Match[str]) -> str:
        found = re.search(rf"\b(?:val|def|var)\s+{word[0]}\s*(?::[^=\n]+)?=\s*([^\n]+)", text)
        return found[1] if found else word[0]

    filled = re.sub(r"(?<![\w.'\":])[A-Za-z_]\w*", definition, header)
    return filled if filled == header or depth == 0 else _filled(filled, text, depth - 1)


def _with_plugins(build: GradleBuild, folder: Path, text: str, seen: set[str]) -> list[str]:
    """A text, after the texts of the build's own plugins and scripts that it applies."""
    texts: list[str] = []
    for name in plugin_ids(text, build.catalog):
        if name in build.plugins and name not in seen:
            texts += _with_plugins(build, folder, build.plugins[name], seen | {name})
    for script in _applied(text, folder, build.folder):
        if script not in seen:
            texts += _with_plugins(build, folder, script, seen | {script})
    return [*texts, text]


def _resolved(path: str, folder: Path, root: Path) -> Path:
    """A path in a script: below the root if it begins with `$rootDir`, or else below the project's folder."""
    below = re.sub(r"^\$(?:\{[^}]*\}|\w+)/?", "", path)
    start = root if below != path or not (folder / path).exists() else folder
    return Path(os.path.normpath(start / below))


def _included_builds(folder: Path, settings: str) -> list[Path]:
    names = re.findall(r"\bincludeBuild\s*\(?\s*['\"]([^'\"]+)", settings)
    return [Path(os.path.normpath(folder / name)) for name in names]
