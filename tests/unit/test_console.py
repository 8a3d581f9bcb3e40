"""Terminal output, line by line."""

from __future__ import annotations

import io
import itertools
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from rich.console import Console as Terminal

from bluegreen.commands.setup import show
from bluegreen.console.github import GithubConsole
from bluegreen.console.terminal import PLAIN_WIDTH, Console, plain_or_rich
from bluegreen.console.units import seconds, size
from bluegreen.errors import Failed
from bluegreen.host.files.root_files import HostFile
from bluegreen.host.survey import Change, Survey


def piped() -> tuple[Console, io.StringIO]:
    """A console whose output goes into a pipe."""
    into = io.StringIO()
    return Console(Terminal(file=into, soft_wrap=True, width=PLAIN_WIDTH)), into


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


def on_terminal() -> tuple[Console, io.StringIO]:
    """A console that speaks to a terminal with colours."""
    into = Tty()
    return Console(Terminal(file=into, force_terminal=True, color_system="truecolor", width=80)), into


AS_IT_IS = "[bold]no markup[/bold] [/] :bug: \\[x] https://e.example/?a=1 {status: 'UP'} 무중단"


def test_text_is_printed_as_it_is() -> None:
    console, printed = piped()
    console.line(AS_IT_IS)
    console.out(f"{AS_IT_IS}\t\x1b[1mbold")
    console.note(AS_IT_IS)
    console.warn(AS_IT_IS)
    console.facts({"include": AS_IT_IS})
    console.error(Failed(AS_IT_IS, why=[AS_IT_IS]))
    lines = printed.getvalue().splitlines()
    assert lines == [
        AS_IT_IS,
        f"{AS_IT_IS}\t\x1b[1mbold",
        f"  {AS_IT_IS}",
        f"! {AS_IT_IS}",
        f"  include  {AS_IT_IS}",
        "",
        f"✗ {AS_IT_IS}",
        f"  {AS_IT_IS}",
    ]


class Yielding(io.StringIO):
    """A stream at which another thread always gets its turn."""

    def write(self, text: str) -> int:
        os.sched_yield()
        return super().write(text)


def test_the_changes_of_several_machines_are_shown_one_machine_after_the_other() -> None:
    into = Yielding()
    console = Console(Terminal(file=into, soft_wrap=True, width=PLAIN_WIDTH))
    text = "".join(f"line {number}\n" for number in range(300))
    change = Change(HostFile("unit", "/etc/taggle", 0o644, text), None, edited=False)
    survey = Survey(
        manager="apt-get",
        user_exists=True,
        java_path="/usr/bin/java",
        java_release=17,
        base_owner="",
        base_writable=True,
        in_charge=None,
        own_site=True,
        default_site_claims_all=False,
        packages=("nginx",),
        changes=(change,),
        exposed=(),
        drop_default_site=False,
        names_bucket=None,
    )
    addresses = ("10.0.0.5", "10.0.0.6", "10.0.0.7")
    consoles = [console.on(address) for address in addresses]
    with ThreadPoolExecutor(len(consoles)) as pool:
        for _ in pool.map(lambda each: show(survey, each, folder="/srv", disable=""), consoles):
            pass
    prefixes = [line.split(": ")[0] for line in into.getvalue().splitlines()]
    assert sorted(address for address, _ in itertools.groupby(prefixes)) == list(addresses)


def test_the_cells_of_a_table_are_printed_as_they_are() -> None:
    console, printed = piped()
    console.table(["version", "why"], [[AS_IT_IS, ":boom: [red]x"], ["2", ""]])
    header, first, second = printed.getvalue().splitlines()
    assert header.split() == ["version", "why"]
    assert first == f"{AS_IT_IS}  :boom: [red]x"
    assert second.split() == ["2"]


def test_a_long_line_is_not_folded_when_piped() -> None:
    console, printed = piped()
    long = "x" * (PLAIN_WIDTH + 500)
    console.line(f"{long} {long}")
    console.out(f"{long} {long}")
    assert printed.getvalue() == f"{long} {long}\n{long} {long}\n"


