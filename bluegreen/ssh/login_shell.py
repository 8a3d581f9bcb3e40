"""The start of our shell on the machine, by the login shell of the user.

sshd gives our command to the login shell, which reads a start file first (bash under sshd: ~/.bashrc). That
file may print, read our input, end the shell, or start another program in its place. So our shell prints a
marker when it starts: what came before is not ours, and nothing is sent before the marker has come.
"""

from __future__ import annotations

import re
import secrets
import time

import paramiko

from bluegreen.errors import CannotConnect
from bluegreen.remote import limits
from bluegreen.ssh.sending import send_end
from bluegreen.ssh.transport import ended

READ_BYTES = 1 << 15
KEPT_BYTES = 4096  # of what a start file prints, for the error message
# Colours, titles and other control characters.
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\].*?(?:\x07|\x1b\\)|[^\t -~\xa0-\u2027\u202f-\uffff]")

GUARD = "case $- in *i*) ;; *) return ;; esac"
"""The line that ends a ~/.bashrc without a terminal; Debian and Ubuntu give it to new users."""


def command(marker: str) -> str:
    """The command for the login shell: a shell that prints the marker and waits for one line to run.

    Neither that line nor the input after it is in the process list (P10). If the line is cut off, it has no
    end, `read` fails, and nothing runs. Any login shell can parse it: bash, dash, zsh, fish, tcsh.
    """
    # The empty line ends what a start file has printed without a newline.
    says = f"{{ echo; echo {marker}; }} >&2; echo; echo {marker}"
    return f"exec sh -c '{says}; read -r bluegreen_first && eval \"$bluegreen_first\"' bluegreen"


class Shell:
    """Our shell on the machine: it has started and waits for a script.

    Args:
        channel: its input and output; nothing is left there of what came before the marker.
        marker: the line that ends what came before, on stdout and on stderr.
    """

    def __init__(self, channel: paramiko.Channel, marker: bytes) -> None:
        self.channel = channel
        self.marker = marker
        self._before: bytes | None = b""  # the marker comes behind this; None once it has come

    def recv_stderr(self, size: int) -> bytes:
        """Like the channel's own, without what came before the marker."""
        while self._before is not None:
            data = self.channel.recv_stderr(size)
            if not data:
                # A start file that redirected stderr has taken the marker away.
                return self.printed()
            if after := self._behind_marker(data):
                return after
        return self.channel.recv_stderr(size)

    def drain(self) -> None:
        """Takes what came on stderr so far, without waiting: a full window would stop the start file."""
        while self._before is not None and self.channel.recv_stderr_ready():
            self._behind_marker(self.channel.recv_stderr(READ_BYTES))

    def printed(self) -> bytes:
        """The last of what came on stderr, if the marker has not come."""
        before, self._before = self._before or b"", None
        return before

    def _behind_marker(self, data: bytes) -> bytes:
        before, found, after = ((self._before or b"") + data).partition(self.marker)
        self._before = None if found else before[-KEPT_BYTES:]
        return after


def start(transport: paramiko.Transport, who: str, *, with_input: bool = True) -> Shell:
    """Our shell in a new session, once it has printed its marker.

    Args:
        who: the user and the machine, in messages.
        with_input: False closes its input at once, so that it ends when it has started.

    Raises:
        SSHException, EOFError, OSError: sshd opens no further session, or the connection is lost.
        CannotConnect: the login shell did not start it.
    """
    channel = transport.open_session()
    marker = f"bluegreen-{secrets.token_hex(8)}"
    _request(channel, command(marker))
    if not with_input:
        send_end(channel)
    shell = Shell(channel, f"\n{marker}\n".encode())
    _await(shell, who)
    return shell


def waits_for_input(who: str) -> CannotConnect:
    """The login shell goes on as soon as its input ends."""
    return _not_started(
        f"the login shell of {who} waits for input before it runs a command",
        "its start file reads the input, or starts a program that does, such as another shell",
        [],
    )


def _await(shell: Shell, who: str) -> None:
    """Reads the output up to the marker."""
    until = time.monotonic() + limits.LOGIN_SHELL_S
    printed = b""
    shell.channel.settimeout(0.1)
    while shell.marker not in printed:
        printed = printed[-KEPT_BYTES:]
        shell.drain()
        if time.monotonic() > until:
            shell.channel.close()
            raise _not_started(
                f"the login shell of {who} did not run a command within {limits.LOGIN_SHELL_S:g} s",
                "its start file waits for something",
                _lines(shell, printed),
            )
        try:
            data = shell.channel.recv(READ_BYTES)
        except TimeoutError:
            continue
        if not data:
            raise _ended(shell, printed, who)
        printed += data


def _ended(shell: Shell, printed: bytes, who: str) -> Exception:
    """The error for a session that ended before our shell started."""
    channel = shell.channel
    channel.status_event.wait(limits.TRANSPORT_END_S)
    if channel.exit_status < 0 and ended(channel.get_transport(), within_s=limits.TRANSPORT_END_S):
        return EOFError("the connection was lost")
    code = f" (exit code {channel.exit_status})" if channel.exit_status >= 0 else ""
    return _not_started(
        f"the login shell of {who} ended before it ran a command{code}",
        "its start file ends it; or it is a shell such as nologin, or sshd_config there has a ForceCommand",
        _lines(shell, printed),
    )


def _not_started(message: str, cause: str, printed: list[str]) -> CannotConnect:
    return CannotConnect(
        message,
        why=[*printed, cause],
        remedy=f"put this line at the top of ~/.bashrc on the machine: `{GUARD}` "
        "(docs/config.md has those of other shells)",
    )


def _lines(shell: Shell, printed: bytes) -> list[str]:
    """The last lines that the login shell printed, without control characters."""
    shell.drain()
    text = (printed + b"\n" + shell.printed()).decode(errors="replace")
    lines = [_CONTROL.sub("", line).strip() for line in text.split("\n")]
    return [f"it printed: {line[:200]}" for line in lines if line][-5:]


def _request(channel: paramiko.Channel, text: str) -> None:
    """Requests the command without waiting for the answer, unlike Paramiko's exec_command (RFC 4254, 5.4).

    A refusal closes the channel.
    """
    message = paramiko.Message()
    message.add_byte(b"\x62")  # SSH_MSG_CHANNEL_REQUEST
    message.add_int(channel.remote_chanid)
    message.add_string("exec")
    message.add_boolean(True)
    message.add_string(text)
    channel.get_transport()._send_user_message(message)  # type: ignore[attr-defined]
