"""The ports of a sandbox: those of config.yml, and a free one for each that is in use."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping

from bluegreen.config import Settings
from bluegreen.errors import Failed

SSH = "sshd"
HTTP = "nginx"

_SSH_PORT = 2222
_HTTP_PORT = 8080
# Ports below it are reserved for root (net.ipv4.ip_unprivileged_port_start).
_FIRST_PORT_OF_USERS = 1024


class PortTaken(Failed):
    """Another process took a port between the test whether it is free and its use."""


def wanted(settings: Settings) -> dict[str, int]:
    """The ports of config.yml by their listener, with 8080 instead of a port that only root may use."""
    listen = settings.site.listen
    return {
        SSH: settings.port or _SSH_PORT,
        HTTP: listen if listen >= _FIRST_PORT_OF_USERS else _HTTP_PORT,
        **{_slot(slot): port for slot, port in settings.slots.items()},
    }


def slots_of(ports: Mapping[str, int]) -> dict[str, int]:
    """The ports of the slots among these, by slot."""
    return {name.removeprefix(_slot("")): port for name, port in ports.items() if name.startswith(_slot(""))}


def chosen(
    asked: Mapping[str, int], kept: Mapping[str, int], is_ours: Callable[[int], bool]
) -> dict[str, int]:
    """A port for each listener: its port of the last start, else the wanted one, else any free one.

    Args:
        asked: the wanted ports by listener.
        kept: the ports of the last start, of listeners whose wanted port is still the same.
        is_ours: whether the sandbox itself listens on a port.
    """
    ports: dict[str, int] = {}
    for name, port in asked.items():
        candidates = [kept[name], port] if name in kept else [port]
        usable = (one for one in candidates if one not in ports.values() and (is_ours(one) or is_free(one)))
        ports[name] = next(usable, 0) or _any_free({*ports.values(), *asked.values()})
    return ports


def notices(asked: Mapping[str, int], ports: Mapping[str, int]) -> tuple[str, ...]:
    """One line for each listener that did not get the wanted port."""
    return tuple(
        f"{name} listens on port {ports[name]}: {port} was in use when the sandbox was started"
        for name, port in asked.items()
        if ports[name] != port
    )


def is_free(port: int) -> bool:
    """Whether the current user could listen on the port, on every address of this machine."""
    # Tried and not looked up with psutil: the kernel alone knows who may bind what.
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
    # A JVM listens on IPv4 and IPv6 with one socket, and fails if the port is taken in either.
    if socket.has_dualstack_ipv6():
        return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
    return socket.create_server(("", port))


def _slot(name: str) -> str:
    return f"slot {name}"
