"""P5, P8, P9: connections cut, disks full, a host that goes down, bytes that are lost. Needs: root."""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bluegreen import jar as jars
from bluegreen.errors import BluegreenError, Failed
from bluegreen.host import lock, releases
from bluegreen.host import look as looking
from bluegreen.sandbox import processes
from bluegreen.sandbox.folder import Folder
from tests.support.box import Box
from tests.support.incidents import (
    Deployer,
    Moment,
    cut_connections,
    deploying,
    deploying_at,
    jvms,
    machine_of,
    slow_switch,
)
from tests.support.under_traffic import nothing_lost
from tests.support.waiting import wait_for

# --- the connection --------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", ["upload", "start", "health"])
def test_p8_a_connection_cut_before_the_switch_fails_and_undoes(box: Box, moment: Moment) -> None:
    box.deployed("1")
    with nothing_lost(box) as seen:
        deployer = deploying_at(box, "2", moment, "prod1")
        cut_connections(box)
        assert deployer.ended() == 1, deployer.said
    assert set(seen.answered) == {"1"}
    assert "live now: prod2, version 1 (untouched)" in deployer.said
    machine = box.machine()
    assert (machine["live"], machine["lock"], machine["drift"]) == ("prod2", None, [])
    assert machine["slots"]["prod1"]["running"] is False
    assert len(jvms(box)) == 1
    assert _outcome(box) == ("2", "failed")
    assert list(box.base.glob("releases/.*.partial")) == []
    box.deployed("3")
    assert box.served() == "3"


@pytest.mark.parametrize("moment", ["switch", "watch"])
def test_p8_a_connection_cut_after_the_switch_began_is_taken_up_again(box: Box, moment: Moment) -> None:
    box.deployed("1")
    with nothing_lost(box):
        deployer = deploying_at(box, "2", moment, "prod1")
        cut_connections(box)
        assert deployer.ended() == 0, deployer.said
    assert box.served() == "2"
    machine = box.machine()
    assert (machine["live"], machine["lock"], machine["drift"]) == ("prod1", None, [])
    assert _outcome(box) == ("2", "switched")


def test_p5_a_switch_that_is_cut_off_and_fails_undoes_itself_on_the_host(box: Box) -> None:
    box.deployed("1")
    include, markers = box.include.read_text(), _markers(box)
    with nothing_lost(box) as seen:
        pauses = slow_switch(box, then="exit 1")
        deployer = deploying(box, "2")
        _wait(deployer, pauses.exists)
        cut_connections(box)
        assert deployer.ended() == 1, deployer.said
    assert "the machine did not switch" in deployer.said
    assert set(seen.answered) == {"1"}
    assert (box.include.read_text(), _markers(box)) == (include, markers)
    assert sorted(file.name for file in box.include.parent.iterdir()) == ["service-url.inc", "site.conf"]
    assert _outcome(box) == ("2", "failed")


def test_p8_a_host_that_cannot_be_reached_again_is_a_case_for_a_person(box: Box) -> None:
    box.deployed("1")
    deployer = deploying_at(box, "2", "switch", "prod1")
    # The listener first: nobody gets in any more.
    os.kill(int((box.folder / ".sandbox" / "ssh" / "sshd.pid").read_text()), signal.SIGKILL)
    for process in processes.servers(Folder.at(box.folder / ".sandbox"), "sshd"):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    assert deployer.ended() == 6, deployer.said
    assert "finishes or undoes itself" in deployer.said
    assert "status --host sandbox" in deployer.said
    assert box.run("sandbox").code == 0
    wait_for(lambda: box.served() == "2", "the host ends the switch by itself")
    assert box.machine()["drift"] == []
    box.deployed("3")


# --- the disk ----------------------------------------------------------------------------------------


def test_p9_an_upload_for_which_there_is_no_room_is_not_begun(box: Box) -> None:
    with _small_disk(box.base, megabytes=40) as fill:
        box.deployed("1")
        fill(leave_megabytes=25)
        ran = box.deploy("2", padding_bytes=10_000_000)
        assert ran.code == 1, ran.all
        assert "is free; a release needs 30.0 MB" in ran.all
        assert "live now: prod2, version 1" in ran.all
        assert box.served() == "1"
        assert len(list(box.base.glob("releases/*"))) == 1


