"""The route to a machine: what ssh_config says of it, and of each jump host on the way.

OpenSSH itself reads ssh_config (openssh.py). This module follows ProxyJump, and expands what `ssh -G` leaves
as written. StrictHostKeyChecking is ignored on purpose: a host key is never accepted blindly (P10).
"""

from __future__ import annotations

import getpass
import os
import re
import socket
from dataclasses import dataclass, replace
from pathlib import Path

from bluegreen.ssh import refusals
from bluegreen.ssh.hops import Hop
from bluegreen.ssh.openssh import Settings, account_home, home, settings_for

# ssh tries each of these if ssh_config names none; which ones depends on its version.
_DEFAULT_IDENTITY = re.compile(r"~/\.ssh/id_\w+")


@dataclass(frozen=True)
class _Spec:
    """A host in the form `[user@]host[:port]`."""

    name: str
    port: int | None = None
    user: str | None = None


def login_user(address: str) -> str:
    """The user whom ssh logs in at `address`: User of ssh_config, else the local user."""
    return _one(settings_for(address), "user")


def route(address: str, *, port: int | None = None, user: str | None = None) -> tuple[Hop, ...]:
    """The hops to log in to on the way to `address`: the nearest first, the machine itself last.

    Args:
        address: a name, an IP address or a Host of ssh_config.
        port: overrides ssh_config.
        user: overrides ssh_config.

    Raises:
        CannotConnect: ssh cannot use ssh_config for a hop, or ProxyJump leads in a circle.
    """
    return _route(_Spec(address, port, user), passed=frozenset())


def _route(spec: _Spec, passed: frozenset[tuple[str, int]]) -> tuple[Hop, ...]:
    hop, settings = _hop(spec)
    if (hop.hostname, hop.port) in passed:
        raise refusals.bad_client_config(f"ProxyJump of {hop} leads back to itself")
    jumps = _one(settings, "proxyjump")
    if not jumps:
        return (hop,)
    first, *others = [_parsed(text) for text in _expanded(jumps, hop).split(",")]
    # As with `ssh -J a,b host`, only the first hop's own ProxyJump applies (ssh_config(5)).
    nearer = _route(first, passed | {(hop.hostname, hop.port)})
    return (*nearer, *(replace(_hop(other)[0], proxy_command=None) for other in others), hop)


def _parsed(text: str) -> _Spec:
    rest = text.strip().removeprefix("ssh://").rstrip("/")
    user, at, rest = rest.rpartition("@")
    bracketed = re.fullmatch(r"\[(.+)](?::(\d+))?", rest)
    plain = re.fullmatch(r"([^:]+):(\d+)", rest)
    found = bracketed or plain
    name, port = (found[1], found[2]) if found else (rest, None)
    return _Spec(name, int(port) if port else None, user if at else None)


def _hop(spec: _Spec) -> tuple[Hop, Settings]:
    """A hop, and the settings that it is made of."""
    settings = settings_for(spec.name, port=spec.port, user=spec.user)
    timeout = _one(settings, "connecttimeout")
    identities = settings.get("identityfile", ())
    bare = Hop(
        name=spec.name,
        hostname=_one(settings, "hostname"),
        port=int(_one(settings, "port")),
        user=_one(settings, "user"),
        host_key_alias=_one(settings, "hostkeyalias") or None,
        identities_only=_one(settings, "identitiesonly") == "yes",
        identities_named=len(identities) < 2 or not all(map(_DEFAULT_IDENTITY.fullmatch, identities)),
        connect_timeout_s=int(timeout) if timeout.isdigit() else None,
    )
    known_hosts = (*_paths(settings, "userknownhostsfile"), *_paths(settings, "globalknownhostsfile"))
    hop = replace(
        bare,
        agent=_agent(_one(settings, "identityagent"), bare),
        identity_files=tuple(_path(name, bare) for name in identities if not _is_none(name)),
        certificate_files=tuple(
            _path(name, bare) for name in settings.get("certificatefile", ()) if not _is_none(name)
        ),
        # Their tokens are expanded by those versions of ssh that know any.
        known_hosts_files=tuple(map(_at_home, known_hosts)),
        revoked_keys_files=tuple(_path(name, bare) for name in _paths(settings, "revokedhostkeys")),
        proxy_command=_expanded(_one(settings, "proxycommand"), bare) or None,
    )
    return hop, settings


def _one(settings: Settings, keyword: str) -> str:
    """The value of a setting, empty if it is not set."""
    return next(iter(settings.get(keyword, ())), "")


def _is_none(value: str) -> bool:
    return value.lower() == "none"


def _paths(settings: Settings, keyword: str) -> list[str]:
    # `-G` prints all on one line, without quotes: a blank only separates them if a path begins behind it.
    paths = re.split(r" +(?=[/~%$])", _one(settings, keyword))
    return [path for path in paths if path and not _is_none(path)]


def _agent(value: str, hop: Hop) -> Path | None:
    """The socket of the agent (ssh_config(5), IdentityAgent)."""
    if _is_none(value):
        return None
    if value in ("", "SSH_AUTH_SOCK"):
        value = "$SSH_AUTH_SOCK"
    if variable := re.fullmatch(r"\$(\w+)", value):
        value = os.environ.get(variable[1], "")
        return Path(value) if value else None
    return _path(value, hop)


def _path(text: str, hop: Hop) -> Path:
    """The path with `~`, tokens and `${VARIABLE}` expanded."""
    return Path(_expanded(str(_at_home(text)), hop, variables=True))


def _at_home(text: str) -> Path:
    """The path with `~` expanded, also where ssh itself has put the home of the account for it."""
    if text == "~" or text.startswith("~/"):
        return home() / text[2:]
    path = Path(text).expanduser()
    account = account_home()
    if account is not None and path.is_relative_to(account):
        return home() / path.relative_to(account)
    return path


def _expanded(text: str, hop: Hop, *, variables: bool = False) -> str:
    """The text with its tokens expanded (ssh_config(5), TOKENS and ENVIRONMENT VARIABLES).

    Raises:
        CannotConnect: a token is not known, or a variable not set.
    """
    local = socket.gethostname()
    tokens = {
        "%": "%",
        "d": str(home()),
        "h": hop.hostname,
        "i": str(os.getuid()),
        "k": hop.host_key_alias or hop.name,
        "L": local.partition(".")[0],
        "l": local,
        "n": hop.name,
        "p": str(hop.port),
        "r": hop.user,
        "u": getpass.getuser(),
    }

    def value_of(found: re.Match[str]) -> str:
        word = found[0]
        value = os.environ.get(word[2:-1]) if word.startswith("${") else tokens.get(word[1:])
        if value is None:
            raise refusals.bad_client_config(f"{word} has no value, in {text} for {hop}")
        return value

    return re.sub(r"%.|\$\{\w+\}" if variables else "%.", value_of, text)
