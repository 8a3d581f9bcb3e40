"""Evidence of `check` as values: that of a healthy machine, and functions that change one part of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from bluegreen.check.evidence import Diagnosis, Evidence, Java
from bluegreen.config import Settings, load
from bluegreen.host.answer import Answer
from bluegreen.host.files.include import Form, parse, render
from bluegreen.host.look import State
from bluegreen.host.nginx_config import NginxConfig, Server, Upstream
from bluegreen.host.proxy import Proxy
from bluegreen.host.slots import Slot
from bluegreen.host.view import View
from bluegreen.jar import Jar

ADDRESS = "192.0.2.1"
JAR = Jar(
    path=Path("app.jar"),
    size_bytes=50_000_000,
    sha256="0" * 64,
    version="2",
    main_class="Main",
    java_release=17,
    spring_boot=(3, 5, 16),
    management_port=None,
    health_path=None,
    graceful=None,
    warnings=(),
)
SERVER = Server(
    listens=("80 default_server",),
    names=("",),
    includes=True,
    passes_to=("$service_url",),
    file_cache=False,
    keepalive_min_timeout=True,
)


def settings_of(folder: Path, *, server_name: str = "_") -> Settings:
    """The settings of a host with the defaults of every other key."""
    config = folder / "config.yml"
    host = f"{{address: {ADDRESS}, user: ubuntu}}"
    config.write_text(f"app: taggle\nsite: {{server_name: {server_name}}}\nhosts: {{prod: {host}}}\n")
    return load(config).host(None)


def healthy(settings: Settings) -> Evidence:
    """A machine that `setup` made, with prod1 live, prod2 stopped, and a jar to deploy."""
    slots = {name: slot(name, port) for name, port in settings.slots.items()}
    slots["prod1"] = serving(slots["prod1"])
    proxy = Proxy(
        include=parse(render(settings, "prod1", form=Form.INSTANT, groups=True), settings, None),
        route="1",
        routed="prod1",
        view=View(named="prod1", code=200, body="prod1"),
        answers="prod1",
        front="",
        https=False,
        listens=True,
        version="1.28.0",
    )
    state = State(
        address=ADDRESS,
        settings=settings,
        proxy=proxy,
        slots=slots,
        releases=(),
        history=(),
        lock=None,
        live="prod1",
        drift=(),
        manager="apt-get",
        disk_free_bytes=10_000_000_000,
        memory_available_bytes=1_000_000_000,
        writable=True,
    )
    diagnosis = Diagnosis(
        clock_ahead_s=0.0,
        may_sudo_all=True,
        may_sudo_switch=True,
        may_sudo_preview=True,
        java=Java("/usr/bin/java", "17.0.9"),
        memory_total_bytes=2_000_000_000,
        swap_free_bytes=0,
        nginx_problem="",
        nginx_starts_at_boot=True,
        nginx_config=NginxConfig((SERVER,), upstreams_of(settings)),
    )
    return Evidence(state, "ubuntu", jar=JAR, release_bytes=JAR.size_bytes, diagnosis=diagnosis)


def slot(name: str, port: int, **changes: Any) -> Slot:
    """A slot where nothing runs."""
    stopped = Slot(
        name=name,
        port=port,
        release=None,
        pid=None,
        owner=None,
        ours=False,
        command=(),
        owner_user="",
        health=None,
        memory_bytes=None,
    )
    return replace(stopped, **changes)


def serving(stopped: Slot) -> Slot:
    """The slot with a JVM of ours that is UP, which systemd starts at boot."""
    return replace(
        stopped,
        pid=100,
        owner="100",
        ours=True,
        health=Answer(200, '{"status":"UP"}', 5),
        memory_bytes=300_000_000,
        boots=True,
    )


def with_state(evidence: Evidence, **changes: Any) -> Evidence:
    """The evidence with other values in its state."""
    return replace(evidence, state=replace(evidence.state, **changes))


def with_proxy(evidence: Evidence, **changes: Any) -> Evidence:
    """The evidence with other values of nginx in its state."""
    return with_state(evidence, proxy=replace(evidence.state.proxy, **changes))


def with_slot(evidence: Evidence, name: str, **changes: Any) -> Evidence:
    """The evidence with other values of one slot in its state."""
    slots = evidence.state.slots
    return with_state(evidence, slots={**slots, name: replace(slots[name], **changes)})


def with_diagnosis(evidence: Evidence, **changes: Any) -> Evidence:
    """The evidence with other values in its diagnosis."""
    assert evidence.diagnosis is not None
    return replace(evidence, diagnosis=replace(evidence.diagnosis, **changes))


def with_server(evidence: Evidence, **changes: Any) -> Evidence:
    """The evidence with another server block in nginx's configuration."""
    assert evidence.diagnosis is not None
    assert evidence.diagnosis.nginx_config is not None
    config = replace(evidence.diagnosis.nginx_config, servers=(replace(SERVER, **changes),))
    return with_diagnosis(evidence, nginx_config=config)


def upstreams_of(settings: Settings, *slots: str) -> tuple[Upstream, ...]:
    """The upstream groups of the site that `setup` writes, of some slots or of all."""
    return tuple(
        Upstream(f"{settings.app}-{slot}", (f"127.0.0.1:{settings.slots[slot]}",))
        for slot in slots or settings.slots
    )


def with_upstreams(evidence: Evidence, *slots: str) -> Evidence:
    """The evidence with the upstream groups of these slots alone in nginx's configuration."""
    groups = upstreams_of(evidence.settings, *slots)
    return with_diagnosis(evidence, nginx_config=NginxConfig((SERVER,), groups))


def with_include(evidence: Evidence, text: str) -> Evidence:
    """The evidence with another text of the include."""
    return with_proxy(evidence, include=parse(text, evidence.settings, None))


def with_jar(evidence: Evidence, **changes: Any) -> Evidence:
    """The evidence with other values of the jar."""
    return replace(evidence, jar=replace(JAR, **changes))
