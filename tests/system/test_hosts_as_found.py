"""The first week on hosts as people have them: no request is lost, and nothing of theirs changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.by_hand import SITE_BY_HAND, by_hand
from tests.support.guest import Guest
from tests.support.hosts import (
    CERTIFICATE,
    INCLUDE,
    KEY,
    Rented,
    asked_all_the_while,
    make_certificate,
    rented,
)
from tests.support.load import Load, require_nothing_lost

TO_SLOT = f"""include {INCLUDE};
    location / {{ proxy_pass $service_url; proxy_set_header Host $http_host; }}"""
TLS = f"listen 443 ssl; ssl_certificate {CERTIFICATE}; ssl_certificate_key {KEY};"
WWW = f"""\
server {{ listen 80; server_name taggle.example www.taggle.example; return 301 https://$host$request_uri; }}
server {{ {TLS} server_name taggle.example; return 301 https://www.taggle.example$request_uri; }}
server {{
    {TLS}
    server_name www.taggle.example;
    {TO_SLOT}
}}
"""
# As certbot leaves it: one server for https, and one that sends there and knows no other name.
CERTBOT = f"""\
server {{
    server_name taggle.example;
    {TO_SLOT}
    {TLS} # managed by Certbot
}}
server {{
    if ($host = taggle.example) {{
        return 301 https://$host$request_uri;
    }} # managed by Certbot
    listen 80;
    server_name taggle.example;
    return 404; # managed by Certbot
}}
"""
# As the package of Amazon Linux installs it: the server is in nginx.conf itself.
AMAZON = f"""\
user nginx;
worker_processes auto;
error_log /var/log/nginx/error.log notice;
pid /run/nginx.pid;
include /usr/share/nginx/modules/*.conf;
events {{ worker_connections 1024; }}
http {{
    log_format main '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
                    '"$http_referer" "$http_user_agent" "$http_x_forwarded_for"';
    access_log /var/log/nginx/access.log main;
    sendfile on;
    tcp_nopush on;
    keepalive_timeout 65;
    types_hash_max_size 4096;
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    include /etc/nginx/conf.d/*.conf;
    server {{
        listen 80;
        listen [::]:80;
        server_name _;
        root /usr/share/nginx/html;
        include /etc/nginx/default.d/*.conf;
        {TO_SLOT}
        error_page 404 /404.html;
        location = /404.html {{ }}
        error_page 500 502 503 504 /50x.html;
        location = /50x.html {{ }}
    }}
}}
"""

KEYS_OF_A_SECOND_APP = (
    "slots: {prod1: 8091, prod2: 8092}, switch: {include: /etc/nginx/conf.d/shop-url.inc}, "
    "site: {server_name: "
)


@dataclass(frozen=True)
class Found:
    """A host with version 1 in prod1, started by hand.

    Args:
        nginx: its configuration, by file.
        name: the name under which users know the site, empty for any.
        before: a command that root runs on it first.
    """

    nginx: Mapping[str, str]
    name: str = ""
    https: bool = False
    before: str = "true"


HOSTS = {
    "blog": Found({"/etc/nginx/sites-enabled/default": SITE_BY_HAND}),
    "certbot": Found({"/etc/nginx/conf.d/taggle.conf": CERTBOT}, name="taggle.example", https=True),
    "www redirect": Found({"/etc/nginx/sites-enabled/taggle": WWW}, name="www.taggle.example", https=True),
    "Amazon Linux": Found(
        {"/etc/nginx/nginx.conf": AMAZON},
        before="useradd --system nginx; systemctl restart nginx",
    ),
}


@pytest.mark.parametrize("found", HOSTS.values(), ids=HOSTS)
def test_p2_a_host_as_it_is_goes_through_deploys_rollback_setup_and_reboot(
    guest: Guest, tmp_path: Path, found: Found
) -> None:
    guest.run(found.before)
    make_certificate(guest)
    jar = rented(tmp_path, guest).jar("1")
    host = by_hand(guest, tmp_path, jar, nginx=found.nginx, name=found.name, https=found.https)
    (site,) = found.nginx
    before = host.etc()
    checked = host.done("check")
    assert "the next deploy converts the include, with one reload" in checked.out
    assert host.etc() == before
    with asked_all_the_while(host) as answers:
        first = host.deployed("2")
        assert "with a reload" in first.out
        kept_alive(host)
        ran = host.set_up()
        assert f"{site} reads the include" in ran.out
        host.done("check")
    assert set(answers.versions()) == {"1", "2", "3"}
    assert (guest.root / site.lstrip("/")).read_text() == found.nginx[site]
    guest.reboot()
    host.until_served("2")
    assert host.machine()["drift"] == []
    with asked_all_the_while(host):
        host.deployed("4")


def kept_alive(host: Rented) -> None:
    """A deploy and a rollback, of which clients on keep-alive connections lose nothing either."""
    with Load(f"http://{host.guest.address}", clients=16) as load:
        assert "without a reload" in host.deployed("3").out
        host.done("rollback")
    if not host.https:
        require_nothing_lost(load.tally)


def test_p2_a_second_app_is_refused_with_the_keys_to_set_and_then_both_are_deployed(
    guest: Guest, tmp_path: Path
) -> None:
    first = by_hand(guest, tmp_path / "taggle", rented(tmp_path / "taggle", guest).jar("1"))
    first.deployed("2")
    second = rented(tmp_path / "shop", guest, app="shop")
    second.name = "shop.example"
    before, traffic = first.etc(), asked_all_the_while(first)
    with traffic as answers:
        for command in (["deploy", "--jar", str(second.jar("1"))], ["setup"]):
            ran = second.run(*command)
            assert ran.code == 1, ran.all
            assert KEYS_OF_A_SECOND_APP in ran.out
        assert first.etc() == before
        second.configure(
            slots={"prod1": 8091, "prod2": 8092},
            switch={"include": "/etc/nginx/conf.d/shop-url.inc"},
            site={"server_name": "shop.example"},
        )
        second.set_up()
        second.deployed("1")
        with asked_all_the_while(second) as seconds:
            second.deployed("2")
            first.deployed("3")
            second.done("rollback")
            first.done("rollback")
            for host in (first, second):
                host.done("check")
    assert set(answers.versions()) == {"2", "3"}
    assert set(seconds.versions()) == {"1", "2"}
    guest.reboot()
    first.until_served("2")
    second.until_served("1")
    for host in (first, second):
        assert host.machine()["drift"] == []
