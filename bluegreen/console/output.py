"""stdout and stderr that may become unwritable: a closed pipe, a full disk, a terminal that is gone.

A command that acts on a machine continues without its output, so that its clean-up, journal entry and exit
code do not depend on who reads. A command that only reads ends, quietly after a closed pipe.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
from contextlib import suppress
from typing import Any, TextIO, cast

# What a shell reports for a program that SIGPIPE ended, as `git log | head -1` does.
CLOSED_PIPE = 128 + signal.SIGPIPE


class OutputEnded(Exception):
    """stdout of a command that only reads cannot be written any more.

    Args:
        message: the reason, empty for a closed pipe.
    """

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.message = message
        self.exit_code = exit_code


class Output:
    """A stream whose failure is noticed at once and remembered; text after that is dropped.

    Args:
        stream: None if its descriptor was closed when Python started.
        reads: whether the command only reads, and so ends when this stream fails.
    """

    def __init__(self, stream: TextIO | None, name: str, *, reads: bool = False) -> None:
        self._stream = stream
        self._name = name
        self._reported = False
        self.reads = reads
        self.lost: OSError | None = None

    def write(self, text: str) -> int:
        """Writes through to the descriptor and returns the number of characters.

        Raises:
            OutputEnded: it cannot be written, and the command only reads.
        """
        self._try(text)
        return len(text)

    def flush(self) -> None:
        """Reports a failure in another thread, which cannot end the command; nothing is buffered."""
        if self.lost is None:
            self._try("")
        self._report()

    def isatty(self) -> bool:
        return self._stream is not None and not self._stream.closed and self._stream.isatty()

    def __getattr__(self, name: str) -> Any:
        # Rich, Invoke and `input` read `encoding`, `fileno` and others.
        return getattr(self._stream, name)

    def _try(self, text: str) -> None:
        if self.lost is None:
            try:
                if self._stream is None:
                    raise OSError(errno.EBADF, os.strerror(errno.EBADF))
                self._stream.write(text)
                self._stream.flush()
            except OSError as error:
                self._lose(error)
            except ValueError as error:  # the file was closed
                self._lose(OSError(errno.EBADF, str(error)))
        self._report()

    def _lose(self, error: OSError) -> None:
        self.lost = error
        # What is still buffered must not fail again when Python ends.
        with suppress(OSError, ValueError, AttributeError):
            descriptor = cast(TextIO, self._stream).fileno()
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, descriptor)
            os.close(nothing)

    def _report(self) -> None:
        if self.lost is None or self._reported or threading.current_thread() is not threading.main_thread():
            return
        self._reported = True
        if self._name == "stderr":
            return
        reason = f"{self._name} cannot be written: {self.lost.strerror}"
        if not self.reads:
            sys.stderr.write(f"{reason}; the command continues without it\n")
        elif isinstance(self.lost, BrokenPipeError):
            raise OutputEnded("", CLOSED_PIPE)
        else:
            raise OutputEnded(reason, 1)


def watch_output(*, reads: bool) -> None:
    """Makes stdout and stderr of this process an `Output`, and occupies their descriptors if they are closed.

    Args:
        reads: whether the command only reads.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            # Otherwise the next socket gets this number, and what children print goes into it.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    sys.stdout = _watched(sys.stdout, "stdout", reads=reads)
    sys.stderr = _watched(sys.stderr, "stderr", reads=False)


def stdout_lost() -> bool:
    """Whether nobody sees what is printed to stdout."""
    return isinstance(sys.stdout, Output) and sys.stdout.lost is not None


def _watched(stream: TextIO | None, name: str, *, reads: bool) -> TextIO:
    if isinstance(stream, Output):
        stream.reads = reads
        return cast(TextIO, stream)
    return cast(TextIO, Output(stream, name, reads=reads))
