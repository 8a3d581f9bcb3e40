"""The numbers of the guests: each guest has its own, and all that is left of it is found by that.

The holder of a number's lock owns the names that belong to it, and removes what a killed test run left.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.network import Network
from tests.support.outside import NoGuest, outside, works
from tests.support.processes import alive

# On a disk: what is in memory could not be filled without filling the machine.
GUESTS = Path("/var/tmp/bluegreen-guests")
GUEST_NUMBERS = range(256)

# systemd inside wants to see these two; which of them are mounted depends on the machine.
CGROUPS = ("/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified", "/sys/fs/cgroup")

# The last threads of a JVM that was killed stay in its control group for some time.
LAST_THREADS_S = 60


@contextmanager
def own_number() -> Iterator[int]:
    """A number that no other test run uses, here or in another process, with nothing left of its last use.

    Whatever there is of it is cleared away at the end.

    Raises:
        NoGuest: the user is not root, or too many guests run.
    """
    if os.geteuid() != 0:
        raise NoGuest("guests are containers with a network of their own: run these tests as root")
    GUESTS.mkdir(mode=0o700, parents=True, exist_ok=True)
    _clear_abandoned()
    for number in GUEST_NUMBERS:
        with (GUESTS / f"{number}.lock").open("w") as lock:
            if _taken(lock.fileno()):
                _clear(number)
                try:
                    yield number
                finally:
                    _clear(number)
                return
    raise NoGuest(f"{len(GUEST_NUMBERS)} guests run already")


def _clear_abandoned() -> None:
    """Clears away the guests of test runs that were killed."""
    for path in GUESTS.glob("*.lock"):
        with path.open("w") as lock:
            if (GUESTS / path.stem).exists() and _taken(lock.fileno()):
                _clear(int(path.stem))


def _taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _clear(number: int) -> None:
    """Takes away whatever there is of the guest of this number."""
    kill_all(number)
    remove_control_groups(number)
    folder = GUESTS / str(number)
    while works(["mountpoint", "--quiet", str(folder / "root")]):
        outside(["umount", str(folder / "root")])
    Network(number).remove()
    if folder.exists():
        shutil.rmtree(folder)


def control_groups(number: int) -> list[Path]:
    roots = [Path(root) for root in CGROUPS if Path(root, "cgroup.procs").exists()]
    return [root / f"bluegreen-guest-{number}" for root in roots]


def kill_all(number: int) -> None:
    """Kills every process of a guest, and waits until they are gone."""
    while pids := _pids(number):
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.01)


def _pids(number: int) -> set[int]:
    lists = [path for group in control_groups(number) for path in group.rglob("cgroup.procs")]
    return {pid for path in lists for pid in _listed(path) if alive(pid)}


def _listed(path: Path) -> list[int]:
    # A group that is empty is removed by systemd or by us at any moment.
    try:
        return [int(pid) for pid in path.read_text().split()]
    except FileNotFoundError:
        return []


def remove_control_groups(number: int) -> None:
    for top in control_groups(number):
        for folder, _, _ in os.walk(top, topdown=False):
            _remove_when_empty(Path(folder))


def _remove_when_empty(group: Path) -> None:
    """The last threads of a JVM that was killed stay in its group for some time after it is a zombie."""
    until = time.monotonic() + LAST_THREADS_S
    while True:
        try:
            return group.rmdir()
        except OSError as error:
            if error.errno != errno.EBUSY or time.monotonic() > until:
                raise
        time.sleep(0.01)
