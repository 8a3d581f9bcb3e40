"""A host that is two machines: staged side by side, and all are switched or none. Here each is a sandbox."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from bluegreen import jar as jars
from bluegreen.commands import deploy as deploying
from bluegreen.commands import rollback as rolling_back
from bluegreen.commands.deploy import Order
from bluegreen.config import Settings
from bluegreen.console.terminal import Console
from bluegreen.errors import CannotConnect, Failed, Locked, SwitchedBack, Unclear
from bluegreen.host import lock
from bluegreen.host.machine import Machine
from bluegreen.rollout import fleet, promote, switching
from bluegreen.rollout.probing import Probes
from bluegreen.rollout.stage import Staged
from bluegreen.rollout.switching import Moved
from bluegreen.rollout.undo import Undo
from tests.support.box import Box, box_in
from tests.support.incidents import machine_of, settings_of, slow_switch, watches
from tests.support.on_host import live_pid
from tests.support.under_traffic import nothing_lost
from tests.support.waiting import wait_for

# Gives the machine its jar: the same for each, unless one is to fare otherwise.
Deploy = Callable[..., None]

# So long that it shows if a watch goes on to its end.
WATCH_S = 240


@pytest.fixture
def boxes(box: Box, tmp_path: Path) -> Iterator[tuple[Box, Box]]:
    """Two sandboxes, on ports of their own."""
    with box_in(tmp_path / "second") as second:
        yield box, second


@pytest.fixture
def deploy(boxes: tuple[Box, Box], monkeypatch: pytest.MonkeyPatch) -> Deploy:
    """Deploys to both as to one host. Only who is connected to is put in its place: all else is real."""

    @contextlib.contextmanager
    def to_both(settings: Settings, console: Console, environ: Mapping[str, str]) -> Iterator[list[Machine]]:
        with contextlib.ExitStack() as stack:
            yield [
                stack.enter_context(machine_of(each, addresses=(address,)))
                for each, address in zip(boxes, ("127.0.0.1", "localhost"), strict=True)
            ]

    def run(version: str, **behaviour: object) -> None:
        jar = jars.inspect(boxes[0].jar(version, **behaviour))
        deploying.run(settings_of(boxes[0]), Order(jar, version), Console(), {})

    monkeypatch.setattr(deploying, "connected", to_both)
    return run


def test_all_machines_are_switched(boxes: tuple[Box, Box], deploy: Deploy) -> None:
    deploy("1")
    with nothing_lost(boxes[0]), nothing_lost(boxes[1]):
        deploy("2")
    assert [box.served() for box in boxes] == ["2", "2"]
    assert [_outcomes(box) for box in boxes] == [["switched", "switched"]] * 2


def test_no_machine_is_switched_before_every_one_is_up(
    boxes: tuple[Box, Box], deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy("1")
    seen: list[list[str | None]] = []
    switch_all = switching.switch_all

    def look_then_switch(staged: Sequence[Staged], undo: Undo, probes: Probes) -> list[Moved]:
        seen.append(
            [
                box.machine()["slots"][each.rollout.slot]["health"]
                for box, each in zip(boxes, staged, strict=True)
            ]
        )
        seen.append([box.served() for box in boxes])
        return switch_all(staged, undo, probes)

    monkeypatch.setattr(promote, "switch_all", look_then_switch)
    deploy("2")
    assert seen == [["UP", "UP"], ["1", "1"]]


def test_one_that_is_never_up_keeps_all_where_they_were(boxes: tuple[Box, Box], deploy: Deploy) -> None:
    deploy("1")
    # The second machine's health is asked at another path, where this application has none.
    boxes[1].configure(health={"path": "/nothing/here", "timeout": "2s"})
    with (
        nothing_lost(boxes[0]) as first,
        nothing_lost(boxes[1]) as second,
        pytest.raises(Failed, match="not UP within 2 s"),
    ):
        deploy("2")
    assert (set(first.answered), set(second.answered)) == ({"1"}, {"1"})
    assert [_outcomes(box)[0] for box in boxes] == ["failed", "failed"]
    assert [box.machine()["slots"]["prod1"]["running"] for box in boxes] == [False, False]


def test_a_switch_that_fails_takes_the_others_back(boxes: tuple[Box, Box], deploy: Deploy) -> None:
    deploy("1")
    slow_switch(boxes[1], then="exit 1")
    with nothing_lost(boxes[0]) as first, nothing_lost(boxes[1]) as second, ThreadPoolExecutor() as pool:
        under_way = pool.submit(_slow_answer_once_it_serves, boxes[0], "2")
        with pytest.raises(Failed, match="not switched to prod1"):
            deploy("2")
        assert [box.served() for box in boxes] == ["1", "1"]
    assert under_way.result() == (200, "2"), "what it had begun to answer it ended"
    assert set(second.answered) == {"1"}
    assert set(first.answered) == {"1", "2"}
    assert [box.machine()["live"] for box in boxes] == ["prod2", "prod2"]
    assert [_outcomes(box)[0] for box in boxes] == ["switched back", "failed"]


def test_a_machine_that_cannot_go_back_is_a_case_for_a_person(
    boxes: tuple[Box, Box], deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy("1")
    # The first takes the switch, and refuses the way back; the second refuses at once.
    for box, refuses_from in ((boxes[0], 2), (boxes[1], 1)):
        count = box.folder / "count"
        refuses = f'echo >>"{count}"; [ "$(wc -l <"{count}")" -lt {refuses_from} ] || exit 1'
        slow_switch(box, seconds=0, then=refuses)
    with pytest.raises(Unclear, match="another one could not be switched back"):
        deploy("2")
    assert [box.served() for box in boxes] == ["2", "1"]


def test_a_rollback_without_a_machine_that_is_down_names_it_in_the_journal(
    boxes: tuple[Box, Box],
    deploy: Deploy,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    deploy("1")
    deploy("2")

    @contextlib.contextmanager
    def one_of_two(
        settings: Settings, console: Console, environ: Mapping[str, str]
    ) -> Iterator[fleet.Reached]:
        with machine_of(boxes[0]) as machine:
            yield fleet.Reached((machine,), {"localhost": CannotConnect("localhost is down")})

    monkeypatch.setattr(rolling_back, "reached", one_of_two)
    with pytest.raises(CannotConnect, match="nothing was changed"):
        rolling_back.run(settings_of(boxes[0]), None, Console(), {})
    with nothing_lost(boxes[0]), nothing_lost(boxes[1]):
        rolling_back.run(settings_of(boxes[0]), None, Console(), {}, skip_unreachable=True)
    assert [box.served() for box in boxes] == ["1", "2"]
    assert boxes[0].history()[0]["skipped"] == ["localhost"]
    assert "without localhost" in boxes[0].run("history").out
    assert "! localhost was skipped" in capsys.readouterr().out


def test_one_that_fails_the_watch_takes_all_back_at_once(boxes: tuple[Box, Box], deploy: Deploy) -> None:
    deploy("1")
    for box in boxes:
        box.configure(switch={"watch": WATCH_S})
    with nothing_lost(boxes[1]) as second, ThreadPoolExecutor() as pool:
        killing = pool.submit(_kill_in_the_watch, boxes, "2")
        with pytest.raises(SwitchedBack):
            deploy("2")
    assert time.monotonic() - killing.result() < WATCH_S / 2, "the other machine's watch went on to its end"
    assert set(second.answered) == {"1", "2"}
    assert [box.served() for box in boxes] == ["1", "1"]
    assert [_outcomes(box)[0] for box in boxes] == ["switched back", "switched back"]


def test_p8_an_interrupt_in_the_watch_leaves_all_on_the_new_version(
    boxes: tuple[Box, Box], deploy: Deploy, capsys: pytest.CaptureFixture[str]
) -> None:
    deploy("1")
    for box in boxes:
        box.configure(switch={"watch": WATCH_S})
    with nothing_lost(boxes[0]), nothing_lost(boxes[1]), ThreadPoolExecutor() as pool:
        interrupting = pool.submit(_interrupt_in_the_watch, boxes, "2")
        deploy("2")
    assert time.monotonic() - interrupting.result() < WATCH_S / 2, "the watch went on to its end"
    assert "interrupted after the switch: the new version serves" in capsys.readouterr().out
    assert [box.served() for box in boxes] == ["2", "2"]
    assert [_outcomes(box)[0] for box in boxes] == ["switched", "switched"]


def test_p7_one_locked_machine_keeps_all_of_them_untouched(boxes: tuple[Box, Box], deploy: Deploy) -> None:
    with machine_of(boxes[1]) as other, lock.held(other, "deploy"), pytest.raises(Locked):
        deploy("1")
    assert [_outcomes(box) for box in boxes] == [[], []]
    assert [list((box.base / "releases").glob("*")) for box in boxes] == [[], []]
    with machine_of(boxes[0]) as first, fleet.locked([first], "deploy"):
        pass


def _kill_in_the_watch(boxes: tuple[Box, Box], version: str) -> float:
    _until_watched(boxes, version)
    os.kill(live_pid(boxes[0], "prod1"), signal.SIGKILL)
    return time.monotonic()


def _interrupt_in_the_watch(boxes: tuple[Box, Box], version: str) -> float:
    _until_watched(boxes, version)
    os.kill(os.getpid(), signal.SIGINT)
    return time.monotonic()


def _until_watched(boxes: tuple[Box, Box], version: str) -> None:
    wait_for(lambda: all(box.served() == version for box in boxes), f"{version} serves", 60)
    for box in boxes:
        wait_for(partial(watches, box, "prod1"), "it is watched", 60)


def _slow_answer_once_it_serves(box: Box, version: str) -> tuple[int, str]:
    wait_for(lambda: box.served() == version, f"{version} serves", 60)
    # Longer than a JVM that never served anybody is given to end.
    return box.get("/version?ms=3500")


def _outcomes(box: Box) -> list[str]:
    return [each["outcome"] for each in box.history()]
