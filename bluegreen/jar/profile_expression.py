"""Expressions of Spring profiles (Spring, `Profiles.of`): `prod1 | (eu & !test)`; a comma means `or`."""

from __future__ import annotations

import re
from collections.abc import Collection

_WORDS = re.compile(r"[()&|!,]|[^()&|!,\s]+")


def holds(expression: str, profiles: Collection[str]) -> bool:
    """Whether an expression holds with these profiles active."""
    words = _WORDS.findall(expression)

    def either(at: int) -> tuple[bool, int]:
        value, at = both(at)
        while at < len(words) and words[at] in ("|", ","):
            other, at = both(at + 1)
            value = value or other
        return value, at

    def both(at: int) -> tuple[bool, int]:
        value, at = single(at)
        while at < len(words) and words[at] == "&":
            other, at = single(at + 1)
            value = value and other
        return value, at

    def single(at: int) -> tuple[bool, int]:
        word = words[at] if at < len(words) else ""
        if word == "!":
            value, at = single(at + 1)
            return not value, at
        if word == "(":
            value, at = either(at + 1)
            return value, at + 1
        return word in profiles, at + 1

    return either(0)[0]


def wanted(expression: str) -> tuple[str, ...]:
    """The profiles that an expression names and does not negate: not `dev` and `test` of `!(dev | test)`."""
    names: list[str] = []
    negated, around = False, [False]
    for word in _WORDS.findall(expression):
        if word == "!":
            negated = not negated
            continue
        if word == "(":
            around.append(around[-1] ^ negated)
        elif word == ")":
            around = around[:-1] or [False]
        elif word not in "&|," and not around[-1] ^ negated:
            names.append(word)
        negated = False
    return tuple(dict.fromkeys(names))
