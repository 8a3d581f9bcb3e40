"""The scripts as values: quoted whatever they are told, and worth nothing when cut. Needs: sh, dash."""

from __future__ import annotations

import subprocess
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from bluegreen.remote import script
from bluegreen.remote.script import Script, Value

NASTY = [
    "",
    " ",
    "'",
    '"',
    "it's",
    "a b",
    "$(touch pwned)",
    "`touch pwned`",
    "'; touch pwned; '",
    "'\"'\"'; touch pwned #",
    "$HOME ${HOME}",
    "\\",
    "\\n",
    "line\nbreak",
    "line\n}\ntouch pwned\nbluegreen_main() {",
    "trailing\\",
    "*",
    "~",
    "!!",
    "-n",
    "#",
    "한국어",
    "tab\there",
    "&& touch pwned",
    "\r\n",
]

NAMES = sorted(path.stem for path in Path(script.__file__).parent.glob("*.sh"))
FUNCTIONS = ("lib", "process", "systemd", "stopping")
PROGRAMS = [name for name in NAMES if name not in FUNCTIONS]


def _sh(text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", text], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20
    )


@pytest.fixture
def printing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A script that prints what its one value is."""
    monkeypatch.setattr(script, "_read", lambda name: 'printf "%s|" "$value"')


@pytest.mark.usefixtures("printing")
@pytest.mark.parametrize("value", NASTY)
def test_p10_a_value_comes_through_as_it_is_and_runs_nothing(value: str, tmp_path: Path) -> None:
    ran = subprocess.run(
        ["sh", "-c", Script("test", {"value": value}, parts=()).text()],
        cwd=tmp_path,
        capture_output=True,
        timeout=20,
    )
    assert ran.stdout == f"{value}|".encode()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("printing")
@pytest.mark.parametrize(("value", "expected"), [(True, "yes|"), (False, "|"), (8081, "8081|"), (0, "0|")])
def test_a_bool_is_yes_or_nothing_and_a_number_its_digits(
    value: bool | int, expected: str, tmp_path: Path
) -> None:
    assert _sh(Script("test", {"value": value}, parts=()).text(), tmp_path).stdout == expected


@pytest.mark.parametrize("shell", ["dash", "sh", "bash"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_every_script_is_one_that_a_posix_shell_reads(name: str, shell: str) -> None:
    text = Script(name, {"value": "it's"}, parts=("lib", "process", "stopping")).text()
    read = subprocess.run([shell, "-n"], input=text, capture_output=True, text=True, timeout=20)
    assert (read.returncode, read.stderr) == (0, "")


@pytest.mark.parametrize("name", ["lock", "start", "finish", "switch", "upload"])
def test_p5_a_script_cut_anywhere_does_nothing(name: str, tmp_path: Path) -> None:
    values: dict[str, Value] = {
        "base": "made",
        "include": "made/include",
        "token": "t",
        "info": "i",
        "slots": "",
        "silence": 1,
        "again": False,
    }
    text = Script(name, values, parts=("lib", "process", "stopping")).text()
    for part in range(50):
        cut = text[: len(text) * part // 50]
        ran = _sh(cut, tmp_path)
        assert ran.stdout == ""
        assert list(tmp_path.iterdir()) == []
    # All of it but the call on its last line: still nothing.
    assert _sh(text[: text.rindex("\nbluegreen_main")], tmp_path).returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_a_large_page_is_an_answer_like_any_other(tmp_path: Path) -> None:
    (tmp_path / "page").write_bytes(b"a" * 600_000)

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path))) as server:
        Thread(target=server.serve_forever).start()
        url = f"http://127.0.0.1:{server.server_port}/page"
        asked = f"""{Script("lib", parts=()).text()}\nfetch {url} "" 10; echo "$code ${{#body}} $redirect" """
        ran = _sh(asked, tmp_path)
        server.shutdown()
    code, length, *redirect = ran.stdout.split()
    assert (code, redirect) == ("200", [])
    assert 250_000 < int(length) < 600_000


def test_a_script_that_is_whole_does_what_it_says(tmp_path: Path) -> None:
    """So that the test above could fail."""
    values: dict[str, Value] = {"base": "made", "token": "t", "info": "i", "silence": 1, "again": False}
    ran = _sh(Script("lock", values).text(), tmp_path)
    assert ran.stdout == "held\n"
    assert (tmp_path / "made" / "lock").exists()
