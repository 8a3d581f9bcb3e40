"""setup: a bare machine becomes a host, a second run changes nothing, what others wrote stays."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.guest import Guest
from tests.support.hosts import (
    INCLUDE,
    NAME,
    SITE,
    SUDOERS,
    UNIT,
    Rented,
    asked_all_the_while,
    certified,
    rented,
    three_spring_boot_deploys_and_back,
)
from tests.support.incidents import Deployer
from tests.support.waiting import wait_for


@pytest.fixture
def host(guest: Guest, tmp_path: Path) -> Rented:
    """A machine with nginx and a JRE, and nothing of ours."""
    return rented(tmp_path, guest)


@pytest.fixture(scope="module")
def untouched(shared_guest: Guest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Rented]:
    """As `host`, each time with a config.yml of its own, for tests that leave the machine as it is."""
    return lambda: rented(tmp_path_factory.mktemp("untouched"), shared_guest)


def test_a_bare_machine_becomes_a_host_and_takes_three_deploys_and_a_rollback_of_the_spring_boot_jar(
    bare_guest: Guest, tmp_path: Path
) -> None:
    host = rented(tmp_path, bare_guest)
    found = host.run("check").out
    assert "✗ nginx: nginx is not installed\n    what to do: sudo apt-get install nginx, or: " in found
    assert "\n    what to do: sudo apt-get install openjdk-17-jre-headless, or: bluegreen setup" in found
    assert f"✗ include: {INCLUDE} is missing or empty\n    what to do: bluegreen setup --host prod\n" in found
    ran = host.set_up()
    assert "✓ installed nginx openjdk-17-jre-headless" in ran.out
    assert host.run("setup").out.endswith("is set up already; nothing was changed\n")
    three_spring_boot_deploys_and_back(host, tmp_path)
    assert host.get("/api/v1/profiles")[1] == "prod1"
    assert host.enabled() == ["prod1"]
    host.guest.reboot()
    host.until_served("2")


def test_a_second_setup_changes_nothing_and_says_so(host: Rented) -> None:
    host.set_up()
    before = host.etc()
    assert before.count("\n") > 100
    ran = host.set_up()
    assert ran.out.splitlines()[-1] == f"✓ {host.guest.address} is set up already; nothing was changed"
    assert host.etc() == before


def test_a_dry_run_shows_the_diff_of_each_file_and_changes_nothing(untouched: Callable[[], Rented]) -> None:
    host = untouched()
    before = host.etc()
    ran = host.set_up("--dry-run")
    for path in (INCLUDE, SITE, UNIT, SUDOERS, "/usr/local/sbin/bluegreen-taggle", "/etc/tmpfiles.d"):
        assert f"\n+++ {path}" in ran.out
    assert "+set $service_url http://taggle-prod1;" in ran.out
    assert "+SuccessExitStatus=143" in ran.out
    assert ran.out.endswith("dry run: nothing was changed\n")
    assert host.etc() == before
    assert not host.base.exists()


def test_a_user_who_may_not_sudo_is_refused(untouched: Callable[[], Rented]) -> None:
    host = untouched()
    before = host.etc()
    ran = host.run("setup", "--login", "deploy")
    assert ran.code == 1
    assert f"✗ deploy may not sudo on {host.guest.address}" in ran.out
    assert "sudo: a password is required" in ran.out
    assert "bluegreen setup --host prod --login USER" in ran.out
    assert host.etc() == before


def test_a_user_that_does_not_exist_is_refused(untouched: Callable[[], Rented]) -> None:
    host = untouched()
    host.configure(hosts={"prod": {**host.settings["hosts"]["prod"], "user": "nobody-here"}})
    ran = host.run("setup", "--login", "ubuntu")
    assert ran.code == 1
    assert f"✗ {host.guest.address} has no user nobody-here" in ran.out
    assert "sudo useradd -m nobody-here" in ran.out


def test_a_java_older_than_wanted_is_replaced_by_the_wanted_one(host: Rented) -> None:
    old = host.guest.root / "usr/local/bin/java"
    old.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\" 2019-01-15' >&2\n")
    old.chmod(0o755)
    assert "packages to install: openjdk-17-jre-headless" in host.set_up("--dry-run").out
    # The old one is still the first on PATH: what was installed would not be what is started.
    ran = host.run("setup")
    assert ran.code == 1
    assert "still missing: openjdk-17-jre-headless" in ran.out
    assert "`/usr/local/bin/java` there is Java 11" in ran.out
    assert not (host.guest.root / UNIT.lstrip("/")).exists()
    old.unlink()
    host.set_up()


def test_p10_a_java_of_the_users_own_is_never_run_by_root(host: Rented) -> None:
    host.configure(java={"bin": "/home/ubuntu/java"})
    java = '#!/bin/sh\nid -un >>/home/ubuntu/ran-as\nexec java "$@"\n'
    host.as_user(f"printf '%s' '{java}' >java; chmod +x java; : >ran-as; chmod 666 ran-as")
    host.set_up()
    host.done("check")
    ran_as = (host.guest.root / "home/ubuntu/ran-as").read_text().split()
    assert set(ran_as) == {"ubuntu"}


def test_a_java_that_the_machine_cannot_get_is_refused_with_the_output_of_apt(host: Rented) -> None:
    host.configure(java={"version": 99})
    before = host.etc()
    ran = host.run("setup")
    assert ran.code == 1
    assert "✗ the packages could not be installed" in ran.out
    assert "Unable to locate package openjdk-99-jre-headless" in ran.out
    assert host.etc() == before


def test_p2_a_site_that_certbot_moved_to_https_is_deployed_to_and_back(host: Rented) -> None:
    host.configure(site={"server_name": NAME})
    host.set_up()
    host.deployed("1")
    certified(host, SITE)
    with asked_all_the_while(host) as answers:
        assert "it answers through nginx" in host.deployed("2").out
        host.deployed("3")
        assert "which still runs" in host.done("rollback").out
    assert set(answers.versions()) == {"1", "2", "3"}
    assert host.served() == "2"
    machine = host.machine()
    assert (machine["live"], machine["drift"]) == ("prod1", [])
    assert host.guest.get("/version", host=NAME)[0] == 301
    found = host.done("check").out
    assert f"answers over https (https://{NAME})" in found
    assert f"✓ include: {INCLUDE} is read by the server on port 443" in found
    # Where somebody names the port of TLS itself, that is understood as well.
    host.configure(site={"listen": 443}, switch={"verify": None})
    host.deployed("4")
    assert host.served() == "4"
    assert f"answers over https (https://{NAME}:443)" in host.done("check").out


def test_a_site_that_certbot_changed_is_shown_and_left_alone_until_it_is_forced(host: Rented) -> None:
    host.configure(site={"server_name": NAME})
    host.set_up()
    host.deployed("1")
    site = host.guest.root / SITE.lstrip("/")
    written = site.read_text()
    certified(host, SITE)
    edited = site.read_text()
    before = host.etc()
    # What setup would write has changed as well: nothing of it is written.
    host.configure(old_slot={"stop_timeout": "20s"})
    ran = host.run("setup")
    assert ran.code == 1
    assert "-    listen 443 ssl; # managed by Certbot" in ran.out
    assert f"✗ {SITE} on {host.guest.address} was changed since bluegreen wrote it" in ran.out
    assert "bluegreen setup --host prod --keep" in ran.out
    assert "bluegreen setup --host prod --force" in ran.out
    dry = host.set_up("--dry-run")
    assert f"! {SITE} was changed by somebody: setup would stop here" in dry.out
    assert host.etc() == before
    assert host.served() == "1"
    kept = host.set_up("--keep")
    assert f"! {SITE} was changed by somebody and is left as it is" in kept.out
    assert site.read_text() == edited
    unit = (host.guest.root / UNIT.lstrip("/")).read_text()
    assert "TimeoutStopSec=25" in unit, "the rest is done"
    assert host.set_up("--keep").out.endswith("nothing was changed\n")
    assert host.served() == "1"
    forced = host.set_up("--force")
    assert site.read_text() == written
    copy = "/etc/bluegreen/taggle.before/etc/nginx/conf.d/taggle.conf"
    assert f"the previous file is kept as {copy}" in forced.out
    assert (host.guest.root / copy.lstrip("/")).read_text() == edited
    assert host.run("setup").out.endswith("nothing was changed\n")
    assert host.guest.get("/version", host=NAME) == (200, "1")


def test_an_include_that_deploys_changed_is_theirs_and_not_edited(host: Rented) -> None:
    host.set_up()
    host.deployed("1")
    include = host.include_text()
    assert include.startswith("set $service_url http://taggle-prod2;\n")
    assert host.set_up().out.endswith("nothing was changed\n")
    host.configure(site={"listen": 8080})
    host.set_up()
    assert host.include_text() == include
    assert host.guest.get("/version", port=8080) == (200, "1")


@pytest.mark.parametrize("nginx", ["runs", "is stopped"])
def test_p2_an_include_that_is_gone_is_written_for_the_slot_that_serves(host: Rented, nginx: str) -> None:
    host.configure(switch={"method": "reload"})
    host.set_up()
    host.deployed("1")
    host.deployed("2", "--no-switch")
    host.guest.run(f"rm {INCLUDE}")
    if nginx == "runs":
        with asked_all_the_while(host):
            host.set_up()
    else:
        host.guest.run("systemctl stop nginx")
        host.set_up()
    assert host.include_text() == "set $service_url http://taggle-prod2;\n"
    assert host.served() == "1"


def test_debians_own_default_site_is_switched_off(host: Rented) -> None:
    ran = host.set_up()
    assert "site to disable: /etc/nginx/sites-enabled/default" in ran.out
    assert not (host.guest.root / "etc/nginx/sites-enabled/default").is_symlink()
    assert (host.guest.root / "etc/nginx/sites-available/default").exists()
    host.deployed("1")
    assert host.guest.get("/version", host="any.example") == (200, "1")


def test_debians_own_default_site_stays_beside_a_site_with_a_name(host: Rented) -> None:
    host.configure(site={"server_name": "taggle.example"})
    host.set_up()
    host.deployed("1")
    assert host.guest.get("/version", host="taggle.example") == (200, "1")
    assert "Welcome to nginx" in host.get("/")[1]


def test_a_default_site_that_somebody_made_is_left_alone_with_clear_words(host: Rented) -> None:
    default = host.guest.root / "etc/nginx/sites-available/default"
    default.write_text("server { listen 80 default_server; location / { return 200 theirs; } }\n")
    host.guest.run("nginx -s reload")
    before = host.etc()
    ran = host.run("setup")
    assert ran.code == 1
    assert "✗ /etc/nginx/sites-enabled/default" in ran.out
    assert "is the default_server" in ran.out
    assert "what to do: set site.server_name" in ran.out
    assert host.etc() == before
    assert host.get("/") == (200, "theirs")


def test_p5_files_that_nginx_refuses_are_all_put_back(host: Rented) -> None:
    theirs = host.guest.root / "etc/nginx/conf.d/theirs.conf"
    theirs.write_text("server { listen 80 default_server; location / { return 200 theirs; } }\n")
    host.guest.run("rm /etc/nginx/sites-enabled/default && nginx -s reload")
    before = host.etc()
    ran = host.run("setup")
    assert ran.code == 1
    assert "✗ the files were not written" in ran.out
    assert "a duplicate default server" in ran.out
    assert host.etc() == before
    assert host.guest.run("nginx -t", check=False).returncode == 0
    assert host.get("/") == (200, "theirs")
    theirs.unlink()
    host.set_up()


def test_a_setup_that_failed_puts_back_debians_default_site(host: Rented) -> None:
    (host.guest.root / "etc/nginx/conf.d/a.conf").write_text(
        "upstream taggle-prod1 { server 127.0.0.1:1; }\n"
    )
    before = host.etc()
    ran = host.run("setup")
    assert ran.code == 1
    assert 'duplicate upstream "taggle-prod1"' in ran.out
    assert host.etc() == before
    host.guest.run("systemctl restart nginx")
    assert "Welcome to nginx" in host.get("/")[1]


def test_p10_an_include_where_the_user_may_write_is_refused(host: Rented) -> None:
    host.configure(switch={"include": "/home/ubuntu/nginx/service-url.inc"})
    host.guest.run("mkdir /home/ubuntu/nginx")
    before = host.etc()
    ran = host.run("setup")
    assert ran.code == 1
    assert "✗ ubuntu may write /home/ubuntu on" in ran.out
    assert "set switch.include in config.yml to a path in root's own folders" in ran.out
    assert host.etc() == before


def test_a_machine_without_the_tools_of_a_deploy_gets_them(host: Rented) -> None:
    host.guest.run("mv /usr/bin/curl /usr/bin/setsid /root")
    assert "packages to install: " in host.set_up("--dry-run").out


def test_a_unit_of_systemds_own_is_not_overridden_by_an_app_of_its_name(host: Rented) -> None:
    host.configure(app="user")
    before = host.etc()
    ran = host.run("setup")
    assert ran.code == 1
    assert "user@.service is already a unit of that name" in ran.out
    assert "/lib/systemd/system/user@.service" in ran.out
    assert host.etc() == before
    # And without setup, on a site made by hand.
    listen = f"listen 80 default_server; include {INCLUDE};"
    site = f"server {{ {listen} location / {{ proxy_pass $service_url; }} }}\n"
    (host.guest.root / "etc/nginx/sites-available/default").write_text(site)
    (host.guest.root / INCLUDE.lstrip("/")).write_text("set $service_url http://127.0.0.1:8081;\n")
    host.guest.run("nginx -s reload")
    before = host.etc()
    ran = host.deploy("1")
    assert ran.code == 1
    assert "user@.service is already a unit of that name" in ran.out
    assert host.etc() == before


def test_p10_files_of_root_that_are_the_users_are_refused_or_made_roots(host: Rented) -> None:
    # The text that a switch goes back to is what root's nginx then reads: this one could be anything.
    host.guest.run(f"echo 'set $service_url http://127.0.0.1:8081;' >{INCLUDE}; chown ubuntu {INCLUDE}")
    ran = host.run("setup")
    assert ran.code == 1
    assert f"✗ ubuntu may write {INCLUDE} on" in ran.out
    assert f"sudo chown root: {INCLUDE} && sudo chmod 644 {INCLUDE}" in ran.out
    host.guest.run(f"rm {INCLUDE}; chown ubuntu /usr/local")
    ran = host.run("setup")
    assert ran.code == 1
    assert "✗ ubuntu may write /usr/local on" in ran.out
    assert "sudo chown root: /usr/local " in ran.out
    host.guest.run("chown root /usr/local")
    host.set_up()
    host.guest.run(f"chown ubuntu {UNIT}")
    assert UNIT in host.set_up().out
    assert host.guest.run(f"stat -c %U {UNIT}").stdout == "root\n"


def test_a_folder_of_releases_that_belongs_to_another_user_is_refused(host: Rented) -> None:
    host.guest.run("mkdir /home/ubuntu/taggle")
    before = host.etc()
    ran = host.run("setup")
    assert ran.code == 1
    assert "✗ ubuntu may not write /home/ubuntu/taggle" in ran.out
    assert "sudo chown -R ubuntu: /home/ubuntu/taggle" in ran.out
    assert host.etc() == before


def test_what_was_taken_away_by_hand_is_put_right_without_forgetting_the_checksums(host: Rented) -> None:
    host.set_up()
    host.guest.run("rmdir /home/ubuntu/taggle")
    sums = (host.guest.root / "etc/bluegreen/taggle.sha256").read_text()
    ran = host.set_up()
    assert "folder to make: /home/ubuntu/taggle, owned by ubuntu" in ran.out
    assert (host.guest.root / "etc/bluegreen/taggle.sha256").read_text() == sums
    assert host.set_up().out.endswith("nothing was changed\n")


def test_a_name_longer_than_nginx_has_room_for_is_set_up_or_its_setting_is_named(host: Rented) -> None:
    name = "ec2-203-0-113-25.ap-northeast-2.compute.amazonaws.example"
    host.configure(site={"server_name": name})
    main = host.guest.root / "etc/nginx/nginx.conf"
    before = main.read_text()
    main.write_text(before.replace("http {", "http {\n\tserver_names_hash_bucket_size 64;", 1))
    ran = host.run("setup")
    assert ran.code == 1, ran.all
    assert "what to do: write into /etc/nginx/nginx.conf: server_names_hash_bucket_size 128;" in ran.out
    main.write_text(before.replace("http {", "http {\n\tserver_names_hash_bucket_size 128;", 1))
    host.set_up()
    assert "is set up already" in host.run("setup").out
    assert "differs from what" not in host.run("check").out
    # Without the setting there, the site brings its own.
    main.write_text(before)
    host.set_up()
    assert "is set up already" in host.run("setup").out
    host.deployed("1")
    host.name = name
    assert host.get("/version") == (200, "1")


def test_a_setup_interrupted_in_apt_says_so_and_the_next_one_completes_it(
    bare_guest: Guest, tmp_path: Path
) -> None:
    host = rented(tmp_path, bare_guest)
    setting_up = Deployer(host.start("setup"))
    wait_for(lambda: "apt-get" in bare_guest.run("ps -eo comm").stdout, "apt-get runs", 120)
    setting_up.send(signal.SIGINT)
    assert setting_up.ended() == 1, setting_up.said
    assert "setup was interrupted" in setting_up.said
    assert "no file was written" in setting_up.said
    assert not (bare_guest.root / SITE.lstrip("/")).exists()
    wait_for(lambda: "apt-get" not in bare_guest.run("ps -eo comm").stdout, "apt-get ends", 300)
    host.set_up()
    host.deployed("1")
