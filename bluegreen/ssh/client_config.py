"""The route to a machine, from ~/.ssh/config and /etc/ssh/ssh_config.

Paramiko parses and matches. This module adds Include, the order of ProxyJump hops, `ProxyJump none`, and
tokens with a port or user from our own config. StrictHostKeyChecking is ignored on purpose: a host key is
never accepted blindly (P10).
"""

from __future__ import annotations

import getpass
import re
import shlex
import socket
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from paramiko import SSHConfig, SSHConfigDict
from paramiko.ssh_exception import SSHException

from bluegreen.ssh import refusals
from bluegreen.ssh.hops import DEFAULT_PORT, Hop

SYSTEM_FILE = Path("/etc/ssh/ssh_config")
SYSTEM_KNOWN_HOSTS = Path("/etc/ssh/ssh_known_hosts")
DEFAULT_IDENTITIES = ("id_ed25519", "id_ecdsa", "id_rsa")
DEEPEST_INCLUDE = 16  # the limit of OpenSSH (readconf.c, READCONF_MAX_DEPTH)


class _Settings(SSHConfig):
    """Paramiko's parser without its token expansion.

    Paramiko does not know a port or user of our own config, replaces a `~` in the middle of a path, and keeps
    `%%`.
    """

    TOKENS_BY_CONFIG_KEY = {  # noqa: RUF012 Paramiko's own shape
        "match-exec": ["%d", "%h", "%l", "%n", "%p", "%r"]
    }


@dataclass(frozen=True)
class _Spec:
    """A host in the form `[user@]host[:port]`."""

    name: str
    port: int | None = None
    user: str | None = None


def login_user(address: str) -> str:
    """The user whom ssh logs in at `address`: User of ssh_config, else the local user. Uses no network."""
    return _settings(address).get("user") or getpass.getuser()


def route(address: str, *, port: int | None = None, user: str | None = None) -> tuple[Hop, ...]:
    """The hops to log in to on the way to `address`: the nearest first, the machine itself last.

    Args:
        address: a name, an IP address or a Host of ssh_config.
        port: overrides ssh_config.
        user: overrides ssh_config.

    Raises:
        CannotConnect: ssh_config cannot be read, or has an invalid value.
    """
    return _route(_Spec(address, port, user), passed=frozenset())


def _route(spec: _Spec, passed: frozenset[tuple[str, int]]) -> tuple[Hop, ...]:
    settings = _settings(spec.name)
    hop = _hop(spec, settings)
    passed = passed | {(hop.hostname, hop.port)}
    proxy = _proxy(settings)
    if proxy == "proxycommand":
        return (replace(hop, proxy_command=_expanded(settings["proxycommand"], hop)),)
    if proxy == "proxyjump":
        first, *others = [_parsed(text) for text in _expanded(settings["proxyjump"], hop).split(",")]
        # A ProxyJump under `Host *` applies to the hosts behind the bastion, not to the bastion itself.
        nearest = _hop(first, _settings(first.name))
        if (nearest.hostname, nearest.port) in passed:
            return (hop,)
        # As with `ssh -J a,b host`, only the first hop's own ProxyJump applies (ssh_config(5)).
        return (*_route(first, passed), *(_hop(other, _settings(other.name)) for other in others), hop)
    return (hop,)


def _proxy(settings: Mapping[str, str]) -> str | None:
    """The one of ProxyJump and ProxyCommand that applies: the first one written (ssh_config(5)).

    Paramiko keeps the order, has None for `ProxyCommand none`, and reads `ProxyJump none` as a host.
    """
    for key, value in settings.items():
        if key in ("proxyjump", "proxycommand"):
            return None if value is None or value.strip().lower() == "none" else key
    return None


def _parsed(text: str) -> _Spec:
    rest = text.strip().removeprefix("ssh://").rstrip("/")
    user, at, rest = rest.rpartition("@")
    bracketed = re.fullmatch(r"\[(.+)](?::(\d+))?", rest)
    plain = re.fullmatch(r"([^:]+):(\d+)", rest)
    found = bracketed or plain
    name, port = (found[1], found[2]) if found else (rest, None)
    return _Spec(name, int(port) if port else None, user if at else None)


