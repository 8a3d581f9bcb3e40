"""The Spring profiles that a jar has settings for, and those that become active with others."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from bluegreen.jar.profile_expression import holds, wanted
from bluegreen.jar.spring_config import Found, of_file

_BRINGS = re.compile(r"spring\.profiles\.(?:include|group(?:\.|\.?\[)(?P<group>[^\[\]]+)\]?)(?:\[\d+\])?")
_PROFILE = re.compile(r"[\w.@+-]+")


@dataclass(frozen=True)
class Document:
    """A document, or a whole file, of settings for certain profiles.

    Args:
        file: where it is.
        profiles: the expressions that must hold, all of them: that of its file, that of its document.
    """

    file: str
    profiles: tuple[str, ...]

    def holds(self, active: Collection[str]) -> bool:
        """Whether its settings are in force with these profiles."""
        return all(holds(expression, active) for expression in self.profiles)

    @property
    def wanted(self) -> tuple[str, ...]:
        """The profiles that it is for. A placeholder such as `${NAME}` is not known here."""
        named = (name for expression in self.profiles for name in wanted(expression))
        return tuple(name for name in dict.fromkeys(named) if _PROFILE.fullmatch(name))


@dataclass(frozen=True)
class Brings:
    """Profiles that become active where others are, such as those of a group.

    Args:
        when: the expressions that must hold, all of them; none for what is always included.
    """

    names: tuple[str, ...]
    when: tuple[str, ...] = ()


@dataclass(frozen=True)
class Profiles:
    """What the configuration in a jar says about profiles.

    Args:
        documents: those for certain profiles.
        brings: the profiles that it makes active by itself, or with others.
    """

    documents: tuple[Document, ...] = ()
    brings: tuple[Brings, ...] = ()


def profiles(found: Found) -> Profiles:
    """The profiles of a configuration (Spring Boot reference, "Profiles" and "Profile-specific Files")."""
    documents = [Document(file, (name,)) for file in found.files if (name := of_file(file))]
    documents += [Document(setting.file, setting.profiles) for setting in found.settings if setting.profiles]
    brings = []
    for setting in found.settings:
        if kind := _BRINGS.fullmatch(setting.name):
            names = tuple(name.strip() for name in setting.value.split(",") if name.strip())
            brings.append(Brings(names, (*setting.profiles, *filter(None, [kind["group"]]))))
    return Profiles(tuple(dict.fromkeys(documents)), tuple(brings))


def active_with(configured: Profiles, names: Iterable[str]) -> tuple[str, ...]:
    """The profiles that are active where these are named: with those that the jar includes or groups."""
    active = dict.fromkeys(names)
    while more := [name for name in _brought(configured, active) if name not in active]:
        active |= dict.fromkeys(more)
    return tuple(active)


def _brought(configured: Profiles, active: Collection[str]) -> Iterator[str]:
    for brings in configured.brings:
        if all(holds(expression, active) for expression in brings.when):
            yield from brings.names


def inactive(documents: Iterable[Document], active: Collection[str]) -> dict[str, str]:
    """The profiles that settings are for and that are not active, each with the file of the settings.

    A profile is not missing if settings that are for it are in force by another one, as those for
    `prod | prod1` are with prod1, or if it would not put them in force, as for `prod & !cloud` with cloud.
    """
    missing: dict[str, str] = {}
    in_force: set[str] = set()
    for document in documents:
        if document.holds(active):
            in_force.update(document.wanted)
        elif document.holds({*active, *document.wanted}):
            for name in document.wanted:
                missing.setdefault(name, document.file)
    return {name: file for name, file in missing.items() if name not in in_force and name not in active}
