"""The version catalogs of a Gradle build: `libs.versions.toml`, and what settings.gradle declares."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_SECTION = re.compile(r"^\[(\w+)\]\s*$", re.MULTILINE)
_ENTRY = re.compile(
    r"""^[ \t]*["']?([\w.-]+)["']?[ \t]*=[ \t]*(\[[^\]]*\]|\{[^}]*\}|"[^"\n]*"|'[^'\n]*')""", re.MULTILINE
)
# In settings.gradle: version("java", "21"), plugin("boot", "org.springframework.boot").
_DECLARED = re.compile(
    r"\b(version|plugin|library)\s*\(?\s*['\"]([\w.-]+)['\"]\s*,\s*['\"]([^'\"]+)['\"]"
    r"(?:\s*,\s*['\"]([^'\"]+)['\"])?"
)


@dataclass(frozen=True)
class Catalog:
    """The entries of all catalogs by alias. `spring-boot`, `spring_boot` and `spring.boot` are one alias."""

    versions: Mapping[str, str]
    plugins: Mapping[str, str]
    libraries: Mapping[str, str]
    bundles: Mapping[str, str]

    def plugin(self, alias: str) -> str:
        """The id of a plugin, by its alias or accessor; empty if there is none."""
        return self.plugins.get(_key(alias), "")

    def version(self, alias: str) -> str:
        """A version, by its alias or accessor; empty if there is none."""
        return self.versions.get(_key(alias), "")

    def libraries_of(self, accessor: str) -> str:
        """The text of a library, or of all of a bundle: `spring.boot.starter.web`, `bundles.web`."""
        if not accessor.startswith("bundles."):
            return self.libraries.get(_key(accessor), "")
        aliases = re.findall(r"['\"]([\w.-]+)['\"]", self.bundles.get(_key(accessor[len("bundles.") :]), ""))
        return " ".join(self.libraries.get(_key(alias), alias) for alias in aliases)


def read_catalog(tomls: Iterable[str], settings: str) -> Catalog:
    """The catalog of a build.

    Args:
        tomls: the texts of its *.versions.toml.
        settings: the text of settings.gradle, without comments.
    """
    found: dict[str, dict[str, str]] = {"versions": {}, "plugins": {}, "libraries": {}, "bundles": {}}
    for toml in tomls:
        parts = _SECTION.split(re.sub(r"^\s*#.*$", "", toml, flags=re.MULTILINE))
        for section, body in zip(parts[1::2], parts[2::2], strict=True):
            found.setdefault(section, {}).update(
                (_key(name), value.strip("\"'")) for name, value in _ENTRY.findall(body)
            )
    for kind, alias, value, more in _DECLARED.findall(settings):
        section = {"version": "versions", "plugin": "plugins", "library": "libraries"}[kind]
        found[section][_key(alias)] = f"{value}:{more}" if more and kind == "library" else value
    plugins = {alias: _id_of(value) for alias, value in found["plugins"].items()}
    return Catalog(found["versions"], plugins, found["libraries"], found["bundles"])


def _id_of(plugin: str) -> str:
    """The id in `{ id = "x", version = "1" }` or `x:1`."""
    table = re.search(r"\bid\s*=\s*['\"]([^'\"]+)", plugin)
    return table[1] if table else plugin.split(":")[0]


def _key(alias: str) -> str:
    return re.sub(r"[-_.]", "", alias).lower()
