"""What a Gradle build makes of each of its projects: the jar, the Java version, what it depends on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from bluegreen.scaffold.gradle import GradleBuild, Project, needs, projects, read_build
from bluegreen.scaffold.gradle_script import interpolated, of_task, strings_in, without_blocks
from bluegreen.scaffold.module import Module, read

# The first of these that a project sets. The toolchain compiles; what it compiles for is the same or older.
_JAVA = tuple(
    re.compile(pattern)
    for pattern in (
        r"JavaLanguageVersion\.of\(\s*([^\n;]+)",
        r"\bjvmToolchain\(\s*([^\n;]+)",
        r"\brelease(?:\.set\(|\s*=)\s*([^\n;]+)",
        r"\btargetCompatibility\s*(?:=|\(|\s)\s*([^\n;]+)",
        r"\bsourceCompatibility\s*(?:=|\(|\s)\s*([^\n;]+)",
        r"\bjvmTarget(?:\.set\(|\s*=)\s*([^\n;]+)",
    )
)
# Java 8 is written 1.8, VERSION_1_8 or JVM_1_8.
_NUMBER = re.compile(r"(?:.*?\b(?:VERSION|JVM)_|[\"'(\s]*)(?:1[._])?(\d+)\b(?![.\w])")
# `release = 2024` is not about Java.
_HIGHEST_JAVA = 100
_METHODS = {"get", "of", "toInteger", "toInt", "toString", "asInt", "property", "findProperty", "providers"}
_METHODS |= {"gradleProperty", "libs", "versions", "findVersion", "project", "rootProject", "ext", "extra"}
_METHODS |= {"JavaVersion", "toVersion", "as", "String", "Integer", "Int", "requiredVersion", "majorVersion"}
_SETS = r"\s*(?:=|\.set\(|\(|\s)\s*"
_BOOT_JAR = "bootJar|BootJar"
_BOOT_WAR = "bootWar|BootWar"


def read_modules(folder: Path) -> tuple[Module, ...]:
    """The projects of the Gradle build in a folder."""
    build = read_build(folder)
    return tuple(_module(build, project) for project in projects(build))


def _module(build: GradleBuild, project: Project) -> Module:
    # The war plugin replaces the jar of `assemble` by the war.
    is_war = "war" in project.plugins
    task = list(of_task(project.text, _BOOT_WAR if is_war else _BOOT_JAR))
    ending = "war" if is_war else "jar"
    jar, remarks = _jar(build, project, task, ending)
    return Module(
        tool="gradle",
        build=build.folder,
        folder=project.folder,
        name=project.path if project.name else build.name,
        project=build.name,
        output=_output(build, project, task),
        jar=jar,
        java=_java(build, project),
        is_boot=project.is_boot,
        is_disabled=_last(task, r"\b(?:isEnabled|enabled)" + _SETS + r"(true|false)\b") == "false",
        has_actuator=_has_actuator(build, project.text),
        sources=_source_folders(project),
        needs=tuple(needs(build, project)),
        remarks=remarks,
    )


def _last(task: list[str], pattern: str) -> str | None:
    """What a task is set to last, outside of blocks such as `layered { enabled = false }`."""
    found = [each for body in task for each in re.findall(pattern, without_blocks(body, r"\w+"))]
    return found[-1] if found else None


def _jar(build: GradleBuild, project: Project, task: list[str], ending: str) -> tuple[str, tuple[str, ...]]:
    """The name of the jar, or a pattern of it, with remarks."""
    string = r"[\"']([^\"'\n]*)[\"']"
    if name := _last(task, r"\b(?:archiveFileName|archiveName)" + _SETS + string):
        filled = interpolated(name, name=project.name or build.name, root=build.name)
        return re.sub(r"\.\*$", f".{ending}", filled), ()
    if classifier := _last(task, r"\b(?:archiveClassifier|classifier)" + _SETS + string):
        return f"*-{classifier}.{ending}", ()
    plain = list(of_task(project.text, r"jar|named<Jar>|Jar"))
    other = _last(plain, r"\b(?:archiveClassifier|classifier)" + _SETS + string)
    is_made = _last(plain, r"\b(?:isEnabled|enabled)" + _SETS + r"(true|false)\b") != "false"
    if ending == "jar" and is_made and other and other != "plain":
        return "*.jar", (
            f"{project.path} also writes a *-{other}.jar, which cannot be started: write the name of the "
            "other one as `jar` in config.yml",
        )
    return f"*.{ending}", ()


def _output(build: GradleBuild, project: Project, task: list[str]) -> Path:
    """The folder of the jar."""
    expression = _last(task, r"\b(?:destinationDirectory|destinationDir)" + _SETS + r"([^\n;]+)")
    if expression and (named := strings_in(expression)):
        start = (
            build.folder if re.search(r"\brootDir|rootProject|settingsDir", expression) else project.folder
        )
        return start / re.sub(r"^\$(?:\{[^}]*\}|\w+)/?", "", named[-1])
    # Of both ways to name the build folder, the newer one is `layout.buildDirectory`.
    folder = re.findall(
        r"\b(?:buildDir\s*=|buildDirectory(?:\.set\(|\s*=))\s*([^\n;]*[\"'][^\n;]*)", project.text
    )
    named = strings_in(folder[-1]) if folder else []
    if named and "$" not in named[-1]:
        start = build.folder if re.search(r"\brootDir|rootProject", folder[-1]) else project.folder
        return start / named[-1] / "libs"
    return project.folder / "build" / "libs"


def _java(build: GradleBuild, project: Project) -> int | None:
    """The Java version that a project names, or else the root project."""
    for text in (project.text, build.scripts[":"]):
        for pattern in _JAVA:
            for expression in reversed(pattern.findall(text)):
                if version := _number(build, project, expression):
                    return version
    return None


def _number(build: GradleBuild, project: Project, expression: str) -> int | None:
    """The number that an expression means: `"21"`, `JavaVersion.VERSION_1_8`, `libs.versions.java.get()`."""
    if (literal := _NUMBER.match(expression)) and int(literal[1]) < _HIGHEST_JAVA:
        return int(literal[1])
    entry = re.search(r"\bversions\.([\w.]+?)(?:\.get\b|\.asProvider\b|[^\w.]|$)", expression)
    entry = entry or re.search(r"\bfindVersion\(\s*[\"']([^\"']+)", expression)
    if entry and (literal := _NUMBER.match(build.catalog.version(entry[1]))):
        return int(literal[1])
    for word in reversed(re.findall(r"[A-Za-z_][\w-]*(?:\.[a-z][\w.]*)?", expression)):
        for name in dict.fromkeys((word, word.rpartition(".")[2], word.partition(".")[0])):
            if name not in _METHODS and (number := _variable(build, project, name)):
                return number
    return None


def _variable(build: GradleBuild, project: Project, name: str) -> int | None:
    """The number that a variable, or a property of Gradle, is set to."""
    is_set = re.compile(
        rf"(?<![\w.-]){re.escape(name)}\b[\"']?\]?\s*(?::\s*\w+\??\s*)?(?:=|,|:|\bby\s+extra\s*[({{])\s*"
        r"(?:[\w.]*(?:VERSION_|toVersion\(|LanguageVersion\.of\())?[\"']?(?:1[._])?(\d+)\b(?![.\d])"
    )
    properties = read(project.folder / "gradle.properties")
    for text in (project.text, properties, build.scripts[":"], build.shared):
        if found := is_set.search(re.sub(r"\bext\.|\bextra\.", "", text)):
            return int(found[1])
    return None


def _has_actuator(build: GradleBuild, text: str) -> bool:
    if "spring-boot-starter-actuator" in text:
        return True
    accessors = re.findall(r"\b\w+\.(bundles\.[\w.]+|[\w.]*actuator[\w.]*|spring[\w.]*)", text)
    used = (build.catalog.libraries_of(re.sub(r"\.get$", "", each)) for each in accessors)
    return any("actuator" in each for each in used)


def _source_folders(project: Project) -> tuple[Path, ...]:
    return tuple(dict.fromkeys(_named_sources(project))) or (project.folder / "src",)


def _named_sources(project: Project) -> Iterator[Path]:
    for kind in ("main", "jvmMain"):
        if (project.folder / "src" / kind).is_dir():
            yield project.folder / "src" / kind
    for listed in re.findall(r"\bsrcDirs?\b\s*(?:=|\+=|\(|\s)\s*([^\n;]+)", project.text):
        for name in strings_in(listed):
            if "$" not in name and "test" not in name.lower() and (project.folder / name).is_dir():
                yield project.folder / name
