"""P7, one at a time: the lock is taken by one, freed by its end however it ends, and fences off the rest."""

from __future__ import annotations

import re
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bluegreen import jar as jars
from bluegreen.errors import Locked
from bluegreen.host import journal, lock, releases, route, slots
from bluegreen.host import look as looking
from bluegreen.host.journal import Entry
from bluegreen.host.look import State
from bluegreen.host.machine import LockLost, Machine
from bluegreen.remote import limits
from tests.support.box import Box
from tests.support.incidents import Moment, cut_connections, deploying, deploying_at, machine_of, ssh_port
from tests.support.servers import Relay
from tests.support.waiting import wait_for

ON_GITHUB = {
    "GITHUB_ACTOR": "alice",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "example/taggle",
    "GITHUB_RUN_ID": "4711",
}


def test_p7_the_loser_names_the_winner_and_changes_nothing(box: Box) -> None:
    box.configure(health={"timeout": "2m"})
    winner = deploying(box, "1", environ=ON_GITHUB, start_s=120)
    wait_for((box.base / "run" / "prod2.pid").exists, "the winner starts its JVM")
    while_held, before = box.machine()["lock"], _files(box)

    loser = box.deploy("2")

    assert loser.code == 4, loser.all
    assert re.search(r"locked by alice since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ \(deploy, run ", loser.all)
    assert "https://github.com/example/taggle/actions/runs/4711" in loser.all
    assert _files(box) == before
    assert winner.process.poll() is None, winner.said
    assert (while_held["by"], while_held["command"]) == ("alice", "deploy")
    assert while_held["url"] == "https://github.com/example/taggle/actions/runs/4711"
    assert [(each["version"], each["outcome"]) for each in box.history()] == [("1", "running")]
    winner.send(signal.SIGTERM)
    winner.ended()
    assert box.machine()["lock"] is None


def test_p7_of_deploys_begun_at_once_exactly_one_wins(box: Box) -> None:
    deployers = [deploying(box, str(number), start_s=3) for number in range(3)]
    codes = sorted(deployer.ended() for deployer in deployers)
    assert codes == [0, 4, 4], [deployer.said for deployer in deployers]
    assert len(box.history()) == len(box.machine()["releases"]) == 1


@pytest.mark.parametrize("moment", ["upload", "start", "watch"])
def test_p7_after_sigkill_of_the_winner_the_next_deploy_runs_at_once(box: Box, moment: Moment) -> None:
    box.deployed("1")
    winner = deploying_at(box, "2", moment, "prod1")
    winner.send(signal.SIGKILL)
    winner.ended()
    box.configure(switch={"watch": 0})
    jar = box.jar("3")

    began = time.monotonic()
    ran = box.run("deploy", "--jar", str(jar), "--version", "3")

    assert ran.code == 0, ran.all
    assert time.monotonic() - began < limits.LOCK_SILENCE_S
    assert box.served() == "3"
    assert list(box.base.glob("releases/.*.partial")) == []


def test_p7_what_a_dead_holder_wrote_is_not_shown_as_held(box: Box) -> None:
    box.deployed("1")
    (box.base / "lock").write_text(
        '0123 {"by": "a ghost", "since": "2020-01-01T00:00:00Z", "command": "deploy"}\n'
    )
    assert box.machine()["lock"] is None
    assert "ghost" not in box.deployed("2").all


def test_p7_looking_never_stands_in_the_way_of_taking_the_lock(box: Box) -> None:
    over = threading.Event()
    looks = []

    def look_again_and_again() -> None:
        with machine_of(box) as machine:
            while not over.is_set():
                looks.append(looking.look(machine).lock)

    lookers = [threading.Thread(target=look_again_and_again) for _ in range(3)]
    for looker in lookers:
        looker.start()
    try:
        with machine_of(box) as machine:
            taken = 0
            # As often as it takes for the two to have met, however busy this machine is.
            while taken < 20 or len(looks) < 20:
                with lock.held(machine, "deploy"):
                    taken += 1
    finally:
        over.set()
        for looker in lookers:
            looker.join()


STEPS: dict[str, Callable[[Machine, State, Path], object]] = {
    "upload": lambda machine, view, jar: _upload(machine, view, jar),
    "start": lambda machine, view, jar: slots.start(
        machine, "prod1", view.releases[0].id, view.proxy.route, {"A": "b"}
    ),
    "stop": lambda machine, view, jar: slots.stop(machine, "prod1", view.proxy.route),
    "switch": lambda machine, view, jar: route.switch(
        machine, view.proxy, "prod1", named=True, back=False, answer_s=1.0
    ),
    "convert": lambda machine, view, jar: route.convert(machine, view.proxy, "prod1"),
    "preview": lambda machine, view, jar: route.preview(machine, view.proxy, "prod1"),
    "journal": lambda machine, view, jar: journal.append(
        machine, Entry("run", "deploy", journal.now(), "me"), prune=[view.releases[0].id]
    ),
}


