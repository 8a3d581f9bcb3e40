"""What one run does to one machine: `Rollout` is decided before anything changes, `Result` is the outcome.

The closing summary, the journal and the job summary are made from these two.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Literal

from bluegreen.config import Settings
from bluegreen.host import journal
from bluegreen.host.look import State
from bluegreen.host.machine import Machine
from bluegreen.host.nginx_config import NginxConfig
from bluegreen.host.probe import Proof
from bluegreen.host.releases import Release
from bluegreen.host.route import Switched
from bluegreen.host.workdir import Workdir
from bluegreen.ssh.connection import Connection

Command = Literal["deploy", "switch", "rollback"]


@dataclass(frozen=True)
class Rollout:
    """One machine's way to a release.

    Args:
        before: the look that it was decided on.
        slot: where the release is to serve: the idle one.
        release: what is to serve there, None for a JVM that bluegreen did not start.
        bad: releases that this run shows to be bad once it has switched.
        config: the configuration of nginx, None if it was not read.
        workdir: the working directory of the next JVM, None if it was not read.
        forced: the findings of the preflight that were overridden.
        skipped: the machines of the host that could not be reached, and without which it is done.
        began_s: when it began, by the monotonic clock.
        at: when it began, as the journal writes it.
    """

    machine: Machine
    command: Command
    before: State
    slot: str
    release: Release | None
    bad: tuple[str, ...] = ()
    config: NginxConfig | None = None
    workdir: Workdir | None = None
    forced: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    began_s: float = field(default_factory=time.monotonic)
    at: str = field(default_factory=journal.now)

    @property
    def settings(self) -> Settings:
        return self.machine.settings

    @property
    def connection(self) -> Connection:
        return self.machine.connection

    @property
    def live(self) -> str:
        """The slot that was live when the run began."""
        return self.settings.other(self.slot)

    @property
    def version(self) -> str:
        return self.release.version if self.release else "a version that bluegreen did not deploy"

    @property
    def previous(self) -> Release | None:
        """The release that was live when the run began."""
        return self.before.release_of(self.live)

    @property
    def came_from(self) -> str:
        """Slot, version and release that were live when the run began: `prod1 (1.4, 20261125-…)`."""
        return f"{self.live} ({_named(self.previous) or 'no release'})"

    @property
    def goes_to(self) -> str:
        """Slot, version and release that are to be live: `prod2 (1.5, 20261125-…)`."""
        return f"{self.slot} ({_named(self.release) or self.version})"


@dataclass(frozen=True)
class Result:
    """How a run ended on one machine where it did not fail.

    Args:
        serves: the new slot is live.
        switched: how it was switched, None if it was not, or if the connection was lost meanwhile.
        proof: what the probe saw, None without one.
        plan: of a dry run, what it would have changed, a sentence each.
    """

    rollout: Rollout
    serves: bool = False
    switched: Switched | None = None
    proof: Proof | None = None
    plan: tuple[str, ...] = ()


def _named(release: Release | None) -> str:
    # With the id: one version may be deployed twice.
    return f"{release.version}, {release.id}" if release else ""
