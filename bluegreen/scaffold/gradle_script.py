"""The text of a Gradle script, Groovy or Kotlin: its comments, blocks, conditions and strings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_STRING = (
    r'"""[\s\S]*?"""|\'\'\'[\s\S]*?\'\'\'|"(?:\\.|[^"\\\n])*"'
    r"|'(?:\\.|[^'\\\n])*'"
)
_STRING_OR_COMMENT = re.compile(rf"{_STRING}|/\*[\s\S]*?\*/|//[^\n]*")
_STRING_OR_BRACKET = re.compile(rf"{_STRING}|[(){{}}\[\]]")
_OF_THE_NAME = re.compile(
    r"\b(?:name|path)\s*(==|!=|!?in\b)|\b(?:name|path)\.(startsWith|endsWith|contains)\b"
    r"|\bcontains\(\s*(?:\w+\.)?(name|path)\s*\)"
)


@dataclass(frozen=True)
class Block:
    """A header and its braces: `subprojects { … }`.

    Args:
        header: the text before the brace, such as `configure(subprojects)`.
        body: the text between the braces.
        start: where the header begins.
        end: behind the closing brace.
    """

    header: str
    body: str
    start: int
    end: int


def without_comments(text: str) -> str:
    """A script, or a Java or Kotlin source, without its comments; the lines stay where they are."""

    def kept(found: re.Match[str]) -> str:
        return found[0] if found[0][0] in "\"'" else " " + "\n" * found[0].count("\n")

    return _STRING_OR_COMMENT.sub(kept, text)


def closing(text: str, start: int) -> int:
    """The index behind the bracket that closes the one at `start`; the end of the text if none does."""
    depth = 0
    for found in _STRING_OR_BRACKET.finditer(text, start):
        if found[0] in ("(", "{", "["):
            depth += 1
        elif found[0] in (")", "}", "]"):
            depth -= 1
        if depth <= 0:
            return found.end()
    return len(text)


def blocks(text: str, name: str) -> Iterator[Block]:
    """Every block whose header begins with a word, outermost first.

    Args:
        name: a regular expression of that word. What follows it may be in brackets: `configure(subprojects)`.
    """
    position = 0
    for found in re.finditer(rf"(?<![\w.$])(?:{name})(?=\s*[({{])", text):
        if found.start() < position:
            continue
        end = found.end()
        while (bracket := re.compile(r"\s*\(").match(text, end)) is not None:
            end = closing(text, bracket.end() - 1)
        brace = re.compile(r"\s*\{").match(text, end)
        if brace is not None:
            position = closing(text, brace.end() - 1)
            yield Block(text[found.start() : end], text[brace.end() : position - 1], found.start(), position)


def without_blocks(text: str, name: str) -> str:
    """The text without the blocks whose header begins with a word, given as a regular expression."""
    for block in reversed(list(blocks(text, name))):
        text = text[: block.start] + text[block.end :]
    return text


def of_task(text: str, task: str) -> Iterator[str]:
    """What a script sets for a task, in its order: the bodies of its blocks, and `bootJar.enabled = false`.

    Args:
        task: a regular expression of the task's name and type, such as `bootJar|BootJar`.
    """
    for found in re.finditer(
        rf"\b(?:{task})\b[^\n{{}};=]*?(?:\s*(\{{)|\.(?=\w+\s*=)|\.(?=\w+\.set\())", text
    ):
        if found[1]:
            yield text[found.end() : closing(text, found.end() - 1) - 1]
        else:
            yield re.split(r"[\n;]", text[found.end() :], maxsplit=1)[0]


def for_project(text: str, name: str) -> str:
    """The text without what it does only `if` a project has another name."""
    for block in reversed(list(blocks(text, "if"))):
        if is_for(block.header, name) is False:
            text = text[: block.start] + text[block.end :]
    return text


def is_for(condition: str, name: str) -> bool | None:
    """Whether a condition such as `it.name != 'core'` holds for a project; None if it says something else."""
    found = _OF_THE_NAME.findall(condition)
    strings = [value.strip(":").rpartition(":")[2] for value in strings_in(condition)]
    if len(found) != 1 or not strings or re.search(r"&&|\|\|", condition):
        return None
    comparison, method, listed = found[0]
    negated = bool(re.search(r"(?<![=!<>])!(?!=|in\b)", condition))
    if method:
        value = strings[0]
        holds = {
            "startsWith": name.startswith(value),
            "endsWith": name.endswith(value),
            "contains": value in name,
        }[method]
    else:
        holds = (name in strings) == (listed != "" or comparison in ("==", "in"))
    return holds != negated


def strings_in(text: str) -> list[str]:
    """The contents of the strings in a text."""
    return [found[0].strip("\"'") for found in re.finditer(_STRING, text)]


def interpolated(value: str, *, name: str, root: str) -> str:
    """A string with the names of the projects filled in, and `*` for what only Gradle knows.

    Args:
        name: the name of the project.
        root: the name of the root project.
    """

    def filled(found: re.Match[str]) -> str:
        inner = (found[1] or found[2]).strip()
        if inner in ("rootProject.name", "project.rootProject.name"):
            return root
        return name if inner in ("project.name", "name") else "*"

    return re.sub(r"\*+", "*", re.sub(r"\$\{([^}]*)\}|\$((?:project|rootProject)\.\w+|\w+)", filled, value))
