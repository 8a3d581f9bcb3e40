"""The layout of the code, computed from its imports, its values, and the size and the words of its files."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
PACKAGE = CHECKOUT / "bluegreen"

# From the top down. An import leads to a lower floor, or stays in its own folder.
FLOORS = (
    {"entry"},
    {"commands"},
    {"rollout"},
    {"report", "scaffold"},
    {"check", "sandbox"},
    {"host"},
    {"host/files"},
    {"config", "jar", "ssh"},
    {"console", "remote"},
)
# Below every floor; it imports nothing of bluegreen.
GROUND = "errors"
# These are the entry. __init__ only has the version, which every floor may read.
ENTRY = {"__main__", "tasks", "cli"}
TOP = {"__init__.py", "__main__.py", "tasks.py", "cli.py", "errors.py", "config.schema.json", "py.typed"}

# Paramiko calls `authenticate` of a key ring, which collects why keys cannot be used.
NOT_FROZEN = {"ssh.keys.KeyRing"}

LONGEST_CHAIN = 8
LONGEST_FILE = 300

# The left column of the style guide: words that a reader whose first language is not English stumbles over.
MANNERED = (
    r"\bmend(s|ed|ing)?\b",
    r"\bstands? (in|twice|there|beside)\b",
    r"\bwithout a word\b",
    r"\banew\b",
    r"\bpatience\b",
    r"(?<!there )\bis no (time|duration|port|key|number|line|jar|address|name|file|folder|path|release)\b",
    r"\bwhat (serves|served) before\b",
    r"\bwhat was there before\b",
    r"\bwith nobody\b",
    r"\bends badly\b",
    r"\bhas nothing to finish\b",
    r"\bcounts what is so\b",
)
WRITTEN = ("bluegreen", "docs", "scripts", "example", "README.md")


@functools.cache
def modules() -> Mapping[str, Path]:
    """Every module by its name without `bluegreen.`; that of a package is its folder's."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@functools.cache
def imports() -> Mapping[str, frozenset[str]]:
    """By module, the modules of the package that it imports anywhere, also inside functions."""
    return {name: frozenset(_imported(name)) - {name, ""} for name in modules()}


def _imported(name: str) -> Iterator[str]:
    for module, names in _import_statements(name):
        if module.split(".")[0] != "bluegreen":
            continue
        package = module.partition(".")[2]
        for each in names or [""]:
            submodule = f"{package}.{each}".strip(".")
            yield submodule if submodule in modules() else package


def _import_statements(name: str) -> Iterator[tuple[str, list[str]]]:
    """Each imported module with the names that are taken from it."""
    path = modules()[name]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, []) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            yield node.module or "", [alias.name for alias in node.names]


def folder_of(module: str) -> str:
    """The folder that a module belongs to; host/files is one of its own."""
    if module.startswith("host.files"):
        return "host/files"
    first = module.partition(".")[0]
    return "entry" if first in ENTRY else first


@functools.cache
def folder_imports() -> Mapping[str, frozenset[str]]:
    """By folder, the other folders that it imports; the ground is not a folder."""
    found: dict[str, set[str]] = {folder_of(name): set() for name in modules() if name not in ("", GROUND)}
    for name, imported in imports().items():
        if name not in ("", GROUND):
            found[folder_of(name)] |= {folder_of(each) for each in imported if each != GROUND}
    return {name: frozenset(others - {name}) for name, others in found.items()}


def circle_in(graph: Mapping[str, frozenset[str]]) -> list[str]:
    """One circle of a graph, its first node repeated at the end; empty if there is none."""
    clear: set[str] = set()

    def visit(node: str, path: tuple[str, ...]) -> list[str]:
        if node in path:
            return [*path[path.index(node) :], node]
        if node not in clear:
            for each in sorted(graph[node]):
                if circle := visit(each, (*path, node)):
                    return circle
            clear.add(node)
        return []

    return next((circle for node in sorted(graph) if (circle := visit(node, ()))), [])


def longest_chain(graph: Mapping[str, frozenset[str]]) -> list[str]:
    """The longest path through a graph without circles."""

    @functools.cache
    def below(node: str) -> tuple[str, ...]:
        chains: list[tuple[str, ...]] = [below(each) for each in graph[node]]
        return (node, *max(chains, key=len, default=()))

    longest: tuple[str, ...] = max([below(node) for node in graph], key=len)
    return list(longest)


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert circle_in(imports()) == []


def test_no_folders_import_each_other_in_a_circle() -> None:
    assert circle_in(folder_imports()) == []


def test_the_imports_of_folders_have_at_most_eight_levels() -> None:
    assert circle_in(folder_imports()) == [], "a circle has no levels"
    chain = longest_chain(folder_imports())
    assert len(chain) <= LONGEST_CHAIN, chain


def test_every_folder_is_on_a_floor() -> None:
    floors = set().union(*FLOORS)
    folders = {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders - floors == set()
    assert floors - folders == {"entry", "host/files"}


def test_every_import_leads_to_a_lower_floor() -> None:
    floor_of = {folder: number for number, floor in enumerate(FLOORS) for folder in floor}
    wrong = [
        f"{name} imports {each}"
        for name, imported in imports().items()
        for each in imported
        if name and each != GROUND and folder_of(name) != folder_of(each)
        if name == GROUND or floor_of[folder_of(name)] >= floor_of[folder_of(each)]
    ]
    assert sorted(wrong) == []


def test_only_ssh_knows_fabric_and_paramiko() -> None:
    wrong = [
        f"{name} imports {module}"
        for name in modules()
        if folder_of(name) != "ssh"
        for module, _ in _import_statements(name)
        if module.split(".")[0] in ("fabric", "paramiko")
    ]
    assert wrong == []


def test_nothing_lies_loose_at_the_top() -> None:
    assert {path.name for path in PACKAGE.iterdir() if path.is_file()} - TOP == set()


def test_what_functions_hand_on_cannot_be_changed() -> None:
    changeable = {
        f"{name}.{node.name}"
        for name, path in modules().items()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
        for decorator in node.decorator_list
        if "dataclass" in ast.unparse(decorator) and "frozen=True" not in ast.unparse(decorator)
    }
    assert changeable == NOT_FROZEN


def test_no_file_is_longer_than_300_lines() -> None:
    lines = {path: len(text.splitlines()) for path, text in texts("bluegreen")}
    assert {str(path): number for path, number in lines.items() if number > LONGEST_FILE} == {}


def test_no_mannered_word_is_left() -> None:
    mannered = re.compile("|".join(MANNERED), re.IGNORECASE)
    found = [
        f"{path}:{number}: {line.strip()}"
        for path, text in texts(*WRITTEN)
        for number, line in enumerate(text.split("\n"), start=1)
        if mannered.search(line)
    ]
    assert found == []


def texts(*names: str) -> Iterator[tuple[Path, str]]:
    """Every text file below these, by its path in the checkout."""
    for name in names:
        top = CHECKOUT / name
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            if path.is_file() and not {"__pycache__", "build", ".gradle"} & set(path.parts):
                try:
                    yield path.relative_to(CHECKOUT), path.read_text()
                except UnicodeDecodeError:
                    continue
