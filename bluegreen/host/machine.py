"""One machine with the settings of the app: how every part runs its scripts there."""

from __future__ import annotations

import base64
import shlex
from dataclasses import dataclass, replace

from bluegreen.config import Settings
from bluegreen.console.terminal import Console
from bluegreen.errors import BluegreenError, Failed
from bluegreen.host.files import root_script, unit
from bluegreen.remote.script import Script, Value
from bluegreen.ssh.connection import Connection, Result, Running

# What our own site answers the live slot's target on, to the machine itself alone.
SLOT_PATH = "/.bluegreen/slot"

LOST_LOCK = 75
ROUTE_MOVED = 76


class LockLost(Failed):
    """Another deploy took over; what is live now is its doing."""


class RouteMoved(Failed):
    """Somebody changed what nginx routes to since it was looked at."""


@dataclass(frozen=True)
class Machine:
    """One machine of a host: its connection, its settings, and the lock's token once it is held."""

    settings: Settings
    connection: Connection
    console: Console
    token: str = ""

    @property
    def address(self) -> str:
        return self.connection.address

    def holding(self, token: str) -> Machine:
        """The same machine, its steps allowed by the lock that `token` took."""
        return replace(self, token=token)

    def script(self, name: str, root: Script | None = None, /, **values: Value) -> Script:
        """A script of ours with the values that all of them share, and its own.

        Args:
            root: what `as_root` of lib.sh runs on a host without `setup`, for a script that needs it.
        """
        as_root: dict[str, Value] = {}
        if root:
            as_root["root_sent"] = shlex.join(root_script.sent_along(root))
            as_root["root_sudo"] = self.settings.nginx.sudo
        parts = ("lib", self.settings.supervisor, "stopping")
        return Script(name, {**self.shared(), **as_root, **values}, parts=parts)

    def shared(self) -> dict[str, Value]:
        """The values that all scripts share."""
        app = self.settings
        return {
            "app": app.app,
            "base": app.releases.path,
            "token": self.token,
            "slots": " ".join(f"{slot}:{port}:{app.health_port(slot)}" for slot, port in app.slots.items()),
            "include": app.switch.include,
            "root_installed": root_script.installed_path(app) if app.nginx.sudo else "",
            "runtime": app.nginx.runtime,
            "wants": unit.WANTS,
            "nginx": shlex.join(app.nginx.command),
            "listen": app.site.listen,
            "server_name": server_name(app),
            "verify": verify_path(app),
            "health_path": app.health.path,
            "stop_timeout_ms": round(app.old_slot.stop_timeout_s * 1000),
        }

    def root_script(self, *, user: str | None = None, groups: bool = True, names_slot: bool = True) -> Script:
        """What needs root, with the settings of this machine; see `privileged.script`."""
        return root_script.script(
            self.settings,
            self.shared(),
            user=user or self.connection.user,
            groups=groups,
            names_slot=names_slot,
        )

    def start(self, name: str, **values: Value) -> Running:
        """Starts a script whose output is read while it runs."""
        return self.connection.start(self.script(name, **values))

    def attempt(
        self,
        name: str,
        *,
        stdin: bytes = b"",
        timeout_s: float = 60,
        root: Script | None = None,
        **values: Value,
    ) -> Result:
        """Runs a script and gives its result, whatever its exit code."""
        return self.connection.run(self.script(name, root, **values), stdin=stdin, timeout_s=timeout_s)

    def run(
        self, name: str, *, timeout_s: float = 60, root: Script | None = None, **values: Value
    ) -> list[str]:
        """Runs a script and gives its lines.

        Raises:
            Failed: it ended with another exit code than 0; its stderr is the cause.
        """
        result = self.connection.run(self.script(name, root, **values), timeout_s=timeout_s)
        if result.exit_code != 0:
            raise step_failed(name, result)
        return result.stdout.splitlines()


def step_failed(name: str, result: Result) -> BluegreenError:
    """The error of a script that ended badly, by the exit codes of `lib.sh`."""
    why = result.stderr.strip().splitlines() or [f"{name}.sh ended with exit code {result.exit_code}"]
    if result.exit_code == LOST_LOCK:
        return LockLost(
            "the lock of the host is not ours any more; nothing further was done",
            why=why,
            live="what the deploy that took the lock left: see `status`",
            remedy="see `status`, then run the command again",
        )
    if result.exit_code == ROUTE_MOVED:
        return RouteMoved(
            "somebody else changed what nginx routes to while this ran; nothing was stopped or switched",
            why=why,
            live="what they made it: see `status`",
            remedy="see `status`, then run the command again",
        )
    return Failed(why[-1], why=why[:-1])


def server_name(settings: Settings) -> str:
    """The Host header of our own requests to nginx: the site's first name, none for the default site."""
    name = settings.site.server_name.split()[0] if settings.site.server_name.split() else "_"
    return "" if name == "_" else name


def verify_path(settings: Settings) -> str:
    """The path that tells through nginx which slot is live."""
    return settings.switch.verify or SLOT_PATH


def application_path(settings: Settings) -> str:
    """The path that tells through nginx how the application fares.

    Without a verify path nginx answers in its place. Health's does where it is the same port's; else any
    path does, as long as its answer is no server's error.
    """
    if settings.switch.verify:
        return settings.switch.verify
    own = all(settings.health_port(slot) == port for slot, port in settings.slots.items())
    return settings.health.path if own else "/"


def decode(text: str) -> str:
    """The text of a `fact` of lib.sh: as it is behind a `=`, or base64."""
    if text.startswith("="):
        return text[1:]
    return base64.b64decode(text).decode("utf-8", errors="replace")
