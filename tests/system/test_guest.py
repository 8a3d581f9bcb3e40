"""A guest is what the system tests take it for: a machine as people rent them."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from bluegreen.errors import BluegreenError
from bluegreen.ssh.connection import Connection, Result
from tests.support import springboot
from tests.support.guest import Guest, booted
from tests.support.guest_numbers import control_groups
from tests.support.processes import alive
from tests.support.servers import sh
from tests.support.waiting import wait_for


def run(guest: Guest, user: str, text: str) -> Result:
    with Connection(guest.ssh(user), environ={}) as host:
        return host.run(sh(text))


@pytest.mark.parametrize("user", ["root", "ubuntu", "deploy"])
def test_each_user_logs_in_over_ssh(shared_guest: Guest, user: str) -> None:
    assert run(shared_guest, user, "id -un; hostname; locale charmap").stdout.split() == [
        user,
        "guest",
        "UTF-8",
    ]


def test_another_host_key_than_the_guests_is_refused(shared_guest: Guest) -> None:
    with booted("other") as other:
        assert other.host_key != shared_guest.host_key
        login = replace(shared_guest.ssh(), host_keys=(other.host_key,))
        with pytest.raises(BluegreenError), Connection(login, environ={}):
            pass


def test_ubuntu_is_root_by_sudo_at_once_and_deploy_is_not(shared_guest: Guest) -> None:
    with Connection(shared_guest.ssh("ubuntu"), environ={}) as host:
        assert host.run(sh("sudo -n id -u")) == Result(0, "0\n", "")
        # sudo looks its machine's name up, and would wait for a DNS that does not know it.
        assert host.run(sh("getent --service=files hosts $(hostname)")).exit_code == 0
    refused = run(shared_guest, "deploy", "sudo -n id -u")
    assert refused.exit_code == 1
    assert "password is required" in refused.stderr


def test_systemd_runs_with_nothing_failed(shared_guest: Guest) -> None:
    assert shared_guest.run("systemctl is-system-running", check=False).stdout == "running\n"
    assert shared_guest.run("systemctl list-units --failed --plain --no-legend").stdout == ""
    assert shared_guest.run("systemctl is-active nginx ssh").stdout.split() == ["active", "active"]


def test_a_ready_guest_serves_the_page_of_nginx_to_this_machine(shared_guest: Guest) -> None:
    status, body = shared_guest.get("/")
    assert status == 200
    assert "Welcome to nginx" in body
    assert shared_guest.get("/", port=81) == (0, "")


def test_a_bare_guest_has_neither_nginx_nor_java_and_gets_them_without_downloads(bare_guest: Guest) -> None:
    assert bare_guest.run("command -v nginx java", check=False).stdout == ""
    assert bare_guest.run("systemctl is-system-running", check=False).stdout == "running\n"
    bare_guest.cut_network()
    bare_guest.run("apt-get install -y -q nginx openjdk-17-jre-headless </dev/null", timeout_s=200)
    bare_guest.restore_network()
    assert bare_guest.get("/")[0] == 200
    assert 'version "17' in bare_guest.run("java -version").stderr


def test_apt_inside_reaches_the_packages_this_machine_reaches(bare_guest: Guest) -> None:
    bare_guest.run("apt-get update -q && apt-get install -y -q hello </dev/null")
    assert bare_guest.run("hello").stdout == "Hello, world!\n"


def test_a_reboot_keeps_the_files_and_the_enabled_services_and_empties_run(guest: Guest) -> None:
    guest.run("echo kept >/home/ubuntu/file; mkdir /run/x; echo lost >/run/x/file; systemctl disable nginx")
    before = guest.run("cat /proc/sys/kernel/random/boot_id").stdout
    guest.run(
        "printf '[Service]\\nExecStart=sleep infinity\\nExecStop=touch /stopped\\n[Install]\\n"
        "WantedBy=multi-user.target\\n' >/etc/systemd/system/probe.service; systemctl enable --now probe"
    )
    guest.reboot()
    assert guest.run("cat /proc/sys/kernel/random/boot_id").stdout != before
    assert run(guest, "ubuntu", "cat file; ls /run/x").stdout == "kept\n"
    assert guest.run("systemctl is-active probe nginx", check=False).stdout.split() == ["active", "inactive"]
    assert (guest.root / "stopped").exists()


def test_a_crash_stops_nothing_in_good_order_and_it_boots_again(guest: Guest) -> None:
    guest.run(
        "systemd-run --quiet -p 'ExecStop=touch /stopped' sleep infinity; touch /run/lost; echo kept >/kept"
    )
    guest.crash()
    assert not (guest.root / "stopped").exists()
    assert guest.run("ls /run/lost", check=False).returncode != 0
    assert (guest.root / "kept").read_text() == "kept\n"
    assert guest.get("/")[0] == 200


def test_a_cut_network_is_silent_and_what_was_open_goes_on_after_it(shared_guest: Guest) -> None:
    ping = f"ping -q -c 1 -W 1 {shared_guest.network.gateway}"
    shared_guest.run(ping)
    with Connection(shared_guest.ssh(), environ={}) as host:
        shared_guest.cut_network()
        assert shared_guest.get("/", timeout_s=1) == (0, "")
        assert shared_guest.run(ping, check=False).returncode == 1
        assert "state UP" in shared_guest.run("ip link show eth0").stdout
        shared_guest.restore_network()
        shared_guest.run(ping)
        assert host.run(sh("echo still there")).stdout == "still there\n"


def test_two_guests_have_ports_of_their_own_and_do_not_reach_each_other(guest: Guest) -> None:
    with booted("second") as second:
        for each in (guest, second):
            (each.root / "var/www/html/name").write_text(each.name)
        assert guest.get("/name") == (200, "guest")
        assert second.get("/name") == (200, "second")
        second.run("systemctl stop nginx")
        assert second.get("/name") == (0, "")
        assert second.run("curl -s -m 2 http://127.0.0.1/name", check=False).stdout == ""
        assert second.run(f"curl -s -m 2 http://{guest.address}/name", check=False).stdout == ""
        assert guest.get("/name") == (200, "guest")


def test_three_guests_boot_side_by_side() -> None:
    with ExitStack() as stack, ThreadPoolExecutor() as pool:
        boots = [pool.submit(stack.enter_context, booted(f"guest{number}")) for number in range(3)]
        assert len({boot.result().address for boot in boots}) == 3


def test_nothing_is_left_of_a_guest(guest: Guest) -> None:
    with booted("gone") as gone:
        network = gone.network
        assert network.path.exists()
    assert not network.path.exists()
    assert not gone.root.exists()
    assert not Path("/sys/class/net", network.device).exists()
    assert not any(group.exists() for group in control_groups(network.number))


def test_the_guest_of_a_killed_test_run_is_cleared_away_by_the_next() -> None:
    killed = (
        "import os, signal; from tests.support.guest import booted\n"
        "with booted('orphan') as orphan:\n"
        "    orphan.cut_network()\n"
        "    print(orphan.leader(), flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ran = subprocess.run([sys.executable, "-c", killed], capture_output=True, text=True)
    assert ran.returncode == -signal.SIGKILL, ran.stderr
    # Its number is free: whatever is left of it would be in the way of the next.
    with booted("next") as guest:
        assert not alive(int(ran.stdout))
        assert guest.run("hostname").stdout == "next\n"
        assert guest.get("/")[0] == 200


def test_the_spring_boot_jar_runs_as_a_service_and_answers_from_outside(guest: Guest, tmp_path: Path) -> None:
    jar = springboot.fat_jar(tmp_path / "taggle.jar", version="1")
    shutil.copyfile(jar, guest.root / "home/ubuntu/taggle.jar")
    sandboxed = "-p User=ubuntu -p NoNewPrivileges=yes -p PrivateTmp=yes -p ProtectSystem=full -p Type=exec"
    java = "java -Xmx128m -Dspring.profiles.active=prod1 -jar /home/ubuntu/taggle.jar"
    guest.run(f"systemd-run --quiet --unit=taggle {sandboxed} {java}")
    wait_for(lambda: guest.get("/actuator/health", port=8081)[0] == 200, "health from outside", 60)
    assert '"status":"UP"' in guest.get("/actuator/health", port=8081)[1]
    assert "Started TaggleApplication" in guest.run("journalctl --unit=taggle").stdout
