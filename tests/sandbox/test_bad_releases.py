"""A release that fails its first users is out within seconds, and one that nginx limits stays."""

from __future__ import annotations

import re

import pytest

from tests.support.box import Box
from tests.support.load import Load
from tests.support.on_host import last_entry, pid_of, release_of
from tests.support.sites import Site, serving, until


@pytest.mark.parametrize("once_used", ["die", "hang", "fail"])
@pytest.mark.parametrize("verify", ["/api/v1/profiles", None], ids=["verify", "no verify"])
def test_a_release_that_fails_its_first_users_is_switched_back_and_bad(
    box: Box, once_used: str, verify: str | None
) -> None:
    box.deployed("1")
    box.configure(switch={"watch": "20s", "verify": verify})
    with Load(box.sandbox.url, clients=8, pause_s=0.02) as load:
        ran = box.deploy("2", once_used=once_used)
        assert box.served() == "1"
        load.expect("1")
    assert ran.code == 3, ran.all
    assert load.tally.answered["1"] > 50
    assert "untouched" not in ran.out
    cause = ran.out.split("✗ ")[-1]
    assert "live now: prod2, version 1" in cause
    seen = re.search(r"probe: \d+ requests .*, (\d+) failed(?: within ([\d.]+) s)?", cause)
    assert seen is not None, ran.out
    entry = last_entry(box)
    assert (entry["outcome"], entry["bad"]) == ("switched back", [release_of(box, "2")])
    assert pid_of(box, "prod1") is None


def test_a_release_that_dies_when_its_preview_is_answered_reaches_no_user(box: Box) -> None:
    box.deployed("1")
    box.configure(switch={"verify": "/version"})
    with Load(box.sandbox.url, clients=8, pause_s=0.02) as load:
        load.expect("1")
        ran = box.deploy("2", once_used="die")
    assert ran.code == 1, ran.all
    assert not load.tally.failed
    assert not load.tally.stale


SINGLE_PAGE = """
server {{
    listen 127.0.0.1:{listen};
    include {include};
    root {folder};
    location /version {{ proxy_pass $service_url; }}
    location / {{ try_files $uri /index.html; }}
}}
"""


@pytest.fixture
def single_page(box: Box) -> Box:
    """A site that answers every path with a page, in front of version 1; no path names a slot."""
    page = box.folder / "index.html"
    page.write_text("<!doctype html><title>shop</title>")
    page.chmod(0o644)
    serving(box, Site(server=SINGLE_PAGE))
    box.configure(switch={"verify": None, "watch": "5s"})
    return box


def test_what_answers_every_path_with_a_page_verifies_nothing_and_that_is_said(single_page: Box) -> None:
    ran = single_page.deployed("2")
    assert "! nginx answers every path with the same HTML page" in ran.out
    assert "set switch.verify in config.yml" in ran.out
    until(single_page, "2")


@pytest.mark.parametrize("once_used", ["die", "fail", "hang"])
def test_behind_a_single_page_a_release_is_judged_by_its_own_port(single_page: Box, once_used: str) -> None:
    with Load(single_page.sandbox.url, clients=2, keep_alive=False, pause_s=0.05) as load:
        ran = single_page.deploy("2", once_used=once_used)
        load.expect("1")
    assert ran.code == 3, ran.all
    until(single_page, "1")


def test_behind_a_single_page_a_release_that_answers_errors_from_the_start_reaches_no_user(
    single_page: Box,
) -> None:
    ran = single_page.deploy("2", fail_after_s=0)
    assert ran.code == 1, ran.all
    assert "answers / on its own port with HTTP 500" in ran.out
    assert "untouched" in ran.out


LIMITED = """
limit_req_zone $binary_remote_addr zone=api:1m rate={rate};
server {{{{
    listen 127.0.0.1:{{listen}};
    include {{include}};
    limit_req_status {status};
    location /api/ {{{{ limit_req zone=api burst={burst} nodelay; proxy_pass $service_url; }}}}
    location / {{{{ proxy_pass $service_url; }}}}
}}}}
"""


@pytest.mark.parametrize(("rate", "burst", "status"), [("5r/s", 10, 503), ("10r/s", 20, 429)])
def test_a_release_is_not_switched_back_because_nginx_limits_our_requests(
    box: Box, rate: str, burst: int, status: int
) -> None:
    serving(box, Site(LIMITED.format(rate=rate, burst=burst, status=status)))
    box.configure(switch={"watch": "5s"})
    for version in ("2", "3"):
        ran = box.deployed(version)
        until(box, version)
        assert last_entry(box)["outcome"] == "switched"
    if last_entry(box)["failed"]:
        assert f"HTTP {status}" in ran.out
        assert "which nginx answers by itself (limit_req?): set switch.probe to another path" in ran.out
