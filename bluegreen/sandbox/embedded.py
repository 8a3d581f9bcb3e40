"""The embedded host: an sshd, an nginx and the folders of a machine, in a folder of the checkout.

It runs as the current user, root or not, and listens on loopback only.
"""

from __future__ import annotations

import os
import pwd
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bluegreen.config import Nginx, Settings
from bluegreen.errors import CannotConnect, Failed
from bluegreen.host.files.include import Form, render
from bluegreen.remote import limits
from bluegreen.sandbox import nginx, ports, processes, sshd, state
from bluegreen.sandbox.folder import Folder, replace
from bluegreen.sandbox.ports import PortTaken
from bluegreen.sandbox.programs import Programs, found
from bluegreen.sandbox.state import State

_ATTEMPTS = 3


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox.

    Args:
        slots: the port of each slot.
        host_key: the key to pin, as type and base64.
        identity: the private key that its sshd accepts.
        nginx_command: the first words of every nginx command line for it.
        notices: a line for each configured port that was in use, with the port used instead.
    """

    folder: Path
    ssh_port: int
    http_port: int
    slots: dict[str, int]
    user: str
    host_key: str
    identity: Path
    nginx_command: tuple[str, ...]
    notices: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"


def folder_of(config: Path) -> Path:
    """The folder of the sandbox for this config.yml."""
    return config.absolute().parent / ".sandbox"


def start(settings: Settings, folder: Path) -> Sandbox:
    """Starts the servers of the sandbox that do not run, and returns the sandbox.

    Running servers continue, with changed settings applied.

    Raises:
        WrongUsage: nginx cannot have the folder's path in its configuration.
        Failed: a program is missing, or a server does not start.
    """
    place = Folder.at(folder)
    programs = found()
    with place.locked():
        if not processes.all_of(place):
            # /run is empty after a boot.
            shutil.rmtree(place.run, ignore_errors=True)
        before = state.read(place)
        _make_folders(place, settings.app)
        for _ in range(_ATTEMPTS):
            # Two sandboxes that start at the same time may both find a port free.
            with suppress(PortTaken):
                return _started(place, programs, settings, before)
        return _started(place, programs, settings, before)


def _started(place: Folder, programs: Programs, settings: Settings, before: State | None) -> Sandbox:
    now = _decide(place, programs, settings, state.read(place))
    # Before anything starts: after a crash the next start uses the same ports.
    state.write(place, now)
    sandbox = _start_sshd(place, programs, now)
    _start_nginx(place, programs, resolve(settings, sandbox), now, before)
    return sandbox


def running(folder: Path) -> Sandbox | None:
    """The sandbox, None unless both its sshd and its nginx run."""
    place = Folder.at(folder)
    now = state.read(place)
    if now is None or not sshd.running(place) or not nginx.running(place):
        return None
    return _sandbox(place, now)


def stop(folder: Path) -> list[str]:
    """Ends every process of the sandbox, including the slots' JVMs. Files stay.

    Returns:
        One line for each group of processes that was stopped.

    Raises:
        Failed: a process could not be ended.
    """
    place = Folder.at(folder)
    if not place.path.is_dir():
        return []
    with place.locked():
        stopped = _report_of_running(place)
        # Several times: a script may start a process after the list was made.
        for _ in range(_ATTEMPTS):
            left = processes.all_of(place)
            if not left:
                return stopped
            processes.end(left, timeout_s=limits.SANDBOX_STOP_S)
        left = processes.all_of(place)
        if left:
            raise Failed(
                "not everything of the sandbox could be stopped",
                why=[f"{processes.name_of(each)} (pid {each.pid}) still runs" for each in left],
                remedy="end these processes, then run `bluegreen sandbox --stop` again",
            )
        return stopped


def resolve(settings: Settings, sandbox: Sandbox) -> Settings:
    """The settings for a deploy to the sandbox: its address, key, ports and paths."""
    place = Folder(sandbox.folder)
    changes = {
        "sandbox": True,
        "addresses": ("127.0.0.1",),
        "port": sandbox.ssh_port,
        "user": sandbox.user,
        "host_keys": (sandbox.host_key,),
        "identity": sandbox.identity,
        "slots": dict(sandbox.slots),
        "supervisor": "process",
        "releases": settings.releases.model_copy(update={"path": str(place.releases(settings.app))}),
        "switch": settings.switch.model_copy(update={"include": str(place.include)}),
        "site": settings.site.model_copy(update={"listen": sandbox.http_port}),
        "nginx": Nginx(command=sandbox.nginx_command, sudo=False, runtime=str(place.runtime(settings.app))),
    }
    return settings.model_copy(update=changes)


def resolved(settings: Settings, config: Path) -> Settings:
    """The settings for a deploy to the running sandbox of this config.yml.

    Raises:
        CannotConnect: the sandbox is not running.
    """
    sandbox = running(folder_of(config))
    if sandbox is None:
        raise CannotConnect("the sandbox is not running", remedy="start it: `bluegreen sandbox`")
    return resolve(settings, sandbox)


def _decide(place: Folder, programs: Programs, settings: Settings, before: State | None) -> State:
    wanted = ports.wanted(settings)
    kept = (
        {name: port for name, port in before.ports.items() if before.wanted.get(name) == wanted.get(name)}
        if before
        else {}
    )
    ours = processes.all_of(place)

    def is_ours(port: int) -> bool:
        return any(processes.holds_port(process, port) for process in ours)

    return State(
        app=settings.app,
        user=_user(),
        wanted=wanted,
        ports=ports.chosen(wanted, kept, is_ours),
        nginx=nginx.command(place, programs),
    )


def _make_folders(place: Folder, app: str) -> None:
    for folder in (place.logs, place.include.parent, place.runtime(app), place.releases(app)):
        folder.mkdir(parents=True, exist_ok=True)


def _start_sshd(place: Folder, programs: Programs, now: State) -> Sandbox:
    port = now.ports[ports.SSH]
    listener = sshd.running(place)
    if listener and not processes.holds_port(listener, port):
        # This ends the listener only; its sessions continue.
        processes.end([listener], timeout_s=limits.SANDBOX_STOP_S)
        listener = None
    if not listener:
        sshd.start(place, programs, port)
    return _sandbox(place, now)


def _start_nginx(
    place: Folder, programs: Programs, settings: Settings, now: State, before: State | None
) -> None:
    include_is_ours = before and before.app == now.app and [*before.wanted] == [*now.wanted]
    if not place.include.exists() or not include_is_ours:
        first = next(iter(settings.slots))
        include = render(settings, first, form=Form(settings.switch.method), groups=True)
        replace(place.include, f"{include}\n")
    changed = nginx.configure(place, programs, settings)
    master = nginx.running(place)
    if not master:
        # Workers outlive a killed master and keep its port.
        processes.end(processes.servers(place, "nginx"), timeout_s=limits.SANDBOX_STOP_S)
        nginx.start(now.nginx)
    elif changed or not processes.holds_port(master, now.ports[ports.HTTP]):
        nginx.reload(now.nginx)


def _sandbox(place: Folder, now: State) -> Sandbox:
    return Sandbox(
        folder=place.path,
        ssh_port=now.ports[ports.SSH],
        http_port=now.ports[ports.HTTP],
        slots=ports.slots_of(now.ports),
        user=now.user,
        host_key=sshd.host_key(place),
        identity=sshd.identity(place),
        nginx_command=now.nginx,
        notices=ports.notices(now.wanted, now.ports),
    )


def _user() -> str:
    try:
        # Not getpass.getuser: it reads $USER, which sshd ignores.
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        raise Failed(
            f"the current user has no name (uid {os.getuid()})",
            why=["sshd accepts only users that are in /etc/passwd"],
            remedy="run `bluegreen sandbox` as a user of this machine",
        ) from None


def _report_of_running(place: Folder) -> list[str]:
    jvms = processes.jvms(place)
    lines = [f"stopped slot {slot} (pid {jvm.pid})" for slot, jvm in jvms.items()]
    sessions = [each for each in processes.started_over_ssh(place) if each not in jvms.values()]
    if sessions:
        names = ", ".join(sorted({processes.name_of(each) for each in sessions}))
        lines.append(f"stopped {len(sessions)} processes started over SSH ({names})")
    servers = {"nginx": nginx.running(place), "sshd": sshd.running(place)}
    for name in servers:
        main = servers[name]
        if main:
            lines.append(f"stopped {name} (pid {main.pid})")
        elif left := processes.servers(place, name):
            lines.append(f"stopped {len(left)} processes left of {name}")
    return lines
