"""Whether a machine is fit for a deploy: asked before anything is sent there."""

from __future__ import annotations

from bluegreen.console.terminal import size
from bluegreen.errors import Failed
from bluegreen.host import slots
from bluegreen.host.look import State, look
from bluegreen.host.machine import Machine, verify_path

# What a release needs besides its jar: facts, log, journal.
SPARE_BYTES = 20_000_000


def look_ready(machine: Machine) -> State:
    """Looks at a machine, and refuses one on which nothing can be run.

    Raises:
        Failed: nginx does not answer.
        Unclear: what is live cannot be told.
    """
    found = look(machine)
    found.sure(machine)
    if found.proxy.code == 0 and found.proxy.listens:
        # As with a version that hangs, which only another one mends; a switch verifies for itself.
        machine.console.warn(f"{verify_path(machine.settings)} gave no answer through nginx in time")
    elif found.proxy.code == 0:
        raise Failed(
            f"nginx does not answer on {machine.address}, port {machine.settings.site.listen}",
            why=["a switch could not be verified; nothing was changed"],
            live=found.describe_live(),
            remedy="start nginx there, or set site.listen in config.yml to the port that it listens on",
        )
    return found


def fit_to_start(machine: Machine, found: State, *, jar_bytes: int) -> None:
    """Refuses a machine on which the idle slot could not be started.

    Raises:
        Failed: no java, no room on the disk, no right to write there, or the idle port is another's.
    """
    base = machine.settings.releases.path
    if not found.java:
        raise Failed(
            f"there is no {machine.settings.java.bin} on {machine.address}",
            live=found.describe_live(),
            remedy="install a JRE there, or set java.bin in config.yml to its whole path",
        )
    if not found.writable:
        raise Failed(
            f"{machine.connection.user} may not write {base} on {machine.address}",
            live=found.describe_live(),
            remedy=f"make the folder there: sudo install -d -o {machine.connection.user} {base}",
        )
    if found.disk_free_bytes < jar_bytes + SPARE_BYTES:
        raise Failed(
            f"the disk of {machine.address} has {size(found.disk_free_bytes)} free, "
            f"the release needs {size(jar_bytes + SPARE_BYTES)}",
            live=found.describe_live(),
            remedy=f"make room in {base}, or lower releases.keep",
        )
    idle = found.idle(machine)
    if idle.foreign:
        who = f"pid {idle.owner}" if idle.owner != "?" else "a process of another user"
        of = f" of {idle.owner_user}" if idle.owner_user else ""
        error = slots.port_taken(
            idle.name, f"port {idle.port} is held by {who}{of}: {idle.command}".rstrip(": ")
        )
        raise error.extended(live=found.describe_live())
