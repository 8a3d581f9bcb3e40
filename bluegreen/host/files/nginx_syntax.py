"""The syntax of nginx's configuration: directives and blocks.

Source: nginx documentation, beginner's guide, "Configuration File's Structure"; ngx_conf_file.c.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# A `${name}` is part of a word, so its braces are no block; so is a quote that does not begin the word.
_TOKEN = re.compile(
    r"""\s+|\#[^\n]*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[{};]|(?:\\.|\$\{[^}\s]*\}|[^\s{};"'\\])(?:\\.|\$\{[^}\s]*\}|[^\s{};\\])*""",
    re.DOTALL,
)


@dataclass(frozen=True)
class Directive:
    """One directive: its name and arguments, the directives in its block, and the file that it is in."""

    words: tuple[str, ...]
    block: tuple[Directive, ...] = ()
    file: str = ""

    @property
    def name(self) -> str:
        """The name of the directive, empty for a block without one."""
        return self.words[0] if self.words else ""

    @property
    def value(self) -> str:
        """The arguments in one text."""
        return " ".join(self.words[1:])


def directives(text: str, file: str = "") -> tuple[Directive, ...]:
    """The directives of a text, in their order, without comments and quotes.

    Args:
        file: where the text is from.
    """
    tokens = [word for word in _TOKEN.findall(text) if word.strip() and not word.startswith("#")]
    found, _ = _block(tokens, 0, file)
    return found


def _block(tokens: list[str], position: int, file: str) -> tuple[tuple[Directive, ...], int]:
    """The directives from a position to the end of its block, and the position after that."""
    found: list[Directive] = []
    words: list[str] = []
    while position < len(tokens):
        word = tokens[position]
        position += 1
        if word == "}":
            break
        if word == "{":
            inner, position = _block(tokens, position, file)
            found.append(Directive(tuple(words), inner, file))
            words = []
        elif word == ";":
            if words:
                found.append(Directive(tuple(words), file=file))
            words = []
        else:
            quoted = len(word) > 1 and word[0] in "\"'" and word[-1] == word[0]
            words.append(word[1:-1] if quoted else word)
    return tuple(found), position