def _hop(spec: _Spec, settings: SSHConfigDict) -> Hop:
    hostname = settings.get("hostname", spec.name).replace("%%", "%").replace("%h", spec.name)
    hop = Hop(
        name=spec.name,
        hostname=hostname,
        port=spec.port or _number(settings, "port") or DEFAULT_PORT,
        user=spec.user or settings.get("user") or getpass.getuser(),
        host_key_alias=settings.get("hostkeyalias"),
        identities_only=settings.get("identitiesonly", "no").lower() == "yes",
        connect_timeout_s=_number(settings, "connecttimeout"),
    )
    known_hosts = _words(settings.get("userknownhostsfile", "~/.ssh/known_hosts ~/.ssh/known_hosts2"))
    return replace(
        hop,
        identities_named="identityfile" in settings,
        identity_files=_identities(settings, hop),
        known_hosts_files=(
            *(_path(name, hop) for name in known_hosts if name.lower() != "none"),
            SYSTEM_KNOWN_HOSTS,
        ),
    )


def _identities(settings: SSHConfigDict, hop: Hop) -> tuple[Path, ...]:
    if "identityfile" not in settings:
        return tuple(Path.home() / ".ssh" / name for name in DEFAULT_IDENTITIES)
    return tuple(_path(name, hop) for name in settings["identityfile"] if name.lower() != "none")


def _number(settings: SSHConfigDict, key: str) -> int | None:
    value = settings.get(key)
    if value is None or value.lower() == "none":
        return None
    if not value.isdigit():
        raise refusals.bad_client_config(f"{key} is {value!r}, not a whole number")
    return int(value)


def _path(text: str, hop: Hop) -> Path:
    return Path(_expanded(text, hop)).expanduser()


def _expanded(text: str, hop: Hop) -> str:
    """The text with its tokens expanded (ssh_config(5), TOKENS); an unknown token stays unchanged."""
    tokens = {
        "%": "%",
        "d": str(Path.home()),
        "h": hop.hostname,
        "l": socket.gethostname(),
        "n": hop.name,
        "p": str(hop.port),
        "r": hop.user,
        "u": getpass.getuser(),
    }
    return re.sub(r"%(.)", lambda found: tokens.get(found[1], found[0]), text)


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def _settings(address: str) -> SSHConfigDict:
    lines: list[str] = []
    for file, folder in (
        (Path.home() / ".ssh" / "config", Path.home() / ".ssh"),
        (SYSTEM_FILE, SYSTEM_FILE.parent),
    ):
        lines.append("Host *")
        _read(file, lines, address, header="Host *", folder=folder, depth=0)
    return _looked_up(lines, address)


def _looked_up(lines: list[str], address: str) -> SSHConfigDict:
    try:
        return _Settings.from_text("\n".join(lines)).lookup(address)
    except (SSHException, KeyError, ValueError) as error:
        raise refusals.bad_client_config(str(error)) from error


def _read(file: Path, lines: list[str], address: str, *, header: str, folder: Path, depth: int) -> None:
    """Appends the file's lines to `lines`, with each Include replaced by the included files.

    Args:
        file: nothing is appended if it does not exist.
        lines: the lines read so far.
        address: the host that is looked up.
        header: the Host or Match line that applies where the file is included.
        folder: the base of a relative Include.
        depth: how many Includes deep this file is.
    """
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return
    except OSError as error:
        raise refusals.bad_client_config(f"{file} cannot be read: {error.strerror}") from error
    for line in text.splitlines():
        keyword, value = _keyword(line)
        if keyword != "include":
            if keyword in ("host", "match"):
                header = line
            lines.append(line)
        elif depth < DEEPEST_INCLUDE and _applies([*lines, header], address):
            for included in _included(value, folder):
                _read(included, lines, address, header=header, folder=folder, depth=depth + 1)
                # A Host line ends with its file: the next line belongs to the block of the Include.
                lines.append(header)


def _keyword(line: str) -> tuple[str, str]:
    found = re.match(r"\s*(\w+)(?:\s*=\s*|\s+)(.+)", line)
    return (found[1].lower(), found[2].strip()) if found else ("", "")


def _applies(lines: list[str], address: str) -> bool:
    """Whether the block that the last line opens applies to the address, according to Paramiko."""
    return "bluegreenasks" in _looked_up([*lines, "BluegreenAsks yes"], address)


def _included(value: str, folder: Path) -> list[Path]:
    files: list[Path] = []
    for word in _words(value):
        pattern = Path(word).expanduser()
        if not pattern.is_absolute():
            pattern = folder / pattern
        root = Path(pattern.anchor)
        files.extend(sorted(root.glob(str(pattern.relative_to(root)))))
    return files
