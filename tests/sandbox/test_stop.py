"""stop: the idle slot, never the live one (P4)."""

from __future__ import annotations

from tests.support.box import Box
from tests.support.on_host import live_pid, pid_of
from tests.support.processes import alive
from tests.support.under_traffic import nothing_lost


def test_p4_stop_ends_the_idle_jvm_and_not_the_one_that_serves(box: Box) -> None:
    box.deployed("1")
    box.deployed("2")
    idle, live = live_pid(box, "prod2"), live_pid(box, "prod1")
    with nothing_lost(box) as traffic:
        ran = box.run("stop")
    assert ran.code == 0, ran.all
    assert f"the idle slot prod2 (pid {idle}) stopped after" in ran.out
    assert "live is prod1, version 2" in ran.out
    assert not alive(idle)
    assert live_pid(box, "prod1") == live
    assert set(traffic.answered) == {"2"}


def test_p4_stopped_twice_in_a_row_the_live_slot_still_runs(box: Box) -> None:
    box.deployed("1")
    for _ in range(2):
        ran = box.run("stop")
        assert ran.code == 0, ran.all
        assert "no JVM of taggle runs in the idle slot prod1" in ran.out
    assert box.served() == "1"


def test_p4_after_a_switch_the_slot_that_served_before_is_the_one_that_is_stopped(box: Box) -> None:
    box.deployed("1")
    box.deployed("2")
    assert box.run("rollback").code == 0
    left = live_pid(box, "prod1")
    assert box.run("stop").code == 0
    assert not alive(left)
    assert box.served() == "1"
    assert pid_of(box, "prod2") is not None


def test_p4_where_the_include_was_edited_without_a_reload_what_answers_is_not_stopped(box: Box) -> None:
    box.deployed("1")
    box.deployed("2")
    serves, idle = live_pid(box, "prod1"), live_pid(box, "prod2")
    box.include.write_text("set $service_url http://taggle-prod2;\n")
    ran = box.run("stop")
    assert ran.code == 0, ran.all
    assert alive(serves)
    assert not alive(idle)
    assert box.served() == "2"


def test_a_jvm_that_ignores_sigterm_is_killed_after_its_time_and_that_is_said(box: Box) -> None:
    box.configure(old_slot={"stop_timeout": "1s"})
    box.deployed("1", ignores_term=True)
    box.deployed("2")
    idle = live_pid(box, "prod2")
    ran = box.run("stop")
    assert ran.code == 0, ran.all
    assert f"the idle slot prod2 (pid {idle}) killed after ignoring SIGTERM for 1." in ran.out
    assert not alive(idle)