def test_a_step_is_one_line_with_its_time_once_it_has_ended() -> None:
    console, printed = piped()
    with console.step("start prod2", name="start") as step:
        step.done("prod2 is UP")
    assert printed.getvalue().startswith("✓ prod2 is UP (")
    assert printed.getvalue().count("\n") == 1
    assert [name for name, *_ in console.times] == ["start"]


def test_a_step_that_fails_prints_its_first_text() -> None:
    console, printed = piped()
    with pytest.raises(Failed), console.step("start prod2"):
        raise Failed("it died")
    assert printed.getvalue().startswith("✗ start prod2 (")


def test_an_error_ends_with_what_is_live_and_what_to_do() -> None:
    console, printed = piped()
    console.error(Failed("prod2 died", why=["exit 1", "log"], live="prod1, version 1", remedy="fix it"))
    assert printed.getvalue() == (
        "\n✗ prod2 died\n  exit 1\n  log\n  live now: prod1, version 1\n  what to do: fix it\n"
    )


def test_lines_of_several_machines_have_a_prefix() -> None:
    console, printed = piped()
    one = console.on("10.0.0.5")
    one.line("switched")
    one.out("\tat com.example.Main")
    assert printed.getvalue() == "10.0.0.5: switched\n10.0.0.5: \tat com.example.Main\n"


def test_nothing_is_redrawn_when_piped() -> None:
    console, printed = piped()
    assert not console.live
    with console.progress("app.jar", 100) as progress:
        assert progress is None
    with console.step("upload"):
        pass
    assert "\x1b" not in printed.getvalue()


def test_nothing_is_redrawn_on_github_where_colour_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    into = io.StringIO()
    with GithubConsole(into).progress("app.jar", 100) as progress:
        assert progress is None
    assert into.getvalue() == ""


def test_on_a_terminal_the_upload_shows_its_bytes_and_lines_have_colour() -> None:
    console, printed = on_terminal()
    assert console.live
    with console.progress("app.jar", 2_000_000) as progress:
        assert progress is not None
        progress(1_000_000)
        progress(2_000_000)
    with console.step("upload") as step:
        step.done("uploaded")
    assert "2.0/2.0 MB" in printed.getvalue()
    assert "\x1b[32m✓ uploaded" in printed.getvalue()


def test_one_machine_of_several_shows_no_spinner() -> None:
    console, _ = on_terminal()
    assert not console.on("10.0.0.5").live


def test_with_json_all_other_output_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    Console(plain_or_rich(stderr=True)).line("connected")
    print(json.dumps({}))  # noqa: T201
    out, err = capsys.readouterr()
    assert (out, err) == ("{}\n", "connected\n")


@pytest.mark.parametrize(
    ("duration_s", "words"),
    [
        (0, "0 ms"),
        (0.04, "40 ms"),
        (0.099, "99 ms"),
        (0.0996, "0.1 s"),
        (7.84, "7.8 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 0 s"),
        (60, "1 min 0 s"),
        (119.7, "2 min 0 s"),
        (125, "2 min 5 s"),
        (3600, "60 min 0 s"),
    ],
)
def test_a_duration_as_text(duration_s: float, words: str) -> None:
    assert seconds(duration_s) == words


@pytest.mark.parametrize(
    ("size_bytes", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_999, "1.0 MB"),
        (52_400_000, "52.4 MB"),
        (3_200_000_000, "3.2 GB"),
    ],
)
def test_a_size_as_text(size_bytes: float, words: str) -> None:
    assert size(size_bytes) == words


@pytest.mark.parametrize("module", ["ci", "units"])
def test_the_modules_without_output_do_not_load_rich(module: str) -> None:
    program = f"import bluegreen.console.{module}, sys; sys.exit('rich' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], stdin=subprocess.DEVNULL, check=True)
