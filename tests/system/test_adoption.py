"""A host that was made by hand as the blog posts say is deployed to as it is, and nobody notices."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import springboot
from tests.support.by_hand import PLAIN, by_hand, nohup_pid
from tests.support.command import Ran
from tests.support.guest import Guest
from tests.support.hosts import (
    INCLUDE,
    NAME,
    SITE,
    UNIT,
    Answers,
    Rented,
    asked_all_the_while,
    certified,
    rented,
)
from tests.support.waiting import wait_for


def adopted(host: Rented, first: Ran, second: Ran) -> None:
    """What the first two deploys to such a host did."""
    assert "live is prod1, a version that bluegreen did not deploy; deploying version 2 to prod2" in first.out
    assert "with a reload" in first.out
    assert "live is prod2, version 2; deploying version 3 to prod1" in second.out
    assert "prod1: its previous JVM" in second.out
    assert nohup_pid(host) == ""
    assert host.active("prod1") == "active"
    assert host.enabled() == ["prod1"]


@pytest.fixture(scope="module")
def untouched(shared_guest: Guest, tmp_path_factory: pytest.TempPathFactory) -> Rented:
    """Such a host, for tests that leave it as it is."""
    folder = tmp_path_factory.mktemp("untouched")
    return by_hand(shared_guest, folder, rented(folder, shared_guest).jar("1"))


def test_p2_the_spring_boot_jar_of_such_a_host_is_taken_over_and_every_request_is_answered(
    guest: Guest, tmp_path: Path
) -> None:
    jars = [springboot.fat_jar(tmp_path / f"{version}.jar", version=version) for version in "123"]
    host = by_hand(guest, tmp_path, jars[0])
    with asked_all_the_while(host) as answers:
        first = host.done("deploy", "--jar", str(jars[1]), "--version", "2")
        second = host.done("deploy", "--jar", str(jars[2]), "--version", "3")
    adopted(host, first, second)
    assert set(answers.versions()) == {"1", "2", "3"}
    assert answers.seen[-1] == (200, "3")
    guest.reboot()
    host.until_served("3")
    assert host.active("prod2") == "inactive"


@pytest.mark.parametrize("method", ["instant", "reload"])
def test_p2_p3_such_a_host_is_taken_over_with_either_method(
    guest: Guest, tmp_path: Path, method: str
) -> None:
    jar = rented(tmp_path, guest).jar("1")
    host = by_hand(guest, tmp_path, jar)
    host.configure(switch={"method": method})
    before = nohup_pid(host)
    status = host.machine()
    assert (status["live"], status["drift"]) == ("prod1", [])
    with asked_all_the_while(host) as answers:
        first = host.deployed("2")
        # P4: what served before serves on until the next deploy needs its slot.
        assert nohup_pid(host) == before
        assert (
            "the JVM started by hand in prod1 and its scheduled jobs and consumers keep running" in first.out
        )
        assert (host.guest.root / UNIT.lstrip("/")).exists()
        marked = len(answers.seen)
        wait_for(lambda: len(answers.seen) > marked + 20, "more answers")
        second = host.deployed("3")
    adopted(host, first, second)
    # The old workers of a reload take some connections for a moment; a marker takes none back.
    assert set(answers.versions()) == {"1", "2", "3"}
    assert method == "reload" or Answers(answers.seen[marked:]).versions() == ["2", "3"]
    include = host.include_text()
    assert include.startswith(PLAIN.format(port=8081))
    assert ("if (-e /run/bluegreen/taggle/prod1)" in include) == (method == "instant")
    assert ("without a reload" in second.out) == (method == "instant")
    guest.reboot()
    host.until_served("3")
    assert host.active("prod2") == "inactive"
    assert host.machine()["drift"] == []
    host.deployed("4")
    assert host.served() == "4"


@pytest.mark.parametrize(
    ("old_slot", "message"),
    [
        ({"after_switch": "stop"}, "the old slot prod1: stopped after"),
        ({"keep_for": "2s"}, "keep running; the machine stops it in 2.0 s"),
    ],
)
def test_p2_the_jvm_started_by_hand_is_stopped_when_old_slot_says_so(
    guest: Guest, tmp_path: Path, old_slot: dict[str, str], message: str
) -> None:
    host = by_hand(guest, tmp_path, rented(tmp_path, guest).jar("1"))
    host.configure(old_slot=old_slot)
    with asked_all_the_while(host) as answers:
        assert message in host.deployed("2").out
        wait_for(lambda: nohup_pid(host) == "", "the JVM started by hand is stopped")
    assert answers.versions()[-1] == "2"
    assert host.active("prod2") == "active"


def test_p2_such_a_host_that_certbot_moved_to_https_is_taken_over_whether_or_not_its_name_is_told(
    guest: Guest, tmp_path: Path
) -> None:
    host = by_hand(guest, tmp_path, rented(tmp_path, guest).jar("1"))
    certified(host, "/etc/nginx/sites-enabled/default")
    with asked_all_the_while(host):
        first = host.deployed("2")
        host.configure(site={"server_name": NAME})
        second = host.deployed("3")
    adopted(host, first, second)
    assert "it answers through nginx" in first.out
    assert host.served() == "3"
    output = host.done("check").out
    assert f"✓ include: {INCLUDE} is read by the server on port 443" in output
    host.configure(site={"server_name": "_"})
    assert f"✓ include: {INCLUDE} is read by the server on port 443" in host.done("check").out


def test_a_crash_right_after_the_first_deploy_brings_back_what_it_deployed(
    guest: Guest, tmp_path: Path
) -> None:
    host = by_hand(guest, tmp_path, rented(tmp_path, guest).jar("1"))
    host.deployed("2")
    guest.crash()
    host.until_served("2")
    assert nohup_pid(host) == ""
    host.deployed("3")
    assert host.served() == "3"


def test_root_deploys_to_such_a_host_as_well(guest: Guest, tmp_path: Path) -> None:
    host = by_hand(guest, tmp_path, rented(tmp_path, guest).jar("1"), user="root")
    with asked_all_the_while(host):
        first, second = host.deployed("2"), host.deployed("3")
    adopted(host, first, second)
    assert host.done("rollback").code == 0
    assert host.served() == "2"


def test_the_jvm_of_another_user_is_not_stopped_but_named(guest: Guest, tmp_path: Path) -> None:
    host = by_hand(guest, tmp_path, rented(tmp_path, guest).jar("1"))
    theirs = nohup_pid(host)
    deploy = rented(tmp_path, guest, user="deploy")
    guest.run("echo 'deploy ALL=(ALL) NOPASSWD:ALL' >/etc/sudoers.d/deploy")
    deploy.deployed("2")
    ran = deploy.deploy("3")
    assert ran.code == 1
    assert f"✗ {guest.address}: port 8081 is held by a process of another user" in ran.out
    assert nohup_pid(host) == theirs
    assert deploy.served() == "2"


def test_check_tells_what_setup_would_improve_of_such_a_host(untouched: Rented) -> None:
    host = untouched
    before = host.etc()
    ran = host.done("check")
    found = ran.out
    better = "set site.server_name in config.yml, then: bluegreen setup --host prod"
    for finding in (
        "! site headers: the site sets X-Real_IP, which Spring does not read",
        "! site headers: the site sets X-Forwarded_For, which Spring does not read",
        f"proxy_set_header X-Real-IP $remote_addr; or {better}",
        "! site headers: the site passes on the X-Forwarded-For of the client",
        f"proxy_set_header X-Forwarded-For $remote_addr; or {better}",
        f"nginx opens a new connection to the slot for each request\n    what to do: {better}",
        "the next deploy converts the include, with one reload",
        "! drift: prod1 was started by hand, and systemd starts no slot at boot",
        "(as large as the live one)",
        "! sudo: ubuntu may run everything as root, and deploys run with that right",
        f"! unit: {UNIT} does not exist",
        "! method: the include is made for method reload, and config.yml says instant",
    ):
        assert finding in found, found
    assert "✓ port of prod1: port 8081 is held by the JVM of prod1" in found
    measured = host.machine()["slots"]["prod1"]["memory_bytes"]
    resident = host.guest.run(f"awk '/^VmRSS/ {{ print $2 }}' /proc/{nohup_pid(host)}/status").stdout
    assert 0.8 < measured / (int(resident) * 1024) < 1.25
    assert host.etc() == before


def test_setup_leaves_a_site_that_reads_the_include_in_charge_until_it_is_asked_to_take_over(
    guest: Guest, tmp_path: Path
) -> None:
    host = by_hand(guest, tmp_path, rented(tmp_path, guest).jar("1"))
    site = host.guest.root / "etc/nginx/sites-enabled/default"
    written = site.read_text()
    with asked_all_the_while(host):
        ran = host.set_up()
        assert "/etc/nginx/sites-enabled/default reads the include" in ran.out
        assert not (host.guest.root / SITE.lstrip("/")).exists()
        assert host.include_text() == PLAIN.format(port=8081)
        assert host.set_up().out.endswith("nothing was changed\n")
        host.deployed("2")
        host.deployed("3")
        host.done("rollback")
    assert site.read_text() == written
    assert "✓ setup: all files are as `setup` writes them" in host.done("check").out
    host.configure(site={"server_name": "taggle.example"})
    site.write_text(f"{written}server {{ listen 8088; server_name blog.example; return 200 blog; }}\n")
    guest.run("systemctl reload nginx")
    refused = host.run("setup", "--take-over")
    assert refused.code == 1
    assert "/etc/nginx/sites-enabled/default has more than the site of taggle" in refused.out
    assert guest.get("/", port=8088) == (200, "blog")
    site.write_text(written)
    guest.run("systemctl reload nginx")
    with asked_all_the_while(host):
        ran = host.set_up("--take-over")
        assert "site to disable: /etc/nginx/sites-enabled/default" in ran.out
        host.deployed("4")
    assert not site.exists()
    copies = host.guest.root / "etc/bluegreen/taggle.before"
    assert (copies / "etc/nginx/sites-enabled/default").read_text() == written
    assert host.include_text().startswith("set $service_url http://taggle-prod")
    for flags in ([], ["--take-over"]):
        assert host.set_up(*flags).out.endswith("nothing was changed\n")
    guest.reboot()
    host.until_served("4")


# A site with one JVM on 8080 that knows nothing of bluegreen: where it is, its names, the name in config.yml.
SERVING = {
    "sites-enabled, no name": ("/etc/nginx/sites-enabled/shop", "shop.example _", "_"),
    "conf.d, no name": ("/etc/nginx/conf.d/x.conf", "shop.example _", "_"),
    "conf.d, the same name": ("/etc/nginx/conf.d/zz.conf", "shop.example _", "shop.example"),
    "for all names": ("/etc/nginx/conf.d/all.conf", "_", "www.shop.example"),
    "a wildcard": ("/etc/nginx/conf.d/wild.conf", "*.shop.example", "www.shop.example"),
}
SITE_OF_8080 = """\
server {
    listen 80;
    listen [::]:80;
    server_name shop.example _;
    location / { proxy_pass http://127.0.0.1:8080; }
}
"""


def test_p2_setup_takes_no_request_from_a_site_that_serves_users(guest: Guest, tmp_path: Path) -> None:
    host = by_hand(guest, tmp_path, rented(tmp_path, guest).jar("1"))
    (guest.root / "etc/nginx/sites-enabled/default").unlink()
    (guest.root / INCLUDE.lstrip("/")).unlink()
    for path, names, name in SERVING.values():
        site = guest.root / path.lstrip("/")
        site.write_text(SITE_OF_8080.replace("8080", "8081").replace("shop.example _", names))
        guest.run("nginx -t && systemctl reload nginx")
        host.configure(site={"server_name": name})
        before = host.etc()
        with asked_all_the_while(host):
            for flags in ([], ["--force"], ["--keep"], ["--take-over"]):
                ran = host.run("setup", *flags)
                assert ran.code == 1, ran.all
                said = ran.out.split("✗")[1]
                assert path in said
                assert "--no-site" in said
        assert host.etc() == before
        site.unlink()


def test_p2_a_host_that_began_at_8080_is_refused_with_the_slots_that_fit_and_then_taken_over(
    guest: Guest, tmp_path: Path
) -> None:
    jar = rented(tmp_path, guest).jar("1")
    host = by_hand(guest, tmp_path, jar, profile="real", port=8080)
    before = host.etc()
    with asked_all_the_while(host) as answers:
        for command in (["deploy", "--jar", str(host.jar("2"))], ["check"], ["switch"]):
            ran = host.run(*command)
            assert ran.code != 0
            assert "slots: {prod1: 8080, prod2: 8081}" in ran.out
        assert host.etc() == before
        host.settings["slots"] = {}
        host.configure(slots={"real": 8080, "real2": 8081})
        host.deployed("2")
        host.deployed("3")
        host.done("rollback")
        host.set_up()
    assert set(answers.versions()) == {"1", "2", "3"}
    assert host.include_text().startswith(PLAIN.format(port=8081))
    guest.reboot()
    host.until_served("2")


def test_p2_a_site_with_one_jvm_on_8080_is_adopted_in_three_lines(guest: Guest, tmp_path: Path) -> None:
    host = by_hand(guest, tmp_path, rented(tmp_path, guest).jar("1"))
    (guest.root / "etc/nginx/sites-enabled/default").unlink()
    (guest.root / INCLUDE.lstrip("/")).unlink()
    site = guest.root / "etc/nginx/sites-enabled/shop"
    site.write_text(SITE_OF_8080.replace("8080", "8081"))
    guest.run("systemctl reload nginx")
    host.configure(slots={"prod1": 8090, "prod2": 8082})
    assert "slots: {prod1: 8081, prod2: 8082}" in host.run("setup", "--no-site").out
    host.configure(slots={"prod1": 8081, "prod2": 8082})
    with asked_all_the_while(host) as answers:
        ran = host.set_up("--no-site")
        lines = f"include {INCLUDE};", "proxy_pass $service_url;"
        assert all(f"    {line}" in ran.out for line in lines)
        assert host.include_text().startswith(PLAIN.format(port=8081))
        ran = host.deploy("2")
        assert ran.code == 1, "no server reads the include yet"
        assert f"include {INCLUDE};" in ran.out
        text = site.read_text().replace("proxy_pass http://127.0.0.1:8081;", lines[1])
        site.write_text(text.replace("    location", f"    {lines[0]}\n    location"))
        guest.run("nginx -t && systemctl reload nginx")
        host.deployed("2")
        host.deployed("3")
        host.done("rollback")
    assert set(answers.versions()) == {"1", "2", "3"}
    assert host.run("setup").out.endswith("nothing was changed\n")
    guest.reboot()
    host.until_served("2")
