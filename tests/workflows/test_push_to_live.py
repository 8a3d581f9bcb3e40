"""From push to main to live, and back by hand: the workflows of this repository, run by act on a sandbox."""

from __future__ import annotations

import os
import re
import signal
from dataclasses import replace

from tests.support.act import Repository, ended
from tests.support.box import Box
from tests.support.command import Ran
from tests.support.waiting import wait_for

NEVER_UP = "\ntaggle:\n  warm-up: 1h\n"


def push(repository: Repository, version: str) -> Ran:
    """Pushes a commit with that version; returns the run of the workflow."""
    commit(repository, version)
    return repository.run("push", "deploy.yml")


def commit(repository: Repository, version: str) -> str:
    (repository.root / "example" / "gradle.properties").write_text(f"version={version}\n")
    return repository.commit(f"Version {version}")


def test_a_push_goes_live_a_bad_one_does_not_and_a_rollback_goes_back(
    box: Box, repository: Repository
) -> None:
    first = commit(repository, "1.0.0")
    ran = repository.run("push", "deploy.yml", private=False)
    assert ran.code == 0, ran.out
    assert box.served() == "1.0.0"
    assert "Job succeeded" in ran.out
    assert "attest] ⭐ Run Main" in ran.out
    assert "taggle-1.0.0.jar: OK" in ran.out
    newest = box.history()[0]
    assert (newest["version"], newest["by"]) == (first[:12], "kim")
    assert newest["url"].endswith("/actions/runs/1")

    ran = push(repository, "2.0.0")
    assert ran.code == 0, ran.out
    assert box.served() == "2.0.0"
    # A private repository has no attestations.
    assert "attest] ⭐ Run Main" not in ran.out
    for name in ("slot=prod1", "switched=true", "release=", "previous=", f"url={box.sandbox.url}"):
        assert f"::set-output:: {name}" in ran.out, ran.out
    assert "Summary - ## ✅ deploy of taggle on sandbox" in ran.out

    settings = repository.root / "example" / "src" / "main" / "resources" / "application.yml"
    good = settings.read_text()
    settings.write_text(good + NEVER_UP)
    set_health_timeout(repository, "40s")
    ran = push(repository, "3.0.0")
    assert ran.code == 1, ran.out
    assert "Job failed" in ran.out
    assert box.served() == "2.0.0"
    assert "::error title=prod2 was not UP within 40 s" in ran.out, ran.out
    assert "OUT_OF_SERVICE" in ran.out
    assert "Summary - ## ❌ deploy of taggle on sandbox: prod2 was not UP within" in ran.out

    ran = repository.run("workflow_dispatch", "rollback.yml", inputs={"host": "sandbox"})
    assert ran.code == 0, ran.out
    assert box.served() == "1.0.0"
    assert "build]" not in ran.out


def test_two_runs_at_once_are_settled_by_the_lock_of_the_host(box: Box, repository: Repository) -> None:
    set_health_timeout(repository, "3m")
    commit(repository, "1.0.0")
    first = repository.start("push", "deploy.yml")
    wait_for(lambda: running_jvm(box) is not None, "the first run starts its JVM", 120)
    jvm = running_jvm(box)
    assert jvm is not None
    os.kill(jvm, signal.SIGSTOP)
    second = push(replace(repository, tool_cache="another-tool-cache"), "2.0.0")
    os.kill(jvm, signal.SIGCONT)
    assert second.code == 1, second.out
    assert "is locked by kim since" in second.out
    assert "::error title=127.0.0.1 is locked by kim since" in second.out
    assert "actions/runs/1)" in second.out
    ran = ended(first)
    assert ran.code == 0, ran.out
    assert box.served() == "1.0.0"


def test_a_dry_run_by_hand_changes_nothing(box: Box, repository: Repository) -> None:
    commit(repository, "1.0.0")
    ran = repository.run("workflow_dispatch", "deploy.yml", inputs={"host": "sandbox", "dry-run": "true"})
    assert ran.code == 0, ran.out
    assert "dry run: nothing was changed" in ran.out
    summary = ran.out[ran.out.index("Summary - ") :]
    assert "nothing was changed" in summary
    assert "would start in prod2: java " in summary
    assert "::set-output:: switched=false" in ran.out
    assert box.history() == []


def set_health_timeout(repository: Repository, timeout: str) -> None:
    """Sets health.timeout of config.yml, from the next commit on."""
    config = repository.root / "config.yml"
    fresh = re.sub(r"timeout: \d+[ms]$", f"timeout: {timeout}", config.read_text(), count=1, flags=re.M)
    config.write_text(fresh)


def running_jvm(box: Box) -> int | None:
    """The pid of the JVM in the slot of the first deploy."""
    try:
        return int((box.base / "run" / "prod2.pid").read_text().split()[0])
    except (OSError, IndexError):
        return None
