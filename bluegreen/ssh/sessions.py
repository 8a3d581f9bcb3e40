"""A pool of sessions, each with a shell on the machine that waits for a script.

Opening a channel costs one round trip, starting our shell a second one, and only the third carries the
script. So two shells are kept ready, and a script costs one round trip. An unused one ends with its channel.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from concurrent import futures
from concurrent.futures import Future
from typing import Any

import paramiko
from paramiko.ssh_exception import SSHException

from bluegreen.errors import CannotConnect
from bluegreen.remote import limits
from bluegreen.ssh import login_shell
from bluegreen.ssh.in_thread import begun
from bluegreen.ssh.login_shell import Shell

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
    """The waiting shells of one connection, for any number of threads.

    Args:
        transport: the connection.
        who: the user and the machine, in messages.
    """

    def __init__(self, transport: paramiko.Transport, who: str) -> None:
        self._transport = transport
        self._who = who
        self._lock = threading.Lock()
        self._ahead: deque[Future[Shell]] = deque(begun(self._opened) for _ in range(AHEAD))
        # False after sshd refused a session: its MaxSessions then leaves no room for waiting shells.
        self._room = True

    def require_shell(self) -> None:
        """Waits until the first shell has started.

        Raises:
            CannotConnect: the login shell does not start it; `take` finds all other faults.
        """
        first = self._ahead[0]
        if not futures.wait([first], limits.LOGIN_SHELL_QUIET_S).done:
            # A start file that takes its time, or one that reads the input. The latter goes on without one.
            other = begun(self._started_without_input)
            both: list[Future[Any]] = [first, other]
            futures.wait(both, return_when=futures.FIRST_COMPLETED)
            if not futures.wait([first], limits.LOGIN_SHELL_QUIET_S).done and other.done() and other.result():
                raise login_shell.waits_for_input(self._who)
        try:
            first.result()
        except (SSHException, EOFError, OSError):
            return

    def _started_without_input(self) -> bool:
        """Whether the login shell starts ours, or ends, once its input ends."""
        try:
            login_shell.start(self._transport, self._who, with_input=False)
        except CannotConnect:
            return True
        except (SSHException, EOFError, OSError):
            return False
        return True

    def take(self) -> Shell:
        """A shell that waits for a script.

        Raises:
            SSHException, EOFError, OSError: sshd opens no further session, or the connection is lost.
            CannotConnect: the login shell does not start it.
        """
        while True:
            with self._lock:
                ahead = self._ahead.popleft() if self._ahead else None
                if self._room:
                    self._ahead.append(begun(self._opened))
            if ahead is None:
                return self._opened_with_retry()
            try:
                shell = ahead.result()
            except (SSHException, EOFError, OSError):
                with self._lock:
                    self._room = False
            else:
                if not shell.channel.closed:
                    return shell

    def _opened_with_retry(self) -> Shell:
        until = time.monotonic() + limits.SESSION_RETRY_S
        while True:
            try:
                return self._opened()
            except SSHException:
                # Not only ChannelException: of two refusals at once Paramiko raises one as SSHException.
                if time.monotonic() > until or not self._transport.is_active():
                    raise
                time.sleep(0.1)

    def _opened(self) -> Shell:
        return login_shell.start(self._transport, self._who)
