"""Findings, from values: each level, figure and remedy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bluegreen.check import application, nginx, resources, routing
from bluegreen.check.evidence import Evidence, Java
from bluegreen.check.finding import Level, Step
from bluegreen.config.settings import Health
from bluegreen.host.answer import Answer
from bluegreen.host.drift import Drift, DriftKind, drift_of
from bluegreen.host.files.include import Form, render
from tests.support.states import (
    SERVER,
    healthy,
    serving,
    settings_of,
    with_diagnosis,
    with_include,
    with_jar,
    with_proxy,
    with_server,
    with_slot,
    with_state,
)


@pytest.fixture
def evidence(tmp_path: Path) -> Evidence:
    return healthy(settings_of(tmp_path))


@pytest.mark.parametrize(
    ("ahead_s", "level", "text"),
    [
        (0.0, Level.OK, "less than 60 s"),
        (59.0, Level.OK, "less than 60 s"),
        (61.0, Level.WARNING, "61 s ahead of the clock here"),
        (-1000.0, Level.WARNING, "1000 s behind the clock here"),
    ],
)
def test_a_clock_that_is_off_by_more_than_a_minute_is_a_warning(
    evidence: Evidence, ahead_s: float, level: Level, text: str
) -> None:
    (finding,) = resources.clock(with_diagnosis(evidence, clock_ahead_s=ahead_s))
    assert finding.level is level
    assert text in finding.text
    assert bool(finding.remedy) is (level is Level.WARNING)


@pytest.mark.parametrize(
    ("free", "swap", "level", "figure"),
    [
        (300_000_000, 0, Level.OK, "300.0 MB is free"),
        (299_000_000, 1_000_000, Level.WARNING, "1.0 MB is free"),
        (298_000_000, 1_000_000, Level.FAILURE, "298.0 MB of 2.0 GB is free"),
    ],
)
def test_a_second_jvm_needs_as_much_memory_as_the_live_one(
    evidence: Evidence, free: int, swap: int, level: Level, figure: str
) -> None:
    short = with_diagnosis(with_state(evidence, memory_available_bytes=free), swap_free_bytes=swap)
    (finding,) = resources.memory(short)
    assert finding.level is level
    assert figure in finding.text
    assert "300.0 MB" in finding.text


def test_two_jvms_that_run_need_no_more_memory(evidence: Evidence) -> None:
    state = with_slot(evidence, "prod2", memory_bytes=300_000_000).state
    (finding,) = resources.memory(replace(evidence, state=replace(state, memory_available_bytes=0)))
    assert finding.level is Level.OK


@pytest.mark.parametrize(
    ("version", "level"), [("17.0.9", Level.OK), ("1.8.0", Level.FAILURE), ("25", Level.OK)]
)
def test_java_is_compared_by_its_release(evidence: Evidence, version: str, level: Level) -> None:
    (finding,) = resources.java(with_diagnosis(evidence, java=Java("/usr/bin/java", version)))
    assert finding.level is level


def test_another_server_that_gets_the_requests_is_a_failure(evidence: Evidence) -> None:
    plain = with_server(evidence, listens=("80",))
    assert plain.diagnosis is not None
    assert plain.diagnosis.nginx_config is not None
    ours = plain.diagnosis.nginx_config.servers[0]
    first = replace(SERVER, listens=("80",), names=("shop.example",), includes=False)
    config = replace(plain.diagnosis.nginx_config, servers=(first, ours))
    (finding,) = nginx.readers(with_diagnosis(evidence, nginx_config=config))
    assert finding.level is Level.FAILURE
    assert "shop.example" in finding.text


def test_a_drift_is_shown_by_its_fields(evidence: Evidence) -> None:
    drift = Drift(DriftKind.BOOT, "prod1 is live: not prod2", "sudo systemctl enable taggle@prod1")
    (finding,) = routing.drift(with_state(evidence, drift=(drift,)))
    assert (finding.level, finding.text, finding.remedy) == (Level.WARNING, drift.text, drift.remedy)


@pytest.mark.parametrize(
    ("boots", "command"),
    [
        ((), "sudo systemctl enable taggle@prod1"),
        (("prod2",), "sudo systemctl disable taggle@prod2 && sudo systemctl enable taggle@prod1"),
        (("prod1", "prod2"), "sudo systemctl disable taggle@prod2"),
    ],
)
def test_what_systemd_starts_at_boot_must_be_the_live_slot_alone(
    evidence: Evidence, boots: tuple[str, ...], command: str
) -> None:
    state = evidence.state
    slots = {name: replace(slot, boots=name in boots) for name, slot in state.slots.items()}
    (drift,) = drift_of(state.proxy, slots, state.settings, served=True)
    assert drift.kind is DriftKind.BOOT
    assert drift.remedy.endswith(f": {command}")


def test_each_disagreement_is_a_drift_of_its_kind(evidence: Evidence) -> None:
    state = evidence.state
    text = render(state.settings, "prod2", form=Form.INSTANT, groups=True)
    edited = with_include(evidence, text)
    answers = with_proxy(edited, answers="prod2", routed="prod1").state.proxy
    slots = {**state.slots, "prod1": serving(state.slots["prod1"])}
    kinds = [drift.kind for drift in drift_of(answers, slots, state.settings, served=True)]
    # prod2 is live by what answers, and nothing listens there.
    assert kinds == [
        DriftKind.INCLUDE_NOT_LOADED,
        DriftKind.NEXT_NGINX_START,
        DriftKind.LIVE_SLOT_DOWN,
    ]


@pytest.mark.parametrize(
    ("spring_boot", "graceful", "warns"),
    [
        ((3, 3, 0), None, True),
        ((3, 3, 0), True, False),
        ((3, 3, 0), False, True),
        ((3, 5, 16), None, False),
        ((3, 5, 16), False, True),
        ((), None, False),
    ],
)
def test_a_shutdown_that_cuts_off_requests_is_a_warning(
    evidence: Evidence, spring_boot: tuple[int, ...], graceful: bool | None, warns: bool
) -> None:
    found = list(
        application.graceful_shutdown(with_jar(evidence, spring_boot=spring_boot, graceful=graceful))
    )
    assert [each.level for each in found] == [Level.WARNING] * warns


def test_the_remedy_for_one_management_port_can_be_written_into_config_yml(evidence: Evidence) -> None:
    (finding,) = application.management_port(with_jar(evidence, management_port=9000))
    assert finding.remedy.endswith("health: {ports: {prod1: 9081, prod2: 9082}}")


def test_a_health_endpoint_that_the_jar_moves_is_a_warning_with_the_line(evidence: Evidence) -> None:
    moved = with_jar(evidence, health_path="/shop/actuator/health")
    (finding,) = application.health_path(moved)
    assert finding.level is Level.WARNING
    assert finding.remedy == "write into config.yml: health: {path: /shop/actuator/health}"
    # Whoever has set another path knows why.
    settings = evidence.settings.model_copy(update={"health": Health(path="/up")})
    assert list(application.health_path(with_state(moved, settings=settings))) == []
    assert list(application.health_path(evidence)) == []


def test_the_health_of_a_running_slot_that_cannot_be_up_is_a_warning(evidence: Evidence) -> None:
    (finding,) = application.health(evidence)
    assert finding.level is Level.OK
    (finding,) = application.health(with_slot(evidence, "prod1", health=Answer(401, "")))
    assert (finding.level, finding.name) == (Level.WARNING, "health of prod1")
    assert "permitAll()" in finding.remedy
    assert list(application.health(with_slot(evidence, "prod1", health=Answer(503, "")))) == []


@pytest.mark.parametrize(("version", "named"), [("21.0.1", True), ("11.0.2", False), ("", False)])
def test_a_java_that_the_supervisor_does_not_find_is_named_if_it_is_new_enough(
    evidence: Evidence, version: str, named: bool
) -> None:
    found = Java("", "", "/usr/bin:/bin", "/home/u/.sdkman/java", version)
    (finding,) = resources.java(with_diagnosis(evidence, java=found))
    assert finding.level is Level.FAILURE
    assert "on the PATH of systemd, which is not that of a login shell (/usr/bin:/bin)" in finding.text
    assert ("java: {bin: /home/u/.sdkman/java}" in finding.remedy) is named
    assert "apt-get install openjdk-17-jre-headless" in finding.remedy


@pytest.mark.parametrize("server", ["container", "caddy"])
def test_a_web_server_that_is_no_nginx_of_the_machine_is_named_and_blocks_no_way_back(
    server: str, evidence: Evidence
) -> None:
    (finding,) = nginx.answers(with_proxy(evidence, server=server, version=""))
    assert server in finding.text
    assert finding.stops == (Step.SETUP, Step.START, Step.FORWARD)
