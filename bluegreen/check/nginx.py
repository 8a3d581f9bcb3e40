"""Findings about nginx: whether it answers, and whether a server of it routes by the include."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from bluegreen.check.evidence import Evidence
from bluegreen.check.finding import Finding, Step, failure, ok, warning
from bluegreen.host.files.include import VARIABLE, Form, Include, other_slots, parse
from bluegreen.host.look import State
from bluegreen.host.machine import server_name, verify_path
from bluegreen.host.nginx_config import server_for
from bluegreen.host.proxy import marker_suffices


def answers(evidence: Evidence) -> Iterator[Finding]:
    """Whether nginx answers on site.listen. If it does not, a switch cannot be verified."""
    settings, proxy = evidence.settings, evidence.state.proxy
    port = settings.site.listen
    if proxy.view.code == 0 and proxy.listens:
        own = evidence.state.own_answers.get(evidence.state.live or "")
        if own and own.named == evidence.state.live:
            # `routing.visible` names what hides the slot.
            return
        # It stops nothing: the live version may hang, which only the next version fixes.
        yield failure(
            "nginx",
            f"{verify_path(settings)} gave no answer through nginx in time, "
            f"although port {port} accepts connections",
            f"bluegreen logs --host {settings.host} shows what hangs; "
            "or set switch.verify in config.yml to a path that answers at once",
        )
    elif proxy.server and proxy.listens:
        what = "a container" if proxy.server == "container" else proxy.server
        yield failure(
            "nginx",
            f"port {port} is answered by {what}, and bluegreen switches an nginx of the machine itself",
            f"let {what} listen on another port and forward to nginx, or stop it; then: "
            f"{evidence.state.install_command('nginx')}, and set site.listen in config.yml",
            stops=(Step.SETUP, Step.START, Step.FORWARD),
        )
    elif not proxy.version and proxy.view.code == 0:
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
    elif proxy.view.code == 0:
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
    """Whether nginx accepts its configuration.

    Where a marker suffices for the switch, a way back needs no reload, and so no sound configuration (P5).
    """
    problem = evidence.diagnosis.nginx_problem if evidence.diagnosis else None
    if problem is None:
        return
    if problem:
        state = evidence.state
        reloads = not marker_suffices(state.proxy, evidence.settings)
        yield failure(
            "nginx configuration",
            f"nginx -t rejects the configuration: {problem}",
            "fix it, then: sudo nginx -t",
            stops=(Step.SWITCH, Step.FORWARD) if reloads else (Step.FORWARD,),
        )
    else:
        yield ok("nginx configuration", "nginx -t accepts the configuration")


def start_at_boot(evidence: Evidence) -> Iterator[Finding]:
    """Whether systemd starts nginx at boot."""
    if evidence.diagnosis and not evidence.diagnosis.nginx_starts_at_boot:
        yield warning("nginx at boot", "systemd does not start nginx at boot", "sudo systemctl enable nginx")


def owner(evidence: Evidence) -> Iterator[Finding]:
    """Whether the include is that of another app on the machine."""
    settings, stranger = evidence.settings, evidence.state.proxy.include.stranger
    if stranger:
        yield failure(
            "include of another app",
            f"{settings.switch.include} routes the requests of {stranger}, another app on this machine",
            evidence.own_keys,
            stops=(Step.SETUP, Step.START, Step.SWITCH),
        )


def target(evidence: Evidence) -> Iterator[Finding]:
    """Whether the include names a slot in a form that nginx can route to."""
    state, settings = evidence.state, evidence.settings
    path = settings.switch.include
    config = evidence.diagnosis.nginx_config if evidence.diagnosis else None
    found = parse(state.proxy.include.text, settings, config.groups) if config else state.proxy.include
    stops: tuple[Step, ...] = (Step.START, Step.SWITCH)
    if config and config.readers and not _own_group(evidence, found):
        # It routes users' requests now, and what `setup` writes would not fit it.
        stops = (Step.SETUP, *stops)
    if found.empty:
        yield failure("include", f"{path} is missing or empty", evidence.setup)
    elif not found.target:
        port = settings.slots.get(state.live or "")
        line = f"set ${VARIABLE} http://127.0.0.1:{port or '<port of the live slot>'};"
        yield failure(
            "include", f"{path} contains no line `set ${VARIABLE} …;`", f"write into {path}: {line}", stops
        )
    elif re.search(r"(^|//)localhost\b", found.target):
        # It stops nothing: the deploy writes the address.
        yield failure(
            "include target",
            f"{found.target} is a host name: nginx answers 502 (no resolver), although nginx -t passes",
            f"write 127.0.0.1 instead of localhost into {path}, then: sudo nginx -s reload",
        )
    elif host := found.other_host:
        line = f"set ${found.variable} {found.target.replace(host, '127.0.0.1', 1)};"
        yield failure(
            "include target",
            f"{found.target} leads to {host}, and bluegreen routes to 127.0.0.1 alone",
            f"if {host} is this machine, write into {path}: {line} "
            "then: sudo nginx -t && sudo nginx -s reload",
            stops,
        )
    elif missing := [slot for slot in settings.slots if slot not in found.targets]:
        yield failure(
            "include target", _no_way(found, missing, evidence), _other_groups(evidence, found), stops
        )
    elif found.slot is None:
        slots = " or ".join(f"{port} ({slot})" for slot, port in settings.slots.items())
        text = f"{found.target} is not the port of a slot, {slots}"
        if state.live and _repaired_by_deploy(state):
            line = f"set ${found.variable} {found.targets[state.live]};"
            yield failure("include target", text, f"write into {path}: {line}")
        else:
            yield failure("include target", text, other_slots(found, settings), stops)
    else:
        yield ok("include target", f"{found.target} is {found.slot}")


def _repaired_by_deploy(state: State) -> bool:
    """Whether an include that names neither slot was edited and never loaded: a slot answers (P3)."""
    answers = state.proxy.answers
    return answers is not None and state.slots[answers].owner is not None


def _no_way(found: Include, missing: Sequence[str], evidence: Evidence) -> str:
    slots = " and ".join(f"{slot} (port {evidence.settings.slots[slot]})" for slot in missing)
    return (
        f"{found.target} is an upstream group, and nginx has no group for {slots}: a switch would answer 502"
    )


def _other_groups(evidence: Evidence, found: Include) -> str:
    """The `slots:` of config.yml that fit the groups of nginx, or how to make the groups that are missing."""
    config = evidence.diagnosis.nginx_config if evidence.diagnosis else None
    groups = config.groups if config else {}
    if _own_group(evidence, found):
        return f"to get a site that has them: {evidence.setup}"
    if len(groups) == len(evidence.settings.slots):
        slots = ", ".join(
            f"{name}: {port}" for name, port in sorted(groups.items(), key=lambda each: each[1])
        )
        return f"write the ports of these groups into config.yml: slots: {{{slots}}}"
    lines = " ".join(
        f"upstream {evidence.settings.app}-{slot} {{ server 127.0.0.1:{port}; }}"
        for slot, port in evidence.settings.slots.items()
    )
    return f"write into the site, outside of its server: {lines}"


def _own_group(evidence: Evidence, found: Include) -> bool:
    """Whether the include names an upstream group of the site that `setup` writes."""
    return f"//{evidence.settings.app}-" in found.target


def readers(evidence: Evidence) -> Iterator[Finding]:
    """Whether the server that gets the requests reads the include, and passes requests by it."""
    config = evidence.diagnosis.nginx_config if evidence.diagnosis else None
    include = evidence.state.proxy.include
    if config is None or include.empty:
        return
    state, path = evidence.state, evidence.settings.switch.include
    name, port = _front(state)
    # With a verify path the preview shows which server answers; without one nothing else would.
    unseen = (Step.START, Step.FORWARD) if evidence.settings.switch.verify is None else ()
    reading = config.readers
    here = [server for server in reading if port in server.ports]
    if not reading:
        yield failure(
            "include",
            f"no server of nginx reads {path}",
            f"write into the server block of the site: include {path};",
            stops=(Step.START, Step.SWITCH),
        )
    elif not here:
        listens = ", ".join(listen for server in reading for listen in server.listens)
        names = " ".join(name for server in reading for name in server.names if name not in ("", "_"))
        yield failure(
            "include",
            f"{path} is read by a server that listens on {listens}, not on port {port}",
            "set site.listen in config.yml to its port"
            + (f", and site.server_name to {names}" if names else ""),
            stops=unseen,
        )
    elif not any(server.passes(include.variable) for server in here):
        yield failure(
            "include",
            f"the server on port {port} has no location that passes requests to ${include.variable}",
            f"write into its location: proxy_pass ${include.variable};",
            stops=(Step.START, Step.SWITCH),
        )
    elif (chosen := server_for(config.servers, port, name)) not in here:
        other = " ".join(chosen.names if chosen else ()) or "(none)"
        yield failure(
            "include",
            f"another server gets the requests on port {port}: server_name {other}",
            f"remove that server, or write into the one that reads {path}: listen {port} default_server;",
            stops=unseen,
        )
    elif evidence.settings.switch.method == "instant" and any(server.try_files for server in here):
        yield failure(
            "include",
            f"{path} is in a location with try_files, which nginx leaves out as soon as a marker decides",
            f"move the line `include {path};` out of the location into its server, then: sudo nginx -t && "
            "sudo nginx -s reload",
            stops=(Step.SETUP, Step.START, Step.SWITCH),
        )
    elif any(server.file_cache for server in here) and include.form is not Form.PLAIN:
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
