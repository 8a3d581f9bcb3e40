"""Logging in to one machine. The only file that constructs Fabric's connections.

Fabric holds the connection. Its own ways to find jump hosts, trust host keys, choose keys and run commands
are not used: the other files of bluegreen/ssh replace them.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path

import fabric
import paramiko
from paramiko.ssh_exception import SSHException

from bluegreen.errors import BluegreenError
from bluegreen.ssh import refusals
from bluegreen.ssh.hops import Hop
from bluegreen.ssh.keys import KeyRing
from bluegreen.ssh.known_hosts import HostKey, Trust
from bluegreen.ssh.transport import Limits, ProxyCommand, Transport, transport_over

Link = socket.socket | paramiko.Channel
"""What carries an SSH connection: a TCP connection, a ProxyCommand, or a channel through a jump host."""


@dataclass(frozen=True)
class Login:
    """How to log in to one machine; ssh_config decides where a value is None.

    Args:
        address: a name, an IP address or a Host of ssh_config.
        host_keys: texts of type and base64; if there are any, only these keys are accepted.
        identity: the private key file; if set, only that key is tried.
    """

    address: str
    port: int | None = None
    user: str | None = None
    host_keys: tuple[str, ...] = ()
    identity: Path | None = None


def log_in(
    hop: Hop,
    link: Link,
    keys: KeyRing,
    trust: Trust,
    limits: Limits,
    *,
    pinnable: bool,
    proxy: ProxyCommand | None,
) -> fabric.Connection:
    """An authenticated connection over this link; the link is closed if that fails.

    Args:
        pinnable: whether config.yml has a place for this machine's key (a jump host has none).
        proxy: the ProxyCommand that carries the link, if any.

    Raises:
        CannotConnect: with the cause and the remedy.
    """
    transport = transport_over(link, trust, limits)
    connection = fabric.Connection(
        hop.hostname,
        user=hop.user,
        port=hop.port,
        gateway=False,
        # Lazy: Fabric reads neither ~/.fabric.yml nor ssh_config.
        config=fabric.Config(lazy=True),
        # A new dict each time: Fabric keeps and changes it.
        connect_kwargs={
            "sock": link,
            "transport_factory": lambda *_, **__: transport,
            "auth_strategy": keys,
        },
    )
    # Fabric's constructor sets AutoAddPolicy (fabric #2071).
    connection.client.set_missing_host_key_policy(_Verify(hop, trust, pinnable=pinnable))
    try:
        connection.open()
    except (SSHException, EOFError, OSError) as error:
        raise refusal(hop, transport, error, proxy) from error
    finally:
        if not transport.is_authenticated():
            connection.client.close()
            link.close()
    return connection


def refusal(hop: Hop, transport: Transport, error: Exception, proxy: ProxyCommand | None) -> BluegreenError:
    """The error to raise for a connection that failed before its login was complete."""
    if proxy and (stderr := proxy.failed()) is not None:
        return refusals.proxy_failed(hop, proxy.command, stderr)
    received = transport.listening
    if transport.initial_kex_done:
        return refusals.login_not_completed(hop, str(error) or type(error).__name__)
    lines = [line for line in received.lines if not line.startswith("SSH-")]
    return refusals.handshake_failed(hop, received.banner_error or error, lines)


class _Verify(paramiko.MissingHostKeyPolicy):
    """Checks every host key. Paramiko knows no key itself, so it asks each time."""

    def __init__(self, hop: Hop, trust: Trust, *, pinnable: bool) -> None:
        self._hop = hop
        self._trust = trust
        self._pinnable = pinnable

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        self._trust.require_trusted(
            self._hop, HostKey(key.get_name(), key.asbytes()), pinnable=self._pinnable
        )
