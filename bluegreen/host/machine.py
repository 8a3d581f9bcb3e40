"""One machine with the settings of the app: the way in which every part runs its scripts there."""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from bluegreen.config import Settings
from bluegreen.console.terminal import Console
from bluegreen.errors import BluegreenError, Failed
from bluegreen.host import server_names
from bluegreen.host.facts import Facts, Report, lines_of, marked, pair
from bluegreen.host.files import include, root_script, unit
from bluegreen.host.files.site import SLOT_PATH
from bluegreen.remote import limits
from bluegreen.remote.exit_codes import ExitCode
from bluegreen.remote.script import Script, Value, variables
from bluegreen.ssh.connection import Connection, Result, Running


class LockLost(Failed):
    """Another deploy took the lock; what is live now is its result."""


class RouteMoved(Failed):
    """Somebody changed the route of nginx since the look."""


@dataclass(frozen=True)
class Machine:
    """One machine of a host: its connection and its settings.

    Args:
        token: of the lock, once it is held.
        https: whether a slot is asked as for a client of https, as nginx asks it on an https site.
    """

    settings: Settings
    connection: Connection
    console: Console
    token: str = ""
    https: bool = False

    @property
    def address(self) -> str:
        return self.connection.address

    def holding(self, token: str) -> Machine:
        """The same machine with the token of the lock that allows its steps."""
        return replace(self, token=token)

    def asking(self, *, https: bool) -> Machine:
        """The same machine, where the slots are asked as the look found that nginx asks them."""
        return replace(self, https=https)

    def script(self, name: str, root: Script | None = None, /, **values: Value) -> Script:
        """A script of ours for one run: with its own values, and those of the shared ones that it declares.

        Args:
            root: what `as_root` runs on a host without `setup`, for a script that needs it.

        Raises:
            ValueError: a value is missing, or the script does not declare it.
        """
        supervisor = self.settings.supervisor
        declared = variables(name, supervisor)
        known = {**self.shared(), **_run_as_root(self.settings, root), "nonce": secrets.token_hex(8)}
        given = {key: value for key, value in known.items() if key in declared}
        return Script(name, {**given, **values}, supervisor)

    def shared(self) -> dict[str, Value]:
        """The values that the scripts share."""
        app = self.settings
        return {
            "app": app.app,
            "base": app.releases.path,
            "workdir": app.workdir,
            "token": self.token,
            "slots": " ".join(f"{slot}:{port}:{app.health_port(slot)}" for slot, port in app.slots.items()),
            "include": app.switch.include,
            "block": include.block(app),
            "root_installed": root_script.installed_path(app) if app.nginx.sudo else "",
            "runtime": app.nginx.runtime,
            "wants": unit.WANTS,
            "nginx": shlex.join(app.nginx.command),
            "listen": app.site.listen,
            "server_name": server_name(app),
            "https": self.https,
            "java": app.java.bin,
            "env_path": app.env.get("PATH", ""),
            "verify": verify_path(app),
            "health_path": app.health.path,
            "look_answer_s": limits.LOOK_ANSWER_S,
            "step_lock_s": limits.STEP_LOCK_S,
            "stop_timeout_ms": round(app.old_slot.stop_timeout_s * 1000),
        }

    def root_script(self, *, user: str | None = None) -> Script:
        """The steps that need root, with the settings of this machine; see `root_script.script`."""
        return root_script.script(self.settings, self.shared(), user=user or self.connection.user)

    def run(
        self,
        name: str,
        *,
        stdin: bytes = b"",
        timeout_s: float | None = None,
        root: Script | None = None,
        sudo: bool = False,
        **values: Value,
    ) -> Facts:
        """Runs a script to its end and returns its facts.

        Args:
            timeout_s: the longest time that it may take, None for `limits.SCRIPT_S`.
            root: see `script`.
            sudo: run it as root.

        Raises:
            Failed: it ended with another exit code than 0; its stderr is the cause.
        """
        report = self.attempt(name, stdin=stdin, timeout_s=timeout_s, root=root, sudo=sudo, **values)
        if report.exit_code != 0:
            raise step_failed(self, name, report)
        return report.facts

    def attempt(
        self,
        name: str,
        *,
        stdin: bytes = b"",
        timeout_s: float | None = None,
        root: Script | None = None,
        sudo: bool = False,
        **values: Value,
    ) -> Report:
        """Runs a script like `run`, and returns its report whatever its exit code."""
        script = self.script(name, root, **values)
        wait_s = limits.SCRIPT_S if timeout_s is None else timeout_s
        return _report(script, self.connection.run(script, stdin=stdin, timeout_s=wait_s, sudo=sudo))

    def upload(
        self,
        name: str,
        source: Path | None,
        *,
        progress: Callable[[int], None] | None = None,
        **values: Value,
    ) -> Report:
        """Runs a script with a file as its input, and returns its report whatever its exit code.

        Args:
            source: the file, None for no input.
            progress: called with the bytes sent so far.
        """
        script = self.script(name, **values)
        if source is None:
            return _report(script, self.connection.run(script))
        return _report(script, self.connection.upload(script, source, progress=progress))

    def start(self, name: str, **values: Value) -> Stream:
        """Starts a script whose output is read while it runs."""
        script = self.script(name, **values)
        return Stream(script, self.connection.start(script))


