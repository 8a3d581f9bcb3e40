"""A health that can never be UP (case 25) is named when it is first seen, and not waited for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.box import Box, box_in
from tests.support.command import Ran
from tests.support.jvm import QUICK_JAVA
from tests.support.on_host import last_entry, pid_of
from tests.support.processes import free_port
from tests.support.sites import PLAIN_SERVER, Site, serving
from tests.support.springboot import fat_jar
from tests.support.under_traffic import nothing_lost

# A deployer that gives up such an answer after a second, so that a test need not wait the 15 s.
SOON = (
    "from bluegreen.remote import limits; limits.NEVER_UP_S = 1;"
    "from bluegreen.__main__ import program; program.run()"
)

# Each answer, and what its cause and its remedy name.
ANSWERS = {
    "401": ("HTTP 401: Spring Security", '.requestMatchers("/actuator/health").permitAll()'),
    "403": ("HTTP 403: Spring Security", '.requestMatchers("/actuator/health").permitAll()'),
    "404": ("HTTP 404", "management.endpoints.web.exposure.include: health"),
    "405": ("HTTP 405", "health.path"),
    "410": ("HTTP 410", "health.path"),
    "login": ("/login: Spring Security", '.requestMatchers("/actuator/health").permitAll()'),
    "https-always": ("redirected to https://", "server.forward-headers-strategy: framework"),
    "not-json": ("HTML page", ".permitAll()"),
    "no-status": ("no JSON with a status", "health.path"),
    "elsewhere": ("answers UP at /manage/health", "health: {path: /manage/health}"),
}


def giving_up_soon(box: Box, *arguments: str) -> Ran:
    """A command whose limit for such an answer is a second."""
    ran = subprocess.run(
        [sys.executable, "-c", SOON, *arguments],
        cwd=box.folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        timeout=120,
    )
    return Ran(ran.returncode, ran.stdout, ran.stderr)


def deploy_soon(box: Box, version: str, **behaviour: object) -> Ran:
    jar = box.jar(version, **behaviour)
    return giving_up_soon(box, "deploy", "--jar", str(jar), "--version", version)


def test_p4_an_answer_that_waiting_does_not_change_is_given_up_long_before_the_timeout(box: Box) -> None:
    box.deployed("1")
    box.configure(health={"timeout": "90s"})
    with nothing_lost(box) as traffic:
        ran = box.deploy("2", health="401")
    assert ran.code == 1, ran.all
    assert set(traffic.answered) == {"1"}
    named, _, failed = ran.out.partition("✗ start prod1")
    assert "! prod1: /actuator/health answers HTTP 401" in named, "it is named while it is waited for"
    assert "it did not change for 15 s" in failed
    assert "within 90 s" not in ran.out


@pytest.mark.parametrize("first", [True, False], ids=["first deploy", "later deploy"])
def test_p11_the_answer_is_the_cause_and_nothing_of_it_is_live(box: Box, first: bool) -> None:
    if not first:
        box.deployed("1")
    slot = "prod2" if first else "prod1"
    ran = deploy_soon(box, "2", health="404")
    assert ran.code == 1, ran.all
    cause = ran.out.split("✗ ")[-1]
    assert "health answer: HTTP 404" in cause
    assert "(untouched)" in cause
    assert "Started StandIn" not in ran.out, "the log of a healthy application is not the cause"
    assert last_entry(box)["outcome"] == "failed"
    assert pid_of(box, slot) is None
    if not first:
        assert box.served() == "1"


def test_each_answer_has_its_cause_and_the_line_to_write(box: Box) -> None:
    box.deployed("1")
    for health, (text, line) in ANSWERS.items():
        ran = deploy_soon(box, "2", health=health)
        assert ran.code == 1, ran.all
        cause, _, remedy = ran.out.split("✗ ")[-1].partition("what to do: ")
        assert "prod1 cannot become UP" in cause
        assert text in cause
        assert line in remedy
        assert box.served() == "1"


def test_p1_a_slow_start_that_answers_404_first_is_waited_for(box: Box) -> None:
    box.deployed("1")
    ran = box.deployed("2", health="404", up_after_s=6)
    assert "! prod1: /actuator/health answers HTTP 404" in ran.out
    assert box.served() == "2"


@pytest.mark.parametrize(
    ("health", "shown"),
    [
        ("never-up", "Started StandIn"),
        ("part-up-200", "Started StandIn"),
        ("500", "Started StandIn"),
        ("unknown", "management.health.ping.enabled: true"),
    ],
)
def test_p1_a_status_that_the_application_may_change_is_waited_for_until_the_timeout(
    box: Box, health: str, shown: str
) -> None:
    box.configure(health={"timeout": "8s"})
    ran = deploy_soon(box, "1", health=health)
    assert ran.code == 1, ran.all
    assert "was not UP within 8 s" in ran.out
    assert shown in ran.out


def test_a_timeout_that_comes_first_has_the_same_cause(box: Box) -> None:
    box.configure(health={"timeout": "8s"})
    ran = box.deploy("1", health="401")
    assert ran.code == 1, ran.all
    cause = ran.out.split("✗ ")[-1]
    assert "was not UP within 8 s: /actuator/health answers HTTP 401" in cause
    assert "permitAll()" in cause
    assert "Started StandIn" not in cause


def test_a_management_port_that_config_yml_does_not_name_is_found(box: Box) -> None:
    box.deployed("1")
    port = free_port()
    # Where config.yml does not show it, as in the jar's own configuration.
    file = box.folder / "jvm.options"
    file.write_text(f"-Dmanagement.server.port={port}\n")
    box.configure(java={"options": [*QUICK_JAVA, f"-XX:VMOptionsFile={file}"]})
    ran = deploy_soon(box, "2")
    assert ran.code == 1, ran.all
    assert f"port {port} answers UP at /actuator/health" in ran.out
    assert "health: {ports: {prod1: " in ran.out


def test_a_health_port_where_nothing_listens_is_named_while_the_slot_listens(box: Box) -> None:
    box.deployed("1")
    ports = {"prod1": free_port(), "prod2": free_port()}
    own = box.sandbox.slots["prod1"]
    box.configure(health={"ports": ports}, java={"args": ["--management.server.port={port}"]})
    ran = deploy_soon(box, "2")
    assert ran.code == 1, ran.all
    assert f"nothing listens on port {ports['prod1']}" in ran.out
    assert f"port {own} answers UP at /actuator/health" in ran.out
    assert "what to do: remove health.ports from config.yml" in ran.out
    assert box.served() == "1"


def test_a_rollback_that_starts_the_release_gives_up_as_well(box: Box) -> None:
    box.configure(old_slot={"after_switch": "stop"})
    box.deployed("1")
    box.deployed("2")
    box.configure(health={"path": "/nowhere"})
    ran = giving_up_soon(box, "rollback")
    assert ran.code == 1, ran.all
    assert "set health.path" in ran.out or "health: {path: /actuator/health}" in ran.out
    assert "version 2 (untouched)" in ran.out
    assert box.served() == "2"


def test_a_switch_to_a_slot_that_cannot_be_up_names_the_cause(box: Box) -> None:
    box.deployed("1")
    box.deployed("2", "--no-switch")
    box.configure(health={"path": "/nowhere"})
    ran = box.run("switch")
    assert ran.code == 1, ran.all
    assert "/nowhere answers HTTP 404" in ran.out
    assert box.served() == "1"


# --- as nginx would ask --------------------------------------------------------------------------------


def test_each_request_to_a_slot_carries_the_name_and_the_scheme_of_the_site(tmp_path: Path) -> None:
    with box_in(
        tmp_path,
        site={"server_name": "shop.example www.shop.example"},
        health={"smoke": ["/version"], "warm": 2},
        switch={"watch": "1s"},
    ) as box:
        box.deployed("1", log_requests=True)
        box.machine()
        asked = requests(box, "prod2")
        assert {path for path, _, _ in asked} == {"/actuator/health", "/version", "/api/v1/profiles"}
        assert {(host, proto) for _, host, proto in asked} == {("shop.example", "http")}


def test_an_application_that_insists_on_https_is_asked_as_nginx_asks_it(https_shop: Box) -> None:
    https_shop.configure(health={"warm": 0, "smoke": ["/version"]}, switch={"watch": "1s"})
    ran = https_shop.deployed("2", health="https-only", log_requests=True)
    assert "it answers through nginx" in ran.out
    # Not even the first one by http: the look has seen that the site is on https.
    assert {proto for _, _, proto in requests(https_shop, "prod2")} == {"https"}
    ran = https_shop.deployed("3", health="https-only")
    assert live_version(https_shop) == "3"
    ran = https_shop.run("rollback")
    assert ran.code == 0, ran.all
    assert live_version(https_shop) == "2"


@pytest.mark.parametrize("proxies", ["127.0.0.0/8", None], ids=["load balancer", "http alone"])
def test_where_nobody_is_seen_to_speak_https_the_slot_is_asked_by_both(
    tmp_path: Path, proxies: str | None
) -> None:
    with box_in(tmp_path, site={"proxies": [proxies] if proxies else []}) as box:
        ran = box.deploy("1", health="https-only", log_requests=True)
        assert "prod2 is UP" in ran.out
        health = [proto for path, _, proto in requests(box, "prod2") if path == "/actuator/health"]
        assert health[:2] == ["http", "https"]
        if proxies:
            assert ran.code == 0, ran.all
        else:
            # Its users would be redirected to where nobody answers.
            assert ran.code == 1, ran.all
            assert "site.proxies" in ran.out.split("what to do: ")[-1]


def requests(box: Box, slot: str) -> list[tuple[str, str, str]]:
    """Path, Host and X-Forwarded-Proto of each request that the slot logged."""
    lines = (box.base / "logs" / f"{slot}.log").read_text().splitlines()
    asked = [line.rpartition(" : GET ")[2].split() for line in lines if " : GET " in line]
    return [(path, host.removeprefix("host="), proto.removeprefix("proto=")) for path, host, proto in asked]


@pytest.fixture
def https_shop(box: Box) -> Box:
    """A site on https alone, to which http is redirected, as certbot sets it up; prod1 serves version 1."""
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=shop.example"),
            *("-keyout", box.folder / "key.pem", "-out", box.folder / "cert.pem"),
        ],
        check=True,
        capture_output=True,
    )
    tls = free_port()
    site = (
        PLAIN_SERVER.split("include")[0]
        + f"return 301 https://$host:{tls}$request_uri; }}}}\n"
        + f"server {{{{ listen 127.0.0.1:{tls} ssl; server_name shop.example; include {{include}};\n"
        + "ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;\n"
        + "location / {{ proxy_pass $service_url; proxy_set_header Host $http_host;\n"
        + "proxy_set_header X-Forwarded-Proto $scheme; }} }}\n"
    )
    serving(box, Site(site))
    box.configure(site={"server_name": "shop.example"})
    return box


def live_version(box: Box) -> str:
    machine = box.machine()
    version: str = machine["slots"][machine["live"]]["version"]
    return version


@pytest.mark.parametrize(
    ("settings", "cause", "line"),
    [
        (
            {"server.servlet.context-path": "/taggle"},
            "answers UP at /taggle/actuator/health",
            "health: {path: /taggle/actuator/health}",
        ),
        (
            {"management.endpoints.web.exposure.exclude": "health"},
            "/actuator/health answers HTTP 404: the endpoint is not exposed",
            "management.endpoints.web.exposure.include: health",
        ),
    ],
    ids=["context path", "not exposed"],
)
def test_a_spring_boot_application_whose_health_is_not_there_is_named(
    box: Box, settings: dict[str, str], cause: str, line: str
) -> None:
    box.configure(health={"timeout": "90s"})
    jar = fat_jar(box.folder / "taggle-1.jar", version="1", settings=settings)
    ran = giving_up_soon(box, "deploy", "--jar", str(jar), "--version", "1")
    assert ran.code == 1, ran.all
    said, _, remedy = ran.out.split("✗ ")[-1].partition("what to do: ")
    assert cause in said
    assert line in remedy


def test_a_spring_boot_application_that_speaks_https_itself_is_named(box: Box) -> None:
    store = box.folder / "shop.p12"
    subprocess.run(
        [
            *("keytool", "-genkeypair", "-alias", "shop", "-keyalg", "RSA", "-dname", "CN=shop.example"),
            *("-storetype", "PKCS12", "-storepass", "changeit", "-keystore", store),
        ],
        check=True,
        capture_output=True,
    )
    box.configure(
        java={"args": [f"--server.ssl.key-store={store}", "--server.ssl.key-store-password=changeit"]},
        health={"timeout": "90s"},
    )
    jar = fat_jar(box.folder / "taggle-1.jar", version="1")
    ran = giving_up_soon(box, "deploy", "--jar", str(jar), "--version", "1")
    assert ran.code == 1, ran.all
    assert "of prod2 expects https (server.ssl)" in ran.out
    assert "server.ssl.enabled: false" in ran.out.split("what to do: ")[-1]
