"""A second connection after the first was lost, with the lock, for a step that may be run again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from bluegreen.errors import BluegreenError, ConnectionLost, Unclear
from bluegreen.host import lock
from bluegreen.host.machine import LockLost
from bluegreen.report.run import Rollout
from bluegreen.ssh.connection import TimedOut

Given = TypeVar("Given")


def retry_once(rollout: Rollout, step: Callable[[], Given]) -> Given:
    """Runs an idempotent step; if the connection is lost, reconnects and runs it once more.

    Raises:
        Unclear, LockLost: as `connect_again`.
    """
    was_connected = rollout.connection.connected
    try:
        return step()
    except ConnectionLost as lost:
        if was_connected and not rollout.connection.connected:
            # Closed, not lost: an interrupt closes it to end the step of another thread (fleet.py).
            raise
        connect_again(rollout, lost)
        return step()


def connect_again(rollout: Rollout, lost: ConnectionLost | TimedOut) -> None:
    """Connects again and takes the lock again, once every step of ours on the machine has ended.

    Raises:
        Unclear: the machine is not reached, or another deploy holds the lock now.
        LockLost: another deploy took over, and has ended.
    """
    machine = rollout.machine
    machine.connection.close()
    try:
        machine.connection.connect()
        lock.take_again(machine, rollout.command)
    except LockLost:
        raise
    except BluegreenError as error:
        raise Unclear(
            f"the connection to {machine.address} was lost, and the {rollout.command} cannot continue",
            why=[lost.message, error.message, "the step that ran there finishes or undoes itself"],
            remedy=f"once it is reachable: `bluegreen status --host {machine.settings.host}`",
        ) from error
