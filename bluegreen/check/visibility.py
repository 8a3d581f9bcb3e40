"""Why this machine does not see a slot answer through nginx, and the key of config.yml that helps (P6)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from bluegreen.config import Settings
from bluegreen.host.machine import server_name, verify_path
from bluegreen.host.nginx_config import NginxConfig, Server
from bluegreen.host.view import OwnAnswer, View

# A port for a server of nginx that only the machine itself can reach.
_OWN_LISTEN = 8088
# Where a `listen` accepts the requests of the machine itself. A name alone listens on port 80.
_SEEN_FROM_HERE = ("*", "0.0.0.0", "127.0.0.1", "localhost", "[::]")  # noqa: S104 it is compared


@dataclass(frozen=True)
class Cause:
    """Why no answer through nginx names a slot.

    Args:
        text: what was answered and by whom, a clause.
        remedy: what to write where.
        why: the answers, a line each.
    """

    text: str
    remedy: str
    why: tuple[str, ...] = ()


def cause(
    settings: Settings, view: View, own: OwnAnswer | None, *, config: NginxConfig | None, slot: str
) -> Cause:
    """Returns the most likely cause.

    Args:
        view: the answer of the verify path through nginx.
        own: the answer of the slot on its own port, None if it was not asked.
        config: the configuration of nginx, None if it was not read.
        slot: the slot that should have answered.
    """
    found = next(_causes(settings, view, own, config, slot))
    return Cause(found.text, found.remedy, tuple(_answers(settings, view, own, slot)))


def _causes(
    settings: Settings, view: View, own: OwnAnswer | None, config: NginxConfig | None, slot: str
) -> Iterator[Cause]:
    verify, port = verify_path(settings), settings.site.listen
    readers = config.readers if config else ()
    answers_itself = own is not None and own.named == slot
    if view.named and view.named != slot:
        if any(server.cache for server in readers):
            yield Cause(
                f"{view.named} answered through nginx, as the answer is kept in a cache (proxy_cache)",
                f"write into the location of {verify}: proxy_cache off; or set switch.verify in config.yml "
                "to a path that nginx does not cache",
            )
        yield Cause(
            f"{view.named} answered through nginx, so the requests do not follow the include",
            f"look at the server of nginx that answers {verify}: its location must say proxy_pass with the "
            f"variable of {settings.switch.include}",
        )
    if view.redirect:
        yield _redirect(view.redirect, settings)
    if view.code == 0 and any(server.proxy_protocol and port in server.ports for server in readers):
        yield Cause(
            f"nginx expects the PROXY protocol on port {port} and closed the connection of a plain request",
            _second_listen("without proxy_protocol"),
        )
    elsewhere = [address for server in readers for address in server.addresses(port)]
    if view.code == 0 and elsewhere and not set(elsewhere) & set(_SEEN_FROM_HERE):
        yield Cause(
            f"nginx listens on {elsewhere[0]}:{port} alone, not on 127.0.0.1",
            _second_listen(),
        )
    if view.code == 0:
        yield Cause(
            f"nginx closed the connection on port {port} without an answer, as with `return 444`, or the "
            "listener expects the PROXY protocol (proxy_protocol)",
            f"{_name_the_site(settings, readers)}; or {_second_listen('without proxy_protocol')}",
        )
    if view.code == 400 and "SSL certificate" in view.body:
        yield Cause(
            "nginx asks for a certificate of the client (HTTP 400, ssl_verify_client)",
            _second_listen("without ssl_verify_client"),
        )
    if view.code == 401:
        yield Cause(
            "nginx asks for a password (HTTP 401)" if answers_itself else f"{verify} answers HTTP 401",
            _second_listen("with `auth_basic off;` there, or `satisfy any; allow 127.0.0.1;`")
            if answers_itself
            else f"let {verify} through without a login, or set switch.verify to a path that is open",
        )
    if view.code == 403 and view.browser_code not in (403, None):
        yield Cause(
            f"nginx rejects the user agent curl (HTTP 403; a browser gets {view.browser_code})",
            _second_listen("without that check"),
        )
    if view.code == 403 and answers_itself:
        yield Cause(
            "nginx does not let this machine in (HTTP 403, an allow list)",
            f"write into the server that reads {settings.switch.include}: allow 127.0.0.1; or "
            f"{_second_listen('for this machine alone')}",
        )
    if view.code in (429, 503) and answers_itself:
        yield Cause(
            f"nginx itself limits the requests for {verify} (HTTP {view.code}, limit_req), "
            "or shows a maintenance page",
            f"set switch.verify to a path without limit_req, or exempt 127.0.0.1 from the limit of {verify}",
        )
    if view.everything and view.html and view.code == 200:
        yield Cause(
            f"nginx answers the same HTML page to {verify} and to every other path, as a single-page site "
            "does (try_files)",
            "set switch.verify in config.yml to a path that nginx passes to the application, such as one "
            "below /api",
        )
    if view.code in (502, 504) and answers_itself:
        yield Cause(
            f"nginx does not reach {slot} (HTTP {view.code}), although {slot} answers on its own port",
            "look at the error log of nginx on the host: sudo tail /var/log/nginx/error.log",
        )
    if answers_itself:
        yield Cause(
            f"another server or location of nginx answers {verify} (HTTP {view.code})",
            f"{_name_the_site(settings, readers)}; or set switch.verify to a path that nginx passes to the "
            "application",
        )
    own_code = own.code if own else view.code
    yield Cause(
        f"{verify} answers HTTP {own_code} and does not name {slot}"
        if own_code
        else f"{verify} gives no answer on the port of {slot}",
        f"set switch.verify in config.yml to a path that answers the slot's name ({slot}), its port, or JSON "
        "with one of them; or switch.verify: null, which checks less",
    )


def _redirect(url: str, settings: Settings) -> Cause:
    parts, verify = urlsplit(url), verify_path(settings)
    name = parts.hostname or ""
    if parts.path != verify:
        return Cause(
            f"{verify} is redirected to {url}",
            "set switch.verify in config.yml to a path that is not redirected",
        )
    if parts.scheme == "https" and name in ("127.0.0.1", "localhost", *settings.site.server_name.split()):
        return Cause(
            f"{verify} is redirected to {url}, as nginx sends the application X-Forwarded-Proto: http",
            "serve the site by https in nginx (listen 443 ssl); where a load balancer does that, set "
            "site.proxies in config.yml to its network and 127.0.0.1/32, then: "
            f"bluegreen setup --host {settings.host}",
        )
    port = f" and site.listen: {parts.port}" if parts.port else ""
    return Cause(
        f"the site is redirected to {url}",
        f"set site.server_name: {name}{port} in config.yml",
    )


def _name_the_site(settings: Settings, readers: tuple[Server, ...]) -> str:
    """The remedy for requests that reach another server than the one that reads the include."""
    now = server_name(settings)
    names = [name for server in readers for name in server.names if name not in ("", "_", now)]
    wildcards = [name for name in names if "*" in name or name.startswith((".", "~"))]
    plain = [name for name in names if name not in wildcards]
    if plain:
        return f"set site.server_name: {plain[0]} in config.yml"
    if wildcards:
        return f"set site.server_name in config.yml to a name of your site that matches {wildcards[0]}"
    return "set site.server_name in config.yml to the name of your site"


def _second_listen(how: str = "") -> str:
    listen = " ".join(f"a second `listen 127.0.0.1:{_OWN_LISTEN};` {how}".split())
    return f"write {listen} for the site, and set site.listen: {_OWN_LISTEN} in config.yml"


def _answers(settings: Settings, view: View, own: OwnAnswer | None, slot: str) -> Iterator[str]:
    name = server_name(settings)
    yield f"through nginx{f' as {name}' if name else ''}: {_answer(view.code, view.body)}"
    if own:
        yield f"on the port of {slot}: {_answer(own.code, own.body)}"


def _answer(code: int, body: str) -> str:
    if not code:
        return "no answer"
    first = " ".join(body.split())[:200]
    return f"HTTP {code} {first}".rstrip()
