"""Going back: to the slot that is still warm, to one that must be started, to a release that is named."""

from __future__ import annotations

import json

from tests.support.box import Box
from tests.support.incidents import deployed_and_later_s
from tests.support.on_host import journal, last_entry, live_pid, pid_of, release_of, versions, whole
from tests.support.processes import alive
from tests.support.under_traffic import nothing_lost
from tests.support.waiting import wait_for


def test_back_to_the_version_before_is_a_switch_alone_while_it_still_runs(box: Box) -> None:
    box.deployed("1")
    box.deployed("2")
    warm, left = live_pid(box, "prod2"), live_pid(box, "prod1")
    with nothing_lost(box) as traffic:
        ran = box.run("rollback")
    assert ran.code == 0, ran.all
    assert set(traffic.answered) == {"1", "2"}
    assert box.served() == "1"
    assert (live_pid(box, "prod2"), live_pid(box, "prod1")) == (warm, left)
    assert "start prod" not in ran.out
    assert "back to version 1 in prod2, which still runs" in ran.out
    assert last_entry(box)["command"] == "rollback"
    assert last_entry(box)["bad"] == [release_of(box, "2")]
    states = {each["version"]: each["state"] for each in box.machine()["releases"]}
    assert states == {"1": "good", "2": "bad"}


def test_back_to_a_stopped_version_starts_its_release_again(box: Box) -> None:
    box.deployed("1")
    first = release_of(box, "1")
    box.deployed("2")
    assert box.run("stop").code == 0
    with nothing_lost(box):
        ran = box.run("rollback")
    assert ran.code == 0, ran.all
    assert box.served() == "1"
    assert "back to version 1 in prod2, which is started first" in ran.out
    assert "uploaded" not in ran.out
    assert (box.base / "slots" / "prod2").readlink().name == first


def test_p1_p4_a_version_that_does_not_get_up_again_is_not_gone_back_to(box: Box) -> None:
    box.configure(health={"timeout": "2s"})
    box.deployed("1")
    box.deployed("2")
    assert box.run("stop").code == 0
    live = live_pid(box, "prod1")
    box.configure(health={"path": "/actuator/health/nothing-of-the-kind", "smoke": ["/nothing"]})
    with nothing_lost(box) as traffic:
        ran = box.run("rollback")
    assert ran.code == 1, ran.all
    assert "live now: prod1, version 2 (untouched)" in ran.out
    assert set(traffic.answered) == {"2"}
    assert live_pid(box, "prod1") == live
    assert pid_of(box, "prod2") is None
    assert last_entry(box)["outcome"] == "failed"
    assert "bad" not in last_entry(box), "nothing was shown to be bad of the version that serves on"


def test_a_release_is_named_by_its_id_or_its_version(box: Box) -> None:
    for version in ("1", "2", "3"):
        box.deployed(version)
    ran = box.run("rollback", "--to", release_of(box, "1"))
    assert ran.code == 0, ran.all
    assert box.served() == "1"
    ran = box.run("rollback", "--to", "2")
    assert ran.code == 0, ran.all
    assert box.served() == "2"


def test_a_release_that_is_not_there_is_wrong_usage_and_those_that_are_are_listed(box: Box) -> None:
    box.deployed("1")
    box.deployed("2")
    box.run("rollback")
    before = journal(box)
    ran = box.run("rollback", "--to", "9")
    assert ran.code == 2, ran.all
    assert "✗ --to 9: 127.0.0.1 has no such release" in ran.out
    assert f"1 ({release_of(box, '1')}), 2 ({release_of(box, '2')}) (bad)" in ran.out
    assert journal(box) == before
    assert box.served() == "1"


def test_the_release_that_is_live_already_is_wrong_usage(box: Box) -> None:
    box.deployed("1")
    ran = box.run("rollback", "--to", "1")
    assert ran.code == 2, ran.all
    assert "is live already" in ran.out


def test_with_nothing_to_go_back_to_nothing_is_changed(box: Box) -> None:
    box.deployed("1")
    ran = box.run("rollback")
    assert ran.code == 1, ran.all
    assert "✗ there is no good release on 127.0.0.1 to go back to" in ran.out
    assert "live now: prod2, version 1 (untouched)" in ran.out
    assert len(journal(box)) == 2
    assert box.served() == "1"


