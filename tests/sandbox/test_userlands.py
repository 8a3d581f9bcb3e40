"""The whole course on machines whose tools are not GNU's: busybox with its shell, and uutils (case 01)."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from bluegreen import config
from bluegreen.sandbox import embedded
from tests.support.box import Box
from tests.support.on_host import live_pid
from tests.support.processes import alive
from tests.support.under_traffic import nothing_lost
from tests.support.userlands import USERLANDS, Userland, tools

pytestmark = pytest.mark.parametrize("userland", USERLANDS)


@pytest.fixture
def there(box: Box, userland: Userland, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Box:
    """The sandbox as a machine with that userland; the deployer keeps the tools of this machine."""
    path = os.environ["PATH"]
    place = box.folder / ".sandbox"
    embedded.stop(place)
    monkeypatch.setenv("PATH", f"{tools(tmp_path, userland)}:{path}")
    embedded.start(config.load(box.folder / "config.yml").host(None), place)
    monkeypatch.setenv("PATH", path)
    return box


def test_p1_p2_the_whole_course_works_as_with_gnu(there: Box) -> None:
    there.configure(
        health={"timeout": "15s"},
        switch={"watch": "1s", "method": "instant"},
        old_slot={"after_switch": "stop", "drain": "5s", "stop_timeout": "5s"},
    )
    there.deployed("1")
    old = live_pid(there, "prod2")
    with nothing_lost(there) as traffic:
        ran = there.deployed("2")
        # SIGTERM was enough: a wrong clock made it SIGKILL at once.
        assert "killed" not in ran.all
        assert not alive(old)
        assert there.deploy("3", health="never-up").code == 1
        assert there.run("rollback").code == 0
    assert set(traffic.answered) == {"1", "2"}
    assert [entry["outcome"] for entry in there.history()] == ["switched", "failed", "switched", "switched"]


def test_p2_with_reload_nothing_that_is_under_way_is_lost(there: Box) -> None:
    there.configure(switch={"method": "reload"}, old_slot={"after_switch": "stop", "drain": "60s"})
    there.deployed("1")
    there.deployed("2")
    assert there.served() == "2"


def test_readers_report_what_is_there(there: Box, userland: Userland) -> None:
    there.deployed("1")
    machine = there.machine()
    live = machine["slots"]["prod2"]
    assert (machine["live"], live["version"], live["health"]) == ("prod2", "1", "UP")
    assert live["memory_bytes"] > 0
    check = there.run("check")
    assert check.code == 0, check.all
    assert "✓ clock" in check.all, check.all
    logs = there.run("logs")
    assert logs.code == 0, logs.all
    assert logs.out.strip()
    assert there.run("stop").code == 0


def test_a_port_that_another_process_holds_is_named(there: Box) -> None:
    with socket.create_server(("127.0.0.1", there.sandbox.slots["prod2"])):
        ran = there.deploy("1")
    assert ran.code == 1
    assert f"{os.getpid()}" in ran.all
