"""Why a health answer cannot become UP by itself, and the line of configuration that helps.

Spring Security in front of the endpoint, an endpoint that is not exposed, another path, an application that
insists on https: waiting does not change these, and the log of such an application is that of a healthy one.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from bluegreen.config import Settings
from bluegreen.host.answer import Answer
from bluegreen.host.machine import server_name

# What Spring Boot answers; any other `status` of an error is that of an API of the application's own.
STATUSES = ("UP", "DOWN", "OUT_OF_SERVICE", "UNKNOWN")
# Errors that pass: a request that came too slowly, too early, too often (RFC 9110, RFC 8470, RFC 6585).
_PASSING = (408, 425, 429)
# In the path of a page to which a person is sent to log in.
_LOGIN = ("login", "signin", "sign-in", "oauth", "saml", "sso", "auth")
# How many characters of what the application sent are shown.
_SHOWN = 200


@dataclass(frozen=True)
class NeverUp:
    """Why an answer cannot become UP by itself.

    Args:
        kind: the same for answers that differ in their details only.
        text: what was answered and what it shows, a clause.
        remedy: what to write where.
        waits: whether it is waited for nevertheless, as the application may change it.
        elsewhere: whether the endpoint may be at another path or port.
    """

    kind: str
    text: str
    remedy: str
    waits: bool = False
    elsewhere: bool = False


class Unchanged:
    """How long answers of one kind, which waiting does not change, have come without another.

    Args:
        enough_s: the time that is enough.
    """

    def __init__(self, enough_s: float) -> None:
        self._enough_ms = enough_s * 1000
        self._kind = ""
        self._since_ms = 0

    def reached_by(self, cause: NeverUp | None, at_ms: int) -> bool:
        """Whether the time is reached with this answer.

        Args:
            cause: why the answer cannot become UP, None if it may.
            at_ms: when the answer came, by the machine's clock.
        """
        kind = cause.kind if cause and not cause.waits else ""
        if kind != self._kind:
            self._kind, self._since_ms = kind, at_ms
        return bool(kind) and at_ms - self._since_ms >= self._enough_ms


def reason(answer: Answer, settings: Settings, slot: str) -> NeverUp | None:
    """Returns why an answer cannot become UP by itself, None for one that may.

    Args:
        slot: the slot that was asked.
    """
    path, code = settings.health.path, answer.code
    if answer.closed:
        return _closed(settings, slot)
    if answer.status in STATUSES:
        return _unknown(path) if answer.status == "UNKNOWN" else None
    if 300 <= code < 400:
        return _redirect(answer, settings)
    if code in (401, 403):
        asks = "asks for a login" if code == 401 else "lets nobody in"
        return NeverUp(str(code), f"{path} answers HTTP {code}: Spring Security {asks}", _permit(path))
    if code == 404:
        return NeverUp(
            "404",
            f"{path} answers HTTP 404: the endpoint is not exposed, or it is at another path or port",
            "write into application.yml: management.endpoints.web.exposure.include: health, and depend on "
            "spring-boot-starter-actuator; if it has another path, set health.path in config.yml; if "
            f"management.server.port is set, write into config.yml: {_ports(settings)}",
            elsewhere=True,
        )
    if answer.tls:
        return NeverUp(
            "tls",
            f"port {settings.health_port(slot)} of {slot} expects https (server.ssl)",
            "write into application.yml: server.ssl.enabled: false, as nginx speaks https to users and http "
            "to the slots",
        )
    if code == 400:
        return NeverUp(
            "400",
            f"{path} answers HTTP 400 to the name {server_name(settings) or '127.0.0.1'}",
            "set site.server_name in config.yml to a name that the application accepts",
        )
    if 400 < code < 500 and code not in _PASSING:
        return NeverUp(
            str(code),
            f"{path} answers HTTP {code}: another part of the application has that path",
            _other_path(path),
            elsewhere=True,
        )
    if not 200 <= code < 300:
        return None
    if answer.body.lstrip()[:1] == "<":
        return NeverUp(
            "page",
            f"{path} answers HTTP {code} with an HTML page: a login page, or the page for every unknown path",
            f"{_permit(path)}; if the endpoint is not exposed: management.endpoints.web.exposure.include: "
            "health",
            elsewhere=True,
        )
    if answer.status.startswith("no "):
        return NeverUp(
            "no status",
            f"{path} answers HTTP {code}, but no JSON with a status",
            _other_path(path),
            elsewhere=True,
        )
    return None


def _closed(settings: Settings, slot: str) -> NeverUp:
    port, own = settings.health_port(slot), settings.slots[slot]
    return NeverUp(
        "closed",
        f"nothing listens on port {port}, which health.ports names, while {slot} listens on port {own}",
        f"set management.server.port to {port} for {slot} (it needs spring-boot-starter-actuator, and no "
        "management.server.address but 127.0.0.1), or remove health.ports from config.yml",
        elsewhere=True,
    )


def _unknown(path: str) -> NeverUp:
    return NeverUp(
        "UNKNOWN",
        f"{path} answers the status UNKNOWN: no health indicator reports UP",
        "write into application.yml: management.health.ping.enabled: true",
        waits=True,
    )


def _redirect(answer: Answer, settings: Settings) -> NeverUp:
    path, target = settings.health.path, _split(answer.redirect)
    text = f"{path} is redirected to {shown(answer.redirect)}"
    if not answer.redirect:
        text = f"{path} answers HTTP {answer.code} without a location"
    here = target.hostname in (None, "127.0.0.1", "localhost", *settings.site.server_name.split())
    if target.path == path and not here:
        return NeverUp(
            "name",
            f"{text}: the application answers under another name",
            f"set site.server_name: {shown(target.hostname or '')} in config.yml",
        )
    if target.path == path and target.scheme == "https":
        # It was asked as for a client of https (slot_request.sh).
        return NeverUp(
            "https",
            f"{text}, although X-Forwarded-Proto says https: the application ignores that header",
            "write into application.yml: server.forward-headers-strategy: framework",
        )
    if not here or any(word in target.path.lower() for word in _LOGIN):
        return NeverUp("login", f"{text}: Spring Security asks for a login", _permit(path))
    if target.path.rstrip("/").endswith(path.rstrip("/")):
        return NeverUp("path", text, f"set health.path: {shown(target.path)} in config.yml")
    return NeverUp("redirect", text, f"{_permit(path)}; or {_other_path(path)}")


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def shown(text: str) -> str:
    """The start of what the application sent, as it can be printed in one line."""
    return "".join(each if each.isprintable() else "?" for each in " ".join(text.split())[:_SHOWN])


def _permit(path: str) -> str:
    return (
        "write into the application's SecurityFilterChain, before anyRequest(): "
        f'.requestMatchers("{path}").permitAll()'
    )


def _other_path(path: str) -> str:
    return f'set health.path in config.yml to a path that answers {{"status": "UP"}} (now {path})'


def _ports(settings: Settings) -> str:
    ports = ", ".join(f"{slot}: {port + 1000}" for slot, port in settings.slots.items())
    return f"health: {{ports: {{{ports}}}}}"
