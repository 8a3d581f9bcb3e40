"""The nginx site in front of the two slots: written by `setup` on a host, and by the sandbox.

The route itself stands in the include, which this site only reads.
"""

from __future__ import annotations

import re

from bluegreen.config import Settings
from bluegreen.host.files.include import quoted
from bluegreen.host.machine import SLOT_PATH

# From this version on a reload leaves connections of waiting clients open for that long (nginx CHANGES).
KEEPALIVE_MIN_TIMEOUT_SINCE = (1, 27, 4)


def render(settings: Settings, *, nginx_version: str = "") -> str:
    """The site, to be read by nginx at http level.

    Args:
        settings: those of the sandbox make it listen on loopback alone.
        nginx_version: such as `1.22.1`; what only newer ones know is left out, all of it if this is empty.
    """
    blocks = [
        _HEAD.format(app=settings.app),
        *(_group(settings, slot) for slot in settings.slots),
        _maps(settings),
        _server(settings, nginx_version),
    ]
    return "".join(blocks)


_HEAD = """\
# The nginx site of {app}, written by bluegreen. Which slot is live stands in the include, not here.

# The two slots. The lone server of a group is never taken for failed (ngx_http_upstream_module, max_fails),
# so that a hiccup costs no ten seconds of "no live upstreams". The timeout is below Tomcat's 20 s: the side
# that sends must be the first to close, or a POST meets a closed connection; and below the watch of a switch,
# so that then each connection to the old slot is a request under way.
"""


def _group(settings: Settings, slot: str) -> str:
    return f"""\
upstream {settings.app}-{slot} {{
    server 127.0.0.1:{settings.slots[slot]};
    keepalive 64;
    keepalive_timeout 5s;
}}

"""


def _maps(settings: Settings) -> str:
    name = _variable_part(settings)
    maps = f"""\
# Empty where nothing is upgraded: only then is the connection to the slot kept.
map $http_upgrade $connection_upgrade_{name} {{
    default upgrade;
    ''      '';
}}
# With its port, unlike $host; a client of HTTP/1.0 may send none, which Tomcat would refuse.
map $http_host $host_{name} {{
    default $http_host;
    ''      $host;
}}
"""
    if not settings.site.proxies:
        return f"{maps}\n"
    networks = "".join(f"    {network} yes;\n" for network in settings.site.proxies)
    return f"""\
{maps}# The scheme that the client used is known to the proxy in front of us; of others it is not believed.
geo $realip_remote_addr $from_proxy_{name} {{
    default no;
{networks}}}
map $from_proxy_{name}:$http_x_forwarded_proto $scheme_{name} {{
    default   $scheme;
    yes:http  http;
    yes:https https;
}}

"""


def _server(settings: Settings, nginx_version: str) -> str:
    name = _variable_part(settings)
    scheme = f"$scheme_{name}" if settings.site.proxies else "$scheme"
    return f"""\
server {{
    listen {_listen(settings)};
    server_name {settings.site.server_name};
{_trusted(settings)}{_keepalive_min_timeout(nginx_version)}
    # Sets $service_url: the one place that says which slot is live.
    include {quoted(settings.switch.include)};
    # A file cache would hide the marker that switches without a reload.
    open_file_cache off;

    # Above Spring's own limit of 10 MB a request, so that the application is the one that decides.
    client_max_body_size 100m;

    proxy_http_version 1.1;
    proxy_set_header Host $host_{name};
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $connection_upgrade_{name};
    proxy_set_header X-Real-IP $remote_addr;
    # Not $proxy_add_x_forwarded_for, which passes on whatever a client claims: Spring believes its first.
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Proto {scheme};
    # Spring believes these too; nobody here sets them, so whoever sends one makes it up.
    proxy_set_header Forwarded "";
    proxy_set_header X-Forwarded-Host "";
    proxy_set_header X-Forwarded-Port "";
    proxy_set_header X-Forwarded-Prefix "";
    proxy_set_header X-Forwarded-Ssl "";

    # A slot is on this machine: it takes a connection at once, or not at all.
    proxy_connect_timeout 5s;
    # Long enough for slow requests and for the heartbeat of a websocket.
    proxy_send_timeout 300s;
    proxy_read_timeout 300s;
    # A GET goes again if the kept connection was closed under it; a POST never does (no non_idempotent).
    proxy_next_upstream error;

    # To the machine itself: what the live slot is.
    location = {SLOT_PATH} {{
        allow 127.0.0.1;
        allow ::1;
        deny all;
        # `return` here would answer before allow and deny are asked; a named location comes after them.
        try_files {SLOT_PATH}/none @bluegreen_slot;
    }}
    location @bluegreen_slot {{
        default_type text/plain;
        return 200 $service_url;
    }}

    location / {{
        proxy_pass $service_url;
    }}
}}
"""


def _listen(settings: Settings) -> str:
    if settings.sandbox:
        return f"127.0.0.1:{settings.site.listen}"
    # Without a name it is for every request that no other site is named for.
    default = " default_server" if settings.site.server_name == "_" else ""
    return f"{settings.site.listen}{default}"


def _trusted(settings: Settings) -> str:
    if not settings.site.proxies:
        return ""
    networks = "".join(f"    set_real_ip_from {network};\n" for network in settings.site.proxies)
    return f"""
    # From these proxies alone: the last address in X-Forwarded-For that is not one of theirs is the client.
{networks}    real_ip_header X-Forwarded-For;
    real_ip_recursive on;
"""


def _keepalive_min_timeout(nginx_version: str) -> str:
    numbers = tuple(int(number) for number in re.findall(r"\d+", nginx_version)[:3])
    if numbers < KEEPALIVE_MIN_TIMEOUT_SINCE:
        return ""
    return """
    # A reload does not close a connection on which a client is just sending its next request.
    keepalive_min_timeout 10s;
"""


def _variable_part(settings: Settings) -> str:
    """The app as part of the name of a variable, which nginx shares among all sites of the machine."""
    return settings.app.replace("-", "_")
