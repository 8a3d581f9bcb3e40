"""The configuration that nginx reads, parsed from the output of `nginx -T`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_FILE = re.compile(r"^# configuration file (.+):$", re.MULTILINE)
_TOKEN = re.compile(r"""\s+|#[^\n]*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[{};]|(?:\\.|[^\s{};"'\\])+""")


@dataclass(frozen=True)
class Directive:
    """One directive: its name and arguments, and the directives in its block."""

    words: tuple[str, ...]
    block: tuple[Directive, ...] = ()

    @property
    def name(self) -> str:
        """The name of the directive, empty for a block without one."""
        return self.words[0] if self.words else ""

    @property
    def value(self) -> str:
        """The arguments in one text."""
        return " ".join(self.words[1:])


@dataclass(frozen=True)
class Server:
    """One server block.

    Args:
        listens: the arguments of each of its `listen` directives.
        includes: it reads the include, in the server block itself or in a location.
        passes: one of its locations passes requests to `$service_url`.
        file_cache: `open_file_cache` is on.
        keepalive_min_timeout: a reload keeps the connections of waiting clients open for some time.
        headers: names and values of the headers that it sets for the slots, those of its locations included.
    """

    listens: tuple[str, ...]
    names: tuple[str, ...]
    includes: bool
    passes: bool
    file_cache: bool
    keepalive_min_timeout: bool
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def ports(self) -> tuple[int, ...]:
        """The ports that it listens on."""
        return tuple(_port(listen) for listen in self.listens)


@dataclass(frozen=True)
class NginxConfig:
    """The servers and the names of the upstream groups of a configuration."""

    servers: tuple[Server, ...]
    upstreams: frozenset[str]

    @property
    def readers(self) -> tuple[Server, ...]:
        """The servers that read the include."""
        return tuple(server for server in self.servers if server.includes)


def parse(config: str, include: str) -> NginxConfig | None:
    """Returns the configuration that `nginx -T` printed, None if the text contains none.

    Args:
        config: the output of `nginx -T`, which begins with the main file.
        include: the path of the include that names the live slot.
    """
    files = _files(config)
    if not files:
        return None
    blocks = [tuple(_expanded(http.block, files)) for http in _http_blocks(files)]
    return NginxConfig(
        servers=tuple(
            _server(directive, block, files, include)
            for block in blocks
            for directive in block
            if directive.name == "server"
        ),
        upstreams=frozenset(
            directive.words[1]
            for block in blocks
            for directive in block
            if directive.name == "upstream" and len(directive.words) > 1
        ),
    )


def _http_blocks(files: dict[str, str]) -> Iterator[Directive]:
    main = next(iter(files.values()))
    return (directive for directive in _directives(main) if directive.name == "http")


def _server(server: Directive, http: tuple[Directive, ...], files: dict[str, str], include: str) -> Server:
    own = tuple(_expanded(server.block, files))
    deep = tuple(_with_inner_blocks(own, files))
    return Server(
        listens=tuple(each.value for each in own if each.name == "listen") or ("80",),
        names=tuple(name for each in own if each.name == "server_name" for name in each.words[1:]) or ("",),
        includes=any(
            each.name == "include" and _matches(each.words[1], include, _main_folder(files)) for each in deep
        ),
        passes=any(each.name == "proxy_pass" and "$service_url" in each.value for each in deep),
        file_cache=_inherited("open_file_cache", own, http) not in ("", "off"),
        keepalive_min_timeout=_inherited("keepalive_min_timeout", own, http) not in ("", "0", "0s"),
        headers=tuple(
            (each.words[1], " ".join(each.words[2:]))
            for each in deep
            if each.name == "proxy_set_header" and len(each.words) > 2
        ),
    )


def _inherited(name: str, *blocks: tuple[Directive, ...]) -> str:
    """The value of a directive in the first block that has it, empty if none has."""
    values = (each.value for block in blocks for each in block if each.name == name)
    return next(values, "")


def _expanded(block: tuple[Directive, ...], files: dict[str, str]) -> Iterator[Directive]:
    """The directives of a block, each `include` preceded by the directives of the files that it names."""
    for each in block:
        if each.name == "include" and len(each.words) > 1:
            for path, text in files.items():
                if _matches(each.words[1], path, _main_folder(files)):
                    yield from _expanded(_directives(text), files)
        yield each


def _with_inner_blocks(block: tuple[Directive, ...], files: dict[str, str]) -> Iterator[Directive]:
    """The directives of a block and of all blocks inside it, those of included files among them."""
    for each in block:
        yield each
        yield from _with_inner_blocks(tuple(_expanded(each.block, files)), files)


def _matches(pattern: str, path: str, folder: str) -> bool:
    whole = pattern if pattern.startswith("/") else f"{folder}/{pattern}"
    parts = [re.escape(part).replace(r"\*", "[^/]*").replace(r"\?", "[^/]") for part in whole.split("/")]
    # A glob does not match hidden files.
    hidden = path.rsplit("/", 1)[-1].startswith(".")
    return re.fullmatch("/".join(parts), path) is not None and (not hidden or path == whole)


def _main_folder(files: dict[str, str]) -> str:
    """The folder that relative paths start from: that of the main file, which `nginx -T` prints first."""
    return next(iter(files)).rpartition("/")[0]


def _files(config: str) -> dict[str, str]:
    pieces = _FILE.split(config)
    return dict(zip(pieces[1::2], pieces[2::2], strict=True))


def _directives(text: str) -> tuple[Directive, ...]:
    tokens = [word for word in _TOKEN.findall(text) if word.strip() and not word.startswith("#")]
    directives, _ = _block(tokens, 0)
    return directives


def _block(tokens: list[str], position: int) -> tuple[tuple[Directive, ...], int]:
    """The directives from a position to the end of its block, and the position after that."""
    found: list[Directive] = []
    words: list[str] = []
    while position < len(tokens):
        word = tokens[position]
        position += 1
        if word == "}":
            break
        if word == "{":
            inner, position = _block(tokens, position)
            found.append(Directive(tuple(words), inner))
            words = []
        elif word == ";":
            if words:
                found.append(Directive(tuple(words)))
            words = []
        else:
            words.append(word.strip("\"'"))
    return tuple(found), position


def _port(listen: str) -> int:
    found = re.match(r"(?:.*:)?(\d+)$", listen.split()[0])
    return int(found.group(1)) if found else 80
