"""The files that make a machine a host of an app: what `setup` writes, and `check` compares."""

from __future__ import annotations

from dataclasses import dataclass

from bluegreen.config import Settings
from bluegreen.host.files import root_script, site, unit
from bluegreen.host.files.include import Form, render
from bluegreen.remote.script import Script


@dataclass(frozen=True)
class HostFile:
    """One file, owned by root.

    Args:
        what: what it is, for a person.
        kept: it is written once and then belongs to the deploys: the include.
    """

    what: str
    path: str
    mode: int
    text: str
    kept: bool = False

    def exposed(self, users: str) -> str | None:
        """Where the user who deploys could put something in its place, None if nowhere.

        Args:
            users: what of the file and the folders above it is that user's, as `users_of` of lib.sh tells it.
        """
        # One that is theirs is written anew as root's; of an include what they wrote would stay.
        return next((path for path in users.splitlines() if self.kept or path != self.path), None)

    def closed_by(self, path: str) -> str:
        """What a person does about a path where it is exposed."""
        if path == self.path:
            return f"see that it holds what it should, then: sudo chown root: {path} && sudo chmod 644 {path}"
        if self.kept:
            return (
                "set switch.include in config.yml to a path in root's own folders, as its default is, "
                "and include that file in your site"
            )
        return f"sudo chown root: {path} && sudo chmod go-w {path}"


def wanted(
    settings: Settings, root: Script, *, user: str, nginx_version: str, serving: str = ""
) -> tuple[HostFile, ...]:
    """Every file, in the order in which they may be written: what is included comes first.

    Args:
        root: what needs root, with the settings of this machine.
        user: the one who deploys.
        nginx_version: of the nginx there, empty if it is not known yet.
        serving: the slot that a new include must name, empty on a machine where none serves.
    """
    named = serving or next(iter(settings.slots))
    form = Form(settings.switch.method)
    files = [
        HostFile("folder of the markers", tmpfiles_path(settings), 0o644, _tmpfiles(settings)),
        HostFile(
            "include",
            settings.switch.include,
            0o644,
            render(settings, named, form=form, groups=True) + "\n",
            kept=True,
        ),
        HostFile(
            "nginx site", site_path(settings), 0o644, site.render(settings, nginx_version=nginx_version)
        ),
    ]
    if settings.supervisor == "systemd":
        files.append(HostFile("unit", unit.path(settings), 0o644, unit.render(settings, user=user)))
    script = root_script.installed_path(settings)
    files += [
        HostFile("steps as root", script, 0o755, root_script.installed_text(root)),
        HostFile("sudoers", sudoers_path(settings), 0o440, _sudoers(settings, script, user)),
    ]
    return tuple(files)


def site_path(settings: Settings) -> str:
    """The site: conf.d is read at http level by the packages of Debian, Fedora and nginx.org alike."""
    return f"/etc/nginx/conf.d/{settings.app}.conf"


def tmpfiles_path(settings: Settings) -> str:
    """What makes the folder of the markers at each boot."""
    return f"/etc/tmpfiles.d/bluegreen-{settings.app}.conf"


def sudoers_path(settings: Settings) -> str:
    """The one sudoers file; sudo passes over names with a dot."""
    return f"/etc/sudoers.d/bluegreen-{settings.app}"


def _tmpfiles(settings: Settings) -> str:
    return f"# Written by bluegreen.\nd {settings.nginx.runtime} 0755 root root -\n"


def _sudoers(settings: Settings, script: str, user: str) -> str:
    verbs = ("switch", "start", "stop", "kill", "expire", "log", "follow")
    commands = ", \\\n    ".join(f"{script} {verb} {slot}" for verb in verbs for slot in settings.slots)
    return f"# Written by bluegreen: all that {user} may do as root to deploy {settings.app}.\n" + (
        f"{user} ALL=(root) NOPASSWD: \\\n    {commands}\n"
    )
