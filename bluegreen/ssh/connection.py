"""One SSH connection to a machine, over any jump hosts, and the scripts that run over it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType

import fabric
from paramiko.ssh_exception import SSHException

from bluegreen.errors import CannotConnect, ConnectionLost, Failed, WrongUsage
from bluegreen.remote import limits
from bluegreen.remote.script import Script
from bluegreen.ssh import refusals
from bluegreen.ssh.client_config import login_user, route
from bluegreen.ssh.hops import Hop
from bluegreen.ssh.in_thread import in_thread
from bluegreen.ssh.keys import PASSPHRASE, Candidate, KeyRing, named_key
from bluegreen.ssh.known_hosts import HostKey, Trust, trust_in
from bluegreen.ssh.login import Link, Login, log_in, refusal
from bluegreen.ssh.running import Result, Running, TimedOut
from bluegreen.ssh.sessions import Sessions, order
from bluegreen.ssh.transport import Limits, Liveness, ProxyCommand, Transport, dialled, transport_over

__all__ = ["Connection", "Limits", "Login", "Result", "Running", "TimedOut"]


class Connection:
    """The one SSH connection to a machine, once `connect` was called. Several threads may run scripts on it.

    Args:
        login: used by `connect`, not before.
        environ: the environment that may contain BLUEGREEN_SSH_KEY.
        limits: how long each wait on the network may be.
    """

    def __init__(
        self, login: Login, *, environ: Mapping[str, str] = os.environ, limits: Limits | None = None
    ) -> None:
        self._login = login
        self._environ = environ
        self._limits = limits or Limits()
        self._user = login.user
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
        """The user who logs in."""
        if self._user is None:
            self._user = login_user(self._login.address)
        return self._user

    @property
    def connected(self) -> bool:
        """Whether it was connected and not closed since; true also after the connection was lost."""
        return self._sessions is not None

    # --- connecting ----------------------------------------------------------------------------------

    def connect(self) -> None:
        """Connects over every hop, and verifies the host key of each. Does nothing if already connected.

        Raises:
            CannotConnect: with the cause and the remedy.
            WrongUsage: a pinned host key is not a key.
        """
        if self._connections and self._connections[-1].is_connected:
            return
        self.close()
        try:
            target = self._log_in_to_jumps()
            self._log_in(target, self._link_to(target), is_target=True)
            transport = self._transport()
            self._liveness = Liveness(transport, self._limits)
            self._sessions = Sessions(transport, f"{target.user} on {self.address}")
            self._sessions.require_shell()
        except BaseException:
            self.close()
            raise

    def shown_host_key(self) -> HostKey:
        """The host key that the machine shows, unverified, for a person to compare and pin.

        Logs in to the jump hosts, but not to the machine itself, and closes the connection.

        Raises:
            CannotConnect: no SSH server was reached.
        """
        self.close()
        try:
            target = self._log_in_to_jumps()
            link = self._link_to(target)
            transport = transport_over(link, Trust(()), self._limits)
            try:
                transport.start_client()
                key = transport.get_remote_server_key()
            except (SSHException, EOFError, OSError) as error:
                raise refusal(target, transport, error, self._proxy_of_next_hop()) from error
            finally:
                transport.close()
                link.close()
            return HostKey(key.get_name(), key.asbytes())
        finally:
            self.close()

    def _log_in_to_jumps(self) -> Hop:
        """Logs in to every jump host, and returns the machine itself."""
        self._named_key = named_key(self._login.identity, self._environ)
        *jumps, target = route(self._login.address, port=self._login.port, user=self._login.user)
        self._user = target.user
        for jump in jumps:
            self._log_in(jump, self._link_to(jump), is_target=False)
        return target

    def _link_to(self, hop: Hop) -> Link:
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

    def _log_in(self, hop: Hop, link: Link, *, is_target: bool) -> None:
        # The key for the host is not tried on a jump host that has a key of its own in ssh_config.
        named = self._named_key if is_target or not hop.identities_named else None
        connection = log_in(
            hop,
            link,
            KeyRing(hop, named, self._environ.get(PASSPHRASE) or None),
            trust_in(hop, self._login.host_keys if is_target else ()),
            self._limits,
            pinnable=is_target,
            proxy=self._proxy_of_next_hop(),
        )
        self._connections.append(connection)
        self._passed.append(hop)

    def _proxy_of_next_hop(self) -> ProxyCommand | None:
        # A ProxyCommand carries the connection to the first hop only.
        return None if self._connections else self._proxy

    def _transport(self) -> Transport:
        transport = self._connections[-1].transport
        assert isinstance(transport, Transport)  # noqa: S101 made so in `log_in`
        return transport

    def close(self) -> None:
        """Closes the connection and those to its jump hosts. Scripts that ignore SIGHUP keep running."""
        # First: a step that ends with the connection must see that it was closed, not lost (reconnect.py).
        self._sessions = None
        if self._liveness:
            self._liveness.stop()
        # The nearest hop first: that closes the TCP connection. A farther one would send its close through
        # hops that may be dead, and block.
        connections, self._connections = self._connections, []
        for connection in connections:
            try:
                in_thread(connection.client.close, timeout_s=limits.CLOSE_S)
            except (OSError, EOFError, SSHException):
                continue
        if self._proxy:
            self._proxy.close()
        self._proxy, self._liveness = None, None
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
            ConnectionLost: the connection is closed or lost.
        """
        return self._started(script, sudo=sudo)

    def run(
        self,
        script: Script,
        *,
        stdin: bytes = b"",
        timeout_s: float = limits.SCRIPT_S,
        sudo: bool = False,
    ) -> Result:
        """Runs the script with that input to its end. An exit code other than 0 does not raise.

        Raises:
            ConnectionLost: the connection ended; whether the script did its work is unknown.
            TimedOut: the script did not end in time; it may still run.
        """
        with self._started(script, sudo=sudo, stdin=stdin, timeout_s=timeout_s) as running:
            return running.wait(timeout_s=timeout_s)

    def upload(
        self,
        script: Script,
        source: Path,
        *,
        progress: Callable[[int], None] | None = None,
        timeout_s: float = limits.UPLOAD_END_S,
    ) -> Result:
        """Runs the script with the file's bytes as its input. Sending stops when the script ends.

        Args:
            script: must verify what it received: a truncated file looks complete to it.
            source: the file.
            progress: called with the number of bytes sent so far.
            timeout_s: how long the machine may accept no byte, and the script may run after the last one.

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
        self,
        script: Script,
        *,
        sudo: bool = False,
        stdin: bytes | None = None,
        timeout_s: float = limits.WRITE_STANDSTILL_S,
    ) -> Running:
        """Starts the script, with its whole input if that is known."""
        if self._sessions is None:
            raise ConnectionLost(f"{self.address} is not connected")
        try:
            shell = self._sessions.take()
        except CannotConnect as error:
            raise ConnectionLost(
                f"{error.message}: {script.name} was not started", why=error.why, remedy=error.remedy
            ) from error
        except (SSHException, EOFError, OSError) as error:
            if self._transport().is_active():
                raise Failed(
                    f"{self.address} does not open another session",
                    why=[str(error)],
                    remedy="raise MaxSessions in the machine's sshd_config (its default is 10)",
                ) from error
            raise ConnectionLost(
                f"the connection to {self.address} ended before {script.name} was started",
                why=[self._lost_because()],
                remedy="run the command again",
            ) from error
        running = Running(shell, name=script.name, address=self.address, lost_because=self._lost_because)
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
        if self._liveness and self._liveness.gave_up:
            return f"the machine did not answer for {self._limits.silence_s:g} s"
        return "the network failed, the machine went down, or its sshd was stopped"
