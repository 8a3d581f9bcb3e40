"""The lock: one deploy of an app on a machine at a time (P7).

A script on the host holds it for as long as its input lives; the kernel frees it with the script's end, so
a lock can neither be left behind nor be released by another. Each further step shows the lock's token, and
does nothing once somebody else holds the lock.
"""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import platform
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

from bluegreen.errors import BluegreenError, Failed, Locked
from bluegreen.host import journal
from bluegreen.host.machine import LOST_LOCK, Machine, step_failed
from bluegreen.ssh.connection import Running

HEARTBEAT_S = 5
# Three heartbeats lost: the deployer or its network is gone.
SILENCE_S = 15


@dataclass(frozen=True)
class Holder:
    """Who holds a lock: its token, the person, since when, for which command, from which run."""

    token: str
    by: str
    since: str
    command: str
    url: str | None = None

    def __str__(self) -> str:
        run = f", run {self.url}" if self.url else ""
        return f"{self.by} since {self.since} ({self.command}{run})"


def person(environ: Mapping[str, str] = os.environ) -> str:
    """Who runs this command: the actor on GitHub, else user@machine."""
    return environ.get("GITHUB_ACTOR") or f"{_user()}@{platform.node()}"


def run_url(environ: Mapping[str, str] = os.environ) -> str | None:
    """The URL of this run on GitHub, None elsewhere.

    Source: default environment variables, GitHub Actions documentation.
    """
    parts = [environ.get(f"GITHUB_{name}") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID")]
    return f"{parts[0]}/{parts[1]}/actions/runs/{parts[2]}" if all(parts) else None


def parse(text: str) -> Holder | None:
    """The holder that a lock file names."""
    token, _, told = text.strip().partition(" ")
    if not token:
        return None
    try:
        return Holder(**{"token": token, **json.loads(told)})
    except (ValueError, TypeError):
        return Holder(token, by="somebody", since="an unknown time", command="unknown")


@contextlib.contextmanager
def held(machine: Machine, command: str) -> Iterator[Machine]:
    """Holds the lock of the app on a machine, and gives the machine whose steps it allows.

    Raises:
        Locked: another deploy holds it; nothing was changed.
    """
    holder = Holder(uuid.uuid4().hex, person(), journal.now(), command, run_url())
    with _asked_for(machine, holder, again=False) as running:
        if other := _other_holder(machine, running):
            raise _locked(machine, other)
        released = threading.Event()
        beating = _beating(running, released)
        try:
            yield machine.holding(holder.token)
        finally:
            released.set()
            beating.join()
            # Waiting for its end: the next command finds the host free.
            with contextlib.suppress(BluegreenError, OSError):
                running.end_input()
                running.wait(timeout_s=5)


def take_again(machine: Machine, command: str) -> None:
    """Takes a lock whose connection was lost, over the new one, with whose end it ends too.

    A host that has not noticed yet that the old connection is gone holds it for that one, up to `SILENCE_S`.

    Raises:
        Locked: another deploy took it in the meantime.
        LockLost: another deploy had it in the meantime, and has ended.
    """
    holder = Holder(machine.token, person(), journal.now(), command, run_url())
    until = time.monotonic() + SILENCE_S + HEARTBEAT_S
    while True:
        running = _asked_for(machine, holder, again=True)
        other = _other_holder(machine, running)
        if other is None:
            _beating(running, threading.Event())
            return
        if other.token != machine.token or time.monotonic() > until:
            raise _locked(machine, other)


def _asked_for(machine: Machine, holder: Holder, *, again: bool) -> Running:
    info = {key: value for key, value in asdict(holder).items() if key != "token"}
    told = json.dumps(info, ensure_ascii=True)
    return machine.start("lock", token=holder.token, info=told, silence=SILENCE_S, again=again)


def _other_holder(machine: Machine, running: Running) -> Holder | None:
    """Who else holds it; None if it is ours now."""
    lines = running.lines(timeout_s=90)
    first = next(lines, "")
    if first == "held":
        return None
    if first == "busy":
        return parse(next(lines, "")) or Holder("", "somebody", "just now", "a deploy that has just begun")
    result = running.wait(timeout_s=10)
    if result.exit_code == LOST_LOCK:
        raise step_failed("lock", result)
    raise Failed(f"the lock on {machine.address} could not be taken", why=result.stderr.splitlines())


def _locked(machine: Machine, holder: Holder) -> Locked:
    return Locked(
        f"{machine.address} is locked by {holder}",
        why=["nothing was changed"],
        remedy="wait for it to end (`status` shows the lock; it frees itself when its holder ends)",
    )


def _beating(running: Running, released: threading.Event) -> threading.Thread:
    beating = threading.Thread(target=_beat, args=(running, released), daemon=True)
    beating.start()
    return beating


def _beat(running: Running, released: threading.Event) -> None:
    while not released.wait(HEARTBEAT_S):
        try:
            running.write(b".")
        except (BluegreenError, OSError):
            # The connection is gone: what waits on it tells; the host frees the lock by itself.
            return


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
