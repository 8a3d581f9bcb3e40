"""A pool of sessions, each with a shell on the machine that waits for a script.

Opening a channel costs one round trip, starting a command a second one (sshd accepts no input before: its
window is 0 until then), and only the third carries the script. So two channels with a waiting shell are kept
ready, and a script costs one round trip. An unused shell ends with its channel.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from concurrent.futures import Future

import paramiko
from paramiko.ssh_exception import SSHException

from bluegreen.remote import limits
from bluegreen.ssh.in_thread import begun

# The shell reads one line and runs it: neither that line nor the input after it is in the process list (P10).
# If the line is cut off, it has no end, `read` fails, and nothing runs.
WAITING_SHELL = """exec sh -c 'read -r bluegreen_first && eval "$bluegreen_first"' bluegreen"""

# Two, because a session takes two round trips to open, and the next script may come after one.
AHEAD = 2


def order(text: bytes, *, sudo: bool) -> bytes:
    """The bytes to send to a waiting shell: one line that runs the script, then the script.

    The bytes sent after these are the script's input.
    """
    # Exactly these bytes: busybox's `head -c` reads 4096 at a time, and would swallow the script's input. The
    # second form is for a dd without `fullblock`; it reads byte by byte.
    count = len(text)
    read = f'eval "$({{ dd bs={count} count=1 iflag=fullblock || dd bs=1 count={count}; }} 2>/dev/null)"'
    as_root = f"exec sh -c '{read}' bluegreen"
    # Root needs no sudo, and a machine may have none.
    line = f'[ "$(id -u)" = 0 ] && {as_root}; {as_root.replace("sh", "sudo -n sh", 1)}' if sudo else read
    return line.encode() + b"\n" + text


class Sessions:
    """The waiting shells of one connection, for any number of threads."""

    def __init__(self, transport: paramiko.Transport) -> None:
        self._transport = transport
        self._lock = threading.Lock()
        self._ahead: deque[Future[paramiko.Channel]] = deque(begun(self._opened) for _ in range(AHEAD))
        # False after sshd refused a session: its MaxSessions then leaves no room for waiting shells.
        self._room = True

    def take(self) -> paramiko.Channel:
        """A channel with a shell that waits for a script.

        Raises:
            SSHException: sshd opens no further session, or the connection is lost.
        """
        while True:
            with self._lock:
                ahead = self._ahead.popleft() if self._ahead else None
                if self._room:
                    self._ahead.append(begun(self._opened))
            if ahead is None:
                return self._opened_with_retry()
            try:
                channel = ahead.result()
            except (SSHException, EOFError, OSError):
                with self._lock:
                    self._room = False
            else:
                if not channel.closed:
                    return channel

    def _opened_with_retry(self) -> paramiko.Channel:
        until = time.monotonic() + limits.SESSION_RETRY_S
        while True:
            try:
                return self._opened()
            except SSHException:
                # Not only ChannelException: of two refusals at once Paramiko raises one as SSHException.
                if time.monotonic() > until or not self._transport.is_active():
                    raise
                time.sleep(0.1)

    def _opened(self) -> paramiko.Channel:
        channel = self._transport.open_session()
        _request(channel, WAITING_SHELL)
        return channel


def _request(channel: paramiko.Channel, command: str) -> None:
    """Requests the command without waiting for the answer, unlike Paramiko's exec_command (RFC 4254, 5.4).

    A refusal closes the channel.
    """
    message = paramiko.Message()
    message.add_byte(b"\x62")  # SSH_MSG_CHANNEL_REQUEST
    message.add_int(channel.remote_chanid)
    message.add_string("exec")
    message.add_boolean(True)
    message.add_string(command)
    channel.get_transport()._send_user_message(message)  # type: ignore[attr-defined]