@pytest.mark.parametrize("step", STEPS)
def test_p7_a_step_whose_lock_is_anothers_is_refused_and_changes_nothing(box: Box, step: str) -> None:
    box.deployed("1")
    box.deployed("2")
    box.deployed("3")
    jar = box.jar("4")
    with machine_of(box) as machine:
        with lock.held(machine, "deploy") as before:
            pass
        view, files, pids = looking.look(machine), _files(box), _pids(machine)
        with lock.held(machine, "deploy"), pytest.raises(LockLost):
            STEPS[step](before, view, jar)
        # And with nobody holding it: whoever held it once may not go on.
        with pytest.raises(LockLost):
            STEPS[step](before, view, jar)
        assert _pids(machine) == pids
    assert _files(box) == files
    assert box.served() == "3"


def test_p7_a_network_that_goes_silent_frees_the_lock(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LOCK_HEARTBEAT_S", 0.3)
    monkeypatch.setattr(limits, "LOCK_SILENCE_S", 2)
    direct, relay = box.sandbox.ssh_port, Relay(box.sandbox.ssh_port)
    ssh_port(box, relay.port)
    with machine_of(box) as silenced:
        ssh_port(box, direct)
        with machine_of(box) as other, lock.held(silenced, "deploy"):
            # Longer than the silence: a living network keeps it.
            time.sleep(3)
            with pytest.raises(Locked), lock.held(other, "deploy"):
                pass
            relay.silent = True
            began = time.monotonic()
            wait_for(lambda: looking.look(other).lock is None, "the lock is free", 10)
            assert time.monotonic() - began < 6
            with lock.held(other, "deploy"):
                pass
        relay.close()


def test_p7_a_lock_that_another_had_in_between_is_not_taken_again(box: Box) -> None:
    with machine_of(box) as first, machine_of(box) as other, lock.held(first, "deploy") as ours:
        cut_connections(box)
        wait_for(lambda: box.machine()["lock"] is None, "the lock is free")
        ours.connection.close()
        ours.connection.connect()
        # Nobody had it: it is as before.
        lock.take_again(ours, "deploy")
        cut_connections(box)
        wait_for(lambda: box.machine()["lock"] is None, "the lock is free")
        other.connection.close()
        other.connection.connect()
        with lock.held(other, "deploy"):
            pass
        ours.connection.close()
        ours.connection.connect()
        with pytest.raises(LockLost):
            lock.take_again(ours, "deploy")


@pytest.mark.parametrize("moment", ["health", "watch"])
def test_p7_a_deployer_that_was_away_too_long_does_not_go_on(box: Box, moment: Moment) -> None:
    box.deployed("1")
    away = deploying_at(box, "2", moment, "prod1", impatient=True)
    away.send(signal.SIGSTOP)
    wait_for(lambda: box.machine()["lock"] is None, "the lock frees itself", 20)
    box.configure(switch={"watch": 0})
    box.deployed("3")
    before, include = box.machine()["slots"], box.include.read_text()

    away.send(signal.SIGCONT)

    assert away.ended() == 1, away.said
    assert "lost the deploy lock" in away.said
    assert "(untouched)" not in away.said
    assert (box.served(), box.include.read_text()) == ("3", include)
    assert _running(box.machine()["slots"]) == _running(before)
    assert [(each["version"], each["outcome"]) for each in box.history()] == [
        ("3", "switched"),
        ("2", "interrupted"),
        ("1", "switched"),
    ]


def test_p7_silence_is_noticed_within_fifteen_seconds() -> None:
    assert limits.LOCK_HEARTBEAT_S * 2 < limits.LOCK_SILENCE_S <= 15


def _upload(machine: Machine, view: State, file: Path) -> bool:
    jar = jars.inspect(file)
    return releases.upload(machine, releases.new(jar, "4", by="me", url=None), jar, view.releases)


def _files(box: Box) -> dict[str, object]:
    """Everything that a deploy may change, except the lock and the logs that live JVMs write."""
    files: dict[str, object] = {"include": box.include.read_text()}
    files["markers"] = sorted(file.name for file in box.runtime.iterdir())
    for file in sorted(box.base.rglob("*")):
        name = str(file.relative_to(box.base))
        if name.startswith(("lock", "logs")):
            continue
        files[name] = file.readlink() if file.is_symlink() else file.stat().st_mtime_ns
    return files


def _pids(machine: Machine) -> dict[str, int | None]:
    return {name: slot.pid for name, slot in looking.look(machine).slots.items()}


def _running(slots: dict[str, dict[str, object]]) -> list[tuple[object, object, object]]:
    return [(slot["pid"], slot["release"], slot["health"]) for slot in slots.values()]
