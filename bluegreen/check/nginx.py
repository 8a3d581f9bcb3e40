"""Findings about nginx: whether it answers, and whether a server of it routes by the include."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from bluegreen.check.evidence import Evidence
from bluegreen.check.finding import Finding, Step, failure, ok, warning
from bluegreen.check.nginx_config import NginxConfig, Server
from bluegreen.host.files.include import Form, first_target
from bluegreen.host.files.include import target as target_of
from bluegreen.host.look import State
from bluegreen.host.machine import server_name, verify_path


def answers(evidence: Evidence) -> Iterator[Finding]:
    """Whether nginx answers on site.listen. If it does not, a switch cannot be verified."""
    settings, proxy = evidence.settings, evidence.state.proxy
    port = settings.site.listen
    if proxy.code == 0 and proxy.listens:
        # It stops nothing: the live version may hang, which only the next version fixes.
        yield failure(
            "nginx",
            f"{verify_path(settings)} gave no answer through nginx in time, "
            f"although port {port} accepts connections",
            f"bluegreen logs --host {settings.host} shows what hangs; "
            "or set switch.verify in config.yml to a path that answers at once",
        )
    elif not proxy.version and proxy.code == 0:
        yield failure(
            "nginx",
            "nginx is not installed",
            f"{evidence.state.install_command('nginx')}, or: {evidence.setup}",
            stops=(Step.SWITCH,),
        )
    elif not proxy.version:
        yield failure(
            "nginx",
            f"port {port} answers, but the command nginx was not found",
            f"{evidence.state.install_command('nginx')}, or: {evidence.setup}",
        )
    elif proxy.code == 0:
        yield failure(
            "nginx",
            f"nothing answers on port {port}, so a switch cannot be verified",
            "sudo systemctl start nginx, or set site.listen in config.yml to the port that nginx listens on",
            stops=(Step.SWITCH,),
        )
    else:
        place = f"over https ({proxy.front})" if proxy.front else f"on port {port}"
        yield ok("nginx", f"nginx {proxy.version} answers {place}")


def configuration(evidence: Evidence) -> Iterator[Finding]:
    """Whether nginx accepts its configuration."""
    problem = evidence.diagnosis.nginx_problem if evidence.diagnosis else None
    if problem is None:
        return
    if problem:
        yield failure(
            "nginx configuration",
            f"nginx -t rejects the configuration: {problem}",
            "fix it, then: sudo nginx -t",
            stops=(Step.SWITCH,),
        )
    else:
        yield ok("nginx configuration", "nginx -t accepts the configuration")


def start_at_boot(evidence: Evidence) -> Iterator[Finding]:
    """Whether systemd starts nginx at boot."""
    if evidence.diagnosis and not evidence.diagnosis.nginx_starts_at_boot:
        yield warning("nginx at boot", "systemd does not start nginx at boot", "sudo systemctl enable nginx")


def target(evidence: Evidence) -> Iterator[Finding]:
    """Whether the include names a slot in a form that nginx can route to."""
    state, path = evidence.state, evidence.settings.switch.include
    if not state.proxy.include.strip():
        yield failure("include", f"{path} is missing or empty", evidence.setup)
        return
    config = evidence.diagnosis.nginx_config if evidence.diagnosis else None
    found = first_target(state.proxy.include)
    port = evidence.settings.slots.get(state.live or "")
    line = f"write into {path}: set $service_url http://127.0.0.1:{port or '<port of the live slot>'};"
    if not found:
        yield failure("include", f"{path} contains no line `set $service_url …;`", line)
    elif re.search(r"//localhost[:/]?", found):
        yield failure(
            "include target",
            f"{found} is a host name: nginx answers 502 (no resolver), although nginx -t passes",
            f"write 127.0.0.1 instead of localhost into {path}, then: sudo nginx -s reload",
        )
    elif state.proxy.first is None:
        slots = " or ".join(f"{port} ({slot})" for slot, port in evidence.settings.slots.items())
        yield failure("include target", f"{found} is not the port of a slot, {slots}", line)
    elif config and (undefined := _undefined_groups(state, config)):
        yield failure(
            "include target",
            f"nginx has no upstream {' and no upstream '.join(undefined)}: it answers 502, "
            "although nginx -t passes",
            f"to get a site that has them: {evidence.setup}; or {line}",
        )
    else:
        yield ok("include target", f"{found} is {state.proxy.first}")


def _undefined_groups(state: State, config: NginxConfig) -> list[str]:
    """The upstream groups that the include names now or after the next switch, and nginx does not have."""
    if not state.proxy.groups:
        return []
    targets = (target_of(state.settings, slot, groups=True) for slot in state.slots)
    names = (url.removeprefix("http://") for url in targets)
    return [name for name in names if name not in config.upstreams]


def readers(evidence: Evidence) -> Iterator[Finding]:
    """Whether the server that gets the requests reads the include, and passes requests by it."""
    config = evidence.diagnosis.nginx_config if evidence.diagnosis else None
    if config is None or not evidence.state.proxy.include.strip():
        return
    state, path = evidence.state, evidence.settings.switch.include
    name, port = _front(state)
    reading = config.readers
    here = [server for server in reading if port in server.ports]
    if not reading:
        yield failure(
            "include",
            f"no server of nginx reads {path}",
            f"write into the server block of the site: include {path};",
        )
    elif not here:
        listens = ", ".join(listen for server in reading for listen in server.listens)
        names = " ".join(name for server in reading for name in server.names if name not in ("", "_"))
        yield failure(
            "include",
            f"{path} is read by a server that listens on {listens}, not on port {port}",
            "set site.listen in config.yml to its port"
            + (f", and site.server_name to {names}" if names else ""),
        )
    elif not any(server.passes for server in here):
        yield failure(
            "include",
            f"the server on port {port} has no location that passes requests to $service_url",
            "write into its location: proxy_pass $service_url;",
        )
    elif other := _shadowing(config.servers, here, port, name):
        yield failure(
            "include",
            f"another server gets the requests on port {port}: server_name {other}",
            f"remove that server, or write into the one that reads {path}: listen {port} default_server;",
        )
    elif any(server.file_cache for server in here) and state.proxy.form is Form.INSTANT:
        yield warning(
            "include",
            f"open_file_cache is on in the server on port {port}: it hides the marker, "
            "so each switch needs a reload",
            "write into that server: open_file_cache off;",
        )
    else:
        yield ok("include", f"{path} is read by the server on port {port}")


def _front(state: State) -> tuple[str, int]:
    """The name and port that requests come to: those of https, if site.listen redirects there."""
    url = urlsplit(state.proxy.front)
    if not url.hostname:
        return server_name(state.settings), state.settings.site.listen
    return url.hostname, url.port or 443


def _shadowing(servers: Sequence[Server], ours: Sequence[Server], port: int, name: str) -> str:
    """The names of the server that nginx chooses instead of ours, empty if it chooses ours.

    Source: nginx documentation, "How nginx processes a request": the first server of the name, else the
    default server of the port, which is the first one unless another is marked as default_server.
    """
    here = [server for server in servers if port in server.ports]
    named = [server for server in here if name in server.names] if name else []
    defaults = [server for server in here if any("default_server" in listen for listen in server.listens)]
    chosen = next(iter([*named, *defaults, *here]))
    return "" if chosen in ours else " ".join(chosen.names) or "(none)"
