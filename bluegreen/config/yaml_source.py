"""A YAML file as plain data, with the line of every key.

Scalars are read by YAML 1.2, as editors read them. PyYAML reads YAML 1.1, where `on` is a boolean, `22:33` is
the number 1353 and `010` is the number 8.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import yaml

from bluegreen.errors import WrongUsage

Key = tuple[str | int, ...]
"""The place of a value: names of keys, and indexes of list items from 0."""

Plain: TypeAlias = "bool | int | float | str | list[Plain] | dict[str, Plain] | None"


@dataclass(frozen=True)
class Problem:
    """One problem in a file.

    Args:
        line: from 1.
        key: the place in the file; empty for the file as a whole.
        text: the wrong value, why it is wrong, and a right one.
    """

    line: int
    key: Key
    text: str


class ConfigError(WrongUsage):
    """config.yml has errors; `problems` are all of them, by line."""

    def __init__(self, path: Path, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(dict.fromkeys(problems), key=lambda problem: problem.line))
        lines = [
            f"{path}:{problem.line}: {': '.join(filter(None, (dotted(problem.key), problem.text)))}"
            for problem in self.problems
        ]
        if len(lines) == 1:
            super().__init__(lines[0])
        else:
            super().__init__(f"{path} has {len(lines)} errors:", why=lines)


@dataclass(frozen=True)
class Source:
    """The content of a YAML file.

    Args:
        path: as it was passed to `read`.
        data: its mapping. Keys are text as written.
        lines: of every key and list item, from 1.
        texts: every scalar as it is written, without its quotes.
        problems: duplicate keys and the like. They are reported together with wrong values.
    """

    path: Path
    data: dict[str, Plain]
    lines: dict[Key, int]
    texts: dict[Key, str]
    problems: tuple[Problem, ...]

    def line(self, key: Key) -> int:
        """The line of this key, or of the nearest key around it that is in the file."""
        while key and key not in self.lines:
            key = key[:-1]
        return self.lines.get(key, 1)


def dotted(key: Key) -> str:
    """The key as a person writes it: `hosts.prod.address[1]`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in key).removeprefix(".")


def read(path: Path) -> Source:
    """Read a YAML file whose top level is a mapping.

    Raises:
        WrongUsage: there is no such file, or it cannot be read.
        ConfigError: the file is empty, not YAML, or not a mapping.
    """
    text = _text_of(path)
    try:
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        raise ConfigError(path, [_syntax_problem(error, text)]) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigError(
            path, [Problem(line, (), f"contains the control character {_named(error.character)}; delete it")]
        ) from None
    if root is None or (isinstance(root, yaml.ScalarNode) and root.value == ""):
        raise ConfigError(path, [Problem(1, (), "the file is empty; `app: NAME` and `hosts:` are required")])
    if not isinstance(root, yaml.MappingNode):
        what = "a list" if isinstance(root, yaml.SequenceNode) else "a text"
        text = f"the file is {what}; write keys with values, such as `app: taggle`"
        raise ConfigError(path, [Problem(root.start_mark.line + 1, (), text)])
    walk = _Walk()
    data = walk.mapping(root, ())
    return Source(path, data, walk.lines, walk.texts, tuple(walk.problems))


def plain(text: str) -> dict[str, Plain]:
    """The data of a text whose top level is a mapping, as `read` gives it.

    Raises:
        yaml.YAMLError: it is not YAML.
    """
    root = yaml.compose(text.removeprefix("\ufeff"), Loader=_Loader)
    return _Walk().mapping(root, ()) if isinstance(root, yaml.MappingNode) else {}


