"""A command line as a person sees it: its words are data, and their values may be secrets (P10)."""

from __future__ import annotations

import re
from collections.abc import Iterable

HIDDEN = "…"
# The value of these properties is no secret, and a person needs it.
_HARMLESS = re.compile(
    r"-D(user\.(timezone|language|country|region)|file\.encoding|sun\.jnu\.encoding|std(out|err)\.encoding"
    r"|java\.awt\.headless|java\.net\.preferIPv[46]\w+|java\.io\.tmpdir|java\.security\.egd"
    r"|com\.sun\.management\.jmxremote\.(port|rmi\.port|ssl|authenticate)|bluegreen\.\w+)"
    r"|(-D|--)(spring\.profiles\.(active|include)|spring\.main\.[\w-]+|(management\.)?server\.port)"
    r"|--add-(opens|exports|modules|reads)|--enable-native-access"
)
_PLAIN_VALUE = re.compile(r"[\w.,:/%+-]*")
# Options that have no value, or one of the JVM itself: -Xmx2g, -XX:+UseG1GC, -XX:MaxRAMPercentage=75.
_OPTION = re.compile(
    r"-[A-Za-z]|-(server|client|jar|cp|classpath|ea|esa)|--[A-Za-z][\w.\[\]-]*|-D[\w.\[\]-]+"
    r"|-X[a-z]+[\w.*+:,/%-]*|-X(log|share|shareclasses|loggc):[\w.*+=:,/%-]*"
    r"|-XX:[+-]?\w+(=[\w.,:/%+-]*)?|-(javaagent|agentpath|agentlib):[^=]+"
)
_NAMED = re.compile(r"(-[^=]*)=(.*)", re.DOTALL)
# What follows is a path, or several.
_BEFORE_A_PATH = ("-jar", "-cp", "-classpath", "--class-path")


def shown(words: Iterable[str], *, program: bool = True) -> str:
    """A command line for a person: of what has a value the name alone, unless the value is harmless.

    Args:
        program: whether the first word is the program.
    """
    seen: list[str] = []
    before = None
    for word in words:
        known = (program and before is None) or before in _BEFORE_A_PATH
        text = _printable(word) if known else _word(word)
        # A value of several words is one that is hidden.
        if text != HIDDEN or seen[-1:] != [HIDDEN]:
            seen.append(text)
        before = word
    return " ".join(seen)


def _word(word: str) -> str:
    named = _NAMED.fullmatch(word)
    if _OPTION.fullmatch(word) or (
        named and _HARMLESS.fullmatch(named[1]) and _PLAIN_VALUE.fullmatch(named[2])
    ):
        return _printable(word)
    # The word before `=` may be a value as well: -pPASSWORD=…
    return f"{_printable(named[1])}={HIDDEN}" if named and _OPTION.fullmatch(named[1]) else HIDDEN


def _printable(word: str) -> str:
    return "".join(each if each.isprintable() else "?" for each in word)
