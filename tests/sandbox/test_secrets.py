"""P10: a secret reaches the application, and can be read nowhere else."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from tests.support.box import Box

SECRET = "correct-horse-'battery\"-$taple\\n"  # noqa: S105 it is looked for, not used
# As it stands, and as a shell or JSON would write it.
TRACE = b"correct-horse"
WITH_SECRET = {"DB_PASSWORD": SECRET}


def test_p10_a_secret_and_env_reach_the_application_as_they_are(box: Box) -> None:
    greeting = 'it\'s $HOME; `id` "quoted" 한국'
    # Without a locale a JVM reads every letter beyond ASCII as a question mark.
    box.configure(secrets=["DB_PASSWORD"], env={"LC_ALL": "C.UTF-8", "GREETING": greeting})
    _deployed(box, "1")
    assert _arrived(box, "DB_PASSWORD") == _sha256(SECRET)
    assert _arrived(box, "GREETING") == _sha256(greeting)


def test_p10_a_secret_is_in_no_output_no_file_and_no_process_list(box: Box) -> None:
    box.configure(secrets=["DB_PASSWORD"], java={"args": ["--spring.main.banner-mode=off"]})
    with _process_lists() as lists:
        outputs = [_deployed(box, "1"), _deployed(box, "2")]
        failing = box.jar("3", health="part-up")
        box.configure(health={"timeout": "1s"})
        ran = box.run("deploy", "--jar", str(failing), "--version", "3", environ=WITH_SECRET)
        assert ran.code == 1, ran.all
        dying = box.jar("4", die_starting=True)
        died = box.run("deploy", "--jar", str(dying), "--version", "4", environ=WITH_SECRET)
        assert died.code == 1, died.all
        outputs += [ran.all, died.all]
        for command in (
            ["deploy", "--dry-run", "--jar", str(dying)],
            ["rollback"],
            ["status"],
            ["status", "--json"],
            ["history"],
            ["history", "--json"],
            ["logs"],
            ["logs", "--slot", "prod1"],
            ["config"],
        ):
            ran = box.run(*command, environ=WITH_SECRET)
            assert ran.code == 0, ran.all
            outputs.append(ran.all)
    assert _arrived(box, "DB_PASSWORD") == _sha256(SECRET)

    assert [output for output in outputs if TRACE.decode() in output] == []
    assert any(b"-Dbluegreen.slot=prod1" in line for line in lists)
    assert [line for line in lists if TRACE in line] == []
    assert [file for file in box.folder.rglob("*") if file.is_file() and TRACE in file.read_bytes()] == []


def test_p10_a_cold_rollback_without_the_secret_names_it_and_changes_nothing(box: Box) -> None:
    box.configure(secrets=["DB_PASSWORD"])
    for version in ("1", "2", "3"):
        _deployed(box, version)
    live, history = box.machine()["live"], box.history()

    ran = box.run("rollback", "--to", "1")

    assert ran.code == 2, ran.all
    assert "DB_PASSWORD" in ran.all
    assert (box.served(), box.machine()["live"]) == ("3", live)
    assert box.history() == history
    assert box.run("rollback", "--to", "1", environ=WITH_SECRET).code == 0
    assert (box.served(), _arrived(box, "DB_PASSWORD")) == ("1", _sha256(SECRET))


def test_p10_a_warm_rollback_needs_no_secret(box: Box) -> None:
    box.configure(secrets=["DB_PASSWORD"])
    _deployed(box, "1")
    _deployed(box, "2")
    ran = box.run("rollback")
    assert ran.code == 0, ran.all
    assert (box.served(), _arrived(box, "DB_PASSWORD")) == ("1", _sha256(SECRET))


def _deployed(box: Box, version: str) -> str:
    jar = box.jar(version)
    ran = box.run("deploy", "--jar", str(jar), "--version", version, environ=WITH_SECRET)
    assert ran.code == 0, ran.all
    return ran.all


def _arrived(box: Box, name: str) -> str | None:
    answer = json.loads(box.get(f"/env/{name}")[1])
    sha256: str | None = answer.get("sha256")
    return sha256


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@contextlib.contextmanager
def _process_lists() -> Iterator[set[bytes]]:
    """Every command line that any process has while the block runs."""
    seen: set[bytes] = set()
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.002):
            for pid in os.listdir("/proc"):  # noqa: PTH208 thousands of names, each asked once
                if pid.isdigit():
                    with contextlib.suppress(OSError):
                        seen.add(Path(f"/proc/{pid}/cmdline").read_bytes())

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield seen
    finally:
        over.set()
        looking.join()
