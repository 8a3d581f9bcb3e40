"""trust: show the host key's fingerprint, and pin it in config.yml (P10)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bluegreen.config import Settings
from bluegreen.config.pinning import pinned
from bluegreen.console.terminal import Console
from bluegreen.errors import WrongUsage
from bluegreen.host.machine import Machine
from bluegreen.rollout.fleet import side_by_side, unconnected


def run(settings: Settings, config: Path, console: Console, agreed: Callable[[], bool]) -> None:
    """Shows the key that every machine of a host shows, and pins them once a person agreed.

    Args:
        config: the file to write into; it is replaced by rename.
        agreed: asks the person, who has compared the fingerprints with what the machine itself says.

    Raises:
        CannotConnect: a machine was not reached.
        WrongUsage: nobody agreed; nothing was written.
    """
    if settings.sandbox:
        raise WrongUsage(f"{settings.host} is a sandbox: its key is pinned already, as it made it itself")
    machines = unconnected(settings, console)
    keys = side_by_side(machines, lambda machine: machine.connection.shown_host_key())
    lines = tuple(dict.fromkeys(key.line for key in keys))
    for machine, key in zip(machines, keys, strict=True):
        console.line(f"{machine.address} shows {key.line.split()[0]} {key.fingerprint}")
    if set(lines) == set(settings.host_keys):
        console.line(f"✓ pinned already in {config}", "green")
        return
    if settings.host_keys:
        console.warn(f"another key is pinned in {config}: was the machine rebuilt? If nobody did, stop here")
    _compare(machines, console)
    if not agreed():
        raise WrongUsage(
            "not pinned; nothing was written", remedy="compare the fingerprint, then: trust --yes"
        )
    # Its line ends stay as they are.
    text = config.read_bytes().decode("utf-8")
    fresh = pinned(text, settings.host, lines)
    replacement = config.with_name(f".{config.name}.new")
    replacement.write_bytes(fresh.encode("utf-8"))
    replacement.chmod(config.stat().st_mode & 0o777)
    replacement.replace(config)
    console.line(f"✓ pinned in {config} as hosts.{settings.host}.host_key", "bold green")


def _compare(machines: list[Machine], console: Console) -> None:
    console.line("compare it with what the machine says of itself, on its console or in its boot log:")
    console.line("  for key in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf $key; done")
