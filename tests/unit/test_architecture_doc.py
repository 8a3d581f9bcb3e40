"""docs/ARCHITECTURE.md and CONTRIBUTING.md name what the code has: files, functions, promises, limits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from bluegreen.config import duration
from bluegreen.config.settings import Sections
from bluegreen.remote import limits as code
from scripts import limits

CHECKOUT = Path(__file__).parents[2]
TEXT = (CHECKOUT / "docs" / "ARCHITECTURE.md").read_text(encoding="utf-8")
CONTRIBUTING = (CHECKOUT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PLACEHOLDERS = ("NAME", "<", "…")
# Of GitHub; CONTRIBUTING.md gives the folder once.
WORKFLOWS = ("release.yml",)

# Any text in backticks that begins like a path of the checkout, with a function or class behind a colon.
NAMED = re.compile(
    r"`((?:bluegreen|tests|docs|scripts|benchmarks|example)/[^`\s:]*|[\w.]+\.(?:md|yml))(?::(\w+))?`"
)


def references() -> Iterator[tuple[str, str]]:
    """Each path that the two documents name, with the function or class in it, empty without one."""
    for path, name in NAMED.findall(TEXT + CONTRIBUTING):
        if not any(each in path for each in PLACEHOLDERS) and path not in WORKFLOWS:
            yield path, name


def files_at(path: str) -> list[Path]:
    """The source files at a path: the file itself, or those below the folder; `.py` may be left out."""
    for found in (CHECKOUT / path, CHECKOUT / f"{path}.py"):
        if found.is_dir():
            return [each for each in found.rglob("*") if each.suffix in (".py", ".sh")]
        if found.is_file():
            return [found]
    return []


def defines(file: Path, name: str) -> bool:
    """Whether a file defines a function or class of that name, in Python or in sh."""
    pattern = rf"^\s*(?:def|class) {name}\b|^{name}\(\) "
    return re.search(pattern, file.read_text(encoding="utf-8"), re.MULTILINE) is not None


def rows(heading: str) -> Iterator[list[str]]:
    """The cells of each row of the tables of a section, without the header's."""
    section = TEXT.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    for line in section.split("\n"):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and not set(line) <= set("| -"):
            yield cells


def test_each_path_that_the_documents_name_exists() -> None:
    found = set(references())
    assert len(found) > 100
    missing = [path for path, _ in sorted(found) if not (CHECKOUT / path).exists() and not files_at(path)]
    assert missing == []


def test_each_function_that_the_documents_name_is_in_its_file() -> None:
    missing = [
        f"{path}:{name}"
        for path, name in sorted(set(references()))
        if name and not any(defines(file, name) for file in files_at(path))
    ]
    assert missing == []


def test_the_examples_of_tests_import_what_exists() -> None:
    examples = re.findall(r"```python\n(.*?)```", CONTRIBUTING, re.DOTALL)
    imports = [line for text in examples for line in text.split("\n") if line.startswith("from tests.")]
    assert len(imports) > 3
    for line in imports:
        _, module, _, name = line.split()
        assert any(defines(file, name) for file in files_at(module.replace(".", "/"))), line


def test_each_folder_of_the_package_is_in_the_layout() -> None:
    layout = " ".join(cell for row in rows("Layout") for cell in row)
    package = CHECKOUT / "bluegreen"
    folders = [path for path in package.iterdir() if path.is_dir() and path.name != "__pycache__"]
    missing = [path.name for path in folders if f"`bluegreen/{path.name}`" not in layout]
    assert missing == []


def test_each_promise_is_in_the_document_with_its_place_and_its_tests() -> None:
    promises = {cells[0].removeprefix("**").split()[0]: cells for cells in rows("Promises")}
    del promises["promise"]
    assert list(promises) == [f"P{number}" for number in range(1, 14)]
    for name, (_, held, tested) in promises.items():
        if name == "P13":
            assert (held, tested) == ("not built yet", "not built yet")
            continue
        assert "`bluegreen/" in held, name
        for path, _ in NAMED.findall(tested):
            text = (CHECKOUT / path).read_text(encoding="utf-8")
            named = rf"\b{name}\b|def test_(p\d+_)*{name.lower()}_"
            assert re.search(named, text), f"{path} does not name {name}"


def test_each_promise_that_a_test_names_is_in_the_document() -> None:
    promises = {cells[0].removeprefix("**").split()[0] for cells in rows("Promises")}
    named = {
        f"P{number}"
        for path in (CHECKOUT / "tests").rglob("test_*.py")
        for numbers in re.findall(r"def test_((?:p\d+_)+)", path.read_text(encoding="utf-8"))
        for number in re.findall(r"p(\d+)_", numbers)
    }
    assert named - promises == set()


def times() -> dict[str, str]:
    """Every time of config.yml by its key, with its default as the document writes it."""
    found = {}
    for section, field in Sections.model_fields.items():
        value = field.default
        if isinstance(value, BaseModel):
            for name, info in type(value).model_fields.items():
                if name.endswith("_s"):
                    default = getattr(value, name)
                    text = "never" if default is None else duration.text(default)
                    found[f"{section}.{info.alias}"] = text
    return found


def test_the_table_of_time_limits_is_that_of_the_code() -> None:
    assert limits.written(TEXT) == TEXT, "run python -m scripts.limits"


def test_the_table_of_time_limits_has_every_limit_with_its_reason() -> None:
    named = {name for name in vars(code) if name.isupper()}
    table = [cells for cells in rows("Time limits") if cells[0].strip("`").isupper()]
    assert {cells[0].strip("`") for cells in table} == named
    assert [cells[0] for cells in table if len(cells[2]) < 20] == []


def test_the_table_of_the_times_of_config_yml_has_each_with_its_default() -> None:
    assert len(times()) > 4
    table = {cells[0].strip("`"): cells[1] for cells in rows("Time limits") if "." in cells[0]}
    assert table == times()
