"""What can be set in config.yml, and the settings that come of it for one host.

A setting's type, default and description stand here in one place; the JSON schema for editors
(`bluegreen.config.schema`) is made from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from bluegreen.config import duration
from bluegreen.config.types import (
    Addresses,
    AfterSwitch,
    AppName,
    Env,
    Every,
    Flag,
    HealthPorts,
    HostKeys,
    HostName,
    Identity,
    IncludePath,
    JarPattern,
    JavaArgs,
    JavaBin,
    JavaOptions,
    JavaVersion,
    Keep,
    KeepFor,
    ListenPort,
    Method,
    Networks,
    ProbePath,
    ReleasesPath,
    Secrets,
    ServerName,
    Slots,
    SshPort,
    Supervisor,
    Timeout,
    Ups,
    UrlPath,
    UrlPaths,
    UserName,
    VerifyPath,
    Wait,
    Warm,
    did_you_mean,
    env_value,
)
from bluegreen.errors import WrongUsage

# Several secrets in one variable, for a workflow that is written once for many applications.
BUNDLE = "BLUEGREEN_SECRETS"


class _Frozen(BaseModel):
    """Never changed once read; a key it does not know is an error.

    In the file a time has no unit in its name (`every: 500ms`), in Python it has (`every_s`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_alias=True, validate_by_name=True)


class Java(_Frozen):
    """The JVM and how it is started."""

    version: JavaVersion = Field(17, description="Java that the jar needs; `setup` installs it")
    bin: JavaBin = Field("java", description="The java command on the host, or its whole path")
    options: JavaOptions = Field((), description="Options of the JVM, such as -Xmx512m")
    args: JavaArgs = Field((), description="Arguments of the application")


class Health(_Frozen):
    """When a slot is UP."""

    path: UrlPath = Field("/actuator/health", description="What answers status UP")
    ports: HealthPorts = Field({}, description="Management port of a slot, where it is not the slot's own")
    every_s: Every = Field(0.5, alias="every", description="Pause between two looks")
    timeout_s: Timeout = Field(120.0, alias="timeout", description="How long a slot may take to be UP")
    ups: Ups = Field(1, description="How many UPs in a row are asked for")
    smoke: UrlPaths = Field((), description="Paths that must answer 2xx before the switch")
    warm: Warm = Field(5, description="Requests that warm the new JVM before the switch")


class Switch(_Frozen):
    """How nginx is pointed at the other slot."""

    method: Method = Field("instant", description="instant: a marker, no reload. reload: the plain include")
    include: IncludePath = Field(
        "/etc/nginx/conf.d/service-url.inc", description="The nginx file that names the live slot"
    )
    verify: VerifyPath = Field(
        "/api/v1/profiles", description="Path that answers the live slot's name through nginx; null: none"
    )
    probe: ProbePath = Field(
        None, description="Path asked ten times a second meanwhile; by default the verify path"
    )
    watch_s: Wait = Field(10.0, alias="watch", description="Time in which a failing slot is switched back")


class OldSlot(_Frozen):
    """What becomes of the slot that was live before."""

    after_switch: AfterSwitch = Field(
        "keep", description="keep: runs on, for an instant rollback. stop: drained, then stopped"
    )
    drain_s: Wait = Field(
        30.0, alias="drain", description="Time for its requests to end before it is stopped"
    )
    keep_for_s: KeepFor = Field(
        None, alias="keep_for", description="With keep: the host stops it after that time; null: never"
    )
    stop_timeout_s: Wait = Field(
        30.0, alias="stop_timeout", description="Time for its graceful shutdown before it is killed"
    )


class Releases(_Frozen):
    """Where releases are kept on the host."""

    path: ReleasesPath = Field(
        "/home/<user>/<app>", description="The app's folder; <user> and <app> are filled in"
    )
    keep: Keep = Field(5, description="How many good releases are kept")


class Site(_Frozen):
    """The nginx site that `setup` writes."""

    server_name: ServerName = Field("_", description="Names it answers to; _ is any")
    listen: ListenPort = Field(80, description="Port it listens on")
    proxies: Networks = Field((), description="Networks whose X-Forwarded-For is believed")


class Nginx(_Frozen):
    """The nginx of the host: not set in config.yml, but the sandbox has one of its own."""

    command: tuple[str, ...] = ("nginx",)
    sudo: bool = True
    runtime: str = "/run/bluegreen/<app>"


class Sections(_Frozen):
    """What is set at the top of config.yml for every host, and may be overridden for one."""

    jar: JarPattern = Field(
        "build/libs/*.jar", description="Path or pattern of the one jar; *-plain.jar is skipped"
    )
    slots: Slots = Field(
        {"prod1": 8081, "prod2": 8082}, description="The two slots: Spring profile and port of each"
    )
    java: Java = Java()
    env: Env = Field({}, description="Environment of the application")
    secrets: Secrets = Field(
        (), description="Names of variables whose values come from the deployer's environment"
    )
    health: Health = Health()
    switch: Switch = Switch()
    old_slot: OldSlot = OldSlot()
    releases: Releases = Releases()
    supervisor: Supervisor = Field("systemd", description="What keeps a JVM running")
    site: Site = Site()


