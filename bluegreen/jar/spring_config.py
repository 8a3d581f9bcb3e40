"""Spring configuration: application*.yml and application*.properties, of a jar or of a source folder."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import yaml

_IN_ARCHIVE = re.compile(r"(?:BOOT|WEB)-INF/classes/(?:config/)?application[^/]*\.(?:ya?ml|properties)")
_FILE = re.compile(r"(?:.*/)?application(?:-([^/]+))?[^/]*\.(ya?ml|properties)")
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
        profiles: what must hold of the active profiles, all of it: that of its file, that of its document.
    """

    name: str
    value: str
    file: str
    document: int
    line: int
    profiles: tuple[str, ...] = ()

    @property
    def for_one_profile(self) -> bool:
        """Whether its document, or its whole file, is active for certain profiles only."""
        return bool(self.profiles)


@dataclass(frozen=True)
class Found:
    """The settings of a jar, the places (file and line) that are not readable, and all files."""

    settings: tuple[Setting, ...]
    unreadable: tuple[str, ...]
    files: tuple[str, ...] = ()


def read(archive: zipfile.ZipFile) -> Found:
    """All settings of all configuration files in the jar or war."""
    return read_texts(
        (name, archive.read(name).decode("utf-8", "replace"))
        for name in archive.namelist()
        if _IN_ARCHIVE.fullmatch(name)
    )


def read_texts(files: Iterable[tuple[str, str]]) -> Found:
    """All settings of configuration files.

    Args:
        files: the path and the text of each.
    """
    settings: list[Setting] = []
    unreadable: list[str] = []
    names: list[str] = []
    for name, text in files:
        kind = _FILE.fullmatch(name)
        if not kind:
            continue
        names.append(name)
        parsed = _in_properties(name, text) if kind[2] == "properties" else _in_yaml(name, text)
        try:
            settings.extend(_with_profiles(list(parsed), of_file=(kind[1],) if kind[1] else ()))
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            unreadable.append(f"{name} (line {mark.line + 1})" if mark else name)
    return Found(tuple(settings), tuple(unreadable), tuple(names))


def of_file(file: str) -> str | None:
    """The profile of a file such as application-prod.yml, None for application.yml."""
    kind = _FILE.fullmatch(file)
    return kind[1] if kind else None


def management_port(found: Found) -> int | None:
    """The port that management.server.port sets for every profile."""
    ports = [
        setting.value
        for setting in found.settings
        if setting.name == "management.server.port" and not setting.for_one_profile
    ]
    return int(ports[-1]) if ports and ports[-1].isdigit() and ports[-1] != "0" else None


def health_path(found: Found) -> str | None:
    """The path where the settings for every profile put the health endpoint, None if they do not move it.

    The endpoints of a management port of their own are not below the path of the application (Spring Boot
    reference, "Customizing the Management Endpoint Paths").
    """
    # Relaxed binding: context-path and contextPath are one name.
    known = {
        setting.name.lower().replace("-", ""): setting.value
        for setting in found.settings
        if not setting.for_one_profile and "${" not in setting.value
    }
    above = ["server.servlet.contextpath", "spring.webflux.basepath", "spring.mvc.servlet.path"]
    if "management.server.port" in known:
        above = ["management.server.basepath"]
    moved = (*above, "management.endpoints.web.basepath", "management.endpoints.web.pathmapping.health")
    if not any(name in known for name in moved):
        return None
    parts = [known.get(name, "") for name in above]
    parts += [known.get(moved[-2], "actuator"), known.get(moved[-1], "health")]
    return "/" + "/".join(part.strip("/") for part in parts if part.strip("/"))


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


def _with_profiles(settings: list[Setting], of_file: tuple[str, ...]) -> Iterator[Setting]:
    limits: dict[int, tuple[str, ...]] = {}
    for setting in settings:
        if _PROFILE.fullmatch(setting.name):
            limits[setting.document] = (*limits.get(setting.document, ()), setting.value)
    for setting in settings:
        # The items of a list (`on-profile[0]`) are alternatives.
        of_document = ", ".join(limits.get(setting.document, ()))
        yield replace(setting, profiles=(*of_file, of_document) if of_document else of_file)


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
    for number, line in enumerate(re.split(r"\r\n?|\n", text), 1):
        if not continues and re.fullmatch(r"[#!]---\s*", line):
            document += 1
        elif not continues and (found := _PROPERTY.match(line)):
            yield Setting(found[1], found[2].strip(), file, document, number)
        continues = line.endswith("\\") and not line.lstrip().startswith(("#", "!"))
