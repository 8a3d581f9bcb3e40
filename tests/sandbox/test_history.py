"""history: the journal, newest first, with outcomes."""

from __future__ import annotations

import json

from tests.support.box import Box
from tests.support.on_host import release_of


def test_history_lists_each_deploy_once_newest_first_with_its_outcome(box: Box) -> None:
    box.deployed("1")
    assert box.deploy("2", die_starting=True).code == 1
    box.deployed("3")
    assert box.run("rollback").code == 0
    entries = box.history()
    assert [(each["command"], each["version"], each["outcome"]) for each in entries] == [
        ("rollback", "1", "switched"),
        ("deploy", "3", "switched"),
        ("deploy", "2", "failed"),
        ("deploy", "1", "switched"),
    ]
    newest, _, failed, oldest = entries
    assert newest["bad"] == [release_of(box, "3")]
    assert newest["from_version"] == "3"
    assert "prod1 died while starting" in failed["reason"]
    assert (oldest["from_slot"], oldest["from_version"]) == ("prod1", None)
    assert all(each["seconds"] > 0 for each in entries)

    lines = box.run("history").out.splitlines()
    rows = [line for line in lines if line.startswith("20")]
    assert [row.split()[1] for row in rows] == ["rollback", "deploy", "deploy", "deploy"]
    assert "failed" in rows[2]
    assert "prod1 died while starting" in rows[2]


def test_history_of_a_host_without_deploys_reports_that(box: Box) -> None:
    assert "no deploys yet" in box.run("history").out
    assert box.history() == []


def test_a_line_of_the_journal_that_was_cut_is_passed_over(box: Box) -> None:
    box.deployed("1")
    with (box.base / "history.jsonl").open("a") as journal:
        journal.write('{"run": "x", "command": "dep')
    box.deployed("2")
    assert [each["version"] for each in box.history()] == ["2", "1"]


def test_the_json_of_history_is_alone_on_stdout(box: Box) -> None:
    box.deployed("1")
    ran = box.run("history", "--json")
    data = json.loads(ran.out)
    assert (data["host"], data["app"]) == ("sandbox", "taggle")
    assert [machine["address"] for machine in data["machines"]] == ["127.0.0.1"]


def test_a_long_reason_is_marked_as_cut_and_whole_in_the_json(box: Box) -> None:
    box.deployed("1")
    reason = "prod1 is not UP because " + "of this and " * 20 + "that"
    entry = {"run": "x", "command": "deploy", "at": "2026-11-23T01:00:00Z", "by": "kim", "outcome": "failed"}
    with (box.base / "history.jsonl").open("a") as journal:
        journal.write(json.dumps({**entry, "reason": reason}) + "\n")
    row = next(line for line in box.run("history").out.splitlines() if "prod1 is not UP" in line)
    assert row.rstrip().endswith("…")
    assert box.history()[0]["reason"] == reason
