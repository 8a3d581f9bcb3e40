"""One machine: one SSH connection to it, and our scripts run over that. The only file that knows Fabric.

Fabric holds each connection. Its way of finding jump hosts, trusting host keys, choosing keys and running
commands is replaced (bluegreen/ssh says by what, and why).
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import fabric
import paramiko
from paramiko.ssh_exception import SSHException

from bluegreen.errors import BluegreenError, ConnectionLost, Failed, WrongUsage
from bluegreen.remote.script import Script
from bluegreen.ssh import refusals
from bluegreen.ssh.client_config import login_user, route
from bluegreen.ssh.hops import Hop
from bluegreen.ssh.keys import PASSPHRASE, Candidate, KeyRing, named_key
from bluegreen.ssh.known_hosts import HostKey, Trust, trust_in
from bluegreen.ssh.running import Result, Running, TimedOut
from bluegreen.ssh.sessions import Sessions, order
from bluegreen.ssh.transport import Limits, Liveness, ProxyCommand, Transport, dialled, transport_over
from bluegreen.ssh.uninterrupted import uninterrupted

__all__ = ["Connection", "Limits", "Login", "Result", "Running", "TimedOut"]


@dataclass(frozen=True)
class Login:
    """How to log in to one machine; what is None is left to ssh_config.

    Args:
        address: a name, an IP address or a Host of ssh_config.
        host_keys: `type base64`; if there are any, only these are accepted.
        identity: the private key file; if set, only that key is tried.
    """

    address: str
    port: int | None = None
    user: str | None = None
    host_keys: tuple[str, ...] = ()
    identity: Path | None = None


class Connection:
    """One machine and, once connected, the one connection to it. Several threads may run scripts on it.

    Args:
        login: nothing is done with it before `connect`.
        environ: where BLUEGREEN_SSH_KEY is looked for.
        limits: how long each wait on the network may be.
    """

    def __init__(
        self, login: Login, *, environ: Mapping[str, str] = os.environ, limits: Limits | None = None
    ) -> None:
        self._login = login
        self._environ = environ
        self._limits = limits or Limits()
        self._named_key: Candidate | None = None
        self._proxy: ProxyCommand | None = None
        self._connections: list[fabric.Connection] = []
        self._passed: list[Hop] = []
        self._sessions: Sessions | None = None
        self._liveness: Liveness | None = None

    @property
    def address(self) -> str:
        return self._login.address

    @property
    def user(self) -> str:
        """Who is logged in there."""
        return self._login.user or login_user(self._login.address)

    @property
    def connected(self) -> bool:
        """Whether it was connected and not closed since; a connection that was lost counts until then."""
        return self._sessions is not None

    # --- connecting ----------------------------------------------------------------------------------

    def connect(self) -> None:
        """Connects, over every hop on the way, each with its host key checked. Does nothing if connected.

        Raises:
            CannotConnect: with the cause and what to do.
            WrongUsage: a pinned host key is no key.
        """
        if self._connections and self._connections[-1].is_connected:
            return
        self.close()
        try:
            *jumps, target = self._way()
            for jump in jumps:
                self._log_in(jump, self._link_to(jump), is_target=False)
            self._log_in(target, self._link_to(target), is_target=True)
            transport = self._transport()
            self._liveness = Liveness(transport, self._limits)
            self._sessions = Sessions(transport)
        except BaseException:
            self.close()
            raise

    def shown_host_key(self) -> HostKey:
        """The host key the machine shows: unverified, and nothing is logged in to but jump hosts.

        For a person to compare and pin. The connection is closed again.

        Raises:
            CannotConnect: no SSH server was reached.
        """
        self.close()
        try:
            *jumps, target = self._way()
            for jump in jumps:
                self._log_in(jump, self._link_to(jump), is_target=False)
            link = self._link_to(target)
            transport = transport_over(link, Trust(()), self._limits)
            try:
                transport.start_client()
                key = transport.get_remote_server_key()
            except (SSHException, EOFError, OSError) as error:
                raise self._refusal(target, transport, error) from error
            finally:
                transport.close()
                link.close()
            return HostKey(key.get_name(), key.asbytes())
        finally:
            self.close()

    def _way(self) -> tuple[Hop, ...]:
        self._named_key = named_key(self._login.identity, self._environ)
        return route(self._login.address, port=self._login.port, user=self._login.user)

    def _link_to(self, hop: Hop) -> socket.socket | paramiko.Channel:
        """What carries the connection to the hop: TCP, a ProxyCommand, a channel of the last hop."""
        if self._connections:
            try:
                return self._transport().open_channel(
                    "direct-tcpip", (hop.hostname, hop.port), ("", 0), timeout=self._limits.channel_s
                )
            except (SSHException, EOFError, OSError) as error:
                raise refusals.jump_failed(self._passed[-1], hop, error) from error
        if hop.proxy_command:
            self._proxy = ProxyCommand(hop.proxy_command)
            return self._proxy.socket
        return dialled(hop, self._limits)

    def _log_in(self, hop: Hop, link: socket.socket | paramiko.Channel, *, is_target: bool) -> None:
        trust = trust_in(hop, self._login.host_keys if is_target else ())
        transport = transport_over(link, trust, self._limits)
        connection = fabric.Connection(
            hop.hostname,
            user=hop.user,
            port=hop.port,
            gateway=False,
            # Lazy: neither ~/.fabric.yml nor Fabric's own reading of ssh_config has a say.
            config=fabric.Config(lazy=True),
            # A fresh dict each time: Fabric keeps and changes the one it is given.
            connect_kwargs={
                "sock": link,
                "transport_factory": lambda *_, **__: transport,
                "auth_strategy": self._key_ring(hop, is_target=is_target),
            },
        )
        # Fabric has just set AutoAddPolicy (fabric #2071).
        connection.client.set_missing_host_key_policy(_Verify(hop, trust, pinnable=is_target))
        try:
            connection.open()
        except (SSHException, EOFError, OSError) as error:
            raise self._refusal(hop, transport, error) from error
        finally:
            if not transport.is_authenticated():
                connection.client.close()
                link.close()
        self._connections.append(connection)
        self._passed.append(hop)

    def _key_ring(self, hop: Hop, *, is_target: bool) -> KeyRing:
        # A jump host with a key of its own in ssh_config is not logged in to with the host's.
        named = self._named_key if is_target or not hop.identities_named else None
        return KeyRing(hop, named, self._environ.get(PASSPHRASE) or None)

    def _refusal(self, hop: Hop, transport: Transport, error: Exception) -> BluegreenError:
        if self._proxy and not self._connections and (said := self._proxy.failed()) is not None:
            return refusals.proxy_failed(hop, self._proxy.command, said)
        heard = transport.listening
        if transport.initial_kex_done:
            return refusals.login_broken_off(hop, str(error) or type(error).__name__)
        said_lines = [line for line in heard.said if not line.startswith("SSH-")]
        return refusals.handshake_failed(hop, heard.banner_error or error, said_lines)

    def _transport(self) -> Transport:
        transport = self._connections[-1].transport
        assert isinstance(transport, Transport)  # noqa: S101 made so in `_log_in`
        return transport

    def close(self) -> None:
        """Ends the connection, and each hop's. Scripts that want to live on do."""
        if self._liveness:
            self._liveness.stop()
        # The nearest first: its socket closes without a word, while a farther one would want to send its
        # goodbye through hops that may be dead.
        connections, self._connections = self._connections, []
        for connection in connections:
            try:
                uninterrupted(connection.client.close, timeout_s=2)
            except (OSError, EOFError, SSHException):
                continue
        if self._proxy:
            self._proxy.close()
        self._proxy, self._sessions, self._liveness = None, None, None
        self._passed = []

    def __enter__(self) -> Connection:
        self.connect()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- running scripts -----------------------------------------------------------------------------

    def start(self, script: Script, *, sudo: bool = False) -> Running:
        """Starts the script and returns at once; its input stays open.

        Raises:
            ConnectionLost: there is no connection any more.
        """
        return self._started(script, sudo=sudo)

    def run(self, script: Script, *, stdin: bytes = b"", timeout_s: float = 60, sudo: bool = False) -> Result:
        """Runs the script with that input to its end. An exit code other than 0 is a result as any other.

        Raises:
            ConnectionLost: the connection ended; whether the script did its work is not known.
            TimedOut: it did not end in time; it may still run.
        """
        with self._started(script, sudo=sudo, stdin=stdin, timeout_s=timeout_s) as running:
            return running.wait(timeout_s=timeout_s)

    def upload(
        self,
        script: Script,
        source: Path,
        *,
        progress: Callable[[int], None] | None = None,
        timeout_s: float = 120,
    ) -> Result:
        """Runs the script with the file's bytes as its input; a script that ends early ends the sending.

        Args:
            script: must check what it got: a cut file looks like a whole one to it.
            source: the file.
            progress: called with the bytes sent so far.
            timeout_s: how long the host may take nothing, and the script may work after the last byte.

        Raises:
            ConnectionLost, TimedOut: as `run`.
            WrongUsage: the file cannot be read.
        """
        try:
            file = source.open("rb")
        except OSError as error:
            raise WrongUsage(f"{source} cannot be read", why=[error.strerror or str(error)]) from error
        with file, self._started(script) as running:
            running.feed(file, progress=progress, standstill_s=timeout_s)
            return running.wait(timeout_s=timeout_s)

    def _started(
        self, script: Script, *, sudo: bool = False, stdin: bytes | None = None, timeout_s: float = 60
    ) -> Running:
        """Starts the script, with all of its input if that is known."""
        if self._sessions is None:
            raise ConnectionLost(f"{self.address} is not connected", remedy="connect first")
        try:
            channel = self._sessions.take()
        except (SSHException, EOFError, OSError) as error:
            if self._transport().is_active():
                raise Failed(
                    f"{self.address} opens no further session",
                    why=[str(error)],
                    remedy="raise MaxSessions in the host's sshd_config (10 is its default)",
                ) from error
            raise ConnectionLost(
                f"the connection to {self.address} ended before {script.name} was started",
                why=[self._lost_because()],
            ) from error
        running = Running(channel, name=script.name, address=self.address, lost_because=self._lost_because)
        try:
            running.begin(
                order(script.text().encode(), sudo=sudo) + (stdin or b""),
                end_input=stdin is not None,
                timeout_s=timeout_s,
            )
        except BaseException:
            running.close()
            raise
        return running

    def _lost_because(self) -> str:
        if self._liveness and self._liveness.given_up:
            return f"the host did not answer for {self._limits.silence_s:g} s"
        return "the network failed, the host went down, or its sshd was stopped"


class _Verify(paramiko.MissingHostKeyPolicy):
    """Judges every host key. Paramiko is told of none, so that it asks each time."""

    def __init__(self, hop: Hop, trust: Trust, *, pinnable: bool) -> None:
        self._hop = hop
        self._trust = trust
        self._pinnable = pinnable

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        self._trust.check(self._hop, HostKey(key.get_name(), key.asbytes()), pinnable=self._pinnable)
