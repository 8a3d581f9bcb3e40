"""The configuration that nginx reads, parsed from the output of `nginx -T`."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from bluegreen.host.files.nginx_syntax import Directive, directives
from bluegreen.host.files.site import SLOT_PATH
from bluegreen.host.server_names import match

# The directives that pass a request on to an application.
_PASSES = ("proxy_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "grpc_pass")
_NAMES_BUCKET = "server_names_hash_bucket_size"
_LOOPBACK = re.compile(r"(?:127\.[\d.]+|localhost|\[::1\]):(\d+)")
_FILE = re.compile(r"^# configuration file (.+):$", re.MULTILINE)


@dataclass(frozen=True)
class Server:
    """One server block.

    Args:
        listens: the arguments of each of its `listen` directives.
        includes: it reads the include, in the server block itself or in a location.
        passes_to: the targets that its locations pass requests to, as they are written.
        sets: names and values of the variables that it sets.
        root: the folder that it serves files from, empty if it names none.
        file: the file that it is in.
        file_cache: `open_file_cache` is on.
        cache: it may answer from a cache of responses (`proxy_cache`).
        try_files: a location of it that reads the include has `try_files`, too.
        redirects: it answers with a redirect somewhere.
        by_setup: it is a site that `setup` of bluegreen wrote, for this app or another one.
        keepalive_min_timeout: a reload keeps the connections of waiting clients open for some time.
        headers: names and values of the headers that it sets for the slots, those of its locations included.
    """

    listens: tuple[str, ...]
    names: tuple[str, ...]
    includes: bool
    passes_to: tuple[str, ...]
    file_cache: bool
    keepalive_min_timeout: bool
    headers: tuple[tuple[str, str], ...] = ()
    sets: tuple[tuple[str, str], ...] = ()
    root: str = ""
    file: str = ""
    cache: bool = False
    try_files: bool = False
    redirects: bool = False
    by_setup: bool = False

    @property
    def ports(self) -> tuple[int, ...]:
        """The ports that it listens on."""
        return tuple(_port(listen) for listen in self.listens)

    def addresses(self, port: int) -> tuple[str, ...]:
        """The addresses where it listens on a port, `*` for all of them."""
        listens = (listen.split()[0] for listen in self.listens if _port(listen) == port)
        return tuple(listen.removesuffix(f":{port}") if listen != str(port) else "*" for listen in listens)

    def matches(self, name: str) -> bool:
        """Whether one of its names, wildcards or regular expressions matches a name."""
        return any(match(pattern, name) for pattern in self.names)

    @property
    def has_name(self) -> bool:
        """Whether it has a name of its own, so that it is not meant for all requests."""
        return any(name not in ("", "_") for name in self.names)

    def default_of(self, port: int) -> bool:
        """Whether it is marked as the server for requests to that port with an unknown name."""
        marks = {"default_server", "default"}
        return any(_port(listen) == port and marks & set(listen.split()) for listen in self.listens)

    @property
    def proxy_protocol(self) -> bool:
        """Whether it expects the PROXY protocol, which our own requests do not speak."""
        return any("proxy_protocol" in listen.split() for listen in self.listens)

    def passes(self, variable: str) -> bool:
        """Whether one of its locations passes requests to a variable, or to one that is set to it."""
        carriers = {variable}
        while more := {name for name, value in self.sets if _mentions(value, carriers)} - carriers:
            carriers |= more
        return any(_mentions(target, carriers) for target in self.passes_to)


@dataclass(frozen=True)
class Upstream:
    """One upstream group.

    Args:
        servers: the address of each of its servers, as it is written.
    """

    name: str
    servers: tuple[str, ...]

    @property
    def port(self) -> int | None:
        """The port on this machine that all its requests go to, None if there is no such port."""
        if len(self.servers) != 1:
            return None
        found = _LOOPBACK.fullmatch(self.servers[0])
        return int(found.group(1)) if found else None


@dataclass(frozen=True)
class NginxConfig:
    """The servers, upstream groups and values of server_names_hash_bucket_size (with their file) of nginx."""

    servers: tuple[Server, ...]
    upstreams: tuple[Upstream, ...]
    names_buckets: tuple[tuple[str, str], ...] = ()

    @property
    def groups(self) -> dict[str, int]:
        """The port of each upstream group that leads to one port of this machine, by the group's name."""
        return {each.name: each.port for each in self.upstreams if each.port is not None}

    def port_of(self, target: str) -> int | None:
        """The port of this machine that a target of `proxy_pass` leads to, None if it leads elsewhere."""
        host = re.sub(r"^https?://|/.*$", "", target)
        found = _LOOPBACK.fullmatch(host)
        return int(found.group(1)) if found else self.groups.get(host)

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
            _server(each, block, files, include)
            for block in blocks
            for each in block
            if each.name == "server"
        ),
        upstreams=tuple(
            Upstream(each.words[1], _addresses(each, files))
            for each in itertools.chain(*blocks)
            if each.name == "upstream" and len(each.words) > 1
        ),
        names_buckets=tuple(
            (each.value, each.file) for each in itertools.chain(*blocks) if each.name == _NAMES_BUCKET
        ),
    )


