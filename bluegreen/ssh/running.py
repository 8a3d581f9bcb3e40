"""A running script on the machine: its input, its output and its exit code.

It runs on a raw channel without a pty, so a script that ignores SIGHUP survives the connection. Its output is
read in linear time and decoded whole (Fabric's `run` took 8.6 s for 8 MB and broke UTF-8 at read borders).
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import BinaryIO

from paramiko.ssh_exception import SSHException

from bluegreen.errors import BluegreenError, ConnectionLost, Failed
from bluegreen.remote import limits
from bluegreen.ssh.in_thread import begun, in_thread
from bluegreen.ssh.login_shell import Shell
from bluegreen.ssh.sending import close, send, send_end
from bluegreen.ssh.transport import ended

CHUNK_BYTES = 32704  # the payload of one packet of 32768 bytes, as Paramiko counts it
READ_BYTES = 1 << 17


class TimedOut(Failed):
    """A script did not end, print or read in time. It may still run on the machine."""


@dataclass(frozen=True)
class Result:
    """The exit code and output of a script.

    Args:
        exit_code: 128 plus the signal's number if a signal ended the script, as in a shell.
        stdout: the output that `lines()` has not read already.
        stderr: the whole error output.
    """

    exit_code: int
    stdout: str
    stderr: str


class Running:
    """A started script. Threads read both of its outputs all the time, so that a full one never blocks it.

    Args:
        shell: a waiting shell (sessions.py).
        name: the name of the script in messages.
        address: the address of the machine in messages.
        lost_because: returns the known reason if the connection ended.
    """

    def __init__(self, shell: Shell, *, name: str, address: str, lost_because: Callable[[], str]) -> None:
        self._shell = shell
        self._channel = shell.channel
        self._name = name
        self._address = address
        self._lost_because = lost_because
        self._news = threading.Condition()
        self._stdout = bytearray()
        self._stderr = bytearray()
        self._lines: deque[bytes] = deque()  # split off, but not yet read
        self._open_outputs = 2
        self._sent_bytes = 0
        self._let_go = False
        # Short, so that each thread often checks for the end; each wait has a timeout of its own.
        self._channel.settimeout(0.25)

    # --- starting and feeding ------------------------------------------------------------------------

    def begin(
        self, first: bytes, *, end_input: bool = False, timeout_s: float = limits.WRITE_STANDSTILL_S
    ) -> None:
        """Sends the script to the waiting shell, and its whole input if that is known already."""

        def send_first() -> None:
            self._send(first)
            if end_input:
                send_end(self._channel)

        for output in ((self._channel.recv, self._stdout), (self._shell.recv_stderr, self._stderr)):
            threading.Thread(target=self._collect, args=output, daemon=True, name="bluegreen-read").start()
        self._written(send_first, timeout_s)

    def write(self, data: bytes) -> None:
        """Sends input to the script; input after the script's end is dropped.

        Raises:
            ConnectionLost: the connection ended.
            TimedOut: the script does not read it.
        """
        self._written(lambda: self._send(data))

    def end_input(self) -> None:
        """Closes the script's stdin."""
        self._written(lambda: send_end(self._channel))

    def feed(self, source: BinaryIO, *, progress: Callable[[int], None] | None, standstill_s: float) -> None:
        """Sends a file and closes the input; stops as soon as the script ends.

        Args:
            progress: called with the number of bytes sent so far, in the caller's thread.
            standstill_s: how long the machine may accept no byte.

        Raises:
            ConnectionLost, TimedOut.
        """

        def send_all() -> None:
            while not self._over and (data := source.read(CHUNK_BYTES * 8)):
                self._send(data)
            send_end(self._channel)

        self._sent_bytes = 0  # the script's own text was sent before
        job = begun(send_all)
        seen, moved_at = 0, time.monotonic()
        while not job.done() or seen != self._sent_bytes:
            with self._news:
                if not job.done() and seen == self._sent_bytes:
                    self._news.wait(0.1)
            if self._sent_bytes != seen:
                seen, moved_at = self._sent_bytes, time.monotonic()
                if progress:
                    progress(seen)
            elif time.monotonic() - moved_at > standstill_s:
                raise self._timed_out(f"accepted no input for {standstill_s:g} s, after {seen} bytes")
        if not self._over and (error := job.exception()):
            self._raise_if_lost()
            raise error

    # --- reading -------------------------------------------------------------------------------------

    def lines(self, *, timeout_s: float) -> Iterator[str]:
        """Yields each line of stdout when it arrives, without its newline, until the script ends.

        Args:
            timeout_s: the longest time between two lines.

        Raises:
            ConnectionLost: the connection ended before the script did.
            TimedOut: no line arrived in that time.
        """
        looked_through = 0
        while True:
            while self._lines:
                yield _text(self._lines.popleft())
            until = time.monotonic() + timeout_s
            with self._news:
                while (end := self._stdout.find(b"\n", looked_through)) < 0 and self._open_outputs:
                    looked_through = len(self._stdout)
                    if not self._news.wait(max(0.0, until - time.monotonic())) and time.monotonic() >= until:
                        raise self._timed_out(f"printed no line for {timeout_s:g} s")
                if end < 0:
                    break
                # All complete lines at once: to split off one at a time would copy the rest each time.
                end = self._stdout.rindex(b"\n")
                whole = bytes(self._stdout[:end])
                del self._stdout[: end + 1]
                looked_through = 0
            self._lines.extend(whole.split(b"\n"))
        self._wait_for_end(timeout_s)
        if last := self._taken(self._stdout):
            yield last

    def wait(self, *, timeout_s: float) -> Result:
        """Waits for the end; returns the exit code and the output that was not read yet.

        Raises:
            ConnectionLost: the connection ended before the script did.
            TimedOut: the script did not end in time.
        """
        self._wait_for_end(timeout_s)
        unread = "".join(f"{_text(line)}\n" for line in self._lines)
        self._lines.clear()
        stdout = unread + self._taken(self._stdout)
        return Result(self._channel.exit_status, stdout, self._taken(self._stderr))

    def close(self) -> None:
        """Closes the channel: the script gets the end of its input, and SIGPIPE if it prints."""
        self._let_go = True
        try:
            in_thread(lambda: close(self._channel), timeout_s=limits.CHANNEL_CLOSE_S)
        except (OSError, EOFError, SSHException):
            return  # a dead connection closes the channel as well

    def __enter__(self) -> Running:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- below ---------------------------------------------------------------------------------------

    @property
    def _over(self) -> bool:
        return self._let_go or self._channel.closed or self._channel.exit_status_ready()

    def _collect(self, read: Callable[[int], bytes], into: bytearray) -> None:
        while True:
            try:
                data = read(READ_BYTES)
            except TimeoutError:
                continue
            except (OSError, EOFError, SSHException):
                data = b""
            with self._news:
                into += data
                self._open_outputs -= not data
                self._news.notify_all()
            if not data:
                return

    def _send(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest and not self._over:
            try:
                sent = send(self._channel, bytes(rest[:CHUNK_BYTES]))
            except TimeoutError:
                continue
            if sent == 0:
                return
            rest = rest[sent:]
            self._sent_bytes += sent
            with self._news:
                self._news.notify_all()

    def _written(self, work: Callable[[], None], timeout_s: float = limits.WRITE_STANDSTILL_S) -> None:
        try:
            in_thread(work, timeout_s=timeout_s)
        except TimeoutError as error:
            raise self._timed_out(f"did not read its input within {timeout_s:g} s") from error
        except (OSError, EOFError, SSHException) as error:
            self._raise_if_lost()
            if not self._over:
                raise self._lost() from error

    def _wait_for_end(self, timeout_s: float) -> None:
        until = time.monotonic() + timeout_s
        with self._news:
            whole = self._news.wait_for(lambda: self._open_outputs == 0, timeout_s)
        if not whole and self._channel.exit_status_ready():
            raise self._timed_out(
                f"ended with {self._channel.exit_status}, but a process that it started keeps its output open"
            )
        if not whole or not self._channel.status_event.wait(max(0.0, until - time.monotonic())):
            raise self._timed_out(f"did not end within {timeout_s:g} s")
        self._raise_unless_ended()

    def _raise_unless_ended(self) -> None:
        """Raises if the connection ended instead of the script: Paramiko then has exit code -1, or none."""
        if self._channel.exit_status >= 0 and self._channel.eof_received:
            return
        self._raise_if_lost()
        if self._channel.exit_status < 0:
            raise self._lost()

    def _raise_if_lost(self) -> None:
        if self._let_go or ended(self._channel.get_transport(), within_s=limits.TRANSPORT_END_S):
            raise self._lost()

    def _lost(self) -> ConnectionLost:
        return ConnectionLost(
            f"the connection to {self._address} ended while {self._name} ran there",
            why=[*self._last_errors(), self._lost_because()],
            remedy="`bluegreen status` shows what was done",
        )

    def _timed_out(self, what: str) -> BluegreenError:
        return TimedOut(f"{self._address}: {self._name} {what}", why=self._last_errors())

    def _last_errors(self) -> list[str]:
        with self._news:
            text = _text(bytes(self._stderr)).removesuffix("\n")
        # Not splitlines: it also splits at U+2028 and others, where foreign output could forge a line.
        return text.split("\n")[-10:] if text else []

    def _taken(self, buffer: bytearray) -> str:
        with self._news:
            data = bytes(buffer)
            buffer.clear()
        return _text(data)


def _text(data: bytes) -> str:
    return data.decode("utf-8", errors="replace")