def test_p8_a_disk_that_fills_up_during_the_upload_leaves_no_release(box: Box) -> None:
    with _small_disk(box.base, megabytes=100) as fill:
        box.deployed("1")
        jar = box.jar("2", padding_bytes=60_000_000)
        with nothing_lost(box) as seen:
            filling = threading.Thread(target=_once_uploading, args=(box, lambda: fill(leave_megabytes=0)))
            filling.start()
            ran = box.run("deploy", "--jar", str(jar), "--version", "2")
            filling.join()
        assert ran.code == 1, ran.all
        assert "No space left on device" in ran.all
        assert "live now: prod2, version 1 (untouched)" in ran.all
        assert set(seen.answered) == {"1"}
        assert [folder.name for folder in box.base.glob("releases/*")] == [
            box.machine()["slots"]["prod2"]["release"]
        ]
        assert list(box.base.glob("releases/.*")) == []


def test_p8_on_a_full_disk_status_works_and_so_does_the_rollback_to_the_warm_slot(box: Box) -> None:
    with _small_disk(box.base, megabytes=40) as fill:
        box.deployed("1")
        box.deployed("2")
        # To the end of its last block, so that it has no room of its own.
        journal = box.base / "history.jsonl"
        journal.write_text(journal.read_text().ljust(8191) + "\n")
        fill(leave_megabytes=0)
        assert box.machine()["live"] == "prod1"
        for expected in ("1", "2", "1"):
            with nothing_lost(box):
                ran = box.run("rollback", *([] if expected == "1" else ["--to", "2"]))
                assert ran.code == 0, ran.all
            assert box.served() == expected
        assert "`bluegreen history` will not show" in ran.all
        (box.base / "filling").unlink()
        box.deployed("3")
        assert box.served() == "3"


def test_p5_a_full_disk_under_the_include_leaves_nginx_as_it_was(box: Box) -> None:
    box.deployed("1")
    with _small_disk(box.include.parent, megabytes=1, keep=True) as fill:
        fill(leave_megabytes=0)
        include = box.include.read_text()
        with nothing_lost(box) as seen:
            ran = box.deploy("2")
        assert ran.code == 1, ran.all
        assert "No space left on device" in ran.all
        assert set(seen.answered) == {"1"}
        assert box.include.read_text() == include
        assert not any(file.name.startswith(".") for file in box.include.parent.iterdir())
        (box.include.parent / "filling").unlink()
        box.deployed("3")
        assert box.served() == "3"
        files = {file: file.read_text() for file in box.include.parent.iterdir()}
    for file, text in files.items():
        file.write_text(text)


# --- the host ----------------------------------------------------------------------------------------


def test_p8_after_a_reboot_status_tells_the_truth_and_the_next_deploy_works(box: Box) -> None:
    box.deployed("1")
    box.deployed("2")
    box.deployed("3")
    _power_cut(box)
    assert box.run("sandbox").code == 0

    machine = box.machine(code=6)

    assert (machine["live"], machine["lock"]) == ("prod2", None)
    assert [slot["running"] for slot in machine["slots"].values()] == [False, False]
    assert box.get("/version")[0] == 502
    box.deployed("4")
    assert box.served() == "4"
    assert box.machine()["drift"] == []


def test_p8_a_reboot_inside_a_switch_leaves_a_route_that_the_next_deploy_mends(box: Box) -> None:
    box.deployed("1")
    deploying_at(box, "2", "switch", "prod1")
    _power_cut(box)
    assert box.run("sandbox").code == 0
    assert box.machine(code=6)["live"] in ("prod1", "prod2")
    box.deployed("3")
    assert box.served() == "3"
    assert box.machine()["drift"] == []
    assert sorted(file.name for file in box.include.parent.iterdir()) == ["service-url.inc", "site.conf"]


# --- the releases --------------------------------------------------------------------------------------


