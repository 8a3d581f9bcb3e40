"""The stand-in application has the behaviour that was chosen for it. Needs a JDK."""

from __future__ import annotations

import dataclasses
import hashlib
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from bluegreen.sandbox.standin import Behaviour, Health, build
from tests.support.jvm import Jvm, answer, running
from tests.support.processes import free_port
from tests.support.waiting import wait_for


@contextmanager
def started(
    folder: Path, behaviour: Behaviour, *, slot: str = "prod1", properties: Mapping[str, str] | None = None
) -> Iterator[Jvm]:
    with running(build(folder / "app.jar", behaviour), slot=slot, properties=properties) as jvm:
        yield jvm.wait_until_it_listens()


# ---- healthy


def test_a_healthy_one_is_up(tmp_path: Path) -> None:
    with started(tmp_path, Behaviour()) as jvm:
        health = jvm.ask("/actuator/health")
    assert (health.status, json.loads(health.body)) == (200, {"status": "UP"})
    assert health.headers["Content-Type"] == "application/vnd.spring-boot.actuator.v3+json"


def test_every_answer_names_version_and_slot(tmp_path: Path) -> None:
    with started(tmp_path, Behaviour(version="4.2"), slot="prod2") as jvm:
        answers = [jvm.ask(path) for path in ("/api/v1/profiles", "/version", "/nothing-here")]
    assert [(each.status, each.text) for each in answers] == [(200, "prod2"), (200, "4.2"), (404, "")]
    assert {(each.headers["X-Version"], each.headers["X-Slot"]) for each in answers} == {("4.2", "prod2")}


def test_requests_share_one_connection(tmp_path: Path) -> None:
    with started(tmp_path, Behaviour()) as jvm:
        connection = jvm.connect()
        connection.connect()
        first_socket = connection.sock
        for _ in range(3):
            connection.request("GET", "/version")
            assert answer(connection).headers["Connection"] == "keep-alive"
        assert connection.sock is first_socket


def test_a_posted_body_comes_back_whole(tmp_path: Path) -> None:
    body = os.urandom(1 << 20)
    with started(tmp_path, Behaviour(version="2")) as jvm:
        connection = jvm.connect()
        connection.request("POST", "/echo", body)
        with_length = answer(connection)
        connection.request("POST", "/echo", iter([body[:1000], body[1000:]]))
        in_chunks = answer(connection)
    assert with_length.body == in_chunks.body == body
    assert with_length.headers["X-Version"] == "2"


