"""A switch that cannot be verified ends before a user is moved, with the cause and the key that helps."""

from __future__ import annotations

import subprocess
import urllib.request

import pytest

from tests.support.box import Box
from tests.support.incidents import deployed_and_later_s
from tests.support.on_host import versions
from tests.support.processes import free_port
from tests.support.sites import PLAIN_SERVER, Site, only_versions, reload, serving, site_file, until
from tests.support.waiting import wait_for

SLOT = "include {include}; location / {{ proxy_pass $service_url; }}"
SERVER = f"server {{{{ listen 127.0.0.1:{{listen}}; %s {SLOT} }}}}\n"
TLS = "ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;"

# What of the site hides the slots from this machine, what the message must say, and the key that helps.
HIDDEN: dict[str, tuple[str, str, str]] = {
    "444 by another server": (
        "server {{ listen 127.0.0.1:{listen} default_server; return 444; }}\n"
        + SERVER % "server_name shop.example;",
        "closed the connection",
        "site.server_name: shop.example",
    ),
    "404 by another server": (
        "server {{ listen 127.0.0.1:{listen} default_server; root /nowhere; }}\n"
        + SERVER % "server_name *.shop.example;",
        "another server",
        "matches *.shop.example",
    ),
    "another address": (
        f"server {{{{ listen 127.0.0.2:{{listen}}; {SLOT} }}}}\n",
        "nginx listens on 127.0.0.2:",
        "site.listen",
    ),
    "allow list": (
        SERVER % "location = /open {{ return 200; }} allow 203.0.113.0/24; deny all;",
        "HTTP 403",
        "site.listen",
    ),
    "user agent": (
        SERVER % "if ($http_user_agent ~* (curl|wget|python-requests)) {{ return 403; }}",
        "user agent curl",
        "site.listen",
    ),
    "password": (
        SERVER % "auth_basic shop; auth_basic_user_file {folder}/users;",
        "asks for a password",
        "site.listen",
    ),
    "PROXY protocol": (
        f"server {{{{ listen 127.0.0.1:{{listen}} proxy_protocol; {SLOT} }}}}\n",
        "PROXY protocol",
        "site.listen",
    ),
    "single page": (
        "server {{ listen 127.0.0.1:{listen}; include {include}; root {folder};\n"
        "location /app {{ proxy_pass $service_url; }} location / {{ try_files $uri /index.html; }} }}\n",
        "same HTML page",
        "switch.verify",
    ),
    "redirect elsewhere": (
        SERVER % "if ($host != www.shop.example) {{ return 301 http://www.shop.example:{other}/login; }}",
        "redirected to http://www.shop.example",
        "switch.verify",
    ),
}


@pytest.fixture
def shop(box: Box) -> Box:
    """A sandbox with what the sites name: a page, a password file, a certificate."""
    (box.folder / "index.html").write_text("<!doctype html><title>shop</title>")
    (box.folder / "users").write_text("shop:{PLAIN}secret\n")
    for file in ("index.html", "users"):
        (box.folder / file).chmod(0o644)
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=shop.example"),
            *("-keyout", box.folder / "key.pem", "-out", box.folder / "cert.pem"),
        ],
        check=True,
        capture_output=True,
    )
    return box


@pytest.mark.parametrize("method", ["instant", "reload"])
@pytest.mark.parametrize(("server", "cause", "key"), HIDDEN.values(), ids=HIDDEN.keys())
def test_p6_a_site_that_cannot_be_seen_from_the_machine_ends_the_deploy_before_the_upload(
    shop: Box, server: str, cause: str, key: str, method: str
) -> None:
    serving(shop, Site(server.replace("{other}", str(free_port()))))
    shop.configure(switch={"method": method})
    include, uploaded = shop.include.read_text(), versions(shop)
    running = shop.pid("prod2")
    ran = shop.deploy("2")
    assert ran.code == 1, ran.all
    said = ran.out.split("✗")[1]
    assert cause in said
    assert key in said
    assert (shop.include.read_text(), versions(shop)) == (include, uploaded)
    assert shop.pid("prod2") == running, "the warm JVM was not stopped for it"


