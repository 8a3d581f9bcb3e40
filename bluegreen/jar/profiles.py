"""The Spring profiles that a jar has settings for, and those that become active with others."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bluegreen.jar.spring_config import Found

_FILE = re.compile(r"(?:.*/)?application-([^/]+)\.(?:ya?ml|properties)")
_EXPRESSION = re.compile(r"spring\.(?:config\.activate\.on-profile|profiles)(?:\[\d+\])?")
_BRINGS = re.compile(r"spring\.profiles\.(?:include|group\.(?P<group>[^\[.]+))(?:\[\d+\])?")


@dataclass(frozen=True)
class Profiles:
    """What the configuration in a jar says about profiles.

    Args:
        named: the profiles that it has documents or files for, each with the file.
        included: the profiles that it makes active by itself.
        groups: the profiles that each profile brings along.
    """

    named: Mapping[str, str] = field(default_factory=dict)
    included: tuple[str, ...] = ()
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def profiles(found: Found) -> Profiles:
    """The profiles of a configuration (Spring Boot reference, "Profiles" and "Profile-specific Files").

    A name that an expression negates (`!prod`) needs nothing to be active, so it is left out.
    """
    named: dict[str, str] = {}
    included: list[str] = []
    groups: dict[str, tuple[str, ...]] = {}
    for file in found.files:
        if name := of_file(file):
            named.setdefault(name, file)
    for setting in found.settings:
        if _EXPRESSION.fullmatch(setting.name):
            for name in re.findall(r"(?<!!)\b(?<![\w.@-])[\w.@-]+", setting.value):
                named.setdefault(name, setting.file)
        elif brings := _BRINGS.fullmatch(setting.name):
            names = tuple(name.strip() for name in setting.value.split(",") if name.strip())
            if brings["group"]:
                groups[brings["group"]] = (*groups.get(brings["group"], ()), *names)
            elif owner := of_file(setting.file):
                groups[owner] = (*groups.get(owner, ()), *names)
            elif not setting.for_one_profile:
                included += names
    return Profiles(named, tuple(included), groups)


def of_file(file: str) -> str | None:
    """The profile of a file such as application-prod.yml, None for application.yml."""
    found = _FILE.fullmatch(file)
    return found[1] if found else None


def active_with(configured: Profiles | None, names: Iterable[str]) -> tuple[str, ...]:
    """The profiles that are active where these are named: with those that the jar includes or groups."""
    known = configured or Profiles()
    active = dict.fromkeys((*known.included, *names))
    waiting = list(active)
    while waiting:
        for name in known.groups.get(waiting.pop(), ()):
            if name not in active:
                active[name] = None
                waiting.append(name)
    return tuple(active)