def server_for(servers: Sequence[Server], port: int, name: str) -> Server | None:
    """The server that gets the requests to a port for a name, None if none listens there.

    Source: nginx documentation, "How nginx processes a request" and "Server names": the exact name, the
    longest wildcard at the front, the longest at the end, the first regular expression, else the default
    server.

    Args:
        name: empty for a name that no server has.
    """
    here = [server for server in servers if port in server.ports]
    matching = [
        (match(pattern, name), server) for server in here for pattern in server.names if name and pattern
    ]
    # Of equal ones the first: nginx ignores a name that another server of the port has already.
    best = max((rank for rank, _ in matching if rank), default=None)
    if best:
        return next(server for rank, server in matching if rank == best)
    return next((server for server in here if server.default_of(port)), next(iter(here), None))


def _addresses(upstream: Directive, files: dict[str, str]) -> tuple[str, ...]:
    return tuple(
        each.words[1]
        for each in _expanded(upstream.block, files)
        if each.name == "server" and len(each.words) > 1
    )


def _http_blocks(files: dict[str, str]) -> Iterator[Directive]:
    path, main = next(iter(files.items()))
    return (each for each in _expanded(directives(main, path), files) if each.name == "http")


def _server(server: Directive, http: tuple[Directive, ...], files: dict[str, str], include: str) -> Server:
    own = tuple(_expanded(server.block, files))
    deep = tuple(_with_inner_blocks(own, files))
    return Server(
        listens=tuple(each.value for each in own if each.name == "listen") or ("80",),
        names=tuple(name for each in own if each.name == "server_name" for name in each.words[1:]) or ("",),
        includes=_reads(deep, include, files),
        passes_to=tuple(each.value for each in deep if each.name in _PASSES),
        file_cache=_inherited("open_file_cache", own, http) not in ("", "off"),
        keepalive_min_timeout=_inherited("keepalive_min_timeout", own, http) not in ("", "0", "0s"),
        headers=tuple(
            (each.words[1], " ".join(each.words[2:]))
            for each in deep
            if each.name == "proxy_set_header" and len(each.words) > 2
        ),
        sets=tuple(
            (each.words[1].removeprefix("$"), each.words[2])
            for each in deep
            if each.name == "set" and len(each.words) > 2
        ),
        root=next((each.value for each in deep if each.name == "root"), ""),
        file=server.file,
        cache=any(each.name == "proxy_cache" and each.value != "off" for each in (*deep, *http)),
        try_files=any(
            _reads(block, include, files) and any(each.name == "try_files" for each in block)
            for block in _inner_blocks(own, files)
        ),
        redirects=any(each.name == "return" and each.value.startswith("30") for each in deep),
        by_setup=any(each.name == "location" and each.words[-1] == SLOT_PATH for each in deep),
    )


def _reads(block: tuple[Directive, ...], include: str, files: dict[str, str]) -> bool:
    return any(
        each.name == "include" and _matches(each.words[1], include, _main_folder(files)) for each in block
    )


def _inner_blocks(block: tuple[Directive, ...], files: dict[str, str]) -> Iterator[tuple[Directive, ...]]:
    for each in block:
        if each.block:
            inner = tuple(_expanded(each.block, files))
            yield inner
            yield from _inner_blocks(inner, files)


def _mentions(text: str, variables: Collection[str]) -> bool:
    """Whether a text contains one of the variables, as `$name` or `${name}`."""
    return any(re.search(rf"\$(?:{re.escape(name)}\b|\{{{re.escape(name)}\}})", text) for name in variables)


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
                    yield from _expanded(directives(text, path), files)
        yield each


def _with_inner_blocks(block: tuple[Directive, ...], files: dict[str, str]) -> Iterator[Directive]:
    """The directives of a block and of all blocks inside it, those of included files among them."""
    for each in block:
        yield each
        yield from _with_inner_blocks(tuple(_expanded(each.block, files)), files)


def _matches(pattern: str, path: str, folder: str) -> bool:
    whole = pattern if pattern.startswith("/") else f"{folder}/{pattern}"
    patterns, parts = whole.split("/"), path.split("/")
    # A glob does not match hidden files.
    hidden = parts[-1].startswith(".") and path != whole
    return len(patterns) == len(parts) and not hidden and all(map(fnmatchcase, parts, patterns))


def _main_folder(files: dict[str, str]) -> str:
    """The folder that relative paths start from: that of the main file, which `nginx -T` prints first."""
    return next(iter(files)).rpartition("/")[0]


def _files(config: str) -> dict[str, str]:
    pieces = _FILE.split(config)
    return dict(zip(pieces[1::2], pieces[2::2], strict=True))


def _port(listen: str) -> int:
    found = re.match(r"(?:.*:)?(\d+)$", listen.split()[0])
    return int(found.group(1)) if found else 80
