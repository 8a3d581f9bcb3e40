"""Output on GitHub: workflow commands that an application cannot forge, outputs, the job summary."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from bluegreen import config
from bluegreen.config.secrets import values_to_mask
from bluegreen.console.ci import on_github
from bluegreen.console.github import GithubConsole, github_console, inert
from bluegreen.console.terminal import Timed
from bluegreen.console.workflow_commands import add_to_summary, annotation, group, set_outputs
from bluegreen.errors import Failed
from bluegreen.report.github import reported, url_of
from bluegreen.report.job_summary import LARGEST_BYTES, Moved, Report, render
from bluegreen.report.run import Result


def github_console_to_text() -> tuple[GithubConsole, io.StringIO]:
    stream = io.StringIO()
    return GithubConsole(stream), stream


def test_an_annotation_of_several_lines_stays_one_command() -> None:
    command = annotation("error", "50%: a, b\n::warning::", "first\r\nsecond: 100%")
    assert command == "::error title=50%25%3A a%2C b%0A%3A%3Awarning%3A%3A::first%0D%0Asecond: 100%25"
    assert group("start\nprod1") == "::group::start%0Aprod1"


@pytest.mark.parametrize(
    "line",
    [
        "::error::forged",
        "  ::add-mask::x",
        "\u00a0\t::set-env name=PATH::/tmp",
        "fine\n::error::forged",
        "fine\r::error::forged",
        "fine ##[error]forged",
        "::group::a\n::endgroup::",
    ],
)
def test_a_line_of_an_application_is_not_a_command(line: str) -> None:
    text = inert(line)
    assert text != line
    for each in text.replace("\r", "\n").split("\n"):
        assert not each.strip().startswith("::")
        assert "##[" not in each
    assert text.replace("\u200b", "") == line


@pytest.mark.parametrize("line", ["a::b", "✓ taggle on ::1: UP", "std::string", "# [x]", " : : "])
def test_any_other_line_stays_as_it_is(line: str) -> None:
    assert inert(line) == line


def test_a_step_is_a_group_with_its_closing_line_below() -> None:
    console, stream = github_console_to_text()
    with console.step("start prod1", name="start") as step:
        console.note("prod1 health: UP")
        step.done("prod1 is UP")
    lines = stream.getvalue().splitlines()
    assert lines[:3] == ["::group::start prod1", "  prod1 health: UP", "::endgroup::"]
    assert lines[3].startswith("✓ prod1 is UP (")


def test_several_machines_open_no_groups() -> None:
    console, stream = github_console_to_text()
    with console.on("10.0.0.5").step("start prod1") as step:
        step.done("prod1 is UP")
    assert "::" not in stream.getvalue()
    assert stream.getvalue().startswith("10.0.0.5: ✓ prod1 is UP (")


def test_an_error_is_an_annotation_with_the_cause_in_its_title() -> None:
    console, stream = github_console_to_text()
    console.error(Failed("prod2 died while starting", why=["::stop-commands::x"], live="prod1, version 1"))
    *shown, command = stream.getvalue().splitlines()
    assert command.startswith(
        "::error title=prod2 died while starting::  ::stop-commands::x%0A  live now: prod1"
    )
    assert not any(line.strip().startswith("::") for line in shown)


def test_an_error_of_one_line_has_a_text_too() -> None:
    console, stream = github_console_to_text()
    console.error(Failed("it failed"))
    assert stream.getvalue().splitlines()[-1] == "::error title=it failed::it failed"


def test_of_many_warnings_nine_are_annotations_whatever_machine_they_come_from() -> None:
    console, stream = github_console_to_text()
    for number in range(8):
        console.warn(f"number {number}")
        console.on("10.0.0.5").warn(f"number {number} there")
    console.error(Failed("it failed"))
    said = stream.getvalue()
    assert said.count("::warning ") + said.count("::error ") == 10
    assert said.count("! number ") == 16


def test_outputs_and_summary_go_to_the_files_that_the_runner_names(tmp_path: Path) -> None:
    environ = {"GITHUB_OUTPUT": str(tmp_path / "out"), "GITHUB_STEP_SUMMARY": str(tmp_path / "summary")}
    set_outputs({"slot": "prod1", "url": "http://taggle.example\nforged=1"}, environ)
    add_to_summary("## done\n", environ)
    add_to_summary("## and more\n", environ)
    lines = (tmp_path / "out").read_text().splitlines()
    end = lines[0].removeprefix("slot<<")
    assert lines[:3] == [f"slot<<{end}", "prod1", end]
    # A value of several lines is one value: no line of it sets another output.
    other = lines[3].removeprefix("url<<")
    assert lines[4:] == ["http://taggle.example", "forged=1", other]
    assert end != other
    assert (tmp_path / "summary").read_text() == "## done\n## and more\n"


def test_elsewhere_nothing_is_written() -> None:
    set_outputs({"slot": "prod1"}, {})
    add_to_summary("## done\n", {})
    assert not on_github({})
    assert not on_github({"CI": "true"})
    assert on_github({"GITHUB_ACTIONS": "true"})


@pytest.mark.parametrize(
    ("entry", "site", "url"),
    [
        ("address: taggle.example", "", "http://taggle.example"),
        ("address: [10.0.0.5, 10.0.0.6]", "listen: 8080", "http://10.0.0.5:8080"),
        ('address: "2001:db8::1"', "", "http://[2001:db8::1]"),
        ("address: 10.0.0.5", "server_name: '*.taggle.example taggle.example'", "http://taggle.example"),
        ("address: 10.0.0.5", "{server_name: taggle.example, listen: 443}", "https://taggle.example"),
        ("address: 10.0.0.5", "server_name: '*.taggle.example taggle.*'", "http://10.0.0.5"),
        ("address: 10.0.0.5", "server_name: '_ .taggle.example'", "http://taggle.example"),
        ("address: i-0abc123def", "", ""),
    ],
)
def test_the_url_is_where_users_find_it(tmp_path: Path, entry: str, site: str, url: str) -> None:
    site = site if site.startswith("{") else f"{{{site}}}"
    text = f"app: taggle\nsite: {site}\nhosts:\n  prod:\n    user: kim\n    {entry}\n"
    (tmp_path / "config.yml").write_text(text)
    assert url_of(config.load(tmp_path / "config.yml").host(None)) == url


def test_of_several_secrets_in_one_each_value_is_masked(capsys: pytest.CaptureFixture[str]) -> None:
    secrets = values_to_mask({"BLUEGREEN_SECRETS": "A=first=1\n# no\n\nB=100%\nC=\n"})
    github_console(stderr=False, secrets=secrets)
    assert capsys.readouterr().out == "::add-mask::first=1\n::add-mask::100%25\n"
    github_console(stderr=False, secrets=values_to_mask({"BLUEGREEN_SECRETS": "no secret"}))
    assert capsys.readouterr().out == ""


def test_the_summary_of_a_good_deploy() -> None:
    moved = Moved("10.0.0.5", "prod1 (1.4)", "prod2 (1.5)", "in 40 ms on the host", "12 requests, 0 failed")
    times = [Timed("connect", 100.0, 0.2), Timed("start until UP", 100.2, 7.8)]
    summary = render(Report("✅ deploy of taggle on prod: 1.5 is live in prod2", (moved,)), times)
    assert "| 10.0.0.5 | prod1 (1.4) | prod2 (1.5) | in 40 ms on the host |" in summary
    assert "Probe: 12 requests, 0 failed." in summary
    assert "    connect :0, 200\n    start until UP :200, 8000\n```" in summary
    assert "| start until UP | 7.8 s |\n| **all** | **8.0 s** |" in summary


def test_a_version_is_not_read_as_markdown() -> None:
    moved = Moved("10.0.0.5", "prod1 (a|b)", "prod2 (<img src=x> @team [x](y) `z`)", "yes", "")
    summary = render(Report("✅ *1*", (moved,)))
    assert "\\*1\\*" in summary
    assert "prod1 (a\\|b)" in summary
    assert "prod2 (\\<img src=x\\> \\@team \\[x\\](y) \\`z\\`)" in summary


def test_a_log_cannot_leave_its_fence() -> None:
    summary = render(Report("❌ deploy", cause="it failed\n```\n<img src=x>\n````\nmore"))
    assert summary.count("`````") == 2
    assert summary.index("`````text\n") < summary.index("<img") < summary.rindex("`````")


def test_a_summary_stays_below_the_limit_of_github_and_keeps_the_end() -> None:
    summary = render(Report("❌ deploy", cause="a long log ✗\n" * 200_000 + "what to do: fix it"))
    assert len(summary.encode()) < LARGEST_BYTES
    assert "what to do: fix it" in summary


@pytest.mark.parametrize(
    ("raised", "title"),
    [
        (Failed("prod2 died"), "## ❌ deploy of taggle on prod: prod2 died"),
        (KeyboardInterrupt(), "## ⚠️ deploy of taggle on prod: interrupted, nothing was changed"),
        (ValueError("x"), "## ❌ deploy of taggle on prod: ended by a bug of bluegreen; see the log"),
    ],
)
def test_however_a_command_ends_the_summary_says_so(
    tmp_path: Path, raised: BaseException, title: str
) -> None:
    (tmp_path / "config.yml").write_text("app: taggle\nhosts: {prod: {address: taggle.example, user: kim}}\n")
    settings = config.load(tmp_path / "config.yml").host("prod")
    environ = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_ACTOR": "kim",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_REPOSITORY": "team/taggle",
        "GITHUB_RUN_ID": "7",
        "GITHUB_OUTPUT": str(tmp_path / "out"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
    }
    console, _ = github_console_to_text()

    def ending_so() -> list[Result]:
        raise raised

    with pytest.raises(type(raised)):
        reported("deploy", settings, console, ending_so, environ)
    summary = (tmp_path / "summary").read_text()
    assert summary.startswith(f"{title}\n\nStarted by kim, https://github.com/team/taggle/actions/runs/7.\n")
    assert ("```text\nprod2 died\n```" in summary) == isinstance(raised, Failed)
    assert "\nfalse\n" in (tmp_path / "out").read_text()
    assert "\nhttp://taggle.example\n" in (tmp_path / "out").read_text()
