"""P8, any interruption is harmless: Ctrl-C, SIGTERM and SIGKILL in every moment of a deploy."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bluegreen import jar as jars
from bluegreen.commands import deploy, rollback
from bluegreen.config import Settings
from bluegreen.console.terminal import Console
from bluegreen.errors import Failed
from bluegreen.host import probe
from bluegreen.host.answer import Answer
from bluegreen.host.machine import Machine
from bluegreen.host.probe import Probe
from bluegreen.rollout.stage import Staged
from tests.support.box import Box
from tests.support.incidents import (
    MOMENTS,
    Deployer,
    Moment,
    OnTerminal,
    deploying,
    deploying_at,
    drains,
    jvms,
    settings_of,
    stops,
)
from tests.support.on_host import last_entry
from tests.support.processes import alive
from tests.support.requests import asking, under_way
from tests.support.under_traffic import nothing_lost
from tests.support.waiting import wait_for


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_p8_an_interrupt_undoes_or_finishes_and_nobody_notices(
    box: Box, moment: Moment, number: signal.Signals
) -> None:
    box.deployed("1")
    box.deployed("2")
    with nothing_lost(box) as seen:
        deployer = deploying_at(box, "3", moment, "prod2")
        deployer.send(number)
        code = deployer.ended()
    finished = moment in ("switch", "watch")

    machine = box.machine()
    assert code == (0 if finished else 1), deployer.said
    assert ("interrupted after the switch" if finished else "interrupted before the switch") in deployer.said
    assert "live now: prod1, version 2" in deployer.said or finished
    assert box.served() == ("3" if finished else "2")
    assert set(seen.answered) == ({"2", "3"} if finished else {"2"})
    assert machine["live"] == ("prod2" if finished else "prod1")
    assert (machine["lock"], machine["drift"]) == (None, [])
    assert _outcome(box) == ("3", "switched" if finished else "failed")
    # Besides what serves, only what was warm before the deploy may still run.
    known = {slot["pid"] for slot in machine["slots"].values() if slot["pid"]}
    assert jvms(box) == known
    if moment in ("start", "health"):
        assert machine["slots"]["prod2"]["pid"] is None
    assert list(box.base.glob("releases/.*.partial")) == []

    box.configure(switch={"watch": 0})
    box.deployed("4")
    assert box.served() == "4"


def test_p8_a_second_interrupt_does_not_cut_the_undoing(box: Box) -> None:
    box.deployed("1")
    before = jvms(box)
    with nothing_lost(box) as seen:
        deployer = deploying_at(box, "2", "health", "prod1")
        for _ in range(5):
            deployer.send(signal.SIGINT)
            time.sleep(0.05)
        assert deployer.ended() == 1, deployer.said
    assert set(seen.answered) == {"1"}
    assert jvms(box) == before
    assert _outcome(box) == ("2", "failed")


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGHUP, signal.SIGTERM])
def test_p8_of_the_interrupts_of_a_clean_up_only_the_one_before_a_kill_cuts_it(
    box: Box, second: signal.Signals
) -> None:
    box.deployed("1")
    before = jvms(box)
    deployer = deploying(box, "2", health="never-up", ignores_term=True)
    deployer.until_said("OUT_OF_SERVICE")
    deployer.send(signal.SIGINT)
    wait_for(lambda: stops(box), "the clean-up", 60)
    deployer.send(second)
    assert deployer.ended() == 1, deployer.said
    cut = second is signal.SIGTERM
    assert ("the clean-up was cut short" in deployer.said) == cut
    # The machine finishes the step that it had begun.
    wait_for(lambda: jvms(box) == before, "the end of the new JVM", 60)
    assert _outcome(box) == ("2", "interrupted" if cut else "failed")
    assert box.served() == "1"


def test_p8_a_deploy_that_ends_by_a_bug_cleans_up_too(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    box.deployed("1")
    before = jvms(box)

    def with_a_bug(staged: Staged) -> Staged:
        raise ZeroDivisionError

    monkeypatch.setattr(deploy, "previewed", with_a_bug)
    with pytest.raises(ZeroDivisionError):
        deploy.run(settings_of(box), deploy.Order(jars.inspect(box.jar("2")), "2"), Console(), {})
    assert jvms(box) == before
    assert _outcome(box) == ("2", "failed")
    assert "ZeroDivisionError" in box.history()[0]["reason"]


@pytest.mark.parametrize("command", ["deploy", "rollback"])
def test_p8_an_interrupt_while_the_probe_begins_turns_back(
    box: Box, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.deployed("1")
    box.deployed("2")
    start = probe.start

    def interrupted_start(machine: Machine, before: Answer | None) -> Probe:
        os.kill(os.getpid(), signal.SIGINT)
        return start(machine, before)

    monkeypatch.setattr(probe, "start", interrupted_start)
    order = deploy.Order(jars.inspect(box.jar("3")), "3")
    run: Callable[[Settings, Console], object] = {
        "deploy": lambda settings, console: deploy.run(settings, order, console, {}),
        "rollback": lambda settings, console: rollback.run(settings, None, console, {}),
    }[command]
    with nothing_lost(box) as seen, pytest.raises(Failed, match="interrupted before the switch"):
        run(settings_of(box), Console())
    assert set(seen.answered) == {"2"}
    machine, entry = box.machine(), last_entry(box)
    assert (machine["live"], machine["lock"], machine["drift"]) == ("prod1", None, [])
    # A warm version stays, one that was started for this is gone.
    assert machine["slots"]["prod2"]["running"] == (command == "rollback")
    assert (entry["command"], entry["outcome"]) == (command, "failed")
    assert "bad" not in entry, "nothing was shown to be bad of the version that serves on"


@pytest.mark.parametrize("moment", ["start", "switch", "watch"])
def test_p8_sigkill_of_the_deployer_is_told_as_interrupted(box: Box, moment: Moment) -> None:
    box.deployed("1")
    with nothing_lost(box):
        deployer = deploying_at(box, "2", moment, "prod1")
        deployer.send(signal.SIGKILL)
        deployer.ended()
        # The host ends by itself what it began.
        expected = "1" if moment == "start" else "2"
        wait_for(lambda: box.served() == expected, f"version {expected} serves")
        wait_for(lambda: box.machine()["lock"] is None, "the lock is free")
    machine = box.machine()
    assert machine["live"] == ("prod2" if moment == "start" else "prod1")
    assert machine["drift"] == []
    assert _outcome(box) == ("2", "interrupted")


def test_p8_what_a_killed_deploy_left_serving_is_what_a_rollback_goes_back_to(box: Box) -> None:
    box.deployed("1")
    with nothing_lost(box):
        deployer = deploying_at(box, "2", "watch", "prod1")
        deployer.send(signal.SIGKILL)
        deployer.ended()
        box.configure(switch={"watch": 0})
        box.deployed("3")
        ran = box.run("rollback")
    assert ran.code == 0, ran.all
    assert box.served() == "2"


def test_p8_sigkill_at_any_instant_leaves_a_host_that_serves_and_deploys(box: Box) -> None:
    began = time.monotonic()
    box.deployed("1")
    took_s = time.monotonic() - began
    instants = random.Random(8)  # noqa: S311 not for secrets
    served = "1"
    with nothing_lost(box) as seen:
        for number in range(8):
            version = f"killed-{number}"
            deployer = deploying(box, version)
            time.sleep(instants.uniform(0.2, 1) * took_s)
            deployer.send(signal.SIGKILL)
            deployer.ended()
            # A switch that the host had begun ends there.
            wait_for(lambda: box.machine()["lock"] is None, "the lock is free")
            machine = box.machine()
            now = box.served()
            assert now in (served, version)
            assert machine["drift"] == []
            assert machine["slots"][machine["live"]]["version"] == now
            assert alive(machine["slots"][machine["live"]]["pid"])
            served = now
        box.deployed("last")
    assert box.served() == "last"
    assert next(iter(seen.answered)) == "1"
    assert box.machine()["lock"] is None
    assert len(jvms(box)) == 2


def _outcome(box: Box) -> tuple[str, str]:
    newest = box.history()[0]
    return newest["version"], newest["outcome"]


@pytest.mark.parametrize("moment", MOMENTS)
def test_p8_a_terminal_that_hangs_up_ends_a_deploy_as_an_interrupt_does(box: Box, moment: Moment) -> None:
    """SIGHUP comes with a terminal to which nothing can be written any more."""
    box.deployed("1")

    def on_terminal(jar: Path) -> Deployer:
        return OnTerminal(box, "deploy", "--jar", str(jar), "--version", "2")

    with nothing_lost(box) as seen:
        deployer = deploying_at(box, "2", moment, "prod1", start=on_terminal)
        assert isinstance(deployer, OnTerminal)
        deployer.hang_up()
        code = deployer.ended()
    finished = moment in ("switch", "watch")
    assert code == (0 if finished else 1), deployer.said
    assert set(seen.answered) == ({"1", "2"} if finished else {"1"})
    entry, machine = box.history()[0], box.machine()
    assert entry["outcome"] == ("switched" if finished else "failed")
    assert entry["reason"].startswith("interrupted")
    assert (machine["lock"], machine["drift"]) == (None, [])
    assert jvms(box) == {slot["pid"] for slot in machine["slots"].values() if slot["pid"]}
    assert len(jvms(box)) == (2 if finished else 1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stop_interrupted_in_its_drain_stops_nothing_and_says_that_it_had_begun(
    box: Box, number: signal.Signals
) -> None:
    box.configure(old_slot={"drain": "30s"})
    box.deployed("1")
    with asking(box, "/version?ms=15000") as answers:
        under_way(box, "/version")
        box.deployed("2")
        stopper = Deployer(box.start("stop"))
        wait_for(lambda: drains(box), "the host waits for the request", 60)
        stopper.send(number)
        assert stopper.ended() == 1, stopper.said
        assert not answers, "it did not wait for the request"
        assert "interrupted while prod2 on 127.0.0.1 was being stopped" in stopper.said
        wait_for(lambda: not drains(box), "the end of the drain", 60)
    assert answers == [(200, "1")]
    assert box.pid("prod2") is not None
    assert box.run("stop").code == 0
    assert box.pid("prod2") is None


def test_a_stop_interrupted_after_sigterm_is_finished_by_the_machine(box: Box) -> None:
    box.configure(old_slot={"stop_timeout": "6s"})
    box.deployed("1", ignores_term=True)
    box.deployed("2")
    idle = box.pid("prod2")
    assert idle is not None
    stopper = Deployer(box.start("stop"))
    wait_for(lambda: stops(box), "the host waits for the end of the JVM", 60)
    stopper.send(signal.SIGINT)
    assert stopper.ended() == 1, stopper.said
    assert "nothing was changed" not in stopper.said
    wait_for(lambda: not alive(idle), "the machine kills it", 60)
    assert box.served() == "2"


def test_an_interrupted_end_of_the_sandbox_is_not_said_to_have_changed_nothing(box: Box) -> None:
    box.deployed("1", ignores_term=True)
    sshd = int((box.folder / ".sandbox" / "ssh" / "sshd.pid").read_text())
    stopper = Deployer(box.start("sandbox", "--stop"))
    wait_for(lambda: not alive(sshd), "the end of sshd", 60)
    stopper.send(signal.SIGINT)
    assert stopper.ended() == 1, stopper.said
    assert "bluegreen sandbox --stop" in stopper.said
