"""config: the settings as resolved for a host, secrets hidden; and how every command gets its settings."""

from __future__ import annotations

from pathlib import Path

import yaml

from bluegreen import config, jar
from bluegreen.config import Settings, printable
from bluegreen.console.terminal import Console
from bluegreen.errors import WrongUsage
from bluegreen.jar import Jar
from bluegreen.sandbox import embedded
from bluegreen.ssh.client_config import login_user


def run(path: Path, host: str | None, console: Console) -> None:
    """Prints the settings of one host of a config.yml, or of all of them; only the names of secrets."""
    loaded = config.load(path)
    names = (host,) if host else loaded.host_names
    for name in names:
        if len(names) > 1:
            console.out(f"# {name}")
        settings = printable(loaded.host(name, login_user))
        console.out(yaml.safe_dump(settings, sort_keys=False, allow_unicode=True).rstrip())


def resolved(path: Path, host: str | None) -> Settings:
    """The settings of one host; a sandbox gets the address, keys and ports that it runs with.

    Raises:
        WrongUsage: config.yml is wrong, or has no such host.
        CannotConnect: the host is a sandbox that does not run.
    """
    settings = config.load(path).host(host, login_user)
    return embedded.resolved(settings, path) if settings.sandbox else settings


def sandbox_settings(path: Path, host: str | None) -> Settings:
    """The settings of the sandbox of a config.yml, the first if there are several.

    Raises:
        WrongUsage: there is none, or none of that name.
    """
    loaded = config.load(path)
    sandboxes = [settings for name in loaded.host_names if (settings := loaded.host(name)).sandbox]
    wanted = [settings for settings in sandboxes if host in (None, settings.host)]
    if wanted:
        return wanted[0]
    raise WrongUsage(
        f"{path} has no sandbox" + (f" called {host}" if host else ""),
        remedy="add one under hosts: `sandbox: {sandbox: true}`",
    )


def jar_to_deploy(path: Path, settings: Settings, named: str | None) -> Jar:
    """The jar of a deploy.

    Args:
        path: of config.yml; a `jar` in it is relative to its folder.
        named: what was typed, relative to where it was typed; None for `jar` of config.yml.

    Raises:
        WrongUsage: no jar matches, several do, or it cannot be started.
    """
    found = jar.find(named, Path.cwd()) if named else jar.find(settings.jar, path.resolve().parent)
    return jar.inspect(found)


def jar_if_built(path: Path, settings: Settings) -> Jar | None:
    """The jar that would be deployed, None where it is not built: a diagnosis does not need it."""
    try:
        return jar_to_deploy(path, settings, None)
    except WrongUsage:
        return None