@pytest.mark.parametrize("name", ["*.shop.example", "_ .shop.example", "shop.*"])
def test_p6_a_site_with_a_pattern_for_its_name_is_asked_by_a_name_that_it_takes(box: Box, name: str) -> None:
    refusal = "server {{ listen 127.0.0.1:{listen} default_server; return 444; }}\n"
    serving(box, Site(refusal + SERVER % f"server_name {name};"))
    box.configure(site={"server_name": name})
    ran = box.deployed("2")
    assert "it answers through nginx" in ran.out
    assert box.machine()["live"] == "prod2"


@pytest.mark.parametrize("profile", ["json", "port"])
def test_p6_the_answer_may_be_json_or_the_port(box: Box, profile: str) -> None:
    serving(box, Site(), profile=profile)
    with only_versions(box, "1", "2"):
        ran = box.deployed("2", profile=profile)
    assert "it answers through nginx" in ran.out
    until(box, "2")
    assert box.machine()["live"] == "prod2"


def test_p6_a_verify_path_that_nginx_caches_ends_before_a_user_is_moved(box: Box) -> None:
    cache = "proxy_cache_path {folder}/cache keys_zone=pages:1m;\n"
    (box.folder / "cache").mkdir()
    (box.folder / "cache").chmod(0o777)
    # By default the key has the target of proxy_pass, and so the slot.
    key = "proxy_cache_key $scheme$host$request_uri; proxy_cache_valid 200 10m;"
    api = f"location /api {{{{ proxy_cache pages; {key} proxy_pass $service_url; }}}}"
    serving(box, Site(cache + SERVER % api))
    wait_for(lambda: box.get("/api/v1/profiles") == (200, "prod1"), "an answer in the cache")
    with only_versions(box, "1"):
        ran = box.deploy("2")
    assert ran.code == 1, ran.all
    assert "prod1 answered through nginx, as the answer is kept in a cache (proxy_cache)" in ran.out
    assert "proxy_cache off;" in ran.out
    assert "untouched" in ran.out


def test_p6_a_verify_path_that_the_new_version_lacks_ends_before_a_user_is_moved(box: Box) -> None:
    serving(box, Site())
    with only_versions(box, "1"):
        ran = box.deploy("2", profile="elsewhere")
    assert ran.code == 1, ran.all
    assert "/api/v1/profiles answers HTTP 404 and does not name prod2" in ran.out
    assert "set switch.verify in config.yml" in ran.out
    assert "untouched" in ran.out
    box.configure(switch={"verify": "/profile"})
    with only_versions(box, "1", "2"):
        box.deployed("2", profile="elsewhere")
    until(box, "2")


LIMITED = """
limit_req_zone $binary_remote_addr zone=api:1m rate={rate};
server {{{{
    listen 127.0.0.1:{{listen}};
    include {{include}};
    location /api/ {{{{ limit_req zone=api burst=10 nodelay; proxy_pass $service_url; }}}}
    location / {{{{ proxy_pass $service_url; }}}}
}}}}
"""


def test_p6_a_limit_of_nginx_on_the_verify_path_is_waited_for(box: Box) -> None:
    serving(box, Site(LIMITED.format(rate="5r/s")))
    box.configure(switch={"watch": "2s"})
    with only_versions(box, "1", "2", "3"):
        for version in ("2", "3"):
            box.deployed(version)
            until(box, version)


def test_p6_a_limit_of_nginx_that_does_not_pass_is_named(box: Box) -> None:
    serving(box, Site(LIMITED.format(rate="1r/m").replace("burst=10", "burst=6")))
    with only_versions(box, "1"):
        ran = box.deploy("2")
    assert ran.code == 1, ran.all
    assert "nginx itself limits the requests for /api/v1/profiles (HTTP 503, limit_req)" in ran.out
    assert "switch.verify" in ran.out
    assert "untouched" in ran.out