def test_p9_bytes_that_are_not_the_jars_become_no_release(box: Box) -> None:
    box.deployed("1")
    jar = jars.inspect(box.jar("2", padding_bytes=1_000_000))
    release = releases.new(jar, "2", by="me", url=None)
    with machine_of(box) as machine, lock.held(machine, "deploy") as ours:
        with pytest.raises(Failed, match="incomplete"):
            releases.upload(ours, replace(release, sha256="0" * 64), jar, [])
        assert release.id not in [each.id for each in looking.look(ours).releases]
        assert not any(file.name.startswith(".") for file in (box.base / "releases").iterdir())
        assert releases.upload(ours, release, jar, [])
    assert release.id in [each["id"] for each in box.machine()["releases"]]


def test_p9_an_upload_that_is_cut_short_becomes_no_release(box: Box) -> None:
    jar = jars.inspect(box.jar("1", padding_bytes=100_000_000))
    release = releases.new(jar, "1", by="me", url=None)

    def cut(sent_bytes: int) -> None:
        if sent_bytes > 20_000_000:
            cut_connections(box)

    with (
        pytest.raises(BluegreenError, match=r"connection to 127\.0\.0\.1 ended"),
        machine_of(box) as machine,
        lock.held(machine, "deploy") as ours,
    ):
        releases.upload(ours, release, jar, [], cut)
    wait_for(lambda: list((box.base / "releases").iterdir()) == [], "nothing of it is left")
    box.deployed("2")


def test_p9_releases_are_read_only_and_stay_as_they_were_uploaded(box: Box) -> None:
    # What the one that never gets UP has: the others are UP in a fraction of it.
    box.configure(health={"timeout": "5s"})
    seen: dict[Path, str] = {}
    steps: list[Callable[[], object]] = [
        lambda: box.deployed("1"),
        lambda: box.deployed("2"),
        lambda: box.run("rollback"),
        lambda: box.deployed("3"),
        lambda: box.deploy("4", health="part-up"),
        lambda: box.run("rollback"),
        lambda: box.deployed("5"),
    ]
    for step in steps:
        step()
        now = {file: hashlib.sha256(file.read_bytes()).hexdigest() for file in _release_files(box)}
        kept = {file: sha256 for file, sha256 in seen.items() if file in now}
        assert {file: now[file] for file in kept} == kept
        seen = now
    # Versions 5 and 1 are in the slots, and 3 is the release that users were moved away from last.
    assert len(seen) == 6
    assert {oct(file.stat().st_mode & 0o777) for file in seen} == {"0o444"}
    assert box.served() == "5"


def _release_files(box: Box) -> list[Path]:
    return [file for file in (box.base / "releases").rglob("*") if file.is_file()]


def _outcome(box: Box) -> tuple[str, str]:
    newest = box.history()[0]
    return newest["version"], newest["outcome"]


def _markers(box: Box) -> list[str]:
    return sorted(file.name for file in box.runtime.iterdir())


def _wait(deployer: Deployer, condition: Callable[[], bool]) -> None:
    wait_for(lambda: condition() or deployer.process.poll() is not None, "the moment", 60)
    assert deployer.process.poll() is None, deployer.said


def _once_uploading(box: Box, then: Callable[[], None]) -> None:
    wait_for(lambda: any(box.base.glob("releases/.*.partial/app.jar")), "the upload")
    then()


def _power_cut(box: Box) -> None:
    for _ in range(3):
        for process in processes.all_of(Folder.at(box.folder / ".sandbox")):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
    wait_for(lambda: not processes.all_of(Folder.at(box.folder / ".sandbox")), "everything is down")
    for marker in box.runtime.iterdir():
        marker.unlink()


@contextlib.contextmanager
def _small_disk(folder: Path, *, megabytes: int, keep: bool = False) -> Iterator[Callable[..., None]]:
    """A disk of its own for a folder of the host; gives what fills it up."""
    files = {file.name: file.read_bytes() for file in folder.iterdir()} if keep else {}
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)], check=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)

    def fill(*, leave_megabytes: int) -> None:
        with (folder / "filling").open("ab", buffering=0) as filling, contextlib.suppress(OSError):
            while _free_bytes(folder) > leave_megabytes * 1_000_000:
                filling.write(bytes(min(65536, max(1, _free_bytes(folder) - leave_megabytes * 1_000_000))))

    try:
        yield fill
    finally:
        # Lazily: JVMs hold files of it open until the sandbox ends.
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _free_bytes(folder: Path) -> int:
    filesystem = os.statvfs(folder)
    return filesystem.f_bavail * filesystem.f_frsize