def test_a_body_is_asked_for_when_the_client_waits(tmp_path: Path) -> None:
    with (
        started(tmp_path, Behaviour()) as jvm,
        socket.create_connection(("127.0.0.1", jvm.port), timeout=10) as client,
    ):
        client.sendall(b"POST /echo HTTP/1.1\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"body")
        assert client.recv(1000).endswith(b"\r\n\r\nbody")


def test_a_request_that_is_not_http_is_refused(tmp_path: Path) -> None:
    with (
        started(tmp_path, Behaviour()) as jvm,
        socket.create_connection(("127.0.0.1", jvm.port), timeout=10) as client,
    ):
        client.sendall(b"hello\r\n\r\n")
        assert client.recv(1000).startswith(b"HTTP/1.1 400 ")


def test_a_variable_is_compared_without_being_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_PASSWORD", "geheim")
    with started(tmp_path, Behaviour()) as jvm:
        arrived, missing = jvm.ask("/env/DB_PASSWORD"), jvm.ask("/env/NOT_THERE")
    assert json.loads(arrived.body) == {"set": True, "sha256": hashlib.sha256(b"geheim").hexdigest()}
    assert json.loads(missing.body) == {"set": False}


def test_health_moves_to_a_management_port(tmp_path: Path) -> None:
    management = free_port()
    with started(tmp_path, Behaviour(), properties={"management.server.port": str(management)}) as jvm:
        assert jvm.ask("/actuator/health").status == 404
        assert jvm.ask("/actuator/health", port=management).status == 200
        assert jvm.ask("/version", port=management).status == 404


@pytest.mark.parametrize(("slot", "port"), [("prod1", 8081), ("prod2", 8082)])
def test_a_slot_has_its_port_by_itself(slot: str, port: int, tmp_path: Path) -> None:
    jar = build(tmp_path / "app.jar")
    command = ["java", f"-Dspring.profiles.active={slot}", "-jar", str(jar)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        # Whether it gets the port depends on what else runs here; that it wants this one does not.
        said = next(line for line in process.stdout if re.search(r"[Pp]ort \d+", line))
        process.kill()
    assert f"ort {port} " in said


def test_a_port_in_use_ends_it(tmp_path: Path) -> None:
    with started(tmp_path, Behaviour()) as first, running(tmp_path / "app.jar", port=first.port) as second:
        assert second.exit_code() == 1
        assert f"Port {first.port} was already in use" in second.printed()


# ---- stopping


def test_sigterm_lets_the_request_in_flight_finish(tmp_path: Path) -> None:
    with started(tmp_path, Behaviour(version="9")) as jvm:
        in_flight = jvm.connect()
        in_flight.request("GET", "/version?ms=1000")
        jvm.ask("/version")  # accepted after the slow one: so that one was accepted too
        jvm.process.terminate()
        wait_for(lambda: not jvm.listens(), "the port is closed")
        last = answer(in_flight)
        assert (last.status, last.text, last.headers["Connection"]) == (200, "9", "close")
        assert jvm.exit_code() == 143
    assert "Graceful shutdown complete" in jvm.printed()


def test_sigterm_closes_idle_connections_at_once(tmp_path: Path) -> None:
    with started(tmp_path, Behaviour()) as jvm:
        idle = jvm.connect()
        idle.request("GET", "/version")
        answer(idle)
        jvm.process.terminate()
        assert idle.sock is not None
        assert idle.sock.recv(1) == b""
        assert jvm.exit_code(within_s=5) == 143


def test_sigterm_waits_for_the_grace_at_most(tmp_path: Path) -> None:
    grace = {"spring.lifecycle.timeout-per-shutdown-phase": "200ms"}
    with started(tmp_path, Behaviour(), properties=grace) as jvm:
        in_flight = jvm.connect()
        in_flight.request("GET", "/version?ms=60000")
        jvm.ask("/version")
        jvm.process.terminate()
        assert jvm.exit_code(within_s=10) == 143
    assert "Graceful shutdown aborted" in jvm.printed()


def test_sigterm_can_be_ignored(tmp_path: Path) -> None:
    with started(tmp_path, Behaviour(ignores_term=True)) as jvm:
        jvm.process.terminate()
        wait_for(lambda: "SIGTERM ignored" in jvm.printed(), "SIGTERM arrives")
        assert jvm.ask("/version").status == 200
        jvm.process.kill()
        assert jvm.exit_code() == -9


# ---- broken


@pytest.mark.parametrize(
    ("health", "code", "status"),
    [("never-up", 503, "OUT_OF_SERVICE"), ("part-up", 503, "DOWN"), ("part-up-200", 200, "DOWN")],
)
def test_health_is_not_up(health: Health, code: int, status: str, tmp_path: Path) -> None:
    with started(tmp_path, Behaviour(health=health)) as jvm:
        answered = jvm.ask("/actuator/health")
    body = json.loads(answered.body)
    assert (answered.status, body["status"]) == (code, status)
    if status == "DOWN":
        assert body["components"]["ping"] == {"status": "UP"}


def test_health_is_not_json(tmp_path: Path) -> None:
    with started(tmp_path, Behaviour(health="not-json")) as jvm:
        answered = jvm.ask("/actuator/health")
    assert (answered.status, answered.headers["Content-Type"]) == (200, "text/html")
    with pytest.raises(json.JSONDecodeError):
        json.loads(answered.body)


@pytest.mark.parametrize(
    ("health", "path", "code"),
    [
        ("401", "/actuator/health", 401),
        ("410", "/actuator/health", 410),
        ("elsewhere", "/actuator/health", 404),
        ("elsewhere", "/manage/health", 200),
        ("unknown", "/actuator/health", 200),
        ("no-status", "/actuator/health", 200),
    ],
)
def test_health_answers_as_another_application_does(
    health: Health, path: str, code: int, tmp_path: Path
) -> None:
    with started(tmp_path, Behaviour(health=health)) as jvm:
        assert jvm.ask(path).status == code
        assert jvm.ask("/version").status == 200


@pytest.mark.parametrize(
    ("health", "path", "header", "location"),
    [
        ("login", "/actuator/health", "http", "/login"),
        ("https-only", "/version", "http", "https://127.0.0.1:PORT/version"),
        ("https-only", "/version", "https", None),
        ("https-always", "/version?ms=1", "https", "https://127.0.0.1:PORT/version?ms=1"),
    ],
)
def test_health_is_redirected(
    health: Health, path: str, header: str, location: str | None, tmp_path: Path
) -> None:
    with started(tmp_path, Behaviour(health=health)) as jvm:
        connection = jvm.connect()
        connection.request("GET", path, headers={"X-Forwarded-Proto": header})
        found = answer(connection)
        wanted = location.replace("PORT", str(jvm.port)) if location else None
        assert found.headers.get("Location") == wanted
        assert (found.status in (301, 302)) is (wanted is not None)


def test_health_is_up_later_and_each_request_is_logged(tmp_path: Path) -> None:
    with started(tmp_path, Behaviour(health="404", up_after_s=3600)) as jvm:
        assert jvm.ask("/actuator/health").status == 404
    with started(tmp_path, Behaviour(health="404", up_after_s=0, log_requests=True)) as jvm:
        assert jvm.ask("/actuator/health").status == 200
        assert f"GET /actuator/health host=127.0.0.1:{jvm.port} proto=null" in jvm.printed()


def test_health_hangs_and_the_rest_answers(tmp_path: Path) -> None:
    with started(tmp_path, Behaviour(health="hang")) as jvm:
        with pytest.raises(TimeoutError):
            jvm.ask("/actuator/health", timeout_s=0.3)
        assert jvm.ask("/version").status == 200


def test_health_ends_without_an_answer(tmp_path: Path) -> None:
    with (
        started(tmp_path, Behaviour(health="no-answer")) as jvm,
        pytest.raises(http.client.RemoteDisconnected),
    ):
        jvm.ask("/actuator/health")


def test_it_starts_slowly(tmp_path: Path) -> None:
    with running(build(tmp_path / "app.jar", Behaviour(start_s=1))) as jvm:
        wait_for(lambda: "The following 1 profile is active" in jvm.printed(), "the JVM runs")
        assert not jvm.listens()
        jvm.wait_until_it_listens()


def test_it_dies_while_starting(tmp_path: Path) -> None:
    with running(build(tmp_path / "app.jar", Behaviour(die_starting=True))) as jvm:
        assert jvm.exit_code() == 1
    assert re.search(r"^Exception in thread .*\n\tat StandIn", jvm.printed(), re.MULTILINE)
    assert "Caused by: java.net.ConnectException" in jvm.printed()
    assert "started on port" not in jvm.printed()


@contextmanager
def started_well(folder: Path, failing: Callable[[float], Behaviour], path: str) -> Iterator[Jvm]:
    """One that fails later, and answered well before; the busier the machine, the later it fails."""
    with ExitStack() as ending:
        for after_s in (0.7, 5, 30):
            jvm = ending.enter_context(started(folder, failing(after_s)))
            if answers_well(jvm, path):
                yield jvm
                return
        pytest.fail("it failed before it was asked")


def answers_well(jvm: Jvm, path: str) -> bool:
    try:
        return jvm.ask(path, timeout_s=2).status == 200
    except (OSError, http.client.HTTPException):
        return False


def test_it_dies_later(tmp_path: Path) -> None:
    with started_well(tmp_path, lambda s: Behaviour(die_after_s=s), "/actuator/health") as jvm:
        assert jvm.exit_code(within_s=60) == 1


def test_health_goes_down_later(tmp_path: Path) -> None:
    with started_well(tmp_path, lambda s: Behaviour(down_after_s=s), "/actuator/health") as jvm:
        wait_for(lambda: jvm.ask("/actuator/health").status == 503, "DOWN", 60)


def test_requests_fail_later_and_health_stays_up(tmp_path: Path) -> None:
    with started_well(tmp_path, lambda s: Behaviour(fail_after_s=s), "/api/v1/profiles") as jvm:
        wait_for(lambda: jvm.ask("/api/v1/profiles").status == 500, "errors", 60)
        assert jvm.ask("/actuator/health").status == 200


def test_it_hangs_later(tmp_path: Path) -> None:
    def hangs() -> bool:
        try:
            jvm.ask("/version", timeout_s=0.3)
        except TimeoutError:
            return True
        return False

    with started_well(tmp_path, lambda s: Behaviour(hang_after_s=s), "/version") as jvm:
        wait_for(hangs, "it hangs", 60)
        assert jvm.listens()


# ---- building


def test_the_same_behaviour_gives_the_same_bytes(tmp_path: Path) -> None:
    one, same, other = (build(tmp_path / f"{n}.jar", Behaviour(version=n[0])) for n in ("1", "1 again", "2"))
    assert one.read_bytes() == same.read_bytes() != other.read_bytes()


def test_padding_does_not_compress(tmp_path: Path) -> None:
    plain = build(tmp_path / "plain.jar").stat().st_size
    padded = build(tmp_path / "padded.jar", Behaviour(padding_bytes=1 << 20))
    assert padded.stat().st_size - plain > 1 << 20
    with zipfile.ZipFile(padded) as jar:
        padding = jar.read("padding.bin")
    assert len({padding[i : i + 64] for i in range(0, len(padding), 64)}) == (1 << 20) / 64


def test_the_manifest_may_name_no_version(tmp_path: Path) -> None:
    with_version = build(tmp_path / "1.jar", Behaviour(version="7"))
    without = build(tmp_path / "2.jar", Behaviour(version="7", implementation_version=False))
    manifests = [
        zipfile.ZipFile(jar).read("META-INF/MANIFEST.MF").decode() for jar in (with_version, without)
    ]
    assert "Implementation-Version: 7\n" in manifests[0]
    assert "Implementation-Version" not in manifests[1]


def test_the_command_line_builds_the_same_jar(tmp_path: Path) -> None:
    behaviour = Behaviour(version="3", health="part-up", die_after_s=1.5, ignores_term=True, padding_bytes=9)
    options: list[str] = []
    for name, value in dataclasses.asdict(behaviour).items():
        option = name.replace("_", "-")
        if isinstance(value, bool):
            options.append(f"--{option}" if value else f"--no-{option}")
        elif value is not None:
            options.extend([f"--{option}", str(value)])
    subprocess.run(
        [sys.executable, "-m", "bluegreen.sandbox.standin", str(tmp_path / "by-hand.jar"), *options],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    assert (tmp_path / "by-hand.jar").read_bytes() == build(tmp_path / "built.jar", behaviour).read_bytes()


def test_without_javac_it_is_said_how_to_get_one(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bluegreen.sandbox.standin", str(tmp_path / "app.jar")],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "There is no javac" in done.stderr
    assert "what to do: install a JDK" in done.stderr
    assert not (tmp_path / "app.jar").exists()
