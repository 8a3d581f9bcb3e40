"""Findings about the route: which slot is live, how traffic is switched, and what the site passes on."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bluegreen.check import visibility
from bluegreen.check.evidence import Evidence
from bluegreen.check.finding import Finding, Step, failure, ok, warning
from bluegreen.host.files.include import Form
from bluegreen.host.files.site import KEEPALIVE_MIN_TIMEOUT_SINCE
from bluegreen.host.nginx_config import Server


def live(evidence: Evidence) -> Iterator[Finding]:
    """Whether the live slot is known (P3)."""
    if evidence.state.live is None:
        error = evidence.state.unclear()
        yield failure(
            "live slot",
            f"the live slot is unclear: {'; '.join(error.why)}",
            error.remedy or "",
            stops=(Step.START, Step.SWITCH, Step.FORWARD),
        )


def drift(evidence: Evidence) -> Iterator[Finding]:
    """Whether the include, the answers, the processes and what systemd starts at boot agree."""
    state, settings = evidence.state, evidence.settings
    for each in state.drift:
        report = failure if each.kind.is_outage else warning
        yield report("drift", each.text, each.remedy)
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
    elif not proxy.include.empty and proxy.include.form.value != wanted:
        made_for = (
            "instant of bluegreen 0.1" if proxy.include.form is Form.MARKERS else proxy.include.form.value
        )
        yield warning(
            "method",
            f"the include is made for method {made_for}, and config.yml says {wanted}",
            "none needed: the next deploy converts the include, with one reload",
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


def visible(evidence: Evidence) -> Iterator[Finding]:
    """Whether this machine sees the live slot answer through nginx by its name: if not, a switch cannot be
    verified, and the new slot would not be seen either."""
    state, settings = evidence.state, evidence.settings
    own = state.own_answers.get(state.live or "")
    if settings.switch.verify is None or state.proxy.view.named or own is None:
        return
    config = evidence.diagnosis.nginx_config if evidence.diagnosis else None
    names_itself = own.named == state.live
    # A live version that hangs, or lacks the path, is no proof against the next one, which a preview asks.
    if not names_itself and (settings.switch.method == "instant" or own.code == 0):
        return
    found = visibility.cause(settings, state.proxy.view, own, config=config, slot=state.live or "")
    yield failure(
        "verify path",
        f"{state.live} is not seen through nginx, so a switch cannot be verified: {found.text}",
        found.remedy,
        stops=(Step.FORWARD,),
    )


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
