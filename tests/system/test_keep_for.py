"""`old_slot` on a host with systemd: stopped at once, or by a transient timer that no deployer waits for."""

from __future__ import annotations

from pathlib import Path

from tests.support.guest import Guest
from tests.support.hosts import Rented, asked_all_the_while, rented
from tests.support.waiting import wait_for


def timers(host: Rented) -> str:
    """The transient timers of the app."""
    return host.guest.run("systemctl list-timers --all --no-legend 'taggle-expire-*'").stdout


def test_p2_p4_the_old_slot_is_stopped_and_not_the_one_that_serves(guest: Guest, tmp_path: Path) -> None:
    host = rented(tmp_path, guest, user="deploy", old_slot={"after_switch": "stop"})
    host.set_up("--login", "ubuntu")
    host.deployed("1")
    with asked_all_the_while(host) as answers:
        ran = host.deployed("2")
    assert "the old slot prod2: stopped after" in ran.out
    assert (host.active("prod1"), host.active("prod2")) == ("active", "inactive")
    assert answers.versions() == ["1", "2"]
    assert host.guest.run("systemctl --failed --no-legend").stdout == ""


def test_a_timer_stops_the_old_slot_of_a_restricted_user_and_leaves_nothing(
    guest: Guest, tmp_path: Path
) -> None:
    host = rented(tmp_path, guest, user="deploy", old_slot={"keep_for": "3s", "drain": "1s"})
    host.set_up("--login", "ubuntu")
    host.deployed("1")
    ran = host.deployed("2")
    assert "stops it in 3.0 s" in ran.out
    assert "taggle-expire-prod2.timer" in timers(host)
    wait_for(lambda: host.active("prod2") == "inactive", "the timer stops the old slot")
    assert host.active("prod1") == "active"
    assert host.served() == "2"
    wait_for(lambda: timers(host) == "", "nothing is left of the timer")
    assert host.guest.run("systemctl --failed --no-legend").stdout == ""


def test_the_time_that_setup_was_told_is_what_holds_and_what_is_said(guest: Guest, tmp_path: Path) -> None:
    # For a user who may run nothing else as root.
    host = rented(tmp_path, guest, user="deploy", old_slot={"drain": "1s"})
    host.set_up("--login", "ubuntu")
    host.deployed("1")
    host.configure(old_slot={"keep_for": "3s"})
    ran = host.deployed("2")
    assert "the old slot prod2 keeps running: old_slot.keep_for was not set" in ran.out
    assert timers(host) == ""
    assert host.active("prod2") == "active"
    host.set_up("--login", "ubuntu")
    host.configure(old_slot={"keep_for": "10m"})
    assert "stops it in 3.0 s" in host.done("rollback").out
    wait_for(lambda: host.active("prod1") == "inactive", "the timer stops the old slot")
    assert host.served() == "1"


def test_p4_a_timer_leaves_what_was_gone_back_to(guest: Guest, tmp_path: Path) -> None:
    host = rented(tmp_path, guest, old_slot={"keep_for": "4s", "drain": "1s"})
    host.set_up()
    host.deployed("1")
    host.deployed("2")
    host.done("rollback")
    # The rollback's own timer is the later one.
    wait_for(lambda: host.active("prod1") == "inactive", "the timer of the rollback stops prod1")
    assert host.active("prod2") == "active"
    assert host.served() == "1"


def test_a_host_without_setup_takes_the_timer_too(guest: Guest, tmp_path: Path) -> None:
    host = rented(tmp_path, guest, old_slot={"keep_for": "3s", "drain": "1s"})
    host.set_up()
    guest.run("rm /usr/local/sbin/bluegreen-taggle /etc/sudoers.d/bluegreen-taggle")
    host.deployed("1")
    host.deployed("2")
    wait_for(lambda: host.active("prod2") == "inactive", "the timer stops the old slot")
    assert host.served() == "2"
