"""The keys of an ssh-agent."""

from __future__ import annotations

import socket
from pathlib import Path

from paramiko.agent import AgentKey, AgentSSH


class _Agent(AgentSSH):
    """The agent that listens at a socket; Paramiko's own class asks only that of $SSH_AUTH_SOCK."""

    def __init__(self, address: Path) -> None:
        super().__init__()
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(str(address))
            self._connect(connection)  # type: ignore[attr-defined]
        except BaseException:
            connection.close()
            raise


def keys_of(address: Path) -> tuple[AgentKey, ...]:
    """The keys of the agent at this address; each keeps the connection to it.

    Raises:
        OSError, SSHException, EOFError: no agent answers there.
    """
    return _Agent(address).get_keys()
