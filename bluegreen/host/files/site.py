"""The nginx site in front of the two slots: written by `setup` on a host, and by the sandbox.

The route itself is in the include, which this site only reads.
"""

from __future__ import annotations

import re

from bluegreen.config import Settings
from bluegreen.host.files.include import quoted

# The version of nginx that introduced keepalive_min_timeout (nginx CHANGES).
KEEPALIVE_MIN_TIMEOUT_SINCE = (1, 27, 4)

# Our own site answers the live slot's target on this path, to the machine itself only.
SLOT_PATH = "/.bluegreen/slot"


def render(settings: Settings, *, nginx_version: str = "", names_fit: bool = False) -> str:
    """The text of the site, for nginx at http level.

    Args:
        settings: with those of the sandbox it listens on loopback only.
        nginx_version: such as `1.22.1`; directives of newer versions are omitted. Empty: unknown, as if old.
        names_fit: another file sets the size that long names need; nginx rejects a second setting.
    """
    blocks = [
        _HEAD.format(app=settings.app),
        "" if names_fit else _names_bucket(settings),
        *(_group(settings, slot) for slot in settings.slots),
        _maps(settings),
        _server(settings, nginx_version),
    ]
    return "".join(blocks)


_HEAD = """\
# The nginx site of {app}, written by bluegreen. The include decides which slot is live.

# The two slots. nginx never marks the only server of a group as failed (ngx_http_upstream_module, max_fails),
# so a short failure does not cause ten seconds of "no live upstreams". The timeout is below Tomcat's 20 s:
# the sender must close first, or a POST meets a closed connection. It is also below the watch of a switch, so
# that each connection that the old slot then still has is an open request.
"""


def names_bucket_bytes(server_name: str) -> int:
    """The server_names_hash_bucket_size that a server_name needs, a power of 2; 64 is nginx's default.

    Source: ngx_hash.c: a name takes a pointer, its length and itself, and each bucket ends with a pointer. A
    name with a wildcard is kept label by label.
    """
    kept = (name.split(".") if "*" in name or name[0] == "." else [name] for name in server_name.split())
    longest = max((len(part) for parts in kept for part in parts), default=0)
    needed, size = 8 + (longest + 2 + 7) // 8 * 8 + 8, 64
    while size < needed:
        size *= 2
    return size


def _names_bucket(settings: Settings) -> str:
    size = names_bucket_bytes(settings.site.server_name)
    if size <= 64:
        return ""
    return f"""\
# The name is longer than nginx has room for by default; the setting is that of all sites of this machine.
server_names_hash_bucket_size {size};

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
# Empty without an upgrade: only then nginx keeps the connection to the slot.
map $http_upgrade $upgrade_{name} {{
    default upgrade;
    ''      '';
}}
# With the port, unlike $host. An HTTP/1.0 client may send no Host, which Tomcat would reject.
map $http_host $host_{name} {{
    default $http_host;
    ''      $host;
}}
"""
    if not settings.site.proxies:
        return f"{maps}\n"
    networks = "".join(f"    {network} yes;\n" for network in settings.site.proxies)
    return f"""\
{maps}# Only the proxies in front of us know the client's scheme; the header of other clients is ignored.
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
    # Sets $service_url: the only place that decides which slot is live.
    include {quoted(settings.switch.include)};
    # A file cache would hide the markers, which switch without a reload.
    open_file_cache off;

    # Above Spring's own limit of 10 MB a request, so that the application decides.
    client_max_body_size 100m;

    proxy_http_version 1.1;
    proxy_set_header Host $host_{name};
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $upgrade_{name};
    proxy_set_header X-Real-IP $remote_addr;
    # Not $proxy_add_x_forwarded_for, which passes on a client's own header: Spring trusts its first entry.
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Proto {scheme};
    # Spring trusts these too. No proxy here sets them, so a client that sends one forges it.
    proxy_set_header Forwarded "";
    proxy_set_header X-Forwarded-Host "";
    proxy_set_header X-Forwarded-Port "";
    proxy_set_header X-Forwarded-Prefix "";
    proxy_set_header X-Forwarded-Ssl "";

    # A slot is on this machine: it accepts a connection at once, or not at all.
    proxy_connect_timeout 5s;
    # Long enough for slow requests and for the heartbeat of a websocket.
    proxy_send_timeout 300s;
    proxy_read_timeout 300s;
    # nginx retries a GET if the slot closed the kept connection, but never a POST (no non_idempotent).
    proxy_next_upstream error;

    # Names the live slot, to the machine itself only.
    location = {SLOT_PATH} {{
        allow 127.0.0.1;
        allow ::1;
        deny all;
        # A `return` here would answer before allow and deny apply; a named location comes after them.
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
    # Without a name, the site serves every request that no other site has the name of.
    default = " default_server" if settings.site.server_name == "_" else ""
    return f"{settings.site.listen}{default}"


def _trusted(settings: Settings) -> str:
    if not settings.site.proxies:
        return ""
    networks = "".join(f"    set_real_ip_from {network};\n" for network in settings.site.proxies)
    return f"""
    # Trust these proxies only: the last address in X-Forwarded-For that is not theirs is the client's.
{networks}    real_ip_header X-Forwarded-For;
    real_ip_recursive on;
"""


def _keepalive_min_timeout(nginx_version: str) -> str:
    numbers = tuple(int(number) for number in re.findall(r"\d+", nginx_version)[:3])
    if numbers < KEEPALIVE_MIN_TIMEOUT_SINCE:
        return ""
    return """
    # A reload then does not close a connection on which a client is sending its next request.
    keepalive_min_timeout 10s;
"""


def _variable_part(settings: Settings) -> str:
    """The app's name as part of a variable's name; all sites of a machine share nginx's variables.

    By default nginx has room for names of 46 characters (variables_hash_bucket_size), and an app has 31.
    """
    return settings.app.replace("-", "_")
