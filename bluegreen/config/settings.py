"""The settings of config.yml: type, default and description of each, in one place.

The JSON schema for editors (`bluegreen.config.schema`) is made from these models.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from bluegreen.config import types
from bluegreen.config.messages import did_you_mean
from bluegreen.errors import WrongUsage


class _Frozen(BaseModel):
    """A part of the settings: immutable, and an unknown key is an error.

    A duration has no unit in its key in the file (`every: 500ms`), and has one in Python (`every_s`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_alias=True, validate_by_name=True)


class Java(_Frozen):
    """The JVM and how it is started."""

    version: types.JavaVersion = Field(17, description="Java that the jar needs; `setup` installs it")
    bin: types.JavaBin = Field("java", description="The java command on the host, or its whole path")
    options: types.JavaOptions = Field((), description="Options of the JVM, such as -Xmx512m")
    args: types.JavaArgs = Field((), description="Arguments of the application")
    profiles: types.Profiles | None = Field(
        None, description="Spring profiles that are active beside the slot's, such as [prod]"
    )
    workdir: types.WorkdirPath | None = Field(
        None, description="Folder that the JVMs run in; by default <releases.path>/shared"
    )


class Health(_Frozen):
    """When a slot counts as UP."""

    path: types.UrlPath = Field("/actuator/health", description="Path that answers status UP")
    ports: types.HealthPorts = Field({}, description="Management port of a slot, if it has one of its own")
    every_s: types.Pause = Field(0.5, alias="every", description="Pause between two health checks")
    timeout_s: types.Timeout = Field(120.0, alias="timeout", description="Time for a slot to become UP")
    ups: types.Ups = Field(1, description="Consecutive UP answers that are required")
    smoke: types.UrlPaths = Field((), description="Paths that must answer 2xx before the switch")
    warm: types.Warm = Field(5, description="Requests that warm the new JVM before the switch")


class Switch(_Frozen):
    """How traffic is switched to the other slot."""

    method: types.Method = Field("instant", description="instant: renames a marker. reload: reloads nginx")
    include: types.IncludePath = Field(
        "/etc/nginx/conf.d/service-url.inc", description="The nginx file that names the live slot"
    )
    verify: types.VerifyPath = Field(
        "/api/v1/profiles",
        description="Path that answers the live slot's name through nginx; null: none",
    )
    probe: types.UrlPath | None = Field(
        None, description="Path requested ten times a second during a switch; by default the verify path"
    )
    watch_s: types.Wait = Field(
        10.0, alias="watch", description="Time in which a failing slot is switched back"
    )


class OldSlot(_Frozen):
    """What happens to the previous slot after a switch."""

    after_switch: types.AfterSwitch = Field(
        "keep",
        description="keep: it keeps running, for an instant rollback. stop: drained, then stopped",
    )
    drain_s: types.Wait = Field(
        30.0, alias="drain", description="Time for its requests to finish before it is stopped"
    )
    keep_for_s: types.TimeoutOrNever = Field(
        None, alias="keep_for", description="With keep: the host stops it after this time; null: never"
    )
    stop_timeout_s: types.Wait = Field(
        30.0, alias="stop_timeout", description="Time for its graceful shutdown before it is killed"
    )


class Releases(_Frozen):
    """Where releases are kept on the host, and how many."""

    path: types.ReleasesPath = Field(
        "/home/<user>/<app>", description="The app's folder; <user> and <app> are replaced"
    )
    keep: types.Keep = Field(5, description="Number of good releases that are kept")


class Site(_Frozen):
    """The nginx site that `setup` writes."""

    server_name: types.ServerName = Field("_", description="Its server_name; _ matches any")
    listen: types.ListenPort = Field(80, description="Port it listens on")
    proxies: types.Networks = Field((), description="Networks of proxies whose X-Forwarded-For is trusted")


class Nginx(_Frozen):
    """The nginx of the host. Not set in config.yml: the sandbox runs its own."""

    command: tuple[str, ...] = ("nginx",)
    sudo: bool = True
    runtime: str = "/run/bluegreen/<app>"


class Sections(_Frozen):
    """The settings at the top level of config.yml, which an entry of `hosts:` may override."""

    jar: types.JarPattern = Field(
        "build/libs/*.jar", description="Path or pattern of the one jar; *-plain.jar is skipped"
    )
    slots: types.Slots = Field(
        {"prod1": 8081, "prod2": 8082}, description="The two slots: Spring profile and port of each"
    )
    java: Java = Java()
    env: types.Env = Field({}, description="Environment of the application")
    secrets: types.Secrets = Field(
        (), description="Names of variables; their values come from the environment of the deploy"
    )
    health: Health = Health()
    switch: Switch = Switch()
    old_slot: OldSlot = OldSlot()
    releases: Releases = Releases()
    supervisor: types.Supervisor = Field("systemd", description="What keeps a JVM running")
    site: Site = Site()


class HostEntry(Sections):
    """An entry of `hosts:`: how it is reached, and the settings that differ there."""

    address: types.Addresses = Field((), description="Name or IP address; a list for several machines")
    port: types.SshPort | None = Field(None, description="SSH port; by default that of ~/.ssh/config, or 22")
    user: types.UserName | None = Field(None, description="User to log in; by default that of ~/.ssh/config")
    host_key: types.HostKeys = Field((), description="Pinned host key: type and base64; a list for several")
    identity: types.Identity = Field(None, description="Path of the private SSH key")
    sandbox: types.Flag = Field(False, description="Whether this is the embedded host of this checkout")


class ConfigFile(Sections):
    """config.yml, as it is written."""

    app: types.AppName = Field(description="Names the systemd unit, folders and lock on the host")
    hosts: dict[types.HostName, HostEntry] = Field(description="Where to deploy: `--host NAME` selects one")


class Settings(Sections):
    """The settings of one host: its entry of `hosts:` merged over the top level."""

    host: str
    app: str
    addresses: tuple[str, ...] = ()
    port: int | None = None
    user: str | None = None
    host_keys: tuple[str, ...] = ()
    identity: Path | None = None
    sandbox: bool = False
    nginx: Nginx = Nginx()

    @property
    def workdir(self) -> str:
        """The folder on the machine that the JVMs run in, whatever their release."""
        return self.java.workdir or f"{self.releases.path}/shared"

    def other(self, slot: str) -> str:
        """The other slot.

        Raises:
            WrongUsage: `slot` is not a slot of this host.
        """
        self._require_slot(slot)
        return next(name for name in self.slots if name != slot)

    def health_port(self, slot: str) -> int:
        """The port of the slot's health check: its management port, or else its own.

        Raises:
            WrongUsage: `slot` is not a slot of this host.
        """
        self._require_slot(slot)
        return self.health.ports.get(slot, self.slots[slot])

    def _require_slot(self, slot: str) -> None:
        if slot not in self.slots:
            right = did_you_mean(slot, self.slots) or "; its slots are"
            raise WrongUsage(f"'{slot}' is not a slot of {self.host}{right} ({' and '.join(self.slots)})")
