"""A machine with too little memory for two JVMs: what would get the live one killed is refused."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.guest import Guest
from tests.support.hosts import Rented, asked_all_the_while
from tests.support.jvm import QUICK_JAVA

# A JVM that holds as much memory as a Spring application does.
LARGE_JAVA = [*QUICK_JAVA, "-Xms128m", "-XX:+AlwaysPreTouch"]
FIGURES = r"92\.\d MB of 1\.0 GB is free, and .* of swap; a second JVM needs 1\d\d\.\d MB"


def limit_memory(guest: Guest, *, available_kb: int) -> None:
    """Shows a small machine's figures in the guest's /proc/meminfo, as lxcfs does for a container."""
    figures = {"MemTotal": 1_000_000, "MemAvailable": available_kb, "SwapTotal": 0, "SwapFree": 0}
    text = Path("/proc/meminfo").read_text()
    for name, kb in figures.items():
        text = re.sub(rf"^{name}:.*$", f"{name}: {kb} kB", text, flags=re.MULTILINE)
    (guest.root / "etc/meminfo").write_text(text)
    guest.run("mount --bind /etc/meminfo /proc/meminfo")


def test_p4_a_deploy_that_would_get_the_live_jvm_killed_is_refused_before_the_upload(
    ubuntus_host: Rented,
) -> None:
    host = ubuntus_host
    host.configure(java={"options": LARGE_JAVA}, old_slot={"after_switch": "stop"})
    host.deployed("1")
    host.deployed("2")
    limit_memory(host.guest, available_kb=90_000)
    releases = sorted((host.base / "releases").iterdir())
    live = host.machine()["slots"]["prod1"]["pid"]
    deploy = ("deploy", "--jar", str(host.jar("3")), "--version", "3")
    with asked_all_the_while(host) as answers:
        for command in (("check",), deploy, (*deploy, "--dry-run"), ("rollback",)):
            ran = host.run(*command)
            assert ran.code == 1, ran.all
            assert re.search(
                r"92\.\d MB of 1\.0 GB is free, and .* of swap; a second JVM needs 1\d\d", ran.out
            )
            assert "lower -Xmx under java.options" in ran.out
            assert sorted((host.base / "releases").iterdir()) == releases
        assert host.machine()["slots"]["prod1"]["pid"] == live
        forced = host.done(*deploy, "--force", "memory")
    assert "! --force memory: " in forced.out
    assert host.history()[0]["forced"] == ["memory"]
    assert answers.versions() == ["2", "3"]


def test_p5_a_warm_rollback_needs_no_memory(ubuntus_host: Rented) -> None:
    host = ubuntus_host
    host.configure(java={"options": LARGE_JAVA})
    host.deployed("1")
    host.deployed("2")
    limit_memory(host.guest, available_kb=9_000)
    with asked_all_the_while(host) as answers:
        host.done("rollback")
    assert answers.versions() == ["2", "1"]