class HostEntry(Sections):
    """One entry of `hosts:`: how it is reached, and what differs there."""

    address: Addresses = Field((), description="Name or IP address; a list for several machines")
    port: SshPort | None = Field(None, description="SSH port; by default that of ~/.ssh/config, or 22")
    user: UserName | None = Field(None, description="User to sign in as; by default that of ~/.ssh/config")
    host_key: HostKeys = Field((), description="Pinned host key: type and base64; a list for several")
    identity: Identity = Field(None, description="Path of the private SSH key")
    sandbox: Flag = Field(False, description="The embedded host of this checkout")


class ConfigFile(Sections):
    """config.yml as it is written."""

    app: AppName = Field(description="Names the systemd unit, folders and lock on the host")
    hosts: dict[HostName, HostEntry] = Field(description="Where to deploy: `--host NAME` picks an entry")


class Settings(Sections):
    """Everything that is set for one entry of `hosts:`, its own sections merged over the top level's."""

    host: str
    app: str
    addresses: tuple[str, ...] = ()
    port: int | None = None
    user: str | None = None
    host_keys: tuple[str, ...] = ()
    identity: Path | None = None
    sandbox: bool = False
    nginx: Nginx = Nginx()

    def other(self, slot: str) -> str:
        """The slot that is not this one.

        Raises:
            WrongUsage: there is no such slot.
        """
        self._check_slot(slot)
        return next(name for name in self.slots if name != slot)

    def health_port(self, slot: str) -> int:
        """The port that answers the slot's health.

        Raises:
            WrongUsage: there is no such slot.
        """
        self._check_slot(slot)
        return self.health.ports.get(slot, self.slots[slot])

    def _check_slot(self, slot: str) -> None:
        if slot not in self.slots:
            near = did_you_mean(slot, self.slots)
            raise WrongUsage(
                f"'{slot}' is not a slot of {self.host}{near or '; there are'} ({' and '.join(self.slots)})"
            )


def secrets_from(settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """The values of the settings' secrets: each a variable of its name, or a line of BLUEGREEN_SECRETS.

    Raises:
        WrongUsage: some are missing, empty, or of several lines. It names all of them and shows no value.
    """
    # A variable that is there and empty is a secret that GitHub does not have: it hides none of the bundle.
    environ = {
        **environ,
        **{name: value for name, value in bundled(environ).items() if not environ.get(name)},
    }
    missing = [name for name in settings.secrets if not environ.get(name)]
    if missing:
        on_github = ", ".join(f"{name}: ${{{{ secrets.{name} }}}}" for name in missing)
        exported = " ".join(f"{name}=…" for name in missing)
        why = [
            f"{name} is empty (a secret that GitHub does not have comes as an empty text)"
            if name in environ
            else f"{name} is not set"
            for name in missing
        ]
        raise WrongUsage(
            f"secrets missing from the environment: {', '.join(missing)}",
            why=why,
            remedy=f"on GitHub, in the deploying step: `env: {{{on_github}}}`, or a line NAME=value each in "
            f"the secret {BUNDLE}; in a shell: export {exported}",
        )
    values = {name: environ[name] for name in settings.secrets}
    wrong = []
    for name, value in values.items():
        try:
            env_value(value)
        except ValueError as error:
            wrong.append(f"{name}: {error}")
    if wrong:
        raise WrongUsage("secrets that no environment file can hold:", why=wrong)
    return values


def bundled(environ: Mapping[str, str]) -> dict[str, str]:
    """The secrets of BLUEGREEN_SECRETS, a line NAME=value each: a reusable workflow cannot know their names.

    Raises:
        WrongUsage: a line is none of that form; it is named by its number.
    """
    found = {}
    for number, line in enumerate(environ.get(BUNDLE, "").splitlines(), start=1):
        name, separator, value = line.partition("=")
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if not separator:
            raise WrongUsage(
                f"{BUNDLE}, line {number}: there is no '=' in it",
                remedy="write a line NAME=value for each secret",
            )
        found[name.strip()] = value
    return found


def hidden(settings: Settings) -> dict[str, Any]:
    """The settings as a config.yml with this one host would say them; of secrets it has the names only."""
    reached: dict[str, Any] = {
        "address": list(settings.addresses),
        "port": settings.port,
        "user": settings.user,
        "host_key": list(settings.host_keys),
        "identity": str(settings.identity) if settings.identity else None,
        "sandbox": settings.sandbox,
    }
    sections = {name: _plain(getattr(settings, name), name) for name in Sections.model_fields}
    return {
        "app": settings.app,
        **sections,
        "hosts": {settings.host: {key: value for key, value in reached.items() if value}},
    }


def _plain(value: Any, name: str) -> Any:
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        return {info.alias or key: _plain(getattr(value, key), key) for key, info in fields.items()}
    if name.endswith("_s") and value is not None:
        return duration.text(value)
    if isinstance(value, dict):
        return dict(value)
    return list(value) if isinstance(value, tuple) else value
