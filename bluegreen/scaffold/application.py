"""The application of a repository: which module it is, and what config.yml must say of it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bluegreen.scaffold.module import Module
from bluegreen.scaffold.sources import Handler, Sources, joined, read_sources
from bluegreen.scaffold.spring import Answers, answers

# What the path of a handler that answers the slot ends with, as far as people have published theirs.
_SLOT_WORD = re.compile(r"profile|slot|port$|^env", re.IGNORECASE)
# A path without variables and patterns.
_PLAIN = re.compile(r"[\w./~%-]*", re.ASCII)
_MOST_NAMES = 3
_Sign = Callable[[Handler], bool]


@dataclass(frozen=True)
class Candidate:
    """A module that may be the application.

    Args:
        module: what the build says of it.
        sources: its own source files.
    """

    module: Module
    sources: Sources


@dataclass(frozen=True)
class Application:
    """What init found of the application.

    Args:
        module: what the build says of it.
        sources: the source files of it and of the modules that it depends on.
        verify: the path that answers the slot; None if the sources map none that surely does.
        maybe: paths that may answer the slot, if none surely does.
        why_no_verify: why no path surely does; empty if one does.
        answers: where it answers, by its configuration.
        remarks: what a person must know or decide, with the key of config.yml.
    """

    module: Module
    sources: Sources
    verify: str | None
    maybe: tuple[str, ...]
    why_no_verify: str
    answers: Answers
    remarks: tuple[str, ...]


def jar_of(module: Module, root: Path) -> str:
    """The pattern of a module's jar, relative to the repository's root."""
    return os.path.relpath(module.output / module.jar, root)


def candidates(modules: Sequence[Module]) -> tuple[Candidate, ...]:
    """The modules that may be the application, by the strongest sign that any of them has.

    The main class of Spring Boot decides. Without one, it is what the Spring Boot plugin makes a jar of.
    """
    all_of_them = [Candidate(module, read_sources([module])) for module in modules]
    for is_sign in _SIGNS:
        if found := [each for each in all_of_them if is_sign(each)]:
            return tuple(found)
    return ()


def _starts(each: Candidate) -> bool:
    return each.sources.starts_spring


_SIGNS: tuple[Callable[[Candidate], bool], ...] = (
    lambda each: _starts(each) and each.module.is_boot and not each.module.is_disabled,
    # The plugin may come from a plugin of the company, which is not in the repository.
    lambda each: _starts(each) and not each.module.is_disabled,
    _starts,
    lambda each: each.module.is_boot and not each.module.is_disabled and each.sources.main is not None,
    lambda each: each.module.is_boot and not each.module.is_disabled,
    lambda each: each.sources.main is not None,
)


def application(
    candidate: Candidate, modules: Sequence[Module], usual_slots: Mapping[str, int], usual: str
) -> Application:
    """What the sources of a module, and of those that it depends on, say of the application.

    Args:
        modules: all modules of the repository.
        usual_slots: the port of each slot by its profile, if the configuration has no two profiles for slots.
        usual: the path on which an application usually answers its slot.
    """
    read = _with_needed(candidate.module, modules)
    sources = read_sources(read)
    found = answers(read, usual_slots)
    sure, maybe = _verify(sources, found, usual)
    remarks = (*candidate.module.remarks, *_remarks(candidate, read), *found.remarks)
    if sure and sources.prefix:
        remarks += (f"the sources add {sources.prefix} to paths: check that {sure} is the whole path",)
    why = "" if sure else _why_no_verify(sources, maybe)
    return Application(candidate.module, sources, sure, maybe, why, found, remarks)


def _with_needed(module: Module, modules: Sequence[Module]) -> tuple[Module, ...]:
    """A module and those that it depends on, directly or through others, itself first."""
    by_folder = {each.folder: each for each in modules if each.tool == module.tool}
    reached = [module]
    for each in reached:
        reached += [
            by_folder[needed]
            for needed in each.needs
            if needed in by_folder and by_folder[needed] not in reached
        ]
    return tuple(dict.fromkeys(reached))


def _remarks(candidate: Candidate, read: Sequence[Module]) -> Iterator[str]:
    module, sources = candidate.module, candidate.sources
    if sources.main is None:
        yield (
            f"{module.name} is taken for the application because its build makes an executable jar; "
            f"{read_of(sources)}, and none has a main class"
        )
    elif not module.is_boot:
        yield (
            f"{module.name} has the main class {sources.main}, but the build files that were read do not "
            f"apply the Spring Boot plugin to it: check that {module.jar} of it is an executable jar"
        )
    elif module.is_disabled:
        yield (
            f"{module.name} has the main class {sources.main}, but its build seems to disable the executable "
            "jar: check it"
        )
    if not any(each.has_actuator for each in read):
        yield (
            f"the build files of {_listed([each.name for each in read])} do not name "
            "spring-boot-starter-actuator, and a deploy waits until /actuator/health answers UP: add it, or "
            "set health.path in config.yml"
        )


def read_of(sources: Sources) -> str:
    """How many source files were read, and of which modules."""
    files = "1 source file" if sources.files == 1 else f"{sources.files} source files"
    return f"{files} of {_listed(sources.modules)} {'was' if sources.files == 1 else 'were'} read"


def _listed(names: Sequence[str]) -> str:
    if len(names) > _MOST_NAMES:
        return f"{names[0]} and {len(names) - 1} others"
    return " and ".join(names)


def _verify(sources: Sources, found: Answers, usual: str) -> tuple[str | None, tuple[str, ...]]:
    """The path that surely answers the slot, or else those that may."""

    def whole(signs: Sequence[_Sign]) -> tuple[str, ...]:
        handlers = _with(sources, signs)
        paths = (joined(found.prefix, sources.prefix, each.path or "") or "/" for each in handlers)
        return tuple(dict.fromkeys(paths))

    sure = whole(
        (
            lambda each: each.answers_profile and _is_slot_word(each.path),
            lambda each: each.in_file_of_profiles and _is_slot_word(each.path),
            lambda each: usual in (each.path, joined(found.prefix, each.path or "")),
            lambda each: each.answers_port and _is_slot_word(each.path),
        )
    )
    if len(sure) == 1 or usual in sure:
        return (usual if usual in sure else sure[0]), ()
    return None, sure or whole(
        (
            # It may only behave differently in a profile.
            lambda each: each.answers_profile or each.answers_port,
            # Without any reader of the profiles it is the page of a user.
            lambda each: sources.reads_profiles and _is_slot_word(each.path),
        )
    )


def _why_no_verify(sources: Sources, maybe: Sequence[str]) -> str:
    if maybe:
        return f"{_listed(maybe)} may answer the active profile: if so, set switch.verify in config.yml"
    if any(each.path is None and each.answers_profile for each in sources.handlers):
        return (
            "a handler answers the active profile, but its path is not plain text in the sources: set "
            "switch.verify in config.yml"
        )
    return (
        f"{read_of(sources)}, and none maps a path that answers the active profile: if the application has "
        "one, set switch.verify in config.yml"
    )


def _with(sources: Sources, signs: Sequence[_Sign]) -> list[Handler]:
    """The handlers with the first of these signs that any of them has."""
    usable = [each for each in sources.handlers if each.path is not None and _PLAIN.fullmatch(each.path)]
    return next((found for sign in signs if (found := [each for each in usable if sign(each)])), [])


def _is_slot_word(path: str | None) -> bool:
    return path is not None and bool(_SLOT_WORD.search(path.rpartition("/")[2]))
