"""The evidence that findings are made from: values only, read before the first finding is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bluegreen.config import Settings
from bluegreen.host.files.root_files import HostFile
from bluegreen.host.jvm import Jvm
from bluegreen.host.look import State
from bluegreen.host.nginx_config import NginxConfig
from bluegreen.host.survey import Change
from bluegreen.host.workdir import Workdir
from bluegreen.jar import Jar


@dataclass(frozen=True)
class Java:
    """The java command as the supervisor finds it, which is not with the PATH of a login shell.

    Args:
        path: where it is, empty if the supervisor does not find it.
        version: what `java -version` reports, empty if it reports none.
        searched: the PATH on which the supervisor looks.
        elsewhere: a java that the supervisor does not find, empty if there is none, or it finds one.
    """

    path: str
    version: str
    searched: str = ""
    elsewhere: str = ""
    elsewhere_version: str = ""


@dataclass(frozen=True)
class Diagnosis:
    """What diagnose.sh reads in addition to the look.

    Args:
        clock_ahead_s: how far the machine's clock is ahead of the clock here; negative if it is behind.
        may_sudo_all: the user may run every command as root.
        may_sudo_switch: the user may switch with the root script that `setup` installed.
        may_sudo_preview: the user may preview with it, too; the one of bluegreen 0.1 has no preview.
        nginx_problem: why `nginx -t` fails, empty if it succeeds, None if sudo does not allow it.
        nginx_starts_at_boot: False if systemd is known not to start nginx.
        nginx_config: the configuration that nginx reads, None if sudo does not allow to read it.
        other_unit: the path of a unit with the app's name that bluegreen did not write, else empty.
        exposed: root's files, each with the path where the user who deploys could replace it.
        workdir: the working directory of the next JVM.
        jvms: what the JVMs that run were given, by slot.
        config_files: the Spring profiles with a configuration file in the working directory, and the file.
        changes: the files that are not as `setup` would write them, as far as they can be read.
    """

    clock_ahead_s: float
    may_sudo_all: bool
    may_sudo_switch: bool
    may_sudo_preview: bool
    java: Java
    memory_total_bytes: int
    swap_free_bytes: int
    nginx_problem: str | None
    nginx_starts_at_boot: bool
    nginx_config: NginxConfig | None
    other_unit: str = ""
    exposed: tuple[tuple[HostFile, str], ...] = ()
    changes: tuple[Change, ...] = ()
    workdir: Workdir | None = None
    jvms: Mapping[str, Jvm] = field(default_factory=dict)
    config_files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Evidence:
    """Everything that is known of one machine and of the jar to deploy.

    Args:
        user: who deploys.
        jar: the jar to deploy, None if there is none here, or the release is on the machine already.
        release_bytes: the room that the release needs on the disk, 0 if it is on the machine already.
        diagnosis: None if only the look was read; findings that need it are then left out.
    """

    state: State
    user: str
    jar: Jar | None = None
    release_bytes: int = 0
    diagnosis: Diagnosis | None = None

    @property
    def settings(self) -> Settings:
        """The settings of the machine's host."""
        return self.state.settings

    @property
    def own_keys(self) -> str:
        """What to write into config.yml so that the app shares nothing with another one of the machine."""
        first, second = self.settings.slots
        return (
            f"give {self.settings.app} its own in config.yml: slots: {{{first}: 8091, {second}: 8092}}, "
            f"switch: {{include: /etc/nginx/conf.d/{self.settings.app}-url.inc}}, site: {{server_name: …}}"
        )

    @property
    def setup(self) -> str:
        """The command that sets up the machine."""
        return f"bluegreen setup --host {self.settings.host}"
