"""Which site of nginx serves users now, and whether the site of `setup` would take requests away from it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bluegreen.config import Settings
from bluegreen.host.files import root_files
from bluegreen.host.nginx_config import NginxConfig, Server, server_for

_HTTPS = 443
# What the packages of nginx serve on a new machine: their own pages.
_PAGES_OF_PACKAGES = ("", "html", "/usr/share/nginx/html", "/var/www/html")


@dataclass(frozen=True)
class InCharge:
    """The site that serves the requests which the site of `setup` would get.

    Args:
        server: its server block.
        adopted: it reads the include already, so bluegreen deploys to it as it is.
        port: the port of this machine that it passes requests to, None if it passes them to none or several.
        alone: its file has no other server, such as another site or a redirect to https.
    """

    server: Server
    adopted: bool
    port: int | None
    alone: bool


def in_charge(config: NginxConfig | None, settings: Settings) -> InCharge | None:
    """Returns the site of somebody else that ours would take requests from, None if there is none.

    Without site.server_name our site is the default server: it would get what any other site of that port
    gets now by default, and users of the names of those sites would stay there. With a name it would get the
    requests for that name: from the server that nginx chooses for it now, unless that is a server for other
    names, or the site of another app of bluegreen, which gets them only by default.

    Args:
        config: the configuration of nginx, None if there is no nginx.
    """
    ours, name = root_files.site_path(settings), settings.site.server_name
    servers = config.servers if config else ()
    # certbot may have added servers to our file; a file of that name may also be somebody else's site.
    ours_there = any(server.file == ours and server.by_setup for server in servers)
    strangers = [server for server in servers if not (ours_there and server.file == ours)]
    others = [server for server in strangers if _serves_users(server)]
    readers = [server for server in others if server.includes]
    # Users of a site that redirects to https are its users there.
    ports = dict.fromkeys((_HTTPS, settings.site.listen))
    if name == "_":
        rivals = [server for port in ports for server in others if port in server.ports]
    else:
        rivals = [each for port in ports for each in _chosen(strangers, port, name) if each in others]
    for server in (*readers, *rivals):
        alone = sum(each.file == server.file for each in servers) == 1
        return InCharge(server, server.includes, _port(server, config), alone)
    return None


def names_bucket(config: NginxConfig | None, settings: Settings) -> tuple[int, str] | None:
    """The `server_names_hash_bucket_size` in bytes that another file than our site sets, with that file."""
    for value, file in config.names_buckets if config else ():
        if file != root_files.site_path(settings):
            return _bytes(value), file
    return None


def _chosen(servers: Sequence[Server], port: int, names: str) -> Iterator[Server]:
    """The servers that get the requests for the names now, except those that are meant for other names."""
    for name in names.split():
        server = server_for(servers, port, name)
        if server and (server.matches(name) or not (server.has_name or server.by_setup)):
            yield server


def _bytes(size: str) -> int:
    found = re.fullmatch(r"(\d+)([km]?)", size.lower())
    return int(found[1]) * {"": 1, "k": 1 << 10, "m": 1 << 20}[found[2]] if found else 0


def _serves_users(server: Server) -> bool:
    """Whether a server is somebody's site, not the page of nginx's package or a refusal of unknown names."""
    if server.passes_to or server.includes or server.redirects:
        return True
    return server.root not in _PAGES_OF_PACKAGES


def _port(server: Server, config: NginxConfig | None) -> int | None:
    ports = {config.port_of(target) for target in server.passes_to} if config else set()
    return ports.pop() if len(ports) == 1 else None
