"""The terminal picture of the README: a deploy under traffic and a rollback, recorded from real commands.

`python -m scripts.record` writes docs/terminal.svg again; `python -m scripts.record FILE` writes it to FILE.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.text import Text

from bluegreen import config
from bluegreen.sandbox import embedded, standin
from bluegreen.sandbox.standin import Behaviour
from scripts.traffic import CLIENTS, Traffic

PICTURE = Path(__file__).parents[1] / "docs" / "terminal.svg"
COLUMNS = 100
CONFIG = """\
app: taggle
switch: {watch: 2s}
hosts:
  prod: {sandbox: true}
"""
COMMANDS = (
    "bluegreen deploy --jar taggle-2.jar --version 2.0",
    "bluegreen rollback",
)
# Traffic before the first command and after the last, so that both ends of each switch are seen.
TRAFFIC_MARGIN_S = 0.5
# A font from the network would not be loaded where the picture is shown as an image.
FONT_FACE = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
# Text, a control sequence, or a line end, as a terminal receives them.
TOKEN = re.compile(r"\x1b\[([?\d;]*)([A-Za-z])|(\r|\n)|([^\x1b\r\n]+)")


def record(picture: Path) -> None:
    """Deploys two versions to a sandbox and goes back to the first; writes what the terminal shows.

    Args:
        picture: the SVG file to write.

    Raises:
        RuntimeError: a command or a request failed; nothing is written.
    """
    with _sandbox() as (folder, url), contextlib.closing(Traffic(url)) as traffic:
        seen = traffic.phase()
        traffic.start()
        time.sleep(TRAFFIC_MARGIN_S)
        shown = [(command, _on_terminal(command, folder)) for command in COMMANDS]
        time.sleep(TRAFFIC_MARGIN_S)
        traffic.close()
    if seen.failed:
        raise RuntimeError(f"requests failed: {dict(seen.failed)}")
    closing = f"# {CLIENTS} clients sent {seen.sent:,} requests through nginx meanwhile: 0 failed"
    picture.write_text(_drawn(shown, closing))


@contextlib.contextmanager
def _sandbox() -> Iterator[tuple[Path, str]]:
    """A sandbox with version 1.0 live and the jar of version 2.0; yields its folder and URL."""
    with tempfile.TemporaryDirectory(prefix="bluegreen-record-") as name:
        folder, place = Path(name), Path(name, ".sandbox")
        (folder / "config.yml").write_text(CONFIG)
        box = embedded.start(config.load(folder / "config.yml").host("prod"), place)
        try:
            for number in (1, 2):
                standin.build(folder / f"taggle-{number}.jar", Behaviour(version=f"{number}.0"))
            _on_terminal("bluegreen deploy --jar taggle-1.jar --version 1.0", folder)
            yield folder, box.url
        finally:
            embedded.stop(place)


def _on_terminal(command: str, folder: Path) -> list[str]:
    """Runs a command on a terminal of its own; returns the lines on it, with their colours.

    Raises:
        RuntimeError: it ended with another exit code than 0.
    """
    _, *arguments = shlex.split(command)
    leader, terminal = os.openpty()
    quiet = {"CI", "GITHUB_ACTIONS", "NO_COLOR", "FORCE_COLOR"}
    process = subprocess.Popen(
        [sys.executable, "-m", "bluegreen", *arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=terminal,
        stderr=terminal,
        env={
            **{name: value for name, value in os.environ.items() if name not in quiet},
            "TERM": "xterm-256color",
            "COLUMNS": str(COLUMNS),
        },
    )
    os.close(terminal)
    data = b""
    # Linux reports the end of the last writer as an error.
    with contextlib.suppress(OSError):
        while chunk := os.read(leader, 65536):
            data += chunk
    os.close(leader)
    lines = _screen(data.decode())
    if process.wait() != 0:
        raise RuntimeError("\n".join([f"{command} ended with exit code {process.returncode}", *lines]))
    return lines


def _screen(output: str) -> list[str]:
    """The lines that stay on the terminal, after the live lines that rich drew and erased."""
    lines, row = [""], 0
    for match in TOKEN.finditer(output):
        argument, control, end, text = match.groups()
        if text:
            lines[row] += text
        elif end == "\n":
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif control == "m":
            lines[row] += match[0]
        elif control == "K":
            lines[row] = ""
        elif control == "A":
            row -= int(argument or 1)
    while lines and not Text.from_ansi(lines[-1]).plain.strip():
        lines.pop()
    return lines


def _drawn(shown: list[tuple[str, list[str]]], closing: str) -> str:
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, highlight=False)
    for command, lines in shown:
        console.print(Text.assemble(("$ ", "green"), (command, "bold")))
        for line in lines:
            console.print(Text.from_ansi(line))
        console.print()
    console.print(Text(closing, "bold green"))
    return FONT_FACE.sub("", console.export_svg(title="bluegreen", unique_id="terminal"))


if __name__ == "__main__":
    record(Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURE)
