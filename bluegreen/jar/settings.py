"""What the application's own configuration in a jar says: its application*.yml and .properties files."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace

import yaml

_FILE = re.compile(r"BOOT-INF/classes/(?:config/)?application(-)?[^/]*\.(ya?ml|properties)")
_PROFILE = re.compile(r"spring\.(config\.activate\.on-profile|profiles)(\[\d+\])?")
_PROPERTY = re.compile(r"\s*([^#!\s][^\s:=]*)(?:\s*[=:]\s*|\s+)(.*)")


@dataclass(frozen=True)
class Setting:
    """One setting.

    Args:
        name: as Spring sees it: `spring: {profiles: x}` and `spring.profiles: x` are one.
        value: as it is written; the parts of a list joined by commas.
        document, line: of the file, from 1.
        for_one_profile: its document is active for named profiles alone, or all of its file is.
    """

    name: str
    value: str
    file: str
    document: int
    line: int
    for_one_profile: bool = False


@dataclass(frozen=True)
class Found:
    """The settings of a jar, and the places that could not be read."""

    settings: tuple[Setting, ...]
    unreadable: tuple[str, ...]


def read(archive: zipfile.ZipFile) -> Found:
    """Every setting of every configuration file in the jar."""
    settings: list[Setting] = []
    unreadable: list[str] = []
    for name in archive.namelist():
        kind = _FILE.fullmatch(name)
        if not kind:
            continue
        text = archive.read(name).decode("utf-8", "replace")
        parsed = _in_properties(name, text) if kind[2] == "properties" else _in_yaml(name, text)
        try:
            settings.extend(_with_profiles(list(parsed), of_a_profile=bool(kind[1])))
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            unreadable.append(f"{name} (line {mark.line + 1})" if mark else name)
    return Found(tuple(settings), tuple(unreadable))


def _with_profiles(settings: list[Setting], *, of_a_profile: bool) -> Iterator[Setting]:
    limited = {setting.document for setting in settings if _PROFILE.fullmatch(setting.name)}
    return (replace(each, for_one_profile=of_a_profile or each.document in limited) for each in settings)


def _in_yaml(file: str, text: str) -> Iterator[Setting]:
    for number, document in enumerate(yaml.compose_all(text, Loader=yaml.SafeLoader), 1):
        for name, node in _flat(document, ""):
            yield Setting(name, _written(node), file, number, node.start_mark.line + 1)


def _flat(node: yaml.Node | None, above: str) -> Iterator[tuple[str, yaml.Node]]:
    if not isinstance(node, yaml.MappingNode):
        return
    for key, value in node.value:
        name = f"{above}{key.value}"
        if isinstance(value, yaml.MappingNode):
            yield from _flat(value, f"{name}.")
        else:
            yield name, value


def _written(node: yaml.Node) -> str:
    if isinstance(node, yaml.SequenceNode):
        return ", ".join(str(item.value) for item in node.value)
    return str(node.value)


def _in_properties(file: str, text: str) -> Iterator[Setting]:
    """`#---` begins a new document; a line that ends with a backslash goes on."""
    document, goes_on = 1, False
    for number, line in enumerate(text.splitlines(), 1):
        if not goes_on and re.fullmatch(r"[#!]---\s*", line):
            document += 1
        elif not goes_on and (found := _PROPERTY.match(line)):
            yield Setting(found[1], found[2].strip(), file, document, number)
        goes_on = line.endswith("\\") and not line.lstrip().startswith(("#", "!"))
