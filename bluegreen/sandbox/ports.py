"""The ports of a sandbox: those that are wanted, and for each that is in use another one."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping

from bluegreen.config import Settings
from bluegreen.errors import Failed

SSH = "sshd"
HTTP = "nginx"

_SSH_PORT = 2222
_HTTP_PORT = 8080
# Below it a port is root's (net.ipv4.ip_unprivileged_port_start).
_FIRST_PORT_OF_USERS = 1024


class PortTaken(Failed):
    """Between the look at a port and the listening there somebody else took it."""


def wanted(settings: Settings) -> dict[str, int]:
    """What config.yml asks for, as far as a user without root can have it, by who listens there."""
    listen = settings.site.listen
    return {
        SSH: settings.port or _SSH_PORT,
        HTTP: listen if listen >= _FIRST_PORT_OF_USERS else _HTTP_PORT,
        **{_slot(slot): port for slot, port in settings.slots.items()},
    }


def slots_of(ports: Mapping[str, int]) -> dict[str, int]:
    """The slots among them, by their names."""
    return {name.removeprefix(_slot("")): port for name, port in ports.items() if name.startswith(_slot(""))}


def chosen(
    asked: Mapping[str, int], kept: Mapping[str, int], is_ours: Callable[[int], bool]
) -> dict[str, int]:
    """A port for each that asks: the one it had, else the one it wants, else any that is free.

    Args:
        kept: those of the last start that were asked for in the same way.
        is_ours: tells whether the sandbox itself listens on a port.
    """
    ports: dict[str, int] = {}
    for name, port in asked.items():
        candidates = [kept[name], port] if name in kept else [port]
        usable = (one for one in candidates if one not in ports.values() and (is_ours(one) or is_free(one)))
        ports[name] = next(usable, 0) or _any_free({*ports.values(), *asked.values()})
    return ports


def notices(asked: Mapping[str, int], ports: Mapping[str, int]) -> tuple[str, ...]:
    """A line for each that did not get what it wants."""
    return tuple(
        f"{name} listens on port {ports[name]}: {port} was in use when the sandbox was started"
        for name, port in asked.items()
        if ports[name] != port
    )


def is_free(port: int) -> bool:
    """Whether the current user could listen there, on every address of this machine."""
    try:
        _listening(port).close()
    except OSError:
        return False
    return True


def _any_free(taken: set[int]) -> int:
    while True:
        with _listening(0) as listener:
            port = int(listener.getsockname()[1])
        if port not in taken:
            return port


def _listening(port: int) -> socket.socket:
    # A JVM listens on both families at once, and is refused if either of them is taken.
    if socket.has_dualstack_ipv6():
        return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
    return socket.create_server(("", port))


def _slot(name: str) -> str:
    return f"slot {name}"