def test_a_rollback_before_the_first_deploy_changes_nothing(box: Box) -> None:
    before = whole(box)
    ran = box.run("rollback")
    assert ran.code == 1, ran.all
    assert "there are no releases on the machine" in ran.out
    assert {path for path in whole(box) if "/lock" not in path} == set(before)


def test_a_release_that_was_rolled_back_from_is_bad_until_it_is_named(box: Box) -> None:
    for version in ("1", "2"):
        box.deployed(version)
    assert box.run("rollback").code == 0
    ran = box.run("rollback")
    assert ran.code == 1, ran.all
    assert box.served() == "1", "2 is not gone back to by itself"
    ran = box.run("rollback", "--to", "2")
    assert ran.code == 0, ran.all
    assert box.served() == "2"
    states = {each["version"]: each["state"] for each in box.machine()["releases"]}
    assert states == {"1": "good", "2": "good"}, "who goes forward again says nothing bad of what was left"


def test_the_version_before_is_the_one_that_served_not_the_one_that_was_deployed(box: Box) -> None:
    box.deployed("1")
    box.deployed("2")
    assert box.run("rollback").code == 0
    box.deployed("3")
    assert box.run("rollback").code == 0
    assert box.served() == "1"


def test_rolled_back_twice_in_a_row_is_two_versions_back(box: Box) -> None:
    for version in ("1", "2", "3"):
        box.deployed(version)
    assert box.run("rollback").code == 0
    assert box.served() == "2"
    ran = box.run("rollback")
    assert ran.code == 0, ran.all
    assert box.served() == "1"
    ran = box.run("rollback")
    assert ran.code == 1, ran.all
    assert "there is no good release" in ran.out
    assert box.served() == "1"


def test_a_version_that_failed_its_watch_is_not_gone_back_to(box: Box) -> None:
    box.deployed("1")
    box.configure(switch={"watch": "20s"})
    assert box.deploy("2", die_after_s=4).code == 3
    box.configure(switch={"watch": 0})
    box.deployed("3")
    assert box.run("rollback").code == 0
    assert box.served() == "1"


def test_a_refused_version_is_not_gone_back_to(box: Box) -> None:
    box.deployed("1")
    box.deployed("2")
    assert box.deploy("3", die_starting=True).code == 1
    ran = box.run("rollback")
    assert ran.code == 0, ran.all
    assert box.served() == "1"


def test_a_staged_version_that_never_served_is_not_gone_back_to(box: Box) -> None:
    box.deployed("1")
    box.deployed("2")
    box.deployed("3", "--no-switch")
    ran = box.run("rollback")
    assert ran.code == 0, ran.all
    assert box.served() == "1"


def test_back_to_a_warm_slot_keeps_the_jvm_that_was_left_for_a_look_at_it(box: Box) -> None:
    box.deployed("1")
    box.deployed("2")
    left = live_pid(box, "prod1")
    assert box.run("rollback").code == 0
    assert alive(left)
    assert versions(box) == ["1", "2"]
    ran = box.run("status", "--json")
    slots = json.loads(ran.out)["machines"][0]["slots"]
    assert (slots["prod1"]["pid"], slots["prod1"]["health"]) == (left, "UP")


def test_a_version_that_no_rollback_leads_to_is_not_said_to_stay_warm(box: Box) -> None:
    box.deployed("1")
    box.deployed("2")
    ran = box.run("rollback")
    assert ran.code == 0, ran.all
    assert "stays warm" not in ran.out
    assert "prod1 keeps running, but its version is marked bad" in ran.out


def test_a_version_that_is_not_up_any_more_is_not_said_to_stay_warm(box: Box) -> None:
    box.deployed("2", down_after_s=deployed_and_later_s(box))
    wait_for(lambda: box.machine()["slots"]["prod1"]["health"] == "DOWN", "DOWN", 60)
    ran = box.deployed("3")
    assert "stays warm" not in ran.out
    assert "prod1 keeps running, but is not UP" in ran.out
