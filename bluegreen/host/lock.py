"""The lock: one deploy of an app on a machine at a time (P7).

A script on the host holds it while its input lives. The kernel frees it when the script ends, so nobody can
leave a lock behind or release another's. Each step compares the lock's token and does nothing if somebody
else holds it.
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
from bluegreen.host.machine import Machine, Stream, step_failed
from bluegreen.remote import limits
from bluegreen.remote.exit_codes import ExitCode
from bluegreen.ssh.connection import Running


@dataclass(frozen=True)
class Holder:
    """The holder of a lock: its token, the person, since when, for which command, from which run."""

    token: str
    by: str
    since: str
    command: str
    url: str | None = None

    def __str__(self) -> str:
        run = f", run {self.url}" if self.url else ""
        return f"{self.by} since {self.since} ({self.command}{run})"


def person(environ: Mapping[str, str] = os.environ) -> str:
    """The person who runs this command: the actor on GitHub, else user@machine."""
    return environ.get("GITHUB_ACTOR") or f"{_user()}@{platform.node()}"


def run_url(environ: Mapping[str, str] = os.environ) -> str | None:
    """The URL of this run on GitHub, None elsewhere.

    Source: default environment variables, GitHub Actions documentation.
    """
    parts = [environ.get(f"GITHUB_{name}") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID")]
    return f"{parts[0]}/{parts[1]}/actions/runs/{parts[2]}" if all(parts) else None


def parse(text: str) -> Holder | None:
    """The holder that a lock file names."""
    token, _, info = text.strip().partition(" ")
    if not token:
        return None
    try:
        return Holder(**{"token": token, **json.loads(info)})
    except (ValueError, TypeError):
        return Holder(token, by="somebody", since="an unknown time", command="unknown")


@contextlib.contextmanager
def held(machine: Machine, command: str) -> Iterator[Machine]:
    """Holds the lock of the app on a machine; yields the machine whose steps it allows.

    Raises:
        Locked: another deploy holds it; nothing was changed.
    """
    holder = Holder(uuid.uuid4().hex, person(), journal.now(), command, run_url())
    with _requested(machine, holder, again=False) as script:
        if other := _other_holder(machine, script):
            raise _locked(machine, other)
        released = threading.Event()
        beating = _beating(script.running, released)
        try:
            yield machine.holding(holder.token)
        finally:
            released.set()
            beating.join()
            # After its end the next command finds the lock free.
            with contextlib.suppress(BluegreenError, OSError):
                script.running.end_input()
                script.running.wait(timeout_s=limits.LOCK_RELEASE_S)


def take_again(machine: Machine, command: str) -> None:
    """Takes the lock again over a new connection, after the old one was lost; it ends with the new one.

    A host that has not noticed the loss holds the lock for the old connection, up to `limits.LOCK_SILENCE_S`.

    Raises:
        Locked: another deploy took it in the meantime.
        LockLost: another deploy held it in the meantime, and has ended.
    """
    holder = Holder(machine.token, person(), journal.now(), command, run_url())
    until = time.monotonic() + limits.LOCK_SILENCE_S + limits.LOCK_HEARTBEAT_S
    while True:
        script = _requested(machine, holder, again=True)
        other = _other_holder(machine, script)
        if other is None:
            _beating(script.running, threading.Event())
            return
        if other.token != machine.token or time.monotonic() > until:
            raise _locked(machine, other)


def _requested(machine: Machine, holder: Holder, *, again: bool) -> Stream:
    info = {key: value for key, value in asdict(holder).items() if key != "token"}
    return machine.start(
        "lock",
        token=holder.token,
        info=json.dumps(info, ensure_ascii=True),
        silence=f"{limits.LOCK_SILENCE_S:g}",
        again=again,
    )


def _other_holder(machine: Machine, script: Stream) -> Holder | None:
    """The other holder of the lock; None if the lock is ours now."""
    key, value = next(script.facts(timeout_s=limits.LOCK_ANSWER_S), ("", ""))
    if key == "held":
        return None
    if key == "busy":
        return parse(value) or Holder("", "an unknown user", "just now", "a command that has just begun")
    report = script.wait(timeout_s=limits.SCRIPT_END_S)
    if report.exit_code == ExitCode.LOST_LOCK:
        raise step_failed(machine, "lock", report)
    raise Failed(f"the lock on {machine.address} could not be taken", why=report.errors)


def _locked(machine: Machine, holder: Holder) -> Locked:
    return Locked(
        f"{machine.address} is locked by {holder}",
        why=["nothing was changed"],
        remedy=f"wait until it ends: `bluegreen status --host {machine.settings.host}` shows the lock, "
        "which is freed when its holder ends",
    )


def _beating(running: Running, released: threading.Event) -> threading.Thread:
    beating = threading.Thread(target=_beat, args=(running, released), daemon=True)
    beating.start()
    return beating


def _beat(running: Running, released: threading.Event) -> None:
    while not released.wait(limits.LOCK_HEARTBEAT_S):
        try:
            running.write(b".")
        except (BluegreenError, OSError):
            # The connection is lost: the step that waits on it reports that, and the host frees the lock.
            return


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
