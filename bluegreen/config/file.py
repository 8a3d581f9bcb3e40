"""config.yml, read and validated whole before anything is done."""

from __future__ import annotations

import copy
import getpass
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from bluegreen.config import problems, yaml_source
from bluegreen.config.settings import (
    Health,
    HostEntry,
    Java,
    Nginx,
    OldSlot,
    Releases,
    Sections,
    Settings,
    Site,
    Switch,
    hidden,
    secrets_from,
)
from bluegreen.config.types import did_you_mean
from bluegreen.config.yaml_source import ConfigError, Key, Plain, Source
from bluegreen.errors import WrongUsage

__all__ = [
    "Config",
    "ConfigError",
    "Health",
    "Java",
    "Nginx",
    "OldSlot",
    "Releases",
    "Settings",
    "Site",
    "Switch",
    "hidden",
    "load",
    "secrets_from",
]


@dataclass(frozen=True)
class Config:
    """A valid config.yml.

    Args:
        path: as it was given.
        host_names: the entries of `hosts:`, in their order.
    """

    path: Path
    app: str
    host_names: tuple[str, ...]
    _entries: Mapping[str, dict[str, Plain]] = field(repr=False)

    def host(self, name: str | None) -> Settings:
        """The settings of one entry of `hosts:`; None for the only one.

        Raises:
            WrongUsage: there is no such entry, or there are several and none was named.
        """
        if name is None and len(self.host_names) > 1:
            raise WrongUsage(
                f"{self.path} has several hosts: {', '.join(self.host_names)}",
                remedy=f"say which: --host {self.host_names[0]}",
            )
        if name is None:
            name = self.host_names[0]
        if name not in self._entries:
            near = did_you_mean(name, self.host_names)
            raise WrongUsage(
                f"--host {name}: {self.path} has no host '{name}'{near}",
                remedy=f"take one of its hosts: {', '.join(self.host_names)}",
            )
        return _resolved(self.path, self.app, name, self._entries[name])


def load(path: Path) -> Config:
    """Read and check a config.yml, whole.

    Raises:
        WrongUsage: there is no such file, or it cannot be read.
        ConfigError: something in it is wrong; it names all that is.
    """
    source = yaml_source.read(path)
    data = _with_env_as_written(source)
    entries = _entries(data)
    if wrong := problems.found(source, data, entries):
        raise ConfigError(path, wrong)
    return Config(path, cast(str, data["app"]), tuple(entries), entries)


def _resolved(path: Path, app: str, name: str, entry: dict[str, Plain]) -> Settings:
    checked = HostEntry.model_validate(entry, by_alias=True, by_name=False)
    sections = {key: getattr(checked, key) for key in Sections.model_fields}
    releases = checked.releases.model_copy(update={"path": _releases_path(checked, app)})
    identity = path.absolute().parent / checked.identity if checked.identity else None
    return Settings.model_validate(
        sections
        | {
            "host": name,
            "app": app,
            "releases": releases,
            # the sandbox is made of ordinary processes of the current user: no systemd is asked
            "supervisor": "process" if checked.sandbox else checked.supervisor,
            "addresses": checked.address,
            "port": checked.port,
            "user": checked.user,
            "host_keys": checked.host_key,
            "identity": identity,
            "sandbox": checked.sandbox,
            "nginx": Nginx(runtime=f"/run/bluegreen/{app}"),
        }
    )


def _releases_path(entry: HostEntry, app: str) -> str:
    path = entry.releases.path.replace("<app>", app)
    if "<user>" not in path:
        return path
    user = entry.user or _login_user(entry)
    home = "/root" if user == "root" else f"/home/{user}"
    return path.replace("/home/<user>", home).replace("<user>", user)


def _login_user(entry: HostEntry) -> str:
    if entry.sandbox:
        return getpass.getuser()
    from bluegreen.ssh.client_config import login_user

    return login_user(entry.address[0])


_WHOLE = {("slots",), ("health", "ports")}
"""Overridden as one: the slots of a host are two, whatever the top level calls them."""


def _entries(data: Mapping[str, Plain]) -> dict[str, dict[str, Plain]]:
    """Each entry of hosts over the top level. Passes over what is no entry: that is told by the problems."""
    top = {key: value for key, value in data.items() if key in Sections.model_fields}
    hosts = data.get("hosts")
    if not isinstance(hosts, dict):
        return {}
    return {name: _over(top, entry, ()) for name, entry in hosts.items() if isinstance(entry, dict)}


def _over(base: dict[str, Plain], override: dict[str, Plain], key: Key) -> dict[str, Plain]:
    result = dict(base)
    for name, value in override.items():
        below = result.get(name)
        if isinstance(below, dict) and isinstance(value, dict) and (*key, name) not in _WHOLE:
            result[name] = _over(below, value, (*key, name))
        else:
            result[name] = value
    return result


def _with_env_as_written(source: Source) -> dict[str, Plain]:
    """The data, with numbers and booleans in env as the text they were written as: 1.10 stays 1.10."""
    data = copy.deepcopy(source.data)
    hosts = data.get("hosts")
    places: list[tuple[Key, Plain]] = [((), data)]
    if isinstance(hosts, dict):
        places += [(("hosts", name), entry) for name, entry in hosts.items()]
    for key, place in places:
        env = place.get("env") if isinstance(place, dict) else None
        if isinstance(env, dict):
            for name, value in env.items():
                if isinstance(value, (bool, int, float)):
                    at: Key = (*key, "env", name)
                    env[name] = source.texts.get(at, str(value))
    return data
