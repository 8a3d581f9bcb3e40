"""Preflight: which finding stops the start of the idle slot, which the switch, and which nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bluegreen.check.evidence import Evidence, Java
from bluegreen.check.finding import Level, Step
from bluegreen.check.findings import findings
from bluegreen.errors import BluegreenError, Failed, Unclear
from bluegreen.host.files.root_files import HostFile
from bluegreen.host.view import OwnAnswer, View
from bluegreen.rollout import preflight
from tests.support.states import (
    ADDRESS,
    healthy,
    settings_of,
    with_diagnosis,
    with_include,
    with_jar,
    with_proxy,
    with_server,
    with_slot,
    with_state,
    with_upstreams,
)

Change = Callable[[Evidence], Evidence]

SETUP, START, SWITCH, FORWARD = Step
OTHERS_PROCESS = {"owner": "4711", "command": ("nc", "-l", "8082"), "owner_user": "ubuntu"}
EXPOSED = (HostFile("steps as root", "/usr/local/sbin/bluegreen-taggle", 0o755, ""), "/usr/local")

# Each way to break the machine, the failure that it makes, and the steps that it stops.
FAILURES: dict[str, tuple[Change, str, tuple[Step, ...]]] = {
    "no java": (lambda it: with_diagnosis(it, java=Java("", "")), "java", (START,)),
    "java without a version": (
        lambda it: with_diagnosis(it, java=Java("/usr/bin/java", "")),
        "java",
        (START,),
    ),
    "java too old": (lambda it: with_diagnosis(it, java=Java("/usr/bin/java", "1.8.0")), "java", (START,)),
    "java too old for the jar": (lambda it: with_jar(it, java_release=25), "java", (START,)),
    "folder not writable": (lambda it: with_state(it, writable=False), "folder", (START,)),
    "disk full": (lambda it: with_state(it, disk_free_bytes=1_000_000), "disk", (START,)),
    "no memory": (lambda it: with_state(it, memory_available_bytes=1_000_000), "memory", (START,)),
    "idle port held": (lambda it: with_slot(it, "prod2", **OTHERS_PROCESS), "port of prod2", (START,)),
    "a slot of another app": (
        lambda it: with_slot(
            it, "prod1", ours=False, command=("java", "-Dbluegreen.app=shop", "-Dbluegreen.slot=prod1")
        ),
        "port of prod1",
        (SETUP, START, SWITCH),
    ),
    "nginx silent": (lambda it: with_proxy(it, view=View(), listens=False), "nginx", (SWITCH,)),
    "no nginx": (lambda it: with_proxy(it, view=View(), listens=False, version=""), "nginx", (SWITCH,)),
    "nginx answers, its version unknown": (lambda it: with_proxy(it, version=""), "nginx", ()),
    "nginx -t fails": (
        lambda it: with_diagnosis(it, nginx_problem="[emerg] unknown directive"),
        "nginx configuration",
        (FORWARD,),
    ),
    "nginx -t fails, and the switch needs a reload": (
        lambda it: with_include(
            with_diagnosis(it, nginx_problem="[emerg] unknown directive"),
            "set $service_url http://127.0.0.1:8081;",
        ),
        "nginx configuration",
        (SWITCH, FORWARD),
    ),
    "live slot unclear": (lambda it: with_state(it, live=None), "live slot", (START, SWITCH, FORWARD)),
    "no sudo": (
        lambda it: with_diagnosis(it, may_sudo_all=False, may_sudo_switch=False, may_sudo_preview=False),
        "sudo",
        (START, SWITCH),
    ),
    "sudo for the steps of bluegreen 0.1": (
        lambda it: with_diagnosis(it, may_sudo_all=False, may_sudo_preview=False),
        "sudo",
        (FORWARD,),
    ),
    "a unit of that name": (
        lambda it: with_diagnosis(it, other_unit="/lib/systemd/system/user@.service"),
        "unit",
        (SETUP, START),
    ),
    "no include": (lambda it: with_include(it, ""), "include", ()),
    "include without the line": (lambda it: with_include(it, "# empty"), "include", (SETUP, START, SWITCH)),
    "include with a host name": (
        lambda it: with_include(it, "set $service_url http://localhost:8081;"),
        "include target",
        (),
    ),
    "include with another port": (
        lambda it: with_proxy(with_include(it, "set $service_url http://127.0.0.1:9999;"), answers=None),
        "include target",
        (SETUP, START, SWITCH),
    ),
    "include of another app": (
        lambda it: with_include(
            it,
            "set $service_url http://127.0.0.1:8081;\n"
            "if (-e /run/bluegreen/shop/prod1) { set $service_url http://127.0.0.1:8081; }",
        ),
        "include of another app",
        (SETUP, START, SWITCH),
    ),
    "upstream group undefined": (
        lambda it: with_upstreams(it, "prod1"),
        "include target",
        # `setup` writes the site that has them.
        (START, SWITCH),
    ),
    "not seen through nginx": (
        lambda it: with_state(
            with_proxy(it, view=View(code=403), answers=None),
            own_answers={"prod1": OwnAnswer("prod1", 200, "prod1")},
        ),
        "verify path",
        (FORWARD,),
    ),
    "include not read": (lambda it: with_server(it, includes=False), "include", (START, SWITCH)),
    "include read on another port": (lambda it: with_server(it, listens=("8088",)), "include", ()),
    "no location passes requests": (lambda it: with_server(it, passes_to=()), "include", (START, SWITCH)),
    "root's file exposed": (lambda it: with_diagnosis(it, exposed=(EXPOSED,)), "root's files", ()),
    "one management port": (lambda it: with_jar(it, management_port=9000), "management port", ()),
}


@pytest.fixture
def evidence(tmp_path: Path) -> Evidence:
    return healthy(settings_of(tmp_path))


def raised(evidence: Evidence, step: Step) -> BluegreenError | None:
    try:
        preflight.require(evidence, {step})
    except BluegreenError as error:
        return error
    return None


def test_nothing_stops_a_healthy_machine(evidence: Evidence) -> None:
    assert [each for each in findings(evidence) if each.level is not Level.OK] == []
    assert [raised(evidence, step) for step in Step] == [None] * len(Step)


@pytest.mark.parametrize(("change", "name", "stops"), FAILURES.values(), ids=FAILURES.keys())
def test_a_failure_is_raised_before_the_steps_that_it_stops_and_no_others(
    evidence: Evidence, change: Change, name: str, stops: tuple[Step, ...]
) -> None:
    broken = change(evidence)
    (failure,) = [each for each in findings(broken) if each.level is Level.FAILURE]
    assert (failure.name, failure.stops) == (name, stops)
    assert failure.remedy
    assert [step for step in Step if raised(broken, step)] == list(stops)


def test_the_error_names_the_machine_the_figure_what_is_live_and_the_remedy(evidence: Evidence) -> None:
    error = raised(with_slot(evidence, "prod2", **OTHERS_PROCESS), START)
    assert isinstance(error, Failed)
    assert error.message.startswith(f"{ADDRESS}: port 8082 is held by pid 4711 of ubuntu (nc -l …)")
    assert error.live is not None
    assert error.live.startswith("prod1")
    assert error.remedy


@pytest.mark.parametrize("step", [START, SWITCH, FORWARD])
def test_an_unclear_live_slot_is_raised_first_and_with_its_own_exit_code(
    evidence: Evidence, step: Step
) -> None:
    error = raised(
        with_proxy(
            with_state(with_diagnosis(evidence, java=Java("", "")), live=None), view=View(), listens=False
        ),
        step,
    )
    assert isinstance(error, Unclear)
    assert error.exit_code == 6
    assert "127.0.0.1:8081" in str(error)


def test_a_live_version_that_hangs_is_a_failure_that_stops_nothing(evidence: Evidence) -> None:
    hangs = with_proxy(evidence, view=View(), listens=True, answers=None)
    (finding,) = [each for each in findings(hangs) if each.level is not Level.OK]
    assert (finding.name, finding.level, finding.stops) == ("nginx", Level.FAILURE, ())
    assert [raised(hangs, step) for step in Step] == [None] * len(Step)


def test_another_process_on_the_live_port_stops_nothing(evidence: Evidence) -> None:
    served_by_another = with_slot(evidence, "prod1", pid=None, ours=False, boots=False)
    assert [raised(served_by_another, step) for step in Step] == [None] * len(Step)


def test_findings_whose_facts_were_not_read_are_left_out(evidence: Evidence) -> None:
    names = {each.name for each in findings(replace(evidence, diagnosis=None))}
    assert {"java", "folder", "disk", "nginx", "port of prod2"} & names == {
        "folder",
        "disk",
        "nginx",
        "port of prod2",
    }
    assert not {"clock", "sudo", "memory", "nginx configuration", "setup", "not examined"} & names


@pytest.mark.parametrize(
    ("release_bytes", "free_bytes", "stopped"),
    [
        (50_000_000, 70_000_000, False),
        (50_000_000, 69_999_999, True),
        # A release that is on the machine needs room for its log and facts alone.
        (0, 20_000_000, False),
        (0, 19_999_999, True),
    ],
)
def test_the_disk_must_have_room_for_the_release_and_20_mb(
    evidence: Evidence, release_bytes: int, free_bytes: int, stopped: bool
) -> None:
    broken = replace(with_state(evidence, disk_free_bytes=free_bytes), release_bytes=release_bytes)
    assert (raised(broken, START) is not None) is stopped
    assert raised(broken, SWITCH) is None
