"""Releases: named, never changed, sent once, kept as long as they may be needed (P9)."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from tests.support.box import Box
from tests.support.on_host import last_entry, release_of, versions


def test_p9_a_release_is_the_jar_with_its_facts_and_nobody_writes_it_again(box: Box) -> None:
    jar = box.jar("1", padding_bytes=200_000)
    assert box.run("deploy", "--jar", str(jar)).code == 0
    folder = box.base / "releases" / release_of(box, "1")
    whole = jar.read_bytes()
    assert (folder / "app.jar").read_bytes() == whole
    facts = json.loads((folder / "release.json").read_text())
    assert facts["sha256"] == hashlib.sha256(whole).hexdigest()
    assert facts["size_bytes"] == len(whole)
    assert facts["jar"] == jar.name
    assert {path.name: path.stat().st_mode & 0o222 for path in folder.iterdir()} == {
        "app.jar": 0,
        "release.json": 0,
    }
    assert (box.base / "slots" / "prod2").readlink() == Path("..", "releases", folder.name)


def test_p9_the_same_bytes_are_not_sent_twice_and_are_a_release_of_their_own(box: Box) -> None:
    jar = box.jar("1", padding_bytes=200_000)
    assert box.run("deploy", "--jar", str(jar), "--version", "a").code == 0
    ran = box.run("deploy", "--jar", str(jar), "--version", "b")
    assert ran.code == 0, ran.all
    assert "the machine already had these bytes" in ran.out
    first, second = (box.base / "releases" / release_of(box, version) for version in "ab")
    assert (second / "app.jar").read_bytes() == jar.read_bytes()
    assert (second / "app.jar").samefile(first / "app.jar"), "no room is taken twice"
    assert last_entry(box)["release"] == second.name


def test_p9_of_the_good_releases_the_last_are_kept_and_those_in_the_slots(box: Box) -> None:
    box.configure(releases={"keep": 2})
    for version in ("1", "2"):
        box.deployed(version)
    assert versions(box) == ["1", "2"]
    ran = box.deployed("3")
    assert "removed by retention: " in ran.out
    assert versions(box) == ["2", "3"]
    # The live release and the good one before it stay, however many were refused since.
    assert box.deploy("4", die_starting=True).code == 1
    assert box.deploy("5", die_starting=True).code == 1
    assert versions(box) == ["2", "3", "4", "5"]
    box.deployed("6")
    assert versions(box) == ["3", "6"], "what was refused is no good release"
    assert box.served() == "6"


def test_p9_good_releases_are_kept_however_many_lines_the_journal_has_since(box: Box) -> None:
    box.configure(releases={"keep": 1000})
    for version in ("1", "2", "3"):
        box.deployed(version)
    journal = box.base / "history.jsonl"
    refused = {"command": "deploy", "at": "2026-11-23T01:00:00Z", "by": "kim", "outcome": "failed"}
    with journal.open("a") as file:
        for number in range(700):
            file.write(json.dumps({**refused, "run": str(number), "release": f"refused-{number}"}) + "\n")
    box.deployed("4")
    assert versions(box) == ["1", "2", "3", "4"]
    assert {each["state"] for each in box.machine()["releases"]} == {"good"}
    ran = box.run("rollback", "--to", "1")
    assert ran.code == 0, ran.all
    assert box.served() == "1"


def test_p9_a_release_that_a_lost_journal_named_alone_is_kept(box: Box) -> None:
    box.configure(releases={"keep": 1})
    for version in ("1", "2"):
        box.deployed(version)
    (box.base / "history.jsonl").unlink()
    box.deployed("3")
    box.deployed("4")
    assert versions(box) == ["1", "3", "4"], "of 1 nothing is known; 2 served when 3 came"


def test_p9_a_release_in_a_slot_is_kept_though_it_is_not_among_the_last_good(box: Box) -> None:
    box.configure(releases={"keep": 1})
    box.deployed("1")
    box.deployed("2")
    assert versions(box) == ["1", "2"], "1 still runs"
    assert box.run("rollback").code == 0
    assert versions(box) == ["1", "2"], "2 is bad, and still runs"
    box.deployed("3")
    assert versions(box) == ["1", "2", "3"], "users were moved away from 2 last"
    box.deployed("4")
    box.deployed("5")
    assert versions(box) == ["2", "4", "5"]


def test_a_version_is_called_what_the_command_says_before_all_else(box: Box) -> None:
    jar = box.jar("1.4.0")
    ran = box.run("deploy", "--jar", str(jar), "--version", "spring cleaning", environ=COMMIT)
    assert ran.code == 0, ran.all
    assert versions(box) == ["spring cleaning"]


def test_a_version_is_the_commit_on_github_also_where_an_input_was_left_blank(box: Box) -> None:
    ran = box.run("deploy", "--jar", str(box.jar("1.4.0")), "--version", " ", environ=COMMIT)
    assert ran.code == 0, ran.all
    assert versions(box) == ["0123456789ab"]


def test_a_version_is_what_the_manifest_says_else_the_bytes(box: Box) -> None:
    assert box.run("deploy", "--jar", str(box.jar("1.4.0"))).code == 0
    nameless = box.jar("1.5.0", implementation_version=False)
    assert box.run("deploy", "--jar", str(nameless)).code == 0
    assert versions(box) == ["1.4.0", hashlib.sha256(nameless.read_bytes()).hexdigest()[:12]]


COMMIT = {"GITHUB_SHA": "0123456789abcdef0123456789abcdef01234567"}
