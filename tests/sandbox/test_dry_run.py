"""--dry-run: reads for real, names every change, changes nothing."""

from __future__ import annotations

import zipfile

from tests.support.box import Box
from tests.support.on_host import line_to, live_pid, pid_of, release_of, whole


def test_a_dry_run_names_every_change_and_makes_none(box: Box) -> None:
    box.configure(
        releases={"keep": 1},
        old_slot={"after_switch": "keep"},
        env={"TZ": "Asia/Seoul"},
        secrets=["DB_PASSWORD"],
        switch={"watch": "3s"},
    )
    secret = {"DB_PASSWORD": "s3cret"}
    for version in ("1", "2"):
        assert box.run("deploy", "--jar", str(box.jar(version)), environ=secret).code == 0
    first, pids = release_of(box, "1"), (live_pid(box, "prod2"), live_pid(box, "prod1"))
    box.configure(old_slot={"after_switch": "stop"})
    before = whole(box)
    jar = box.jar("3")
    ran = box.run("deploy", "--jar", str(jar), "--dry-run", environ=secret)
    assert ran.code == 0, ran.all
    assert whole(box) == before
    assert (live_pid(box, "prod2"), live_pid(box, "prod1")) == pids
    for change in (
        f"would upload {jar.stat().st_size / 1000:.1f} kB to {box.base}/releases/",
        f"would stop the JVM in prod2 (pid {pids[0]})",
        f"would point {box.base}/slots/prod2 at releases/",
        "would start in prod2: java ",
        "would give it the environment variables TZ, DB_PASSWORD",
        f"would wait up to 20 s for UP on port {box.sandbox.slots['prod2']}",
        f"would write {box.include}:",
        f"-{line_to('prod1')}",
        f"+{line_to('prod2')}",
        f"would move the marker to {box.runtime}/prod2",
        "would verify that prod2 answers through nginx, and watch it for 3 s",
        "would stop prod1 once it has no requests to drain",
        f"would remove the old release {first}",
        f"would write two lines to {box.base}/history.jsonl",
        "dry run: nothing was changed",
    ):
        assert change in ran.out, change
    assert "s3cret" not in ran.all


def test_what_a_dry_run_says_is_what_the_deploy_then_does(box: Box) -> None:
    box.deployed("1")
    box.deployed("2")
    box.configure(switch={"method": "reload"})
    planned = box.deploy("2", "--dry-run").out
    assert f"would take the bytes from release {release_of(box, '2')}" in planned
    assert "would reload nginx" in planned
    done = box.deployed("2").out
    assert "the machine already had these bytes" in done
    assert "with a reload of nginx" in done


def test_a_dry_run_without_the_switch_says_nothing_of_it(box: Box) -> None:
    before = whole(box)
    ran = box.deploy("1", "--dry-run", "--no-switch")
    assert ran.code == 0, ran.all
    assert "would start in prod2" in ran.out
    assert "service-url.inc" not in ran.out
    assert whole(box) == before
    assert pid_of(box, "prod2") is None


def test_a_profile_named_in_the_old_way_is_warned_of(box: Box) -> None:
    jar = box.jar("1")
    with zipfile.ZipFile(jar, "a") as archive:
        archive.writestr("BOOT-INF/classes/application.yml", "spring:\n  profiles: prod1\n")
    ran = box.run("deploy", "--jar", str(jar), "--dry-run")
    assert ran.code == 0, ran.all
    assert (
        "\n! BOOT-INF/classes/application.yml, document 1 (line 2): Spring Boot 3 does not start with "
        "`spring.profiles: prod1`; write `spring.config.activate.on-profile: prod1`\n"
    ) in f"\n{ran.out}"


def test_a_dry_run_finds_what_a_deploy_would_be_refused_for(box: Box) -> None:
    box.configure(java={"bin": "/opt/no-such-java/bin/java"})
    ran = box.deploy("1", "--dry-run")
    assert ran.code == 1, ran.all
    assert "✗ 127.0.0.1: the command /opt/no-such-java/bin/java was not found" in ran.out