class Stream:
    """A script that runs on a machine; its output can be read as it comes."""

    def __init__(self, script: Script, running: Running) -> None:
        self._script = script
        self.running = running

    def facts(self, *, timeout_s: float) -> Iterator[tuple[str, str]]:
        """Each key and value as it is printed; a key may come again.

        Args:
            timeout_s: the longest silence between two lines.
        """
        return map(pair, marked(self.running.lines(timeout_s=timeout_s), _nonce(self._script)))

    def text(self, *, timeout_s: float) -> Iterator[str]:
        """Each line behind the first fact, as it is printed: for a script that prints a text.

        Args:
            timeout_s: the longest silence between two lines.
        """
        lines = self.running.lines(timeout_s=timeout_s)
        next(marked(lines, _nonce(self._script)), None)
        return lines

    def wait(self, *, timeout_s: float) -> Report:
        """The rest of its facts and how it ended."""
        return _report(self._script, self.running.wait(timeout_s=timeout_s))

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self.running.close()


def _run_as_root(settings: Settings, root: Script | None) -> dict[str, Value]:
    if root is None:
        return {}
    return {
        "root_sent": shlex.join(root_script.sent_along(root)),
        "root_sha256": root_script.checksum(root),
        "root_sudo": settings.nginx.sudo,
    }


def _nonce(script: Script) -> str:
    return str(script.values["nonce"])


def _report(script: Script, result: Result) -> Report:
    facts = Facts(marked(lines_of(result.stdout), _nonce(script)))
    return Report(result.exit_code, facts, tuple(lines_of(result.stderr.strip())))


def step_failed(machine: Machine, name: str, report: Report) -> BluegreenError:
    """The error for a script that failed; `LockLost` and `RouteMoved` have exit codes of their own."""
    host = machine.settings.host
    look_again = f"`bluegreen status --host {host}`, then run the command again"
    why = report.errors or (f"{name}.sh ended with exit code {report.exit_code}",)
    if report.exit_code == ExitCode.LOST_LOCK:
        return LockLost(
            "lost the deploy lock of the host; nothing further was done",
            why=why,
            live="not known: another deploy took the lock",
            remedy=look_again,
        )
    if report.exit_code == ExitCode.ROUTE_MOVED:
        return RouteMoved(
            "somebody else changed the route of nginx while this ran; nothing was stopped or switched",
            why=why,
            live="not known: the route was changed",
            remedy=look_again,
        )
    # A sudoers file that was changed, or is that of an older version (sudo(8), DIAGNOSTICS).
    if why[-1].startswith(("sudo: ", "Sorry, user ")):
        return Failed(
            f"sudo on {machine.address} rejects a step that needs root: {name}",
            why=why,
            remedy=f"with a user who may sudo: bluegreen setup --host {host} --login USER",
        )
    return Failed(why[-1], why=why[:-1])


def server_name(settings: Settings) -> str:
    """The Host header of our own requests to nginx: a name that the site takes, empty for any name."""
    return server_names.to_ask(settings.site.server_name)


def verify_path(settings: Settings) -> str:
    """The path whose answer through nginx names the live slot."""
    return settings.switch.verify or SLOT_PATH


def application_path(settings: Settings) -> str:
    """The path that shows through nginx whether the application answers.

    Without switch.verify, nginx itself answers the verify path. Then it is the health path if health has no
    port of its own, else `/`, whose answer must not be a server error.
    """
    if settings.switch.verify:
        return settings.switch.verify
    own = all(settings.health_port(slot) == port for slot, port in settings.slots.items())
    return settings.health.path if own else "/"
