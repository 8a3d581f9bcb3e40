"""The exit codes of the scripts that Python acts on; with any other but 0 the cause is on stderr."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """An exit code with a meaning of its own."""

    # root.sh: it has no such step, as it was installed by an older version.
    NO_SUCH_STEP = 2
    # lock.sh: another deploy holds the lock.
    LOCKED = 4
    # root.sh switch, convert: no user was moved, the previous route is restored.
    NOT_SWITCHED = 20
    # root.sh switch, convert: it failed, and restoring the previous route failed as well.
    NOT_RESTORED = 21
    # root.sh switch: users were moved, the slot failed, and the previous route is restored.
    MOVED_BACK = 22
    # root.sh switch: nothing listens on the port of the slot, so nothing was changed.
    NOT_LISTENING = 23
    # finish.sh: the disk has no room for a line of the journal.
    NO_ROOM = 28
    # upload.sh: the bytes that arrived have another checksum.
    WRONG_CHECKSUM = 65
    # step.sh, lock.sh: this deployer lost the lock, or an earlier step did not end.
    LOST_LOCK = 75
    # route.sh: somebody changed the route since the look.
    ROUTE_MOVED = 76
    # start.sh: another process holds the slot's port.
    PORT_TAKEN = 77
    # stopping.sh: the slot serves users and is not stopped.
    SERVES = 78
