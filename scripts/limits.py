"""The table of time limits in docs/ARCHITECTURE.md, made from the comments of bluegreen/remote/limits.py.

`python -m scripts.limits` writes it again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from bluegreen.remote import limits

DOCUMENT = Path(__file__).parents[1] / "docs" / "ARCHITECTURE.md"
BEGIN, END = "<!-- made by python -m scripts.limits -->\n\n", "\n<!-- end -->\n"
ASSIGNMENT = re.compile(r"^([A-Z][A-Z0-9_]*) = ")


def table() -> str:
    """The table in Markdown: name, value and reason of each limit, in the order of the file."""
    rows = [f"| `{name}` | {_value(name)} | {reason} |\n" for name, reason in _reasons()]
    return "".join(["| limit | value | why |\n", "| --- | --- | --- |\n", *rows])


def written(document: str) -> str:
    """The document with the table of today."""
    before, rest = document.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}{table()}{END}{after}"


def _reasons() -> Iterator[tuple[str, str]]:
    """Each limit with the comment above it; several below one comment share it."""
    reason: list[str] = []
    is_open = False
    for line in Path(limits.__file__).read_text(encoding="utf-8").split("\n"):
        if line.startswith("# ") and not line.startswith("# ---"):
            reason = [*reason, line[2:]] if is_open else [line[2:]]
            is_open = True
        elif found := ASSIGNMENT.match(line):
            is_open = False
            yield found[1], " ".join(reason)


def _value(name: str) -> str:
    value: float = getattr(limits, name)
    return f"{value:,g} s" if name.endswith("_S") else f"{value:,g}"


if __name__ == "__main__":
    DOCUMENT.write_text(written(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
