"""The include belongs to its owner (case 02, 03, 10): its form and its other lines stay, under traffic."""

from __future__ import annotations

import os

import pytest

from tests.support.box import Box
from tests.support.on_host import last_entry, markers, versions
from tests.support.sites import PLAIN_SERVER, Site, only_versions, serving, until
from tests.support.under_traffic import nothing_lost

# `proxy_pass http://$service_url`, as of case 02.
WITHOUT_SCHEME = PLAIN_SERVER.replace("proxy_pass $service_url;", "proxy_pass http://$service_url;")
GROUPS = (
    "upstream blue {{ server 127.0.0.1:{prod1}; }}\nupstream green {{ server 127.0.0.1:{prod2}; }}\n"
    + WITHOUT_SCHEME
)
MORE = """\
# ours since 2019
set $admin_url http://127.0.0.1:9000;
set $service_url "http://127.0.0.1:{prod1}"; # live
proxy_set_header X-Env prod;
if (-f {folder}/maintenance) {{ return 503; }}
"""
# A site, and the line of its include for prod1 and for prod2.
FORMS: dict[str, tuple[Site, str, str]] = {
    "without a scheme": (
        Site(WITHOUT_SCHEME, "set $service_url 127.0.0.1:{prod1};\n"),
        "set $service_url 127.0.0.1:{prod1};",
        "set $service_url 127.0.0.1:{prod2};",
    ),
    "groups": (
        Site(GROUPS, "set $service_url blue;\n"),
        "set $service_url blue;",
        "set $service_url green;",
    ),
    "line ends of Windows": (
        Site(include="set $service_url http://127.0.0.1:{prod1} ;\r\n"),
        "set $service_url http://127.0.0.1:{prod1} ;",
        "set $service_url http://127.0.0.1:{prod2} ;",
    ),
    "its own variable": (
        Site(PLAIN_SERVER.replace("service_url", "backend"), "set $backend 'http://127.0.0.1:{prod1}';"),
        "set $backend 'http://127.0.0.1:{prod1}';",
        "set $backend 'http://127.0.0.1:{prod2}';",
    ),
    "inside a location": (
        Site(
            "server {{ listen 127.0.0.1:{listen}; location / {{ proxy_set_header X-Env prod;\n"
            "include {include}; proxy_pass $service_url; }} }}"
        ),
        "set $service_url http://127.0.0.1:{prod1};",
        "set $service_url http://127.0.0.1:{prod2};",
    ),
    "two servers, other lines": (
        Site(
            PLAIN_SERVER
            + PLAIN_SERVER.replace("listen 127.0.0.1:{listen};", "listen 127.0.0.1:{listen}; server_name b;"),
            MORE,
        ),
        'set $service_url "http://127.0.0.1:{prod1}"; # live',
        'set $service_url "http://127.0.0.1:{prod2}"; # live',
    ),
}


@pytest.mark.parametrize("method", ["instant", "reload"])
@pytest.mark.parametrize(("site", "first", "second"), FORMS.values(), ids=FORMS.keys())
def test_p2_p3_an_include_of_any_form_is_deployed_to_twice_and_back_and_keeps_its_form(
    box: Box, site: Site, first: str, second: str, method: str
) -> None:
    serving(box, site)
    box.configure(switch={"method": method})
    before = box.include.read_text()
    others = [line for line in before.splitlines() if "_url " not in line and "$backend" not in line]
    lines = site.text(box, first), site.text(box, second)
    planned = box.run("deploy", "--dry-run", "--jar", str(box.jar("2"))).out
    assert f"+{lines[1]}" in planned
    assert box.include.read_text() == before
    with only_versions(box, "1", "2", "3"):
        for version, serves in (("2", lines[1]), ("3", lines[0])):
            ran = box.deployed(version)
            text = box.include.read_text()
            assert serves in text.splitlines()
            assert [line for line in text.splitlines() if line in others] == others
            until(box, version)
        box.run("rollback")
        until(box, "2")
    assert ("by method instant, one rename without a reload" in ran.out) is (method == "instant")
    original = box.include.with_name(f".{box.include.name}.before-bluegreen")
    assert original.read_text() == before
    if method == "reload":
        assert box.include.read_text().rstrip("\n") == before.replace(lines[0], lines[1]).rstrip("\n")


def test_p2_a_converted_include_of_the_people_loses_nothing_to_keep_alive_clients(box: Box) -> None:
    serving(box, FORMS["groups"][0])
    box.deployed("2")
    with nothing_lost(box) as traffic:
        box.deployed("3")
        assert box.run("rollback").code == 0
    assert set(traffic.answered) == {"2", "3"}


@pytest.mark.parametrize(
    ("include", "said"),
    [
        ("set $service_url blue;\n", "nginx has no group for prod2"),
        ("proxy_set_header X-Env prod;\n", "contains no line"),
    ],
)
def test_p5_a_form_that_cannot_be_served_is_refused_before_anything_is_written(
    box: Box, include: str, said: str
) -> None:
    group = "upstream blue {{ server 127.0.0.1:{prod1}; }}\n"
    # Its own server names the slot, so that the live slot is known whatever the include says.
    serving(box, Site(group + WITHOUT_SCHEME.replace("http://$service_url", "http://blue"), include))
    before, uploaded = box.include.read_text(), versions(box)
    with only_versions(box, "1"):
        ran = box.deploy("2")
    assert ran.code == 1, ran.all
    assert said in ran.out
    assert "what to do: write" in ran.out
    assert (box.include.read_text(), versions(box)) == (before, uploaded)


@pytest.mark.parametrize("works", [True, False])
def test_an_include_that_is_a_link_stays_one_and_its_file_keeps_mode_and_group(box: Box, works: bool) -> None:
    serving(box, Site())
    file = box.include.parents[1] / "snippets" / "service-url.inc"
    file.parent.mkdir()
    box.include.rename(file)
    box.include.symlink_to(file)
    file.chmod(0o640)
    os.chown(file, 0, 4)
    box.configure(switch={"verify": "/api/v1/profiles"})
    ran = box.deploy("2", **({} if works else {"profile": "elsewhere"}))
    assert ran.code == (0 if works else 1), ran.all
    assert box.include.readlink() == file
    assert (
        f"set $service_url http://127.0.0.1:{box.sandbox.slots['prod2' if works else 'prod1']}"
        in file.read_text()
    )
    assert (file.stat().st_mode & 0o777, file.stat().st_uid, file.stat().st_gid) == (0o640, 0, 4)
    assert (file.parent / ".service-url.inc.before-bluegreen").stat().st_mode & 0o777 == 0o640


def test_an_include_that_is_a_link_out_of_nginx_becomes_a_file_of_its_own(box: Box) -> None:
    serving(box, Site())
    file = box.folder / "service-url.inc"
    box.include.rename(file)
    box.include.symlink_to(file)
    before = file.read_text()
    box.deployed("2")
    assert file.read_text() == before
    assert not box.include.is_symlink()
    until(box, "2")


def test_two_apps_on_one_host_are_kept_apart(box: Box) -> None:
    box.deployed("1")
    include, uploaded = box.include.read_text(), versions(box)
    renamed = include.replace("/run/taggle/", "/run/shop/").replace("taggle", "shop")
    box.include.write_text(renamed)
    ran = box.deploy("2")
    assert ran.code == 1, ran.all
    assert "routes the requests of shop" in ran.out
    for key in ("slots: ", "switch: {include: ", "site: {server_name: "):
        assert key in ran.out
    assert (box.include.read_text(), versions(box), markers(box)) == (renamed, uploaded, ["prod2"])
    assert last_entry(box)["outcome"] == "switched"
