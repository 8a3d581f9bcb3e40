"""Findings about the route: which slot is live, how traffic is switched, and what the site passes on."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bluegreen.check.evidence import Evidence
from bluegreen.check.finding import Finding, Step, failure, ok, warning
from bluegreen.check.nginx_config import Server
from bluegreen.host.files.site import KEEPALIVE_MIN_TIMEOUT_SINCE


def live(evidence: Evidence) -> Iterator[Finding]:
    """Whether the live slot is known (P3)."""
    if evidence.state.live is None:
        error = evidence.state.unclear()
        yield failure(
            "live slot",
            f"the live slot is unclear: {'; '.join(error.why)}",
            error.remedy or "",
            stops=(Step.START, Step.SWITCH),
        )


def drift(evidence: Evidence) -> Iterator[Finding]:
    """Whether the include, the answers, the processes and what systemd starts at boot agree."""
    state, settings = evidence.state, evidence.settings
    for each in state.drift:
        yield warning("drift", each.text, each.remedy)
    slot = state.slots[state.live] if state.live else None
    boots = any(each.boots for each in state.slots.values())
    if slot and slot.owner and not slot.running and settings.supervisor == "systemd" and not boots:
        yield warning(
            "drift",
            f"{slot.name} was started by hand, and systemd starts no slot at boot",
            f"systemd starts what a deploy has started: bluegreen deploy --host {settings.host}",
        )
    elif slot and not state.drift:
        yield ok("drift", f"the include, the answers and the slots started at boot all name {slot.name}")


def method(evidence: Evidence) -> Iterator[Finding]:
    """Whether this nginx, with this site, can be switched by switch.method without losing requests."""
    wanted, proxy = evidence.settings.switch.method, evidence.state.proxy
    version = tuple(int(number) for number in re.findall(r"\d+", proxy.version)[:3])
    loses = f"each reload of nginx {proxy.version} loses requests of clients on keep-alive connections"
    instant = "write into config.yml: switch: {method: instant}"
    if wanted == "reload" and version and version < KEEPALIVE_MIN_TIMEOUT_SINCE:
        yield warning("method", loses, f"{instant}; or install nginx 1.27.4 or later")
    elif wanted == "reload" and not _spares_waiting_clients(evidence):
        yield warning(
            "method",
            f"{loses}, as the site sets no keepalive_min_timeout",
            f"write into the server that reads the include: keepalive_min_timeout 10s; or {instant}",
        )
    elif proxy.include and proxy.form.value != wanted:
        yield warning(
            "method",
            f"the include is made for method {proxy.form.value}, and config.yml says {wanted}",
            "none needed: the next switch converts the include, with one reload",
        )
    elif wanted == "instant":
        yield ok("method", "a switch renames one marker, without a reload of nginx (instant)")
    else:
        yield ok(
            "method",
            f"a switch reloads nginx {proxy.version}, which keeps idle client connections open",
        )


def _spares_waiting_clients(evidence: Evidence) -> bool:
    readers = _readers(evidence)
    # The site that `setup` writes has the directive, even where its configuration may not be read.
    return all(server.keepalive_min_timeout for server in readers) if readers else evidence.state.proxy.groups


def site(evidence: Evidence) -> Iterator[Finding]:
    """Whether a site that `setup` did not write passes requests on as Spring and nginx do best."""
    better = f"set site.server_name in config.yml, then: {evidence.setup}"
    for server in _readers(evidence):
        headers = dict(server.headers)
        for name, value in headers.items():
            if "_" in name:
                yield warning(
                    "site headers",
                    f"the site sets {name}, which Spring does not read",
                    f"write into the site: proxy_set_header {name.replace('_', '-')} {value}; or {better}",
                )
        if any("$proxy_add_x_forwarded_for" in value for value in headers.values()):
            yield warning(
                "site headers",
                "the site passes on the X-Forwarded-For of the client, and Spring trusts its first address",
                f"write into the site: proxy_set_header X-Forwarded-For $remote_addr; or {better}",
            )
        if not evidence.state.proxy.groups:
            yield warning(
                "site keep-alive", "nginx opens a new connection to the slot for each request", better
            )


def _readers(evidence: Evidence) -> tuple[Server, ...]:
    """The servers that read the include, none if nginx's configuration was not read."""
    config = evidence.diagnosis.nginx_config if evidence.diagnosis else None
    return config.readers if config else ()
