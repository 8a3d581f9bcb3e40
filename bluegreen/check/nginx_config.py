"""The configuration that nginx has, as `nginx -T` prints it: which server reads the include."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_FILE = re.compile(r"^# configuration file (.+):$", re.MULTILINE)
_TOKEN = re.compile(r"""\s+|#[^\n]*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[{};]|(?:\\.|[^\s{};"'\\])+""")


@dataclass(frozen=True)
class Directive:
    """One directive: its words, and what stands in its block."""

    words: tuple[str, ...]
    block: tuple[Directive, ...] = ()


@dataclass(frozen=True)
class Server:
    """A server: where it listens, its names, whether it reads the include, and passes requests by it.

    Args:
        file_cache: it caches what it knows of files, by open_file_cache.
        keepalive_min_timeout: a reload leaves connections of waiting clients open for some time.
        headers: names and values of what it sets for the slots, those of its locations too.
    """

    listens: tuple[str, ...]
    names: tuple[str, ...]
    includes: bool
    passes: bool
    file_cache: bool
    keepalive_min_timeout: bool
    headers: tuple[tuple[str, str], ...] = ()


def servers(config: str, include: str) -> tuple[Server, ...]:
    """The servers of the text that `nginx -T` prints.

    Args:
        include: path of the file that names the live slot.
    """
    files = _files(config)
    if not files:
        return ()
    found = []
    for http in _http(files):
        around = tuple(_expanded(http.block, files))
        for server in (each for each in around if each.words[:1] == ("server",)):
            found.append(_server(server, around, files, include))
    return tuple(found)


def upstreams(config: str) -> frozenset[str]:
    """The names of the upstream groups of the text that `nginx -T` prints."""
    files = _files(config)
    if not files:
        return frozenset()
    found = (each for http in _http(files) for each in _expanded(http.block, files))
    return frozenset(each.words[1] for each in found if each.words[0] == "upstream" and len(each.words) > 1)


def _http(files: dict[str, str]) -> Iterator[Directive]:
    """The http blocks of the first file, which is nginx's main one."""
    return (each for each in _parse(next(iter(files.values()))) if each.words[:1] == ("http",))


def _server(server: Directive, around: tuple[Directive, ...], files: dict[str, str], include: str) -> Server:
    own = tuple(_expanded(server.block, files))
    deep = tuple(_deep(own, files))
    passes = any("$service_url" in " ".join(each.words) for each in deep if each.words[:1] == ("proxy_pass",))
    return Server(
        listens=tuple(" ".join(each.words[1:]) for each in own if each.words[0] == "listen") or ("80",),
        names=tuple(name for each in own if each.words[0] == "server_name" for name in each.words[1:])
        or ("",),
        includes=any(
            each.words[0] == "include" and _matches(each.words[1], include, _folder(files)) for each in deep
        ),
        passes=passes,
        headers=tuple(
            (each.words[1], " ".join(each.words[2:]))
            for each in deep
            if each.words[0] == "proxy_set_header" and len(each.words) > 2
        ),
        file_cache=_value("open_file_cache", own, around) not in ("", "off"),
        keepalive_min_timeout=_value("keepalive_min_timeout", own, around) not in ("", "0", "0s"),
    )


def _value(name: str, *blocks: tuple[Directive, ...]) -> str:
    """The value of a directive that is inherited from the outer block, empty if it stands in none of them."""
    values = (" ".join(each.words[1:]) for block in blocks for each in block if each.words[0] == name)
    return next(values, "")


def _expanded(block: tuple[Directive, ...], files: dict[str, str]) -> Iterator[Directive]:
    """The directives of a block, those of included files in their place."""
    for each in block:
        if each.words[0] == "include" and len(each.words) > 1:
            for path, text in files.items():
                if _matches(each.words[1], path, _folder(files)):
                    yield from _expanded(_parse(text), files)
        yield each


def _deep(block: tuple[Directive, ...], files: dict[str, str]) -> Iterator[Directive]:
    """The directives of a block and of the blocks within, those of included files in their place."""
    for each in block:
        yield each
        yield from _deep(tuple(_expanded(each.block, files)), files)


def _matches(pattern: str, path: str, folder: str) -> bool:
    whole = pattern if pattern.startswith("/") else f"{folder}/{pattern}"
    parts = [re.escape(part).replace(r"\*", "[^/]*").replace(r"\?", "[^/]") for part in whole.split("/")]
    name = path.rsplit("/", 1)[-1]
    # A glob passes over hidden files.
    return re.fullmatch("/".join(parts), path) is not None and (not name.startswith(".") or path == whole)


def _folder(files: dict[str, str]) -> str:
    """Where a path that is not absolute begins: the folder of the main file, which nginx prints first."""
    return next(iter(files)).rpartition("/")[0]


def _files(config: str) -> dict[str, str]:
    pieces = _FILE.split(config)
    return dict(zip(pieces[1::2], pieces[2::2], strict=True))


def _parse(text: str) -> tuple[Directive, ...]:
    words = [word for word in _TOKEN.findall(text) if word.strip() and not word.startswith("#")]
    directives, _ = _block(words, 0)
    return directives


def _block(tokens: list[str], at: int) -> tuple[tuple[Directive, ...], int]:
    found: list[Directive] = []
    words: list[str] = []
    while at < len(tokens):
        word = tokens[at]
        at += 1
        if word == "}":
            break
        if word == "{":
            inner, at = _block(tokens, at)
            found.append(Directive(tuple(words) or ("",), inner))
            words = []
        elif word == ";":
            if words:
                found.append(Directive(tuple(words)))
            words = []
        else:
            words.append(word.strip("\"'"))
    return tuple(found), at
