"""The plugins that a Gradle build defines itself: in buildSrc, and in builds that it includes."""

from __future__ import annotations

import re
from pathlib import Path

from bluegreen.scaffold.gradle_script import without_comments
from bluegreen.scaffold.module import read

_SCRIPTS = (".gradle.kts", ".gradle")
_CLASSES = (".kt", ".java", ".groovy")
_REGISTERED = re.compile(
    r"\bid\s*=\s*['\"]([^'\"]+)['\"]\s*;?\s*implementationClass\s*=\s*['\"]([^'\"]+)['\"]"
)


def own_plugins(logic: Path) -> dict[str, str]:
    """The text of each plugin that a build of plugins defines, by the id under which it is applied."""
    found = {}
    classes = {}
    scripts = []
    for file in _files(logic):
        text = without_comments(read(file))
        ending = next((each for each in _SCRIPTS if file.name.endswith(each)), None)
        if "main" not in file.relative_to(logic).parts:
            scripts.append(text)
        elif ending:
            # A script in src/main is a plugin of its own name, after its package.
            package = re.search(r"^package\s+([\w.]+)", text, re.MULTILINE)
            name = file.name.removesuffix(ending)
            found[f"{package[1]}.{name}" if package else name] = text
        else:
            classes[file.stem] = text
    for text in scripts:
        for name, implementation in _REGISTERED.findall(text):
            found[name] = classes.get(implementation.rpartition(".")[2], "")
    return found


def constants(logic: Path) -> str:
    """The sources of the classes of a build of plugins, such as buildSrc/src/main/kotlin/Versions.kt."""
    return "\n".join(without_comments(read(file)) for file in _files(logic) if file.suffix in _CLASSES)


def _files(logic: Path) -> list[Path]:
    return [
        file
        for file in sorted(logic.rglob("*"))
        if file.name.endswith((*_SCRIPTS, *_CLASSES)) and "build" not in file.relative_to(logic).parts
    ]
