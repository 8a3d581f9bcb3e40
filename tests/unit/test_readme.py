"""The documents agree with the repository: commands, exit codes, links, and the picture of the README."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bluegreen import errors
from bluegreen.cli import INTERRUPTED
from bluegreen.console.output import CLOSED_PIPE
from bluegreen.errors import BluegreenError
from bluegreen.tasks import namespace

CHECKOUT = Path(__file__).parents[2]
DOCUMENTS = [CHECKOUT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
DOCUMENTS += sorted((CHECKOUT / "docs").glob("*.md"))
README = (CHECKOUT / "README.md").read_text(encoding="utf-8")
PICTURE = (CHECKOUT / "docs" / "terminal.svg").read_text(encoding="utf-8")


def first_cells(section: str) -> Iterator[str]:
    """The first cell of each row of the tables of a section of the README."""
    text = README.split(f"\n## {section}\n", 1)[1].split("\n## ", 1)[0]
    for line in text.split("\n"):
        if line.startswith("| ") and not line.startswith("| ---"):
            yield line.split("|")[1].strip()


def test_the_readme_has_each_command() -> None:
    named = [cell.strip("`").split()[0] for cell in first_cells("Commands") if cell.startswith("`")]
    assert sorted(named) == sorted(namespace.task_names)


def test_the_readme_has_each_exit_code() -> None:
    named = {int(cell) for cell in first_cells("Commands") if cell.isdigit()}
    classes = [each for each in vars(errors).values() if isinstance(each, type)]
    codes = {each.exit_code for each in classes if issubclass(each, BluegreenError)}
    assert named == {0, INTERRUPTED, CLOSED_PIPE, *codes}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_each_relative_link_leads_to_a_file_and_a_heading(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for link in re.findall(r"\]\((?!https?:)([^)]+)\)", text):
        path, _, anchor = link.partition("#")
        target = document.parent / path if path else document
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


def anchors(document: Path) -> set[str]:
    """The anchors that GitHub makes of the headings: lower case, blanks as dashes, no punctuation."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_picture_shows_a_deploy_and_a_rollback_in_which_no_request_failed() -> None:
    words = " ".join(re.findall(r">([^<>]+)</text>", PICTURE)).replace("&#160;", " ")
    for word in ("bluegreen deploy", "bluegreen rollback", "switched to prod1", "switched to prod2"):
        assert word in words
    assert re.search(r"[\d,]+ requests .*: 0 failed", words)


def test_the_picture_is_readable_at_the_width_of_the_readme() -> None:
    lines = re.findall(r'<clipPath id="terminal-line-\d+">', PICTURE)
    assert 10 < len(lines) < 40


def test_the_picture_names_nothing_of_the_machine_that_made_it() -> None:
    assert set(re.findall(r"@[\w.-]+", PICTURE)) == {"@127.0.0.1"}
    assert not re.search(r"/(tmp|home|root|Users)/", PICTURE)
    assert "url(http" not in PICTURE, "a font from the network would not be loaded"
