"""The Spring configuration in a jar: its application*.yml and application*.properties files."""

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
    """One setting of a file.

    Args:
        name: with dots, as Spring resolves it: `spring: {profiles: x}` is `spring.profiles`.
        value: as it is written; items of a list are joined by commas.
        file: its path in the jar.
        document: in the file, from 1.
        line: in the file, from 1.
        for_one_profile: whether its document, or its whole file, is active for certain profiles only.
    """

    name: str
    value: str
    file: str
    document: int
    line: int
    for_one_profile: bool = False


@dataclass(frozen=True)
class Found:
    """The settings of a jar, the places (file and line) that are not readable, and all files."""

    settings: tuple[Setting, ...]
    unreadable: tuple[str, ...]
    files: tuple[str, ...] = ()


def read(archive: zipfile.ZipFile) -> Found:
    """All settings of all configuration files in the jar."""
    settings: list[Setting] = []
    unreadable: list[str] = []
    files: list[str] = []
    for name in archive.namelist():
        kind = _FILE.fullmatch(name)
        if not kind:
            continue
        files.append(name)
        text = archive.read(name).decode("utf-8", "replace")
        parsed = _in_properties(name, text) if kind[2] == "properties" else _in_yaml(name, text)
        try:
            settings.extend(_with_profiles(list(parsed), of_a_profile=bool(kind[1])))
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            unreadable.append(f"{name} (line {mark.line + 1})" if mark else name)
    return Found(tuple(settings), tuple(unreadable), tuple(files))


def management_port(found: Found) -> int | None:
    """The port that management.server.port sets for every profile."""
    ports = [
        setting.value
        for setting in found.settings
        if setting.name == "management.server.port" and not setting.for_one_profile
    ]
    return int(ports[-1]) if ports and ports[-1].isdigit() and ports[-1] != "0" else None


def graceful(found: Found) -> bool | None:
    """Whether server.shutdown is graceful for every profile, or for one: that one may be a slot's."""
    shutdown = [setting for setting in found.settings if setting.name == "server.shutdown"]
    if any(setting.value.lower() == "graceful" for setting in shutdown if setting.for_one_profile):
        return True
    shared = [setting.value.lower() == "graceful" for setting in shutdown if not setting.for_one_profile]
    return shared[-1] if shared else None


def old_profiles(found: Found) -> Iterator[str]:
    """A warning for each document that names its profile with `spring.profiles`.

    Spring Boot 2.4 replaced it by spring.config.activate.on-profile and warns. Spring Boot 3.0 does not start
    (spring-boot issue 22523). Many blog posts about blue/green deploys show the old way.
    """
    right = "spring.config.activate.on-profile"
    for setting in found.settings:
        if re.fullmatch(r"spring\.profiles(\[\d+\])?", setting.name):
            yield (
                f"{setting.file}, document {setting.document} (line {setting.line}): Spring Boot 3 does not "
                f"start with `spring.profiles: {setting.value}`; write `{right}: {setting.value}`"
            )
    for place in found.unreadable:
        yield f"{place}: is not YAML, so it was not searched for spring.profiles"


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
    """The settings of a .properties file: `#---` begins a document, a backslash at the end joins lines."""
    document, continues = 1, False
    for number, line in enumerate(text.splitlines(), 1):
        if not continues and re.fullmatch(r"[#!]---\s*", line):
            document += 1
        elif not continues and (found := _PROPERTY.match(line)):
            yield Setting(found[1], found[2].strip(), file, document, number)
        continues = line.endswith("\\") and not line.lstrip().startswith(("#", "!"))
