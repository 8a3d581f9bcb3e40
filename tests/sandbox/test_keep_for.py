"""`old_slot.keep_for`: the host stops the old slot by itself, some time after the switch."""

from __future__ import annotations

from tests.support.box import Box
from tests.support.on_host import live_pid, pid_of
from tests.support.processes import alive
from tests.support.waiting import wait_for


def test_the_host_stops_the_old_slot_when_its_time_is_over(box: Box) -> None:
    box.configure(old_slot={"keep_for": "2s"})
    box.deployed("1")
    old = live_pid(box, "prod2")
    ran = box.deployed("2")
    assert "prod2 stays warm for an instant rollback" in ran.out
    assert "stops it in 2.0 s" in ran.out
    wait_for(lambda: not alive(old), "the old JVM is stopped")
    assert box.served() == "2"
    assert box.machine()["slots"]["prod2"]["running"] is False


def test_p4_what_was_gone_back_to_meanwhile_is_not_stopped(box: Box) -> None:
    box.configure(old_slot={"keep_for": "3s"})
    box.deployed("1")
    first = live_pid(box, "prod2")
    box.deployed("2")
    second = live_pid(box, "prod1")
    assert box.run("rollback").code == 0
    # The rollback's own timer is the later one: once it has done its work, the earlier has had its turn.
    wait_for(lambda: not alive(second), "the JVM that was rolled back from is stopped")
    assert alive(first)
    assert box.served() == "1"


def test_a_jvm_that_was_started_there_meanwhile_is_not_stopped(box: Box) -> None:
    box.configure(old_slot={"keep_for": "4s"})
    box.deployed("1")
    box.deployed("2")
    box.configure(old_slot={"keep_for": None})
    box.deployed("3", "--no-switch")
    staged = live_pid(box, "prod2")
    log = box.base / "logs" / "prod2.expire.log"
    wait_for(lambda: log.read_text() != "", "the timer has run")
    assert "prod2 runs another JVM now" in log.read_text()
    assert pid_of(box, "prod2") == staged


def test_nothing_of_the_timer_outlives_the_sandbox(box: Box) -> None:
    box.configure(old_slot={"keep_for": "10m"})
    box.deployed("1")
    box.deployed("2")
    ran = box.run("sandbox", "--stop")
    assert ran.code == 0, ran.all
    assert "processes started over SSH" in ran.out
