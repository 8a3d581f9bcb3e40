"""trust: show the machines' host keys, and pin them in config.yml once a person has compared them (P10)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from bluegreen.config import Settings
from bluegreen.config.pinning import pinned
from bluegreen.console.terminal import Console
from bluegreen.errors import WrongUsage
from bluegreen.rollout.fleet import side_by_side, unconnected
from bluegreen.rollout.interrupts import held_back


def run(settings: Settings, config: Path, console: Console, confirmed: Callable[[], bool]) -> None:
    """Shows the host key of each machine, and pins the keys if a person confirms them.

    Args:
        config: the file to pin them in; it is replaced by rename.
        confirmed: asks the person, after the fingerprints are shown.

    Raises:
        CannotConnect: a machine was not reached.
        WrongUsage: the host is a sandbox, or nobody confirmed; nothing was written.
    """
    if settings.sandbox:
        raise WrongUsage(
            f"{settings.host} is a sandbox: its key is pinned already, because the sandbox made it"
        )
    machines = unconnected(settings, console)
    keys = side_by_side(machines, lambda machine: machine.connection.shown_host_key())
    lines = tuple(dict.fromkeys(key.line for key in keys))
    for machine, key in zip(machines, keys, strict=True):
        console.line(f"{machine.address} shows {key.line.split()[0]} {key.fingerprint}")
    if set(lines) == set(settings.host_keys):
        console.line(f"✓ pinned already in {config}", "green")
        return
    if settings.host_keys:
        console.warn(f"another key is pinned in {config}; continue only if the machine was rebuilt")
    console.line("compare it with the machine's own fingerprints, on its console or in its boot log:")
    console.line("  for key in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf $key; done")
    if not confirmed():
        raise WrongUsage(
            "the key is not pinned; nothing was written",
            remedy=f"compare the fingerprint, then: `bluegreen trust --host {settings.host} --yes`",
        )
    with held_back() as interrupts:
        _pin(settings.host, lines, config)
        interrupts.discard()
    console.line(f"✓ pinned in {config} as hosts.{settings.host}.host_key", "bold green")


def _pin(host: str, lines: Sequence[str], config: Path) -> None:
    # As bytes: the file keeps its line ends.
    text = pinned(config.read_bytes().decode("utf-8"), host, lines)
    replacement = config.with_name(f".{config.name}.new")
    replacement.write_bytes(text.encode("utf-8"))
    replacement.chmod(config.stat().st_mode & 0o777)
    replacement.replace(config)
