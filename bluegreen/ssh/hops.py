"""One hop of a route: a jump host or the machine itself, as ssh_config and the login describe it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

DEFAULT_PORT = 22


@dataclass(frozen=True)
class Hop:
    """A machine to log in to: a jump host, or the last hop, which is the machine itself.

    Args:
        name: the name that a person wrote.
        hostname: the name or address to connect to.
        revoked_keys_files: RevokedHostKeys.
        host_key_alias: HostKeyAlias, the name of its key in known_hosts if that differs.
        agent: the socket of the agent to ask for keys: IdentityAgent, else $SSH_AUTH_SOCK.
        identity_files: the private keys to try, in order; the default ones if ssh_config names none.
        certificate_files: CertificateFile, certificates for any of the keys.
        identities_named: whether ssh_config names the keys for this machine.
        identities_only: IdentitiesOnly, try no other keys of the agent.
        connect_timeout_s: ConnectTimeout, in seconds.
        proxy_command: the local command that carries the connection, with its tokens expanded.
    """

    name: str
    hostname: str
    port: int
    user: str
    host_key_alias: str | None = None
    known_hosts_files: tuple[Path, ...] = ()
    revoked_keys_files: tuple[Path, ...] = ()
    agent: Path | None = None
    identity_files: tuple[Path, ...] = ()
    certificate_files: tuple[Path, ...] = ()
    identities_named: bool = False
    identities_only: bool = False
    connect_timeout_s: float | None = None
    proxy_command: str | None = None

    @property
    def known_as(self) -> str:
        """Its name in known_hosts: the alias, or the host name with any port other than 22 (sshd(8))."""
        if self.host_key_alias:
            return self.host_key_alias.lower()
        if self.port == DEFAULT_PORT:
            return self.hostname.lower()
        return f"[{self.hostname.lower()}]:{self.port}"

    def __str__(self) -> str:
        """The hop in a message: the name, the address if that differs, and the port."""
        address = "" if self.name == self.hostname else f" ({self.hostname})"
        return f"{self.name}{address} port {self.port}"
