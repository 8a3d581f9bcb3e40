"""The fat jar that other tests deploy is a genuine Spring Boot application. Needs a JDK, and no sandbox."""

from __future__ import annotations

import json
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.support.jvm import answer, running
from tests.support.springboot import Variant, fat_jar
from tests.support.waiting import wait_for


def test_a_healthy_one_is_up_in_its_slot_and_a_graceful_shutdown_finishes_its_slow_request(
    tmp_path: Path,
) -> None:
    with running(fat_jar(tmp_path / "app.jar", version="1.4.2"), slot="prod1") as jvm:
        jvm.wait_until_it_listens()
        wait_for(lambda: jvm.ask("/actuator/health").status == 200, "UP")
        assert json.loads(jvm.ask("/actuator/health").body)["status"] == "UP"
        slot, version = jvm.ask("/api/v1/profiles"), jvm.ask("/version")
        assert (slot.text, version.text) == ("prod1", "1.4.2")
        assert (slot.headers["X-Version"], slot.headers["X-Slot"]) == ("1.4.2", "prod1")
        connection = jvm.connect()
        connection.request(
            "POST", "/echo", b"a=b" * 100_000, {"Content-Type": "application/x-www-form-urlencoded"}
        )
        assert answer(connection).body == b"a=b" * 100_000

        in_flight = jvm.connect()
        in_flight.request("GET", "/version?ms=1000")
        jvm.ask("/version")  # accepted after the slow one: so that one was accepted too
        jvm.process.terminate()
        last = answer(in_flight)
        assert (last.status, last.text) == (200, "1.4.2")
        assert jvm.exit_code() == 143
    assert "Graceful shutdown complete" in jvm.printed()


@pytest.mark.parametrize(("slot", "port"), [("prod1", 8081), ("prod2", 8082)])
def test_a_profile_alone_brings_its_port(slot: str, port: int, tmp_path: Path) -> None:
    jar = fat_jar(tmp_path / "app.jar", version="1")
    command = ["java", "-XX:TieredStopAtLevel=1", f"-Dspring.profiles.active={slot}", "-jar", str(jar)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        # Whether it gets the port depends on what else runs here; that it wants this one does not.
        said = next(line for line in process.stdout if "Tomcat initialized with port" in line)
        process.kill()
    assert f"port {port} " in said


@pytest.mark.parametrize(("variant", "status"), [("part-up", "DOWN"), ("warming-up", "OUT_OF_SERVICE")])
def test_health_is_not_up(variant: Variant, status: str, tmp_path: Path) -> None:
    with running(fat_jar(tmp_path / "app.jar", version="3", variant=variant)) as jvm:
        answered = jvm.wait_until_it_listens().ask("/actuator/health")
    body = json.loads(answered.body)
    assert (answered.status, body["status"]) == (503, status)
    if variant == "part-up":
        assert body["components"]["ping"] == {"status": "UP"}


def test_one_dies_starting_with_the_stack_trace_of_spring(tmp_path: Path) -> None:
    with running(fat_jar(tmp_path / "app.jar", version="4", variant="dies-starting")) as jvm:
        assert jvm.exit_code(within_s=60) == 1
    assert "Application run failed" in jvm.printed()
    assert "\nCaused by: java.io.FileNotFoundException" in jvm.printed()


def test_it_is_packed_as_bootjar_packs(tmp_path: Path) -> None:
    with zipfile.ZipFile(fat_jar(tmp_path / "app.jar", version="5")) as jar:
        manifest = jar.read("META-INF/MANIFEST.MF").decode()
        entries = {entry.filename: entry.compress_type for entry in jar.infolist()}
        assert jar.testzip() is None
    assert "Main-Class: org.springframework.boot.loader.launch.JarLauncher\n" in manifest
    assert "Implementation-Version: 5\n" in manifest
    assert "BOOT-INF/classes/com/example/taggle/" in entries
    nested = {kind for name, kind in entries.items() if name.endswith(".jar")}
    assert nested == {zipfile.ZIP_STORED}
