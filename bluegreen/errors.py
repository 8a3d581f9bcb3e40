"""The errors that a person can meet, each with its exit code.

Everything expected that fails is a `BluegreenError`: the command line prints all of it and ends with its
`exit_code`. Any other exception is a bug of ours and is shown with its traceback.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

Error = TypeVar("Error", bound="BluegreenError")


class BluegreenError(Exception):
    """What failed, why, what is live now, what to do: printed in this order, the cause complete (P11).

    An error never changes: `extended` makes a new one.

    Args:
        message: what failed, one line.
        why: the cause, as many lines as it takes (health answer, last lines of the log).
        live: what serves users now, if it is known.
        remedy: what to do, best a command that can be pasted.
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
        self._message = message
        self._why = tuple(why)
        self._live = live
        self._remedy = remedy

    @property
    def message(self) -> str:
        return self._message

    @property
    def why(self) -> tuple[str, ...]:
        return self._why

    @property
    def live(self) -> str | None:
        return self._live

    @property
    def remedy(self) -> str | None:
        return self._remedy

    def extended(
        self: Error, *, why: Sequence[str] = (), live: str | None = None, remedy: str | None = None
    ) -> Error:
        """A copy with more lines of cause, and with `live` and `remedy` where this error has none."""
        copy = type(self).__new__(type(self), *self.args)
        copy.__dict__.update(self.__dict__)
        copy._why = (*self._why, *why)
        copy._live = self._live or live
        copy._remedy = self._remedy or remedy
        return copy

    def __str__(self) -> str:
        lines = [self.message, *(f"  {line}" for line in self.why)]
        if self.live:
            lines.append(f"  live now: {self.live}")
        if self.remedy:
            lines.append(f"  what to do: {self.remedy}")
        return "\n".join(lines)


class Failed(BluegreenError):
    """Something did not work; traffic is still on the previous version."""

    exit_code = 1


class WrongUsage(BluegreenError):
    """An argument, a setting or the jar is wrong; nothing was changed."""

    exit_code = 2


class SwitchedBack(BluegreenError):
    """The new version took traffic and failed the watch; the previous version serves again."""

    exit_code = 3


class Locked(BluegreenError):
    """Another deploy holds the lock of the machine; nothing was changed."""

    exit_code = 4


class CannotConnect(BluegreenError):
    """The machine was not reached, did not prove its identity, or did not let us log in."""

    exit_code = 5


class Unclear(BluegreenError):
    """What is live is not known; a person must look, and the message says at what."""

    exit_code = 6


class ConnectionLost(BluegreenError):
    """The connection ended while a script ran on the machine: whether it did its work is not known here.

    A step of a rollout that changes something catches it and looks. `status` shows what is so.
    """

    exit_code = 5
