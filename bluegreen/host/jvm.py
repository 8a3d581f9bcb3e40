"""A JVM that runs on the machine: what it was given, read from /proc (proc(5))."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bluegreen.host.facts import Facts, lines_of

# What bluegreen or the old scripts set for each slot, and what names the jar.
_OF_SLOTS = re.compile(r"(-D|--)(spring\.profiles\.(active|include)|server\.port|bluegreen\.\w+)(=.*)?")
_PROFILES = re.compile(r"(?:-D|--)spring\.profiles\.(?:active|include)=(.*)")


@dataclass(frozen=True)
class Jvm:
    """What one JVM was given. It is data of the machine: shown to people, never run.

    Args:
        folder: its working directory, empty if this user may not see it.
        words: its command line.
        environment: names of its variables; the one of Spring's profiles with its value.
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
        """The Spring profiles that its command line and environment name."""
        named = [found[1] for word in self.words if (found := _PROFILES.fullmatch(word))]
        named += [
            each.partition("=")[2] for each in self.environment if each.startswith("SPRING_PROFILES_ACTIVE=")
        ]
        return tuple(
            dict.fromkeys(name.strip() for text in named for name in text.split(",") if name.strip())
        )

    @property
    def options(self) -> tuple[str, ...]:
        """The options of the JVM itself, without those that belong to a slot."""
        return self._given(self.words[1 : self._jar])

    @property
    def args(self) -> tuple[str, ...]:
        """The arguments of the application, without those that belong to a slot."""
        return self._given(self.words[self._jar + 2 :])

    @property
    def settings(self) -> tuple[str, ...]:
        """The names of its variables that Spring or the JVM read as settings."""
        wanted = re.compile(r"(SPRING|SERVER|MANAGEMENT|LOGGING)_\w+|(JAVA_TOOL|JDK_JAVA|_JAVA)_OPTIONS")
        names = (each.partition("=")[0] for each in self.environment)
        return tuple(name for name in names if wanted.fullmatch(name) and name != "SPRING_PROFILES_ACTIVE")

    @property
    def _jar(self) -> int:
        return self.words.index("-jar") if "-jar" in self.words else len(self.words)

    def _given(self, words: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(word for word in words if not _OF_SLOTS.fullmatch(word))


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
