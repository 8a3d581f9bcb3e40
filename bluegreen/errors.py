"""The errors a person can meet, each with its exit code.

Everything expected that goes wrong is a `BluegreenError`: the command line prints it whole and ends with
its `exit_code`. Anything else that is raised is a defect of ours and is shown with its traceback.
"""

from __future__ import annotations

from collections.abc import Sequence


class BluegreenError(Exception):
    """What failed, why, what is live now, what to do: printed in this order, the cause last and whole (P11).

    Args:
        message: what failed, one line.
        why: the cause, as many lines as it takes (health answer, last lines of the log).
        live: what serves users now, if it is known.
        remedy: what to do about it, best a command that can be pasted.
    """

    exit_code = 1

    def __init__(
        self,
        message: str,
        *,
        why: Sequence[str] = (),
        live: str | None = None,
        remedy: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.why = tuple(why)
        self.live = live
        self.remedy = remedy

    def __str__(self) -> str:
        lines = [self.message, *(f"  {line}" for line in self.why)]
        if self.live:
            lines.append(f"  live now: {self.live}")
        if self.remedy:
            lines.append(f"  what to do: {self.remedy}")
        return "\n".join(lines)


class Failed(BluegreenError):
    """Something did not work; traffic is still on the version that served before."""

    exit_code = 1


class WrongUsage(BluegreenError):
    """An argument, a setting or the jar is wrong; nothing was connected to, nothing was changed."""

    exit_code = 2


class SwitchedBack(BluegreenError):
    """The new version took traffic, failed the watch, and the old one serves again."""

    exit_code = 3


class Locked(BluegreenError):
    """Another deploy holds the host; nothing was changed."""

    exit_code = 4


class CannotConnect(BluegreenError):
    """The host was not reached, did not prove who it is, or did not let us in."""

    exit_code = 5


class Unclear(BluegreenError):
    """What is live cannot be told; a person must look, and the message says at what."""

    exit_code = 6


class ConnectionLost(BluegreenError):
    """The connection ended while something ran on the host: whether it was done is not known here.

    A step that changes something catches it and finds out; where it comes through, nothing was changed.
    """

    exit_code = 5