def _text_of(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise WrongUsage(
            f"{path}: there is no such file in {path.absolute().parent}",
            remedy="`bluegreen init` writes one, `--config FILE` reads another",
        ) from None
    except IsADirectoryError:
        raise WrongUsage(f"{path}: is a folder", remedy=f"--config {path / 'config.yml'}") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        found = Problem(line, (), f"byte 0x{error.object[error.start]:02x} is not UTF-8; save it as UTF-8")
        raise ConfigError(path, [found]) from None
    except OSError as error:
        raise WrongUsage(f"{path}: cannot be read", why=[str(error.strerror)]) from None


def _named(character: object) -> str:
    return repr(chr(character) if isinstance(character, int) else character)


class _Loader(yaml.SafeLoader):
    """Recognizes numbers, booleans and null as YAML 1.2 does, but reads 010 as text."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _firsts in [
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?(0|[1-9][0-9]*)", list("-+0123456789")),
    (
        "float",
        r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
    ("merge", r"<<", ["<"]),
]:
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), _firsts)


class _Walk:
    """Visits the nodes of a file and collects lines, texts and problems."""

    def __init__(self) -> None:
        self.lines: dict[Key, int] = {}
        self.texts: dict[Key, str] = {}
        self.problems: list[Problem] = []
        self._open: list[yaml.Node] = []

    def value(self, node: yaml.Node, key: Key) -> Plain:
        if any(node is around for around in self._open):
            self._problem(node, key, "an alias (*name) is inside its own value; write the value instead")
            return None
        self._open.append(node)
        try:
            if isinstance(node, yaml.MappingNode):
                return self.mapping(node, key)
            if isinstance(node, yaml.SequenceNode):
                return self._sequence(node, key)
            return self._scalar(node, key)
        finally:
            self._open.pop()

    def mapping(self, node: yaml.MappingNode, key: Key) -> dict[str, Plain]:
        merged: dict[str, Plain] = {}
        own: dict[str, Plain] = {}
        for name_node, value_node in node.value:
            line = name_node.start_mark.line + 1
            if not isinstance(name_node, yaml.ScalarNode):
                self._problem(name_node, key, "a key must be a text; remove the braces or brackets around it")
            elif name_node.tag == "tag:yaml.org,2002:merge":
                merged |= self._merged(value_node, key)
            elif name_node.value in own:
                at = (*key, name_node.value)
                text = f"duplicate key, first on line {self.lines[at]}; delete one of the two"
                self.problems.append(Problem(line, at, text))
            else:
                at = (*key, name_node.value)
                self.lines[at] = line
                own[name_node.value] = self.value(value_node, at)
        return merged | own

    def _merged(self, node: yaml.Node, key: Key) -> dict[str, Plain]:
        value = self.value(node, key)
        if isinstance(value, dict):
            return value
        self._problem(node, key, "`<<:` accepts one mapping, such as `<<: *prod`")
        return {}

    def _sequence(self, node: yaml.SequenceNode, key: Key) -> list[Plain]:
        items: list[Plain] = []
        for index, item in enumerate(node.value):
            at: Key = (*key, index)
            self.lines[at] = item.start_mark.line + 1
            items.append(self.value(item, at))
        return items

    def _scalar(self, node: yaml.Node, key: Key) -> Plain:
        written = str(node.value)
        self.texts[key] = written
        kind = node.tag.removeprefix("tag:yaml.org,2002:")
        if kind == "null":
            return None
        if kind == "bool":
            return written.lower() == "true"
        if kind == "int":
            # A longer one overflows a float, and int() refuses 4301 digits. As a text it is a wrong value.
            return int(written) if len(written) <= 300 else written
        if kind == "float":
            return float(written.lower().replace(".inf", "inf").replace(".nan", "nan"))
        if kind not in ("str", "merge"):
            self._problem(node, key, f"the tag {node.tag!r} has no meaning here; delete it")
        return written

    def _problem(self, node: yaml.Node, key: Key, text: str) -> None:
        self.problems.append(Problem(node.start_mark.line + 1, key, text))


_REMEDIES = [
    (r"character '\\t'", "a tab is used for the indent; write spaces"),
    (
        "mapping values are not allowed",
        "a second ': ' in one line, or a wrong indent; put a text that contains ': ' in quotes",
    ),
    ("could not find expected ':'", "a key has no ':'; write `key: value`"),
    (
        "expected <block end>",
        "the indent differs from the lines above; indent keys of one section equally",
    ),
    (r"expected ',' or '\}'", "a '{' is not closed, or a ',' is missing; write {one: 1, two: 2}"),
    (r"expected ',' or '\]'", "a '[' is not closed, or a ',' is missing; write [one, two]"),
    (
        "while scanning a quoted scalar|unexpected end of stream",
        "a quote is not closed; add one at the end",
    ),
    (
        "undefined alias|scanning an alias",
        "an alias (*name) has no anchor (&name); put a text that begins with * in quotes",
    ),
    ("that cannot start any token", "a text cannot begin with this character; put it in quotes"),
    ("single document", "a second document begins (---); delete it, a file is one config"),
]


def _syntax_problem(error: yaml.MarkedYAMLError, text: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(r"(<{7}|>{7}|={7})( |$)", line):
            return Problem(number, (), f"the file contains a merge conflict: {line[:30]!r}; resolve it")
    reason = f"{error.context} {error.problem}"
    if "not closed" in _remedy(reason) and error.context_mark is not None:
        mark = error.context_mark
    line_number = mark.line + 1 if mark else 1
    shown = text.splitlines()[line_number - 1].strip() if line_number <= len(text.splitlines()) else ""
    return Problem(line_number, (), f"{shown[:60]!r} is not YAML: {_remedy(reason)}")


def _remedy(reason: str) -> str:
    """Our text for the reason of PyYAML, or that reason if there is none."""
    return next((remedy for pattern, remedy in _REMEDIES if re.search(pattern, reason)), reason)
