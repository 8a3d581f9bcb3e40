"""`check`: a guest is broken in one way, and the finding and its remedy are shown; nothing is changed."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.support.guest import booted
from tests.support.hosts import INCLUDE, SCRIPT, SITE, SUDOERS, UNIT, Rented, rented

BASE = "/home/ubuntu/taggle"
TMPFILES = "/etc/tmpfiles.d/bluegreen-taggle.conf"
OTHER_SITE = "/etc/nginx/conf.d/a-first.conf"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rented]:
    """A host that is set up, with version 1 live in prod2; each test repairs what it broke."""
    with booted("checked") as guest:
        box = rented(tmp_path_factory.mktemp("check"), guest)
        box.set_up()
        box.deployed("1")
        yield box


@dataclass(frozen=True)
class Broken:
    """A way to break a host.

    Args:
        by: a line for sh, run as root on the guest.
        repaired: the line that repairs it.
        settings: sections of config.yml that differ instead.
        name, level, text, remedy: what the finding must say.
    """

    name: str
    level: str
    text: str
    remedy: str
    by: str = "true"
    repaired: str = "true"
    settings: dict[str, Any] = field(default_factory=dict)


def edited(path: str, command: str) -> dict[str, Any]:
    """A file of the host edited in place, and put back."""
    return {"by": f"cp -p {path} /root/kept && {command}", "repaired": f"cp -p /root/kept {path}"}


def with_memory(*lines: str) -> dict[str, Any]:
    """Other lines in /proc/meminfo."""
    changes = " ".join(f"-e 's/^{line.split()[0]}.*/{line}/'" for line in lines)
    return {
        "by": f"sed {changes} /proc/meminfo >/root/meminfo && mount --bind /root/meminfo /proc/meminfo",
        "repaired": "umount /proc/meminfo",
    }


WAYS = {
    "java is not there": Broken(
        "java",
        "failure",
        "/opt/java was not found",
        "apt-get install",
        settings={"java": {"bin": "/opt/java"}},
    ),
    "java is too old": Broken(
        "java", "failure", "too old: java.version is 21", "openjdk-21", settings={"java": {"version": 21}}
    ),
    "java is another program": Broken(
        "java",
        "failure",
        "/bin/true -version prints no version",
        "openjdk-17",
        settings={"java": {"bin": "/bin/true"}},
    ),
    "the clock is ahead": Broken(
        "clock",
        "warning",
        " s ahead of the clock here",
        "timedatectl set-ntp true",
        by='printf \'#!/bin/sh\\nexec /bin/date -d "+2 min" "$@"\\n\' >/usr/local/bin/date'
        " && chmod +x /usr/local/bin/date",
        repaired="rm /usr/local/bin/date",
    ),
    "no memory for a second JVM": Broken(
        "memory",
        "failure",
        "2.0 MB of",
        "lower -Xmx",
        **with_memory("MemAvailable: 2000 kB", "SwapFree: 0 kB"),
    ),
    "a second JVM would need swap": Broken(
        "memory",
        "warning",
        "(as large as the live one): it would use swap (921.6 MB is free)",
        "lower -Xmx",
        **with_memory("MemAvailable: 2000 kB", "SwapFree: 900000 kB"),
    ),
    "no room on the disk": Broken(
        "disk",
        "failure",
        "a release needs",
        "releases.keep",
        by=f"mount -t tmpfs -o size=2m,uid=1000 tmpfs {BASE}",
        repaired=f"umount {BASE}",
    ),
    "the folder is another's": Broken(
        "folder",
        "failure",
        "may not write",
        "install -d",
        by=f"chown root {BASE}",
        repaired=f"chown ubuntu {BASE}",
    ),
    "a tool is missing": Broken(
        "tools",
        "failure",
        "the machine lacks flock",
        "sudo apt-get install util-linux",
        by="mv /usr/bin/flock /root/flock",
        repaired="mv /root/flock /usr/bin/flock",
    ),
    "the verify path hangs": Broken(
        "nginx",
        "failure",
        "/api/v1/profiles gave no answer through nginx in time, although port 80 accepts connections",
        "bluegreen logs --host prod",
        by="systemctl kill --signal=STOP taggle@prod2",
        repaired="systemctl kill --signal=CONT taggle@prod2",
    ),
    "nginx does not run": Broken(
        "nginx",
        "failure",
        "nothing answers on port 80",
        "systemctl start nginx",
        by="systemctl stop nginx",
        repaired="systemctl start nginx",
    ),
    "nginx is not started at boot": Broken(
        "nginx at boot",
        "warning",
        "systemd does not start nginx at boot",
        "systemctl enable nginx",
        by="systemctl disable nginx",
        repaired="systemctl enable nginx",
    ),
    "nginx's configuration is broken": Broken(
        "nginx configuration",
        "failure",
        "nginx -t rejects the configuration: ",
        "nginx -t",
        by=f"echo 'nonsense;' >{OTHER_SITE}",
        repaired=f"rm {OTHER_SITE}",
    ),
    "the include is gone": Broken(
        "include", "failure", "missing or empty", "setup", **edited(INCLUDE, f"rm {INCLUDE}")
    ),
    "the include names no target": Broken(
        "include",
        "failure",
        "contains no line `set $service_url",
        "set $service_url http://127.0.0.1:8082;",
        **edited(INCLUDE, f"echo '# gone' >{INCLUDE}"),
    ),
    "the server of the include listens elsewhere": Broken(
        "include",
        "failure",
        "read by a server that listens on 8088, not on port 80",
        "set site.listen in config.yml to its port",
        **edited(SITE, f"sed -i 's/listen 80 default_server/listen 8088/' {SITE}"),
    ),
    "no location passes requests on": Broken(
        "include",
        "failure",
        "has no location that passes requests to $service_url",
        "proxy_pass $service_url;",
        **edited(SITE, f"sed -i 's/proxy_pass $service_url/return 404/' {SITE}"),
    ),
    "an upstream group is gone": Broken(
        "include target",
        "failure",
        "nginx has no group for prod1 (port 8081): a switch would answer 502",
        "bluegreen setup --host prod",
        **edited(SITE, f"sed -i 's/upstream taggle-prod1/upstream taggle-other/' {SITE}"),
    ),
    "the include was edited and not loaded": Broken(
        "drift",
        "warning",
        "nginx answers from prod2, but the include names prod1",
        "bluegreen deploy --host prod",
        **edited(INCLUDE, f"echo 'set $service_url http://127.0.0.1:8081;' >{INCLUDE}"),
    ),
    "no server reads the include": Broken(
        "include",
        "failure",
        "no server of nginx reads",
        f"include {INCLUDE};",
        **edited(
            SITE, f"sed -i 's|^ *include .*service-url.inc;|set $service_url http://127.0.0.1:8082;|' {SITE}"
        ),
    ),
    "another server takes the requests": Broken(
        "include",
        "failure",
        "another server gets the requests on port 80: server_name shop.example",
        "listen 80 default_server;",
        by=f"printf 'server {{ listen 80; server_name shop.example; }}\\n' >{OTHER_SITE}"
        f" && sed -i 's/ default_server//' {SITE}",
        repaired=f"rm {OTHER_SITE}; sed -i 's/listen 80;/listen 80 default_server;/' {SITE}",
    ),
    "the file cache hides the marker": Broken(
        "include",
        "warning",
        "open_file_cache is on",
        "open_file_cache off",
        **edited(SITE, f"sed -i 's/open_file_cache off;/open_file_cache max=100;/' {SITE}"),
    ),
    "the target is a host name": Broken(
        "include target",
        "failure",
        "http://localhost:8082 is a host name",
        "write 127.0.0.1",
        **edited(INCLUDE, f"sed -i '1s|http://[^;]*|http://localhost:8082|' {INCLUDE}"),
    ),
    "the target is neither slot": Broken(
        "include target",
        "failure",
        "http://127.0.0.1:9999 is not the port of a slot",
        "set $service_url http://127.0.0.1:8082;",
        **edited(INCLUDE, f"sed -i '1s|http://[^;]*|http://127.0.0.1:9999|' {INCLUDE}"),
    ),
    "the include was edited without a reload": Broken(
        "drift",
        "warning",
        "after a restart it would route to prod1",
        "bluegreen deploy --host prod",
        **edited(INCLUDE, f"sed -i '1s|taggle-prod2|taggle-prod1|' {INCLUDE}"),
    ),
    "a boot would start nothing": Broken(
        "drift",
        "warning",
        "prod2 is live, but systemd starts no slot at boot",
        "sudo systemctl enable taggle@prod2",
        by="systemctl disable taggle@prod2",
        repaired="systemctl enable taggle@prod2",
    ),
    "nginx is too old to reload without loss": Broken(
        "method",
        "warning",
        "each reload of nginx 1.22",
        "instant",
        settings={"switch": {"method": "reload"}},
    ),
    "the port of the idle slot is another's": Broken(
        "port of prod1",
        "failure",
        "port 8081 is held by",
        "stop that process",
        by="systemd-run --quiet --unit squatter systemd-socket-activate --accept -l 8081 /bin/cat"
        " && until ss -ltn | grep -q :8081; do sleep 0.05; done",
        repaired="systemctl stop squatter",
    ),
    "the lock is held": Broken(
        "lock",
        "warning",
        "the lock is held by a friend since noon (deploy)",
        "wait",
        by=f"""printf '%s' 'abc {{"by": "a friend", "since": "noon", "command": "deploy"}}' >{BASE}/lock"""
        f" && systemd-run --quiet --unit holder flock {BASE}/lock sleep 60"
        f" && until ! flock -n {BASE}/lock true; do sleep 0.05; done",
        repaired="systemctl stop holder",
    ),
    "the include is in a folder of the user": Broken(
        "root's files",
        "failure",
        "ubuntu may write /home/ubuntu, and so replace root's /home/ubuntu/service-url.inc (include)",
        "root's own folders",
        by=f"cp {INCLUDE} /home/ubuntu/service-url.inc",
        repaired="rm /home/ubuntu/service-url.inc",
        settings={"switch": {"include": "/home/ubuntu/service-url.inc"}},
    ),
    "the include is the user's": Broken(
        "root's files",
        "failure",
        f"ubuntu may write {INCLUDE}, and so replace root's",
        f"sudo chown root: {INCLUDE}",
        by=f"chown ubuntu {INCLUDE} && chmod 444 {INCLUDE}",
        repaired=f"chown root {INCLUDE} && chmod 644 {INCLUDE}",
    ),
    "the folder of the script of root is the user's": Broken(
        "root's files",
        "failure",
        f"ubuntu may write /usr/local/sbin, and so replace root's {SCRIPT} (steps as root)",
        "sudo chown root: /usr/local/sbin",
        by="chmod 777 /usr/local/sbin",
        repaired="chmod 755 /usr/local/sbin",
    ),
    "the script of root is another user's": Broken(
        "steps as root",
        "warning",
        f"{SCRIPT} differs from what `setup` writes",
        "setup",
        by=f"chown deploy {SCRIPT}",
        repaired=f"chown root {SCRIPT}",
    ),
    "the root script was installed by another version": Broken(
        "drift",
        "warning",
        "was installed by another version of bluegreen",
        "bluegreen setup --host prod",
        **edited(SCRIPT, f"echo '#' >>{SCRIPT}"),
    ),
    "the unit was edited": Broken(
        "unit",
        "warning",
        f"{UNIT} differs from what `setup` writes",
        "setup",
        **edited(UNIT, f"echo '#' >>{UNIT}"),
    ),
    "what makes the folder of the markers is gone": Broken(
        "folder of the markers",
        "warning",
        f"{TMPFILES} does not exist",
        "setup",
        **edited(TMPFILES, f"rm {TMPFILES}"),
    ),
    "the site was edited": Broken(
        "nginx site", "warning", f"{SITE} differs from", "setup", **edited(SITE, f"echo '#' >>{SITE}")
    ),
    "the sudoers file was edited": Broken(
        "sudoers", "warning", f"{SUDOERS} differs from", "setup", **edited(SUDOERS, f"echo '#' >>{SUDOERS}")
    ),
    "sudo is not limited to one script": Broken(
        "sudo",
        "warning",
        "may run everything as root",
        "bluegreen setup --host prod",
        by=f"mv {SCRIPT} /root/script",
        repaired=f"mv /root/script {SCRIPT}",
    ),
    "the user may not sudo": Broken(
        "sudo",
        "failure",
        "may not run the steps that need root",
        "bluegreen setup --host prod --login USER",
        by="mkdir /root/sudoers && mv /etc/sudoers.d/* /root/sudoers/ && { gpasswd -d ubuntu sudo || true; }",
        repaired="mv /root/sudoers/* /etc/sudoers.d/ && rmdir /root/sudoers && gpasswd -a ubuntu sudo",
    ),
}


def checked(host: Rented) -> tuple[int, list[dict[str, str]]]:
    ran = host.run("check", "--json")
    return ran.code, json.loads(ran.out)["machines"][0]["findings"]


def test_a_host_as_setup_makes_it_has_nothing_to_repair(host: Rented) -> None:
    before = host.etc()
    code, findings = checked(host)
    remarks = [finding for finding in findings if finding["level"] != "ok"]
    assert [finding["name"] for finding in remarks] == ["jar"], "no jar is built here"
    assert code == 0
    assert host.etc() == before


@pytest.mark.parametrize("broken", WAYS.values(), ids=WAYS.keys())
def test_what_is_broken_is_found_with_its_remedy(host: Rented, broken: Broken) -> None:
    settings = {name: dict(host.settings.get(name, {})) for name in broken.settings}
    host.guest.run(broken.by)
    host.configure(**broken.settings)
    try:
        code, findings = checked(host)
    finally:
        host.guest.run(broken.repaired)
        host.settings.update(settings)
        host.configure()
    found = [finding for finding in findings if finding["name"] == broken.name and finding["level"] != "ok"]
    assert any(
        finding["level"] == broken.level
        and broken.text in finding["text"]
        and broken.remedy in finding["remedy"]
        for finding in found
    ), findings
    assert code == (1 if any(finding["level"] == "failure" for finding in findings) else 0)


@pytest.mark.parametrize(
    ("manifest", "application", "name", "level", "text"),
    [
        ("3.5.16", "management.server.port: 9000", "management port", "failure", "9000 for both slots"),
        ("3.5.16", "spring.profiles: prod1", "jar", "warning", "Spring Boot 3 does not start with"),
        ("3.3.0", "", "graceful shutdown", "warning", "off by default in Spring Boot 3.3"),
        ("3.5.16", "server.shutdown: immediate", "graceful shutdown", "warning", "immediate"),
    ],
)
def test_what_the_jar_does_wrong_is_found(
    host: Rented, manifest: str, application: str, name: str, level: str, text: str
) -> None:
    jar = host.folder / "build" / "libs" / "app.jar"
    jar.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(jar, "w") as archive:
        archive.writestr(
            "META-INF/MANIFEST.MF", f"Manifest-Version: 1.0\nMain-Class: A\nSpring-Boot-Version: {manifest}\n"
        )
        archive.writestr("BOOT-INF/classes/application.yml", application)
    try:
        _, findings = checked(host)
    finally:
        jar.unlink()
    (found,) = [finding for finding in findings if finding["name"] == name and finding["level"] != "ok"]
    assert (found["level"], bool(found["remedy"])) == (level, True)
    assert text in found["text"]


def test_class_files_that_are_newer_than_the_java_there_are_found(host: Rented) -> None:
    jar = host.folder / "build" / "libs" / "app.jar"
    jar.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(jar, "w") as archive:
        archive.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\nMain-Class: A\n")
        # The magic number, minor and major version: 69 is Java 25.
        archive.writestr("A.class", b"\xca\xfe\xba\xbe\x00\x00\x00\x45")
    try:
        code, findings = checked(host)
    finally:
        jar.unlink()
    (found,) = [finding for finding in findings if finding["name"] == "java"]
    assert (code, found["level"]) == (1, "failure")
    assert "too old: the jar's class files need Java 25" in found["text"]
    assert found["remedy"] == "set java.version: 25 in config.yml, then: bluegreen setup --host prod"


def test_status_reports_that_systemd_would_not_start_the_live_slot_at_boot(host: Rented) -> None:
    host.guest.run("systemctl disable taggle@prod2")
    try:
        (drift,) = host.machine()["drift"]
    finally:
        host.guest.run("systemctl enable taggle@prod2")
    assert drift.startswith("prod2 is live, but systemd starts no slot at boot")


def test_the_text_can_be_pasted_into_an_issue(host: Rented) -> None:
    ran = host.run("check")
    assert ran.code == 0, ran.all
    assert "✓ ssh: connected as ubuntu" in ran.out
    assert "✓ method: a switch renames one marker, without a reload" in ran.out
    assert "! jar: no file here matches" in ran.out
    assert "    what to do: ./gradlew bootJar" in ran.out
