"""Findings about nginx: whether it runs, reads the include, and what it routes to."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from urllib.parse import urlsplit

from bluegreen.check.finding import Finding, failure, ok, warning
from bluegreen.check.nginx_config import Server
from bluegreen.host.facts import Facts
from bluegreen.host.files.include import Form, first_target, target
from bluegreen.host.files.site import KEEPALIVE_MIN_TIMEOUT_SINCE
from bluegreen.host.look import State
from bluegreen.host.machine import server_name, verify_path


def nginx(view: State, facts: Facts) -> Iterator[Finding]:
    """nginx there, running, its configuration sound, started at boot."""
    settings, found = view.settings, view.proxy
    if not found.version:
        yield failure(
            "nginx",
            "nginx is not installed",
            f"{view.installing('nginx')}, or setup --host {settings.host}",
        )
        return
    tested = facts.text("nginx.test")
    if tested and not tested.rstrip().endswith("sound"):
        yield failure(
            "nginx", f"its configuration is broken: {_first_problem(tested)}", "mend it, then sudo nginx -t"
        )
    elif found.code == 0 and found.listens:
        yield failure(
            "nginx",
            f"port {settings.site.listen} takes connections, but {verify_path(settings)} gave no answer "
            "in time",
            f"logs --host {settings.host} may tell what hangs; or name in switch.verify a path that answers "
            "at once",
        )
    elif found.code == 0:
        yield failure(
            "nginx",
            f"nothing answers on port {settings.site.listen}",
            "sudo systemctl start nginx, or set site.listen to the port that it listens on",
        )
    else:
        sound = (
            "its configuration is sound" if tested else "its configuration could not be tested without sudo"
        )
        where = f"answers on port {settings.site.listen}"
        if found.front:
            where = f"answers over https ({found.front})"
        yield ok("nginx", f"nginx {found.version} {where}; {sound}")
    if facts.text("systemd") and facts.text("nginx.enabled") not in ("enabled", ""):
        yield warning("nginx at boot", "nginx is not started at boot", "sudo systemctl enable nginx")


def include(
    view: State, servers: Sequence[Server], upstreams: Collection[str], *, asked: bool
) -> Iterator[Finding]:
    """The include there, read by a server that listens and routes by it, its target one of ours.

    Args:
        servers, upstreams: of nginx's whole configuration.
        asked: whether that could be read; it takes sudo.
    """
    path, text = view.settings.switch.include, view.proxy.include
    if not text.strip():
        yield failure(
            "include", f"{path} is missing or empty", f"setup --host {view.settings.host} writes it"
        )
        return
    found = first_target(text)
    if not found:
        yield failure("include", f"{path} holds no line `set $service_url …;`", "write that line into it")
    elif re.search(r"//localhost[:/]?", found):
        yield failure(
            "include target",
            f"{found} is a host name: nginx answers 502 (no resolver), although nginx -t passes",
            f"write 127.0.0.1 in its place in {path}, then reload nginx",
        )
    elif view.proxy.first is None:
        ports = ", ".join(map(str, view.settings.slots.values()))
        yield failure(
            "include target", f"{found} is neither slot", f"write the live slot's port ({ports}) into {path}"
        )
    elif asked and (unknown := _undefined(view, upstreams)):
        yield failure(
            "include target",
            f"nginx has no upstream {' and no '.join(unknown)}: it answers 502, although nginx -t passes",
            f"setup --host {view.settings.host} writes the site that has them; or write 127.0.0.1 and the "
            f"port in their place in {path}",
        )
    else:
        yield ok("include target", f"{found} is {view.proxy.first}")
    if asked:
        yield from _readers(view, servers)


def _undefined(view: State, upstreams: Collection[str]) -> list[str]:
    """The upstream groups that the include names, or will after the next switch, and nginx does not have."""
    if not view.proxy.groups:
        return []
    names = (target(view.settings, slot, groups=True) for slot in view.slots)
    return [name for name in (url.removeprefix("http://") for url in names) if name not in upstreams]


def _readers(view: State, servers: Sequence[Server]) -> Iterator[Finding]:
    path = view.settings.switch.include
    name, port = _asked_at(view)
    readers = [server for server in servers if server.includes]
    if not readers:
        yield failure(
            "include", f"no server of nginx reads {path}", f"put `include {path};` into the server block"
        )
        return
    here = [server for server in readers if any(_port(listen) == port for listen in server.listens)]
    if not here:
        told = ", ".join(listen for server in readers for listen in server.listens)
        names = " ".join(name for server in readers for name in server.names if name not in ("", "_"))
        yield failure(
            "include",
            f"it is read by a server that listens on {told}, not on {port}",
            "set site.listen to its port" + (f", and site.server_name: {names}" if names else ""),
        )
        return
    if not any(server.passes for server in here):
        yield failure("include", "no location passes requests to $service_url", "proxy_pass $service_url;")
        return
    shadow = _shadowing(servers, here, port, name)
    if shadow:
        yield failure(
            "include",
            f"another server takes the requests on port {port}: {shadow}",
            "remove one of them, or give ours a server_name or default_server",
        )
    elif any(server.file_cache for server in here) and view.proxy.form is Form.INSTANT:
        yield warning(
            "include",
            "open_file_cache is on in that server: it hides the marker, so a switch needs a reload",
            "open_file_cache off; in that server",
        )
    else:
        yield ok("include", f"read by the server on port {port}")


def _asked_at(view: State) -> tuple[str, int]:
    """The name and the port that requests come to: where site.listen sends to https, those of that."""
    url = urlsplit(view.proxy.front)
    if not url.hostname:
        return server_name(view.settings), view.settings.site.listen
    return url.hostname, url.port or 443


def _shadowing(servers: Sequence[Server], ours: Sequence[Server], port: int, name: str) -> str:
    """The server that nginx takes in place of ours, empty if it takes ours.

    Source: nginx documentation, "How nginx processes a request": the first server of the name, else the
    default server of the port, which is the first one unless another says so.
    """
    here = [server for server in servers if any(_port(listen) == port for listen in server.listens)]
    named = [server for server in here if name in server.names] if name else []
    defaults = [server for server in here if any("default_server" in listen for listen in server.listens)]
    taken = next(iter([*named, *defaults, *here]))
    return "" if taken in ours else f"server_name {' '.join(taken.names) or '(none)'}"


def method(view: State, servers: Sequence[Server]) -> Iterator[Finding]:
    """The method of switching against what this nginx, with this site, can do without losing requests.

    Args:
        servers: of nginx's whole configuration, none where it could not be read.
    """
    wanted, found = view.settings.switch.method, view.proxy
    numbers = tuple(int(number) for number in re.findall(r"\d+", found.version)[:3])
    readers = [server for server in servers if server.includes]
    # Unread, a site that `setup` wrote is known to have it.
    spares = all(server.keepalive_min_timeout for server in readers) if readers else found.groups
    if wanted == "reload" and numbers and numbers < KEEPALIVE_MIN_TIMEOUT_SINCE:
        yield warning(
            "method",
            f"each reload of nginx {found.version} loses requests of clients on keep-alive connections",
            "switch.method: instant, or nginx 1.27.4 and later",
        )
    elif wanted == "reload" and not spares:
        yield warning(
            "method",
            f"each reload of nginx {found.version} loses requests of clients on keep-alive connections, "
            "where the site sets no keepalive_min_timeout",
            "keepalive_min_timeout 10s; in the server that reads the include, or switch.method: instant",
        )
    elif found.include and found.form.value != wanted:
        yield warning(
            "method",
            f"the include is made for {found.form.value}, config.yml says {wanted}",
            "nothing: the next switch turns it, at the cost of one reload",
        )
    elif wanted == "instant":
        yield ok("method", "instant: one rename moves running traffic, without a reload")
    else:
        yield ok("method", f"reload: nginx {found.version} keeps the connections of waiting clients open")


def drift(view: State) -> Iterator[Finding]:
    """Include, answers, processes and what is started at boot against one another."""
    for sentence in view.drift:
        what, _, remedy = sentence.partition(": ")
        yield warning("drift", what, remedy)
    live = view.slots[view.live] if view.live else None
    by_hand = live is not None and live.owner is not None and not live.running
    if (
        by_hand
        and view.settings.supervisor == "systemd"
        and not any(each.boots for each in view.slots.values())
    ):
        yield warning(
            "drift",
            f"{view.live} was started by hand, and systemd starts no slot at a boot",
            f"deploy --host {view.settings.host}: what it starts comes back by itself",
        )
    elif not view.drift:
        yield ok("drift", f"include, answers and boot agree: {view.live or 'nothing is live'}")


def site(view: State, servers: Sequence[Server]) -> Iterator[Finding]:
    """What a site that `setup` did not write makes of requests."""
    better = (
        f"setup --host {view.settings.host} writes a site that does it, once site.server_name is its name"
    )
    for server in (server for server in servers if server.includes):
        headers = dict(server.headers)
        wrong = [name for name in headers if "_" in name]
        if wrong:
            right = ", ".join(name.replace("_", "-") for name in wrong)
            yield warning(
                "site headers",
                f"Spring does not read {', '.join(wrong)}",
                f"write {right} in their place; or {better}",
            )
        if any("$proxy_add_x_forwarded_for" in value for value in headers.values()):
            yield warning(
                "site headers",
                "an X-Forwarded-For that a client makes up is passed on, and Spring believes its start",
                f"proxy_set_header X-Forwarded-For $remote_addr; or {better}",
            )
        if not view.proxy.groups:
            yield warning(
                "site keep-alive",
                "nginx opens a connection to the slot for each request, which takes time",
                better,
            )


def _port(listen: str) -> int:
    found = re.match(r"(?:.*:)?(\d+)$", listen.split()[0])
    return int(found.group(1)) if found else 80


def _first_problem(tested: str) -> str:
    lines = [line for line in tested.splitlines() if "[emerg]" in line or "[alert]" in line]
    return (lines or tested.splitlines() or [""])[0]
