"""Somebody else's broken nginx file blocks no way back, and stops a deploy before it changes anything."""

from __future__ import annotations

import pytest

from tests.support.box import Box
from tests.support.incidents import deploying
from tests.support.on_host import last_entry, pid_of, versions
from tests.support.sites import reload, site_file
from tests.support.under_traffic import nothing_lost

BROKEN = {
    "unresolvable upstream": "server { listen 127.0.0.1:1; location / { "
    "proxy_pass http://blog.invalid; } }\n",
    "missing certificate": "server { listen 127.0.0.1:1 ssl; ssl_certificate /no/such.pem; "
    "ssl_certificate_key /no/such.key; }\n",
}


@pytest.fixture
def two(box: Box) -> Box:
    """Version 2 is live, version 1 is warm."""
    box.deployed("1")
    box.deployed("2")
    return box


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_p5_a_rollback_needs_no_sound_configuration_of_others(two: Box, broken: str) -> None:
    site_file(two).write_text(site_file(two).read_text() + broken)
    with nothing_lost(two):
        assert two.run("rollback").code == 0
        assert two.served() == "1"
        assert two.run("rollback", "--to", "2").code == 0
        assert two.served() == "2"


def test_p5_a_switch_back_needs_no_sound_configuration_of_others(two: Box) -> None:
    two.configure(switch={"watch": "20s"})
    deployer = deploying(two, "3", down_after_s=6)
    deployer.until_said("switched to prod2")
    site_file(two).write_text(site_file(two).read_text() + BROKEN["missing certificate"])
    assert deployer.ended() == 3, deployer.said
    assert two.served() == "2"


def test_p12_a_deploy_is_refused_before_the_upload_and_before_the_warm_jvm_is_stopped(two: Box) -> None:
    site_file(two).write_text(site_file(two).read_text() + BROKEN["missing certificate"])
    warm, uploaded = pid_of(two, "prod1"), versions(two)
    for more in ([], ["--dry-run"]):
        ran = two.deploy("3", *more)
        assert ran.code == 1, ran.all
        assert "nginx -t rejects the configuration" in ran.out
        assert "such.pem" in ran.out
        assert "--force nginx-configuration" in ran.out
    assert (pid_of(two, "prod1"), versions(two)) == (warm, uploaded)
    with nothing_lost(two):
        ran = two.deployed("3", "--force", "nginx-configuration")
    assert "! --force nginx-configuration" in ran.out
    assert last_entry(two)["forced"] == ["nginx-configuration"]
    assert "--force nginx-configuration" in two.run("history").out


def test_a_finding_that_does_not_exist_cannot_be_overridden(two: Box) -> None:
    ran = two.deploy("3", "--force", "everything")
    assert ran.code == 2, ran.all
    assert "has no such finding" in ran.out


def test_p12_a_java_that_is_too_old_stops_a_deploy_before_the_upload(two: Box) -> None:
    warm, uploaded = pid_of(two, "prod1"), versions(two)
    two.configure(java={"version": 99})
    ran = two.deploy("3")
    assert ran.code == 1, ran.all
    assert "is too old: java.version is 99" in ran.out
    assert (pid_of(two, "prod1"), versions(two)) == (warm, uploaded)


def of_0_1(box: Box) -> None:
    """The include as bluegreen 0.1 wrote it, loaded by nginx; the marker decides."""
    first = box.include.read_text().splitlines()[0]
    checks = [
        f"if (-e {box.runtime}/{slot}) {{ set $service_url http://taggle-{slot}; }}"
        for slot in ("prod1", "prod2")
    ]
    box.include.write_text("\n".join([first, *checks]) + "\n")
    reload(box)


def test_p2_a_host_of_bluegreen_0_1_goes_back_without_a_reload_and_is_converted_by_the_next_deploy(
    two: Box,
) -> None:
    of_0_1(two)
    sound = site_file(two).read_text()
    site_file(two).write_text(sound + BROKEN["missing certificate"])
    with nothing_lost(two):
        ran = two.run("rollback")
        assert ran.code == 0, ran.all
        assert "one rename without a reload" in ran.out
        assert two.served() == "1"
    assert "# bluegreen: begin" not in two.include.read_text()
    site_file(two).write_text(sound)
    assert "is made for method instant of bluegreen 0.1" in two.run("check").out
    ran = two.deployed("3")
    assert "converted" in ran.out
    assert "# bluegreen: begin" in two.include.read_text()
    assert two.served() == "3"
    with nothing_lost(two):
        two.deployed("4")
