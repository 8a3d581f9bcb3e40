"""A JVM that runs on the machine: what it was given, read from /proc (proc(5))."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from bluegreen.host.facts import Facts, lines_of

# What bluegreen or the old scripts set for each slot, and what names the jar.
_OF_SLOTS = re.compile(r"(-D|--)(spring\.profiles\.(active|include)|server\.port|bluegreen\.\w+)(=.*)?")
_PROFILES = re.compile(r"spring\.profiles\.(active|include)(\[\d+\])?")
_PROFILES_IN_ENVIRONMENT = re.compile(r"SPRING_PROFILES_(ACTIVE|INCLUDE)(_\d+_?)?")
# Options of `java` whose value is the next word (java(1)).
_WITH_A_VALUE = (
    *("-cp", "-classpath", "--class-path", "-p", "--module-path", "--upgrade-module-path", "--patch-module"),
    *("--add-modules", "--add-opens", "--add-exports", "--add-reads", "--limit-modules"),
)


@dataclass(frozen=True)
class Jvm:
    """What one JVM was given. It is data of the machine: shown to people, never run.

    Args:
        folder: its working directory, empty if this user may not see it.
        words: its command line.
        environment: names of its variables, `NAME=value` where the value is known.
        has_files: whether there are files in its working directory.
    """

    folder: str
    words: tuple[str, ...]
    environment: tuple[str, ...]
    has_files: bool = True

    @property
    def bluegreen(self) -> bool:
        """Whether bluegreen started it."""
        return any(word.startswith("-Dbluegreen.app=") for word in self.words)

    @property
    def profiles(self) -> tuple[str, ...]:
        """The Spring profiles that its command line and environment make active.

        `active` of an argument replaces that of an option, which replaces that of a variable; what each of
        them includes is added (Spring Boot reference, "Adding Active Profiles").
        """
        sources = (self._in_arguments(), self._in_options(), self._in_environment())
        active = next((source["active"] for source in sources if "active" in source), "")
        named = ",".join((active, *(source.get("include", "") for source in sources)))
        return tuple(dict.fromkeys(name.strip() for name in named.split(",") if name.strip()))

    @property
    def options(self) -> tuple[str, ...]:
        """The options of the JVM itself, without those that belong to a slot."""
        return self._given(tuple(word for word in self.words[1 : self._program] if word != "-jar"))

    @property
    def args(self) -> tuple[str, ...]:
        """The arguments of the application, without those that belong to a slot."""
        return self._given(self.words[self._program + 1 :])

    @property
    def settings(self) -> tuple[str, ...]:
        """The names of its variables that Spring or the JVM read as settings."""
        wanted = re.compile(r"(SPRING|SERVER|MANAGEMENT|LOGGING)_\w+|(JAVA_TOOL|JDK_JAVA|_JAVA)_OPTIONS")
        names = (each.partition("=")[0] for each in self.environment)
        return tuple(name for name in names if wanted.fullmatch(name) and name != "SPRING_PROFILES_ACTIVE")

    @property
    def _program(self) -> int:
        """Where the jar or the main class is among the words."""
        at = 1
        while at < len(self.words) and self.words[at].startswith(("-", "@")):
            at += 2 if self.words[at] in _WITH_A_VALUE else 1
        return at

    @property
    def _values(self) -> dict[str, str]:
        pairs = (each.partition("=") for each in self.environment if "=" in each)
        return {name: value for name, _, value in pairs}

    def _in_arguments(self) -> dict[str, str]:
        """Of an argument that is given several times, all values hold."""
        words = self.words[self._program + 1 :]
        return _by_kind((kind, value) for kind, _, value in _profiles_of("--", words))

    def _in_options(self) -> dict[str, str]:
        """Of an option that is given several times, the last value holds; _JAVA_OPTIONS comes last of all."""
        values = self._values
        first = f"{values.get('JAVA_TOOL_OPTIONS', '')} {values.get('JDK_JAVA_OPTIONS', '')}".split()
        words = (*first, *self.words[1 : self._program], *values.get("_JAVA_OPTIONS", "").split())
        last = {(kind, index): value for kind, index, value in _profiles_of("-D", words)}
        return _by_kind((kind, value) for (kind, _), value in last.items())

    def _in_environment(self) -> dict[str, str]:
        # Spring ignores the case, and reads a dot or a dash as an underscore.
        known = {re.sub(r"[.-]", "_", name).upper(): value for name, value in self._values.items()}
        return _by_kind(
            (found[1].lower(), value)
            for name, value in known.items()
            if (found := _PROFILES_IN_ENVIRONMENT.fullmatch(name))
        )

    def _given(self, words: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(word for word in words if not _OF_SLOTS.fullmatch(word))


def _profiles_of(prefix: str, words: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """Which kind of profiles the words set, the index in a list, and the value."""
    for word in words:
        name, _, value = word.partition("=")
        if found := _PROFILES.fullmatch(name.removeprefix(prefix)) if name.startswith(prefix) else None:
            yield found[1], found[2] or "", value


def _by_kind(values: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for kind, value in values:
        found[kind] = f"{found[kind]},{value}" if kind in found else value
    return found


def read(facts: Facts, slots: Mapping[str, object]) -> dict[str, Jvm]:
    """The JVMs of the slots, by slot, from the facts of a diagnosis."""
    found = {}
    for slot in slots:
        words = lines_of(facts.text(f"jvm.{slot}.words"))
        if words:
            environment = tuple(lines_of(facts.text(f"jvm.{slot}.environment")))
            has_files = f"jvm.{slot}.files" in facts
            found[slot] = Jvm(facts.text(f"jvm.{slot}.folder"), tuple(words), environment, has_files)
    return found
