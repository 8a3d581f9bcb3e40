"""What a Maven build makes of each of its modules: the jar, the Java version, what it depends on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from bluegreen.scaffold.module import Module
from bluegreen.scaffold.pom import POM, Pom, read_pom

_BOOT = "spring-boot-maven-plugin"
_COMPILER = "maven-compiler-plugin"
_NUMBER = re.compile(r"(?:1\.)?(\d+)")


def read_modules(folder: Path) -> tuple[Module, ...]:
    """The modules of the Maven build in a folder, with the project at its top.

    Raises:
        WrongUsage: a pom.xml is not XML.
    """
    poms = list(_reactor(folder / POM, set()))
    return tuple(_module(pom, poms) for pom in poms if pom.packaging != "pom")


def files(folder: Path) -> set[Path]:
    """Every pom.xml of the Maven build in a folder."""
    return {pom.file for pom in _reactor(folder / POM, set())}


def _reactor(file: Path, seen: set[Path]) -> Iterator[Pom]:
    if file in seen or not file.is_file():
        return
    seen.add(file)
    pom = read_pom(file)
    yield pom
    for module in pom.modules():
        yield from _reactor(module, seen)


def _module(pom: Pom, poms: list[Pom]) -> Module:
    profile = pom.profile_of(_BOOT)
    sources = (
        pom.inherited("build/sourceDirectory").replace("${project.basedir}/", "").replace("${basedir}/", "")
    )
    dependencies = set(pom.dependencies())
    return Module(
        tool="maven",
        build=poms[0].folder,
        folder=pom.folder,
        name=pom.name,
        project=poms[0].name,
        output=_output(pom),
        jar=_jar(pom),
        java=_java(pom),
        is_boot=pom.is_applied(_BOOT) or profile is not None,
        is_disabled=_is_skipped(pom),
        has_actuator="spring-boot-starter-actuator" in dependencies,
        sources=(pom.folder / "src" / "main", *([pom.folder / sources] if sources else [])),
        needs=tuple(each.folder for each in poms if each.name in dependencies and each is not pom),
        arguments=(f"-P{profile}",) if profile else (),
        remarks=_remarks(pom),
    )


def _is_skipped(pom: Pom) -> bool:
    skip = pom.setting(_BOOT, "skip") or pom.properties.get("spring-boot.repackage.skip", "")
    return pom.filled(skip) == "true"


def _jar(pom: Pom) -> str:
    """The name of the jar that the plugin writes, or a pattern of it."""
    ending = "war" if pom.packaging == "war" else "jar"
    # Without a finalName the name ends with the version, which the next release changes.
    name = pom.setting(_BOOT, "finalName") or pom.inherited("build/finalName")
    name = re.sub(r"\$\{[^}]*\}", "*", pom.filled(re.sub(r"\$\{(?:project\.|pom\.)?version\}", "*", name)))
    classifier = pom.setting(_BOOT, "classifier")
    if classifier:
        return f"{name or '*'}-{classifier}.{ending}"
    return f"{name or '*'}.{ending}"


def _output(pom: Pom) -> Path:
    folder = pom.setting(_BOOT, "outputDirectory") or pom.inherited("build/directory") or "target"
    folder = folder.replace("${project.build.directory}", "target")
    folder = re.sub(r"^\$\{(?:project\.)?basedir\}/", "", folder)
    return pom.folder / folder if "${" not in folder else pom.folder / "target"


def _java(pom: Pom) -> int | None:
    """The Java version, of which `release` wins over `target`, and both over `source`."""
    properties = pom.properties
    for kind in ("release", "target", "source"):
        for text in (pom.setting(_COMPILER, kind), properties.get(f"maven.compiler.{kind}", "")):
            if number := _NUMBER.match(pom.filled(text)):
                return int(number[1])
    for name in ("java.version", "kotlin.compiler.jvmTarget", "jdk.version"):
        if number := _NUMBER.match(pom.filled(properties.get(name, ""))):
            return int(number[1])
    if number := _NUMBER.match(pom.setting("kotlin-maven-plugin", "jvmTarget")):
        return int(number[1])
    return _java_of_starter(pom)


def _java_of_starter(pom: Pom) -> int | None:
    """The `java.version` of spring-boot-starter-parent: 17 from Spring Boot 3 on, before that 8."""
    artifact, version = pom.outer_parent or ("", "")
    major = _NUMBER.match(version)
    if artifact != "spring-boot-starter-parent" or not major:
        return None
    return 17 if int(version.split(".")[0]) >= 3 else 8


def _remarks(pom: Pom) -> tuple[str, ...]:
    goals = {pom.filled(goal.text or "") for plugin in pom.plugins(_BOOT) for goal in plugin.iter("goal")}
    if pom.is_applied(_BOOT) and pom.outer_parent is None and "repackage" not in goals:
        return (
            f"{pom.file.name} of {pom.name} applies {_BOOT} without its goal `repackage`, so `java -jar` "
            "cannot start the jar: add an execution with that goal, or the parent spring-boot-starter-parent",
        )
    return ()