def test_p5_a_rollback_to_a_version_that_lacks_the_verify_path_is_not_blocked(box: Box) -> None:
    box.configure(switch={"verify": "/profile"})
    box.deployed("1", profile="elsewhere")
    box.configure(switch={"verify": "/api/v1/profiles"})
    box.deployed("2")
    ran = box.run("rollback")
    assert ran.code == 0, ran.all
    assert "answers HTTP 404 and does not name prod2" in ran.out
    assert box.served() == "1"


def test_p5_the_way_back_is_not_undone_as_the_old_version_lacks_the_verify_path(box: Box) -> None:
    later_s = deployed_and_later_s(box)
    box.configure(switch={"verify": "/profile", "watch": 3 * later_s})
    ran = box.deploy("2", profile="elsewhere", down_after_s=later_s)
    assert ran.code == 3, ran.all
    assert "was switched back" in ran.out
    assert box.served() == "1"


def test_p5_a_rollback_works_where_the_site_is_hidden_from_the_machine_by_now(box: Box) -> None:
    box.deployed("1")
    box.deployed("2")
    site = site_file(box)
    port = box.sandbox.http_port
    text = site.read_text()
    assert f"listen 127.0.0.1:{port}" in text
    site.write_text(text.replace(f"listen 127.0.0.1:{port}", f"listen 127.0.0.2:{port}"))
    reload(box)
    ran = box.run("rollback")
    assert ran.code == 0, ran.all
    assert "it is judged by its own port" in ran.out
    with urllib.request.urlopen(f"http://127.0.0.2:{port}/version") as answer:
        assert answer.read() == b"1"


# An `if` that matches in a location drops its try_files.
BESIDE_TRY_FILES = (
    "server {{ listen 127.0.0.1:{listen}; root {folder};\n"
    "location / {{ include {include}; try_files $uri @app; }}\n"
    "location @app {{ proxy_pass $service_url; }} }}"
)


def test_an_include_in_a_location_with_try_files_is_refused_before_its_site_breaks(box: Box) -> None:
    serving(box, Site(BESIDE_TRY_FILES))
    before = box.include.read_text()
    with only_versions(box, "1"):
        ran = box.deploy("2")
    assert ran.code == 1, ran.all
    assert "is in a location with try_files" in ran.out
    assert box.include.read_text() == before


@pytest.mark.parametrize("verify", ["/api/v1/profiles", "/version"], ids=["named", "unnamed"])
def test_p5_a_conversion_after_which_the_site_answers_worse_is_put_back(box: Box, verify: str) -> None:
    serving(box, Site(BESIDE_TRY_FILES))
    box.configure(switch={"verify": verify})
    before = box.include.read_text()
    ran = box.deploy("2", "--force", "include")
    assert ran.code == 1, ran.all
    assert "was not converted: nginx still routes as before" in ran.out
    assert "nginx's error log" in ran.out
    assert "bluegreen logs" not in ran.out, "the application is not the cause"
    assert box.include.read_text() == before
    until(box, "1")


def test_p6_redirects_to_https_and_then_to_www_are_followed_on_this_machine(shop: Box) -> None:
    port = free_port()
    redirect = PLAIN_SERVER.split("include")[0] + "return 301 https://shop.example:{tls}$request_uri; }}\n"
    site = (
        redirect
        + f"server {{{{ listen 127.0.0.1:{{tls}} ssl; {TLS} server_name shop.example; "
        + "return 301 https://www.$host:{tls}$request_uri; }}\n"
        + f"server {{{{ listen 127.0.0.1:{{tls}} ssl; {TLS} server_name www.shop.example; {SLOT} }}}}\n"
    )
    serving(shop, Site(site.replace("{tls}", str(port))))
    ran = shop.deployed("2")
    assert "it answers through nginx" in ran.out
    assert (
        f"✓ nginx: nginx 1.22.1 answers over https (https://www.shop.example:{port})" in shop.run("check").out
    )


def test_a_preview_token_is_revoked_and_others_reach_nothing(box: Box) -> None:
    box.deployed("1")
    box.deployed("2")
    assert not (box.runtime / "preview").exists()
    include = box.include.read_text()
    assert "$bluegreen_preview" in include
    for token in ("0" * 32, "../prod1", "none", ""):
        assert box.get("/version", {"X-Bluegreen-Preview": token}) == (200, "2")
