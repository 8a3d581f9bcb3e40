"""The embedded host: an sshd, an nginx and the folders of a host, in a folder of the checkout.

It runs as the current user, root or not, on loopback alone.
"""

from __future__ import annotations

import os
import pwd
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bluegreen.config import Nginx, Settings
from bluegreen.errors import Failed
from bluegreen.host.files.include import Form, render
from bluegreen.sandbox import nginx, ports, processes, sshd, state
from bluegreen.sandbox.folder import Folder, replace
from bluegreen.sandbox.ports import PortTaken
from bluegreen.sandbox.programs import Programs, found
from bluegreen.sandbox.state import State

# Spring's graceful shutdown ends at once when nothing is asked any more, as nginx ends with it.
_PATIENCE_S = 10
_ROUNDS = 3


@dataclass(frozen=True)
class Sandbox:
    """A sandbox that runs.

    Args:
        host_key: to be pinned: type and base64.
        identity: the private key that is let in.
        nginx_command: what every order to its nginx begins with.
        notices: what a person should be told: the ports that were in use, and what is used instead.
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
    """Where the sandbox of this config.yml lives."""
    return config.absolute().parent / ".sandbox"


def start(settings: Settings, folder: Path) -> Sandbox:
    """Starts what does not run of the sandbox, and gives it. What runs goes on, and takes changed settings.

    Raises:
        WrongUsage: the folder's path cannot stand in a configuration of nginx.
        Failed: a program is missing, or one does not start.
    """
    place = Folder.at(folder)
    programs = found()
    with place.alone():
        if not processes.all_of(place):
            # As /run at a boot.
            shutil.rmtree(place.run, ignore_errors=True)
        before = state.read(place)
        _make_folders(place, settings.app)
        for _ in range(_ROUNDS):
            # Two sandboxes that are started at once may both find a port free.
            with suppress(PortTaken):
                return _started(place, programs, settings, before)
        return _started(place, programs, settings, before)


def _started(place: Folder, programs: Programs, settings: Settings, before: State | None) -> Sandbox:
    now = _decided(place, programs, settings, state.read(place))
    # Before anything starts: what dies half-way is found again on these ports.
    state.write(place, now)
    sandbox = _start_sshd(place, programs, now)
    _start_nginx(place, programs, resolve(settings, sandbox), now, before)
    return sandbox


def running(folder: Path) -> Sandbox | None:
    """The sandbox, if its sshd and its nginx run."""
    place = Folder.at(folder)
    now = state.read(place)
    if now is None or not sshd.running(place) or not nginx.running(place):
        return None
    return _sandbox(place, now)


def stop(folder: Path) -> list[str]:
    """Ends all that runs in the sandbox, the slots' JVMs too, and tells what it was. Files stay.

    Raises:
        Failed: something could not be ended.
    """
    place = Folder.at(folder)
    if not place.path.is_dir():
        return []
    with place.alone():
        stopped = _what_runs(place)
        # Again, as a script may have started something after the look.
        for _ in range(_ROUNDS):
            left = processes.all_of(place)
            if not left:
                return stopped
            processes.end(left, patience_s=_PATIENCE_S)
        left = processes.all_of(place)
        if left:
            raise Failed(
                "not everything of the sandbox could be stopped",
                why=[f"{process.name} (pid {process.pid}) still runs" for process in left],
            )
        return stopped


def resolve(settings: Settings, sandbox: Sandbox) -> Settings:
    """The settings of a deploy to the sandbox, as if config.yml had named this host."""
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


def _decided(place: Folder, programs: Programs, settings: Settings, before: State | None) -> State:
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
        # Its sessions go on.
        processes.end([listener], patience_s=_PATIENCE_S)
        listener = None
    if not listener:
        sshd.start(place, programs, port)
    return _sandbox(place, now)


def _start_nginx(
    place: Folder, programs: Programs, settings: Settings, now: State, before: State | None
) -> None:
    names_our_slots = before and before.app == now.app and [*before.wanted] == [*now.wanted]
    if not place.include.exists() or not names_our_slots:
        first = next(iter(settings.slots))
        include = render(settings, first, form=Form(settings.switch.method), groups=True)
        replace(place.include, f"{include}\n")
    changed = nginx.configure(place, programs, settings)
    master = nginx.running(place)
    if not master:
        # Workers outlive a master that was killed, and hold its port.
        processes.end(processes.servers(place, "nginx"), patience_s=_PATIENCE_S)
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
        # Not getpass.getuser, which believes the environment: sshd does not.
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        raise Failed(
            f"the current user has no name (uid {os.getuid()})",
            why=["sshd lets in only users that /etc/passwd knows"],
            remedy="run it as a user of this machine",
        ) from None


def _what_runs(place: Folder) -> list[str]:
    slots = list(processes.jvms(place))
    jvms = {jvm for _, jvm in slots}
    told = [f"stopped slot {slot} (pid {jvm.pid})" for slot, jvm in slots]
    sessions = [process for process in processes.started_over_ssh(place) if process not in jvms]
    if sessions:
        names = ", ".join(sorted({process.name for process in sessions}))
        told.append(f"stopped {len(sessions)} processes started over SSH ({names})")
    servers = {"nginx": nginx.running(place), "sshd": sshd.running(place)}
    for name in servers:
        main = servers[name]
        if main:
            told.append(f"stopped {name} (pid {main.pid})")
        elif left := processes.servers(place, name):
            told.append(f"stopped {len(left)} processes left of {name}")
    return told
