"""The journal: the outcome of each deploy, and which releases are good."""

from __future__ import annotations

from dataclasses import replace

from bluegreen.host import journal
from bluegreen.host.journal import Entry, Outcome
from bluegreen.host.releases import Release, to_prune


def entry(run: str, release: str, outcome: Outcome = Outcome.SWITCHED, bad: tuple[str, ...] = ()) -> Entry:
    return Entry(
        run=run,
        command="deploy",
        at="2026-11-23T01:00:00Z",
        by="me",
        release=release,
        outcome=outcome,
        bad=bad,
    )


def journal_of(*entries: Entry) -> str:
    return "\n".join(each.line() for each in entries) + "\n"


def test_a_start_and_its_end_are_one_entry() -> None:
    ended = replace(entry("1", "a"), seconds=7.8)
    entries = journal.parse(journal_of(entry("1", "a", Outcome.RUNNING), ended), holder=None)
    assert entries == (ended,)


def test_a_start_without_an_end_is_interrupted() -> None:
    entries = journal.parse(journal_of(entry("1", "a", Outcome.RUNNING)), holder=None)
    assert [each.outcome for each in entries] == [Outcome.INTERRUPTED]


def test_a_start_without_an_end_is_running_while_its_run_holds_the_lock() -> None:
    entries = journal.parse(journal_of(entry("1", "a", Outcome.RUNNING)), holder="1")
    assert [each.outcome for each in entries] == [Outcome.RUNNING]


def test_p8_a_line_cut_by_a_full_disk_loses_only_itself() -> None:
    whole = journal_of(entry("1", "a"), entry("2", "b"))
    cut = whole.splitlines()[0][:40] + "\n" + whole
    assert [each.run for each in journal.parse(cut, holder=None)] == ["1", "2"]


def test_a_line_separator_in_a_reason_does_not_cut_the_line() -> None:
    failed = replace(entry("1", "a", Outcome.FAILED), reason="one \u2028 two \u0085 three")
    assert journal.parse(journal_of(failed, entry("2", "b")), holder=None) == (failed, entry("2", "b"))


def test_a_key_of_a_later_bluegreen_is_ignored() -> None:
    line = entry("1", "a").line().replace('{"run"', '{"colour": "teal", "run"')
    assert journal.parse(line, holder=None) == (entry("1", "a"),)


def test_p9_good_are_those_that_took_traffic_and_kept_it() -> None:
    entries = [
        entry("1", "a"),
        entry("2", "b", Outcome.FAILED),
        entry("3", "c", Outcome.STAGED),
        entry("4", "d", Outcome.SWITCHED_BACK, bad=("d",)),
        entry("5", "e"),
        entry("6", "a", bad=("e",)),
    ]
    assert journal.good_releases(entries) == ("a",)
    assert journal.bad_releases(entries) == {"d", "e"}


def test_a_bad_release_that_somebody_went_to_by_name_is_good_again() -> None:
    entries = [entry("1", "a"), entry("2", "b"), entry("3", "a", bad=("b",)), entry("4", "b")]
    assert journal.good_releases(entries) == ("a", "b")
    assert journal.bad_releases(entries) == set()


def release(name: str) -> Release:
    return Release(name, name, "0" * 64, 1, "app.jar", "2026-11-23T01:00:00Z", "me")


def test_p9_retention_keeps_the_last_good_ones_and_what_the_slots_run() -> None:
    present = [release(name) for name in "abcdef"]
    good = ["a", "b", "c", "e"]
    assert to_prune(present, good, known="abcdef", keep=2, in_use=["f", "a"]) == ("b", "d")


def test_p9_failed_releases_do_not_count_as_good() -> None:
    present = [release(name) for name in "abcd"]
    assert to_prune(present, ["a", "b"], known="abcd", keep=2, in_use=[]) == ("c", "d")


def test_p9_a_release_of_which_the_journal_says_nothing_may_be_good_and_is_kept() -> None:
    present = [release(name) for name in "abcd"]
    assert to_prune(present, ["c", "d"], known="bcd", keep=2, in_use=[]) == ("b",)
    entries = [replace(entry("1", "a", bad=("b",)), from_release="c"), entry("2", "d", Outcome.FAILED)]
    assert journal.known_releases(entries) == {"a", "b", "c", "d"}


def test_which_of_two_releases_served_first_is_told_by_the_journal_and_not_by_their_ids() -> None:
    entries = [
        replace(entry("1", "z"), from_release="y"),
        entry("2", "a", Outcome.SWITCHED_BACK),
        entry("3", "b", Outcome.FAILED),
        entry("4", "z"),
    ]
    assert journal.served_before(entries, "z", "a")
    assert not journal.served_before(entries, "a", "z")
    assert journal.served_before(entries, "y", "z")
    assert journal.served_before(entries, "z", "of another journal")
    assert not journal.served_before(entries, "b", "z")
