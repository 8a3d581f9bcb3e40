"""config.yml, loaded and validated completely, and the settings of each of its hosts."""

from __future__ import annotations

import copy
import getpass
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from bluegreen.config import problems, yaml_source
from bluegreen.config.messages import did_you_mean
from bluegreen.config.settings import HostEntry, Nginx, Sections, Settings
from bluegreen.config.yaml_source import ConfigError, Key, Plain, Source
from bluegreen.errors import WrongUsage


def _local_user(address: str) -> str:
    return getpass.getuser()


@dataclass(frozen=True)
class Config:
    """A valid config.yml.

    Args:
        path: as it was passed to `load`.
        app: the app's name.
        host_names: the names of the entries of `hosts:`, in their order.
    """

    path: Path
    app: str
    host_names: tuple[str, ...]
    _entries: Mapping[str, dict[str, Plain]] = field(repr=False)

    def host(self, name: str | None, login_user: Callable[[str], str] = _local_user) -> Settings:
        """The settings of one host.

        Args:
            name: an entry of `hosts:`; None for the only one.
            login_user: returns the user to log in as at an address, for a host without `user:`. By default
                the local user. `bluegreen.ssh.client_config.login_user` knows ~/.ssh/config.

        Raises:
            WrongUsage: there is no such entry, or there are several and `name` is None.
        """
        if name is None and len(self.host_names) > 1:
            raise WrongUsage(
                f"{self.path} has several hosts: {', '.join(self.host_names)}",
                remedy=f"choose one: --host {self.host_names[0]}",
            )
        if name is None:
            name = self.host_names[0]
        if name not in self._entries:
            near = did_you_mean(name, self.host_names)
            raise WrongUsage(
                f"--host {name}: {self.path} has no host '{name}'{near}",
                remedy=f"choose one of its hosts: {', '.join(self.host_names)}",
            )
        return self._resolved(name, login_user)

    def _resolved(self, name: str, login_user: Callable[[str], str]) -> Settings:
        entry = HostEntry.model_validate(self._entries[name], by_alias=True, by_name=False)
        sections = {key: getattr(entry, key) for key in Sections.model_fields}
        user_of = _local_user if entry.sandbox else login_user
        releases = _filled(entry.releases.path, entry, self.app, user_of)
        workdir = entry.java.workdir and _filled(entry.java.workdir, entry, self.app, user_of)
        return Settings.model_validate(
            sections
            | {
                "host": name,
                "app": self.app,
                "releases": entry.releases.model_copy(update={"path": releases}),
                "java": entry.java.model_copy(update={"workdir": workdir}),
                # The sandbox is made of ordinary processes of the current user, so systemd cannot run them.
                "supervisor": "process" if entry.sandbox else entry.supervisor,
                "addresses": entry.address,
                "port": entry.port,
                "user": entry.user,
                "host_keys": entry.host_key,
                "identity": _identity(entry, self.path),
                "sandbox": entry.sandbox,
                "nginx": Nginx(runtime=f"/run/bluegreen/{self.app}"),
            }
        )


def load(path: Path) -> Config:
    """Load a config.yml and check it completely.

    Raises:
        WrongUsage: there is no such file, or it cannot be read.
        ConfigError: the file has errors; it names all of them.
    """
    source = yaml_source.read(path)
    data = _with_env_as_written(source)
    entries = _entries(data)
    if wrong := problems.found(source, data, entries):
        raise ConfigError(path, wrong)
    return Config(path, cast(str, data["app"]), tuple(entries), entries)


def _filled(path: str, entry: HostEntry, app: str, login_user: Callable[[str], str]) -> str:
    """A path on the machine with the placeholders <app> and <user> replaced."""
    path = path.replace("<app>", app)
    if "<user>" not in path:
        return path
    user = entry.user or login_user(entry.address[0] if entry.address else "")
    home = "/root" if user == "root" else f"/home/{user}"
    return path.replace("/home/<user>", home).replace("<user>", user)


def _identity(entry: HostEntry, path: Path) -> Path | None:
    return path.absolute().parent / Path(entry.identity).expanduser() if entry.identity else None


_REPLACED_WHOLE = {("slots",), ("health", "ports")}
"""Keys that an entry of `hosts:` replaces: a host has two slots, however the top level names its own."""


def _entries(data: Mapping[str, Plain]) -> dict[str, dict[str, Plain]]:
    """Each entry of `hosts:` merged over the top level. Skips what is not an entry: `problems` reports it."""
    top = {key: value for key, value in data.items() if key in Sections.model_fields}
    hosts = data.get("hosts")
    if not isinstance(hosts, dict):
        return {}
    return {name: _merged(top, entry, ()) for name, entry in hosts.items() if isinstance(entry, dict)}


def _merged(base: dict[str, Plain], override: dict[str, Plain], key: Key) -> dict[str, Plain]:
    result = dict(base)
    for name, value in override.items():
        below = result.get(name)
        if isinstance(below, dict) and isinstance(value, dict) and (*key, name) not in _REPLACED_WHOLE:
            result[name] = _merged(below, value, (*key, name))
        else:
            result[name] = value
    return result


def _with_env_as_written(source: Source) -> dict[str, Plain]:
    """The file's data with numbers and booleans in `env` as they are written: 1.10 stays 1.10."""
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
