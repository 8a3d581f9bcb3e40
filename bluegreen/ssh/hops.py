"""One machine on the way to a host, as ssh_config and the login describe it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

DEFAULT_PORT = 22


@dataclass(frozen=True)
class Hop:
    """A machine to log in to: the host itself, or a jump host before it.

    Args:
        name: as a person wrote it.
        hostname: what is connected to.
        host_key_alias: the name its key is known under, if that is another one.
        identity_files: private keys to try, in order; the usual ones if ssh_config names none.
        identities_named: whether ssh_config names them for this machine.
        identities_only: no other keys of the agent.
        proxy_command: the local command that carries the connection, tokens replaced.
    """

    name: str
    hostname: str
    port: int
    user: str
    host_key_alias: str | None = None
    known_hosts_files: tuple[Path, ...] = ()
    identity_files: tuple[Path, ...] = ()
    identities_named: bool = False
    identities_only: bool = False
    connect_timeout_s: float | None = None
    proxy_command: str | None = None

    @property
    def known_as(self) -> str:
        """Its name in known_hosts: an alias stands alone, a port other than 22 is part of it (sshd(8))."""
        if self.host_key_alias:
            return self.host_key_alias.lower()
        if self.port == DEFAULT_PORT:
            return self.hostname.lower()
        return f"[{self.hostname.lower()}]:{self.port}"

    def __str__(self) -> str:
        """For people: the name, the address behind it if that is another, and the port."""
        behind = "" if self.name == self.hostname else f" ({self.hostname})"
        return f"{self.name}{behind} port {self.port}"
