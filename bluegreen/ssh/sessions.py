"""Shells on the host that wait for a script, made ahead.

Opening a channel costs a round trip, starting a command another (sshd takes no input before: its window is 0
until then), and only a third carries the script. So two channels with a waiting shell are kept ready, and a
script costs one round trip. A shell that is never used ends with its channel.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from concurrent.futures import Future

import paramiko
from paramiko.ssh_exception import SSHException

from bluegreen.ssh.uninterrupted import begun

# The shell is told in one line what to do: neither that line nor what follows is in the process list (P10).
# Cut short, the line has no end, `read` fails, and nothing is run.
WAITING_SHELL = """exec sh -c 'read -r bluegreen_first && eval "$bluegreen_first"' bluegreen"""

# One is not enough: it takes two round trips to make, and the next script may come after one.
AHEAD = 2


def order(text: bytes, *, sudo: bool) -> bytes:
    """What to send to a waiting shell: the line that says how to run the script, then the script.

    What is sent after it is the script's own input.
    """
    read = f'eval "$(head -c {len(text)})"'
    as_root = f"exec sh -c '{read}' bluegreen"
    # Root itself needs no sudo, and may have none.
    line = f'[ "$(id -u)" = 0 ] && {as_root}; {as_root.replace("sh", "sudo -n sh", 1)}' if sudo else read
    return line.encode() + b"\n" + text


class Sessions:
    """The waiting shells of one connection; for any number of threads."""

    # A session just ended is counted by sshd until it has our close; MaxSessions may be tight.
    PATIENCE_S = 2.0

    def __init__(self, transport: paramiko.Transport) -> None:
        self._transport = transport
        self._lock = threading.Lock()
        self._ahead: deque[Future[paramiko.Channel]] = deque(begun(self._opened) for _ in range(AHEAD))
        # False once the host refused one: its MaxSessions leaves no room for any ahead.
        self._room = True

    def take(self) -> paramiko.Channel:
        """A channel with a shell that waits for its order.

        Raises:
            SSHException: the host gives none, or the connection is lost.
        """
        while True:
            with self._lock:
                ahead = self._ahead.popleft() if self._ahead else None
                if self._room:
                    self._ahead.append(begun(self._opened))
            if ahead is None:
                return self._opened_with_patience()
            try:
                channel = ahead.result()
            except (SSHException, EOFError, OSError):
                with self._lock:
                    self._room = False
            else:
                if not channel.closed:
                    return channel

    def _opened_with_patience(self) -> paramiko.Channel:
        until = time.monotonic() + self.PATIENCE_S
        while True:
            try:
                return self._opened()
            except SSHException:
                # Two refused at once share one ChannelException in Paramiko: the other is a plain one.
                if time.monotonic() > until or not self._transport.is_active():
                    raise
                time.sleep(0.1)

    def _opened(self) -> paramiko.Channel:
        channel = self._transport.open_session()
        _request(channel, WAITING_SHELL)
        return channel


def _request(channel: paramiko.Channel, command: str) -> None:
    """Asks for the command without waiting for the answer (RFC 4254, 5.4), as Paramiko's exec_command does.

    A refusal closes the channel.
    """
    message = paramiko.Message()
    message.add_byte(b"\x62")  # SSH_MSG_CHANNEL_REQUEST
    message.add_int(channel.remote_chanid)
    message.add_string("exec")
    message.add_boolean(True)
    message.add_string(command)
    channel.get_transport()._send_user_message(message)  # type: ignore[attr-defined]
