"""Reading the include: the one truth (P3)."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from bluegreen.config import Settings, load
from bluegreen.host import proxy
from bluegreen.host.facts import Facts
from bluegreen.host.files.include import Form, render
from bluegreen.host.proxy import Proxy


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    config = tmp_path / "config.yml"
    config.write_text("app: taggle\nhosts: {prod: {address: 192.0.2.1, user: ubuntu}}\n")
    return load(config).host(None)


def read(settings: Settings, include: str, marker: str = "none") -> Proxy:
    values = {"include": include, "marker": marker}
    facts = Facts(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in values.items())
    return proxy.read(facts, settings)


@pytest.mark.parametrize(
    ("line", "slot"),
    [
        ("set $service_url http://127.0.0.1:8081;", "prod1"),
        ("set $service_url http://127.0.0.1:8082;", "prod2"),
        ("  set  $service_url\thttp://127.0.0.1:8082 ;\n", "prod2"),
        ("set $service_url http://localhost:8081;", "prod1"),
        ('set $service_url "http://127.0.0.1:8082";', "prod2"),
        ("set $service_url http://127.0.0.1:8082/;", "prod2"),
        ("set $service_url http://taggle-prod2;", "prod2"),
        ("# was 8081\nset $service_url http://127.0.0.1:8082;", "prod2"),
        ("# set $service_url http://127.0.0.1:8081;\nset $service_url http://127.0.0.1:8082;", "prod2"),
        ("set $service_url http://127.0.0.1:9000;", None),
        ("set $service_url http://other-prod1;", None),
        ("set $own_name http://127.0.0.1:8081;", "prod1"),
        ("", None),
    ],
)
def test_p3_the_plain_line_names_the_slot(settings: Settings, line: str, slot: str | None) -> None:
    found = read(settings, line)
    assert found.routed == slot
    assert found.include.form is Form.PLAIN


def test_p3_the_marker_decides_for_the_running_nginx_and_the_first_line_for_the_next_start(
    settings: Settings,
) -> None:
    include = render(settings, "prod1", form=Form.INSTANT, groups=True)
    found = read(settings, include, marker="prod2")
    assert (found.routed, found.first, found.include.form, found.groups) == (
        "prod2",
        "prod1",
        Form.INSTANT,
        True,
    )


def test_p3_without_a_marker_the_first_line_decides(settings: Settings) -> None:
    assert read(settings, render(settings, "prod2", form=Form.INSTANT, groups=False)).routed == "prod2"


def test_p3_of_two_markers_the_last_check_of_the_include_wins_as_in_nginx(settings: Settings) -> None:
    include = render(settings, "prod1", form=Form.INSTANT, groups=True)
    assert read(settings, include, marker="prod1,prod2").routed == "prod2"


def test_a_marker_means_nothing_to_a_plain_include(settings: Settings) -> None:
    include = render(settings, "prod1", form=Form.PLAIN, groups=False)
    assert read(settings, include, marker="prod2").routed == "prod1"


MARKERS_OF_0_1 = """\
set $service_url http://taggle-prod1;
if (-e /run/bluegreen/taggle/prod1) { set $service_url http://taggle-prod1; }
if (-e /run/bluegreen/taggle/prod2) { set $service_url http://taggle-prod2; }
"""


def test_p3_the_markers_of_bluegreen_0_1_decide_until_the_include_is_converted(settings: Settings) -> None:
    found = read(settings, MARKERS_OF_0_1, marker="prod2")
    assert (found.routed, found.first, found.include.form) == ("prod2", "prod1", Form.MARKERS)
    assert not proxy.converted(found, settings)
