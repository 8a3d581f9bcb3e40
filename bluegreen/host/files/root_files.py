"""The files of root that an app needs on a machine: `setup` writes them, `check` compares them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bluegreen.config import Settings
from bluegreen.host.files import root_script, site, unit
from bluegreen.host.files.include import Form, render
from bluegreen.remote.script import Script


@dataclass(frozen=True)
class HostFile:
    """One file, owned by root.

    Args:
        what: its purpose, for a person.
        kept: whether `setup` only writes it where it is missing, as deploys change it: the include.
    """

    what: str
    path: str
    mode: int
    text: str
    kept: bool = False

    def exposed(self, users: Iterable[str]) -> str | None:
        """The path where the user who deploys could replace the file, None if there is none.

        Args:
            users: the paths that the user may write, of the file and the folders above it, as `users_of` of
                lib.sh prints them.
        """
        # `setup` replaces a file that the user owns by root's, but it keeps the contents of an include.
        return next((path for path in users if self.kept or path != self.path), None)

    def closed_by(self, path: str) -> str:
        """The remedy for a path where the file is exposed."""
        if path == self.path:
            return f"check its contents, then: sudo chown root: {path} && sudo chmod 644 {path}"
        if self.kept:
            return (
                "set switch.include in config.yml to a path in root's own folders, like its default, "
                "and include that file in your site"
            )
        return f"sudo chown root: {path} && sudo chmod go-w {path}"


def wanted(
    settings: Settings,
    root: Script,
    *,
    user: str,
    nginx_version: str,
    serving: str = "",
    own_site: bool = True,
    names_fit: bool = False,
) -> tuple[HostFile, ...]:
    """Every file, in an order in which they can be written: an included file comes first.

    Args:
        root: the steps that need root, with the settings of this machine.
        user: the user who deploys.
        nginx_version: of the machine's nginx, empty if unknown.
        serving: the slot that a new include must name, empty if none serves.
        names_fit: whether another file of nginx has the setting that long names need.
        own_site: whether the site of `setup` reads the include; it has an upstream group for each slot.
    """
    named = serving or next(iter(settings.slots))
    form = Form(settings.switch.method)
    files = [
        HostFile("folder of the markers", tmpfiles_path(settings), 0o644, _tmpfiles(settings)),
        HostFile(
            "include",
            settings.switch.include,
            0o644,
            render(settings, named, form=form, groups=own_site) + "\n",
            kept=True,
        ),
        HostFile(
            "nginx site",
            site_path(settings),
            0o644,
            site.render(settings, nginx_version=nginx_version, names_fit=names_fit),
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
    """The site's file: the packages of Debian, Fedora and nginx.org all include conf.d at http level."""
    return f"/etc/nginx/conf.d/{settings.app}.conf"


def tmpfiles_path(settings: Settings) -> str:
    """The tmpfiles.d file that creates the folder of the markers at each boot."""
    return f"/etc/tmpfiles.d/bluegreen-{settings.app}.conf"


def sudoers_path(settings: Settings) -> str:
    """The sudoers file; its name has no dot, as sudo ignores names with one."""
    return f"/etc/sudoers.d/bluegreen-{settings.app}"


def _tmpfiles(settings: Settings) -> str:
    return f"# Written by bluegreen.\nd {settings.nginx.runtime} 0755 root root -\n"


def _sudoers(settings: Settings, script: str, user: str) -> str:
    verbs = ("examine", "convert", "preview", "switch", "start", "stop", "kill", "expire", "log", "follow")
    commands = ", \\\n    ".join(f"{script} {verb} {slot}" for verb in verbs for slot in settings.slots)
    return f"# Written by bluegreen: the steps that {user} may run as root to deploy {settings.app}.\n" + (
        f"{user} ALL=(root) NOPASSWD: \\\n    {commands}\n"
    )
