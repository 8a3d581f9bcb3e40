"""P4: where the memory is used up the idle JVM ends first, and a live JVM that ended is reported."""

from __future__ import annotations

from pathlib import Path

from tests.support.box import Box
from tests.support.incidents import deploying, deploying_at
from tests.support.on_host import live_pid, pid_of
from tests.support.under_traffic import nothing_lost
from tests.support.waiting import wait_for


def score(pid: int | None) -> int:
    """What the kernel adds to the badness of a process (proc(5), oom_score_adj)."""
    return int(Path(f"/proc/{pid}/oom_score_adj").read_text())


def test_p4_the_kernel_ends_the_jvm_that_does_not_serve_first(box: Box) -> None:
    box.deployed("1")
    assert score(live_pid(box, "prod2")) == 0
    box.deployed("2", "--no-switch")
    assert (score(pid_of(box, "prod2")), score(pid_of(box, "prod1"))) == (0, 500)
    assert box.run("switch").code == 0
    assert (score(pid_of(box, "prod2")), score(pid_of(box, "prod1"))) == (500, 0)
    with nothing_lost(box):
        assert box.run("rollback").code == 0
    assert (score(pid_of(box, "prod2")), score(pid_of(box, "prod1"))) == (0, 500)


def test_p11_a_live_jvm_that_ended_while_the_new_one_was_starting_is_reported(box: Box) -> None:
    box.deployed("1")
    deployer = deploying(box, "2", start_s=5)
    wait_for(lambda: pid_of(box, "prod1") is not None, "the JVM of prod1", 60)
    box.kill("prod2")
    deployer.until_said("the JVM of prod2, which served users, ended while prod1 was starting")
    assert deployer.ended() == 0, deployer.said
    assert box.served() == "2"


def test_p11_a_deploy_that_fails_meanwhile_does_not_call_the_live_slot_untouched(box: Box) -> None:
    box.deployed("1")
    box.configure(health={"timeout": "5s"})
    deployer = deploying_at(box, "2", "health", "prod1")
    box.kill("prod2")
    assert deployer.ended() == 1, deployer.said
    assert "live now: prod2, whose JVM ended meanwhile" in deployer.said
