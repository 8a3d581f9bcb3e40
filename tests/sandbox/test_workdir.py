"""P9: what the application writes survives every release, wherever it ran before (case 06)."""

from __future__ import annotations

import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.box import Box
from tests.support.jvm import QUICK_JAVA
from tests.support.on_host import release_of, versions
from tests.support.processes import alive
from tests.support.under_traffic import nothing_lost
from tests.support.waiting import wait_for


def write(box: Box, name: str, text: str) -> None:
    """Lets the application write to a file of its working directory, as an upload does."""
    request = urllib.request.Request(f"{box.sandbox.url}/files/{name}", data=text.encode(), method="POST")
    with urllib.request.urlopen(request, timeout=40) as answer:
        assert answer.status == 200


def read(box: Box, name: str) -> str:
    """What the application reads from there."""
    code, text = box.get(f"/files/{name}")
    return text if code == 200 else f"{code}"


@contextmanager
def started_by_hand(box: Box, folder: Path, *options: str, profiles: str = "prod1") -> Iterator[int]:
    """A JVM in prod1 as the old scripts start it, in a folder of its own; gives its pid."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(box.jar("0"), folder / "app.jar")
    port = box.sandbox.slots["prod1"]
    words = [*QUICK_JAVA, *options, f"-Dspring.profiles.active={profiles}", f"-Dserver.port={port}"]
    process = subprocess.Popen(
        ["java", *words, "-jar", "app.jar"], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
    )
    try:
        wait_for(lambda: box.served() == "0", "the JVM started by hand", 60)
        yield process.pid
    finally:
        process.kill()
        process.wait()


def test_p9_files_survive_six_deploys_and_two_rollbacks_with_keep_1(box: Box) -> None:
    box.configure(releases={"keep": 1}, old_slot={"after_switch": "stop"})
    box.deployed("1")
    write(box, "uploads/first.txt", "first")
    with nothing_lost(box):
        for version in "23456":
            box.deployed(version)
            write(box, "data/shop.mv.db", version)
            if version in "35":
                assert box.run("rollback").code == 0
    assert read(box, "uploads/first.txt") == "first"
    assert read(box, "data/shop.mv.db") == "23456"
    assert sorted(file.name for file in (box.base / "shared").iterdir()) == ["data", "uploads"]


def test_p9_the_folder_where_the_application_ran_so_far_is_taken_over(box: Box, tmp_path: Path) -> None:
    folder = tmp_path / "app"
    with started_by_hand(box, folder) as pid:
        (folder / "config").mkdir()
        (folder / "config" / "application-prod.yml").write_text("a: b\n")
        write(box, "uploads/first.txt", "first")
        refused = box.deploy("1")
        assert refused.code == 1
        assert "java: {profiles: [prod]}" in refused.all
        plan = box.deploy("1", "--dry-run", "--force", "profiles")
        assert f"{box.base}/shared is a link to {folder}" in plan.all
        assert not (box.base / "shared").exists()
        with nothing_lost(box):
            ran = box.deploy("1", "--force", "profiles")
            assert ran.code == 0, ran.all
            assert f"a link to {folder}; nothing was moved" in ran.all
            box.deployed("2", "--force", "profiles")
        assert not alive(pid)
    assert (box.base / "shared").readlink() == folder
    assert read(box, "uploads/first.txt") == "first"
    assert read(box, "config/application-prod.yml") == "a: b\n"


def test_p9_retention_removes_no_file_that_bluegreen_did_not_write(box: Box) -> None:
    box.configure(releases={"keep": 1}, old_slot={"after_switch": "stop"})
    box.deployed("1")
    write(box, "notes.txt", "new")
    folder = box.base / "releases" / release_of(box, "1")
    box.deployed("2")
    # As bluegreen 0.1 left it. It exists in the working directory, too, so it is not moved there.
    (folder / "notes.txt").write_text("old")
    ran = box.deployed("3")
    assert f"{folder} stays with what bluegreen did not write: notes.txt" in ran.all
    assert [file.name for file in folder.iterdir()] == ["notes.txt"]
    assert (folder / "notes.txt").read_text() == "old"
    assert read(box, "notes.txt") == "new"
    assert versions(box) == ["2", "3"]


def test_p9_files_in_folders_of_releases_are_moved_once_and_the_newest_stays(box: Box) -> None:
    box.deployed("1")
    box.deployed("2")
    first, second = (box.base / "releases" / release_of(box, version) for version in "12")
    (first / "uploads").mkdir()
    (first / "uploads" / "old.txt").write_text("old")
    (first / "uploads" / "both.txt").write_text("old")
    (second / "uploads").mkdir()
    (second / "uploads" / "both.txt").write_text("new")
    (second / "uploads" / "new.txt").write_text("new")
    check = box.run("check")
    assert f"{first.name}: uploads" in check.all
    ran = box.deployed("3")
    assert f"moved from releases/{second.name}" in ran.all
    uploads = box.base / "shared" / "uploads"
    assert {file.name: file.read_text() for file in uploads.iterdir()} == {
        "old.txt": "old",
        "both.txt": "new",
        "new.txt": "new",
    }
    assert (first / "uploads" / "both.txt").read_text() == "old"
    assert f"{first} keeps files" in ran.all


def test_p9_a_working_directory_of_config_is_used_and_made(box: Box, tmp_path: Path) -> None:
    box.configure(java={"workdir": str(tmp_path / "there")})
    box.deployed("1")
    write(box, "a.txt", "a")
    assert (tmp_path / "there" / "a.txt").read_text() == "a"
    assert not (box.base / "shared").exists()
    pid = box.pid("prod2")
    assert Path(f"/proc/{pid}/cwd").readlink() == tmp_path / "there"
