"""P9: the application as people run it: files and profiles outside the jar, a JMX port, a unit."""

from __future__ import annotations

import http.client
import json
from pathlib import Path

from tests.support.by_hand import by_hand, nohup_pid
from tests.support.guest import Guest
from tests.support.hosts import Rented, asked_all_the_while
from tests.support.jvm import QUICK_JAVA
from tests.support.waiting import wait_for

JMX = (
    "-Dcom.sun.management.jmxremote.port={}",
    "-Dcom.sun.management.jmxremote.authenticate=false",
    "-Dcom.sun.management.jmxremote.ssl=false",
)
SHOP = """\
[Unit]
Before=taggle@prod1.service taggle@prod2.service
[Service]
User=ubuntu
WorkingDirectory=/home/ubuntu/shop
ExecStart=/usr/bin/java {options} -jar -Dspring.profiles.active=prod1 -Dserver.port=8081 app.jar
# So that at a boot it has the port before the release starts.
ExecStartPost=/bin/sh -c 'until curl -sf http://127.0.0.1:8081/version; do sleep 0.1; done'
SuccessExitStatus=143
Restart=always
RestartSec=1
[Install]
WantedBy=multi-user.target
"""


def write(host: Rented, name: str, text: str) -> None:
    """Lets the application append to a file of its working directory, as an upload does."""
    connection = http.client.HTTPConnection(host.guest.address, timeout=40)
    connection.request("POST", f"/files/{name}", text, {"Host": host.name or "taggle.example"})
    assert connection.getresponse().status == 200
    connection.close()


def test_case_06_07_nothing_of_an_application_started_by_the_old_scripts_is_lost(
    guest: Guest, tmp_path: Path
) -> None:
    jmx = [JMX[0].format(9010), *JMX[1:]]
    jar = Rented(tmp_path, guest=guest).jar("0")
    host = by_hand(guest, tmp_path, jar, folder_there="app", profile="prod,prod1", options=jmx)
    app = guest.root / "home/ubuntu/app"
    host.as_user("mkdir -p app/config && echo 'shop: {name: real}' >app/config/application-prod.yml")
    write(host, "uploads/first.txt", "first")
    write(host, "data/shop.mv.db", "0")
    host.configure(releases={"keep": 1}, switch={"watch": 0})

    before = sorted(app.rglob("*"))
    refused = host.deploy("1")
    assert refused.code == 1, refused.all
    assert "java: {profiles: [prod]}" in refused.all
    host.configure(java={"options": [*QUICK_JAVA, *jmx]})
    refused = host.deploy("1")
    assert refused.code == 2, refused.all
    assert "-Dcom.sun.management.jmxremote.port=1{port}" in refused.all
    assert sorted(app.rglob("*")) == before

    host.configure(java={"profiles": ["prod"], "options": [*QUICK_JAVA, JMX[0].format("1{port}"), *JMX[1:]]})
    with asked_all_the_while(host) as answers:
        first = host.deployed("1")
        assert "a link to /home/ubuntu/app; nothing was moved" in first.out
        assert "the JVM that serves has options that the new one does not have" in first.all
        for version in "23456":
            write(host, "data/shop.mv.db", version)
            host.deployed(version)
            if version in "35":
                host.done("rollback")
    assert answers.versions() == ["0", "1", "2", "3", "2", "4", "5", "4", "6"]
    assert nohup_pid(host) == ""
    guest.reboot()
    host.until_served("6")
    assert host.get("/files/uploads/first.txt") == (200, "first")
    assert host.get("/files/data/shop.mv.db") == (200, "023456")
    assert host.get("/files/config/application-prod.yml") == (200, "shop: {name: real}\n")
    pid = host.machine()["slots"][host.machine()["live"]]["pid"]
    words = guest.run(f"tr '\\0' ' ' </proc/{pid}/cmdline").stdout
    live = host.machine()["live"]
    assert f"-Dspring.profiles.active={live},prod " in words
    assert guest.run(f"readlink /proc/{pid}/cwd").stdout.strip() == "/home/ubuntu/app"


def test_case_16_a_unit_of_the_team_is_named_and_its_jvm_is_never_taken_for_a_release(
    guest: Guest, tmp_path: Path
) -> None:
    jar = Rented(tmp_path, guest=guest).jar("0")
    host = by_hand(guest, tmp_path, jar)
    guest.run(f"kill {nohup_pid(host)}")
    wait_for(lambda: nohup_pid(host) == "", "the end of the JVM started by hand")
    (guest.root / "etc/systemd/system/shop.service").write_text(SHOP.format(options=" ".join(QUICK_JAVA)))
    host.as_user("mkdir -p shop && cp taggle/deploy/temp/*-0.0.1.jar shop/app.jar")
    guest.run("systemctl daemon-reload && systemctl enable --now shop")
    host.until_served("0")
    write(host, "uploads/first.txt", "first")
    disable = "sudo systemctl disable --now shop.service"

    with asked_all_the_while(host) as answers:
        assert disable in host.done("check").all
        assert disable in host.deployed("1").all
        slot = host.machine()["slots"]["prod1"]
        assert (slot["release"], slot["version"], slot["running"]) == (None, None, False)
        refused = host.deploy("2")
        assert refused.code == 1, refused.all
        assert disable in refused.all
        guest.run("systemctl disable --now shop.service")
        host.deployed("2")
    assert answers.versions() == ["0", "1", "2"]
    assert host.get("/files/uploads/first.txt") == (200, "first")

    # Somebody enables it again, and a boot starts it before the release.
    guest.run("systemctl enable shop.service")
    guest.reboot()
    host.until_served("0")
    machine = host.machine()
    assert machine["live"] == "prod1"
    assert machine["slots"]["prod1"]["version"] is None
    assert any(disable in drift for drift in machine["drift"]), json.dumps(machine["drift"])
    guest.run("systemctl disable --now shop.service")
    host.deployed("3")
    assert host.served() == "3"
