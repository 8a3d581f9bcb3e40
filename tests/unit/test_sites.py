"""Which site would lose requests to the one that `setup` writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from bluegreen.host.nginx_config import parse
from bluegreen.host.sites import in_charge
from tests.support.states import settings_of

MAIN = "# configuration file /etc/nginx/nginx.conf:\nhttp { include /etc/nginx/conf.d/*.conf; }\n"
FILE = "# configuration file /etc/nginx/conf.d/x.conf:\n"
BY_SETUP = "location = /.bluegreen/slot { return 200; }"
TO_HTTPS = "server { listen 80 default_server; return 301 https://$host$request_uri; }\n"


def server(names: str, listen: str = "80", more: str = "") -> str:
    passes = "location / { proxy_pass http://127.0.0.1:8080; }"
    return f"server {{ listen {listen}; server_name {names}; {more} {passes} }}\n"


def test_a_file_at_the_path_of_our_site_is_ours_only_if_setup_wrote_it(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    file = "# configuration file /etc/nginx/conf.d/taggle.conf:\n"
    by_hand = parse(MAIN + file + server("shop.example"), settings.switch.include)
    assert in_charge(by_hand, settings) is not None
    by_certbot = parse(
        MAIN + file + server("_", more=BY_SETUP) + server("shop.example"), settings.switch.include
    )
    assert in_charge(by_certbot, settings) is None


def test_of_a_site_on_https_the_server_that_serves_its_users_is_named(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, server_name="shop.example")
    found = in_charge(
        parse(MAIN + FILE + TO_HTTPS + server("shop.example", "443 ssl"), settings.switch.include), settings
    )
    assert found is not None
    assert found.server.ports == (443,)
    assert found.port == 8080


@pytest.mark.parametrize(
    ("text", "name", "loses"),
    [
        (server("_"), "_", True),
        (server("_"), "shop.example", True),
        (server("shop.example"), "shop.example", True),
        (server("*.example"), "shop.example", True),
        (server('"~^shop"'), "shop.example", True),
        (server("blog.example"), "_", True),
        (server("blog.example", "80 default_server"), "shop.example", False),
        (server("_", "80 default_server", BY_SETUP), "shop.example", False),
        (server("_", "8080"), "shop.example", False),
        (TO_HTTPS + server("shop.example", "443 ssl"), "shop.example", True),
        (TO_HTTPS + server("shop.example", "443 ssl"), "_", True),
        (server("blog.example", "443 ssl"), "shop.example", False),
        ("server { listen 80 default_server; return 444; }", "shop.example", False),
        ("server { listen 80 default_server; root /usr/share/nginx/html; }", "shop.example", False),
        ("server { listen 80 default_server; root /srv/www; }", "shop.example", True),
    ],
)
def test_a_site_is_in_charge_if_ours_would_take_requests_from_it(
    tmp_path: Path, text: str, name: str, loses: bool
) -> None:
    settings = settings_of(tmp_path, server_name=name)
    config = parse(MAIN + FILE + text, settings.switch.include)
    assert (in_charge(config, settings) is not None) == loses
