"""The supervisor systemd: a boot brings back what was live, a JVM that dies or hangs is dealt with."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bluegreen.remote import limits
from tests.support.guest import Guest
from tests.support.hosts import FORM, SCRIPT, Rented, rented
from tests.support.waiting import wait_for

VALUE = "s3cr3t $HOME `id` \"quoted\" 'and' \\ more"


@pytest.fixture
def host(ubuntus_host: Rented) -> Rented:
    """A host that setup has made ready."""
    return ubuntus_host


def serves_again(host: Rented, version: str, slot: str) -> None:
    """What a host must be like after a boot: what was live serves, the other slot is stopped, all agrees."""
    host.until_served(version)
    other = "prod2" if slot == "prod1" else "prod1"
    assert (host.active(slot), host.active(other)) == ("active", "inactive")
    machine = host.machine()
    assert (machine["live"], machine["drift"]) == (slot, [])
    assert machine["slots"][slot]["version"] == version
    assert [machine["slots"][each]["running"] for each in (slot, other)] == [True, False]
    host.deployed("next")
    assert host.served() == "next"


@pytest.mark.parametrize("power", ["reboot", "crash"])
def test_p8_after_a_deploy_a_boot_brings_back_what_was_live(host: Rented, power: str) -> None:
    host.deployed("1")
    host.deployed("2")
    getattr(host.guest, power)()
    serves_again(host, "2", "prod1")


@pytest.mark.parametrize("power", ["reboot", "crash"])
def test_p8_after_a_rollback_a_boot_brings_back_what_was_live(host: Rented, power: str) -> None:
    host.deployed("1")
    host.deployed("2")
    host.done("rollback")
    getattr(host.guest, power)()
    serves_again(host, "1", "prod2")


@pytest.mark.parametrize("power", ["reboot", "crash"])
def test_p8_after_a_switch_to_what_waited_a_boot_brings_back_what_was_live(host: Rented, power: str) -> None:
    host.deployed("1")
    host.deployed("2", "--no-switch")
    host.done("switch")
    getattr(host.guest, power)()
    serves_again(host, "2", "prod1")


def test_p8_after_a_rollback_to_a_version_that_was_started_anew_a_boot_brings_it_back(host: Rented) -> None:
    for version in ("1", "2", "3"):
        host.deployed(version)
    host.done("rollback", "--to", "1")
    host.guest.crash()
    serves_again(host, "1", "prod1")


def test_p8_after_a_watch_that_switched_back_a_boot_brings_back_what_was_live(host: Rented) -> None:
    host.deployed("1")
    host.configure(switch={"watch": "10s"})
    assert host.deploy("2", down_after_s=3).code == 3
    host.configure(switch={"watch": 0})
    host.guest.crash()
    serves_again(host, "1", "prod2")


def test_p8_what_only_waits_for_its_switch_is_not_started_at_a_boot(host: Rented) -> None:
    host.deployed("1")
    host.deployed("2", "--no-switch")
    host.guest.reboot()
    serves_again(host, "1", "prod2")


@pytest.mark.parametrize("power", ["reboot", "crash"])
def test_p8_with_method_reload_a_boot_brings_back_what_was_live(
    guest: Guest, tmp_path: Path, power: str
) -> None:
    host = rented(tmp_path, guest, switch={"method": "reload", "watch": 0})
    host.set_up()
    host.deployed("1")
    assert "with a reload" in host.deployed("2").out
    assert host.include_text() == "set $service_url http://taggle-prod1;\n"
    getattr(host.guest, power)()
    serves_again(host, "2", "prod1")


def test_p8_a_power_cut_at_any_moment_of_a_switch_leaves_a_host_that_serves(deploys_host: Rented) -> None:
    # Whose user may run nothing but the installed script.
    host = deploys_host
    host.deployed("1")
    host.deployed("2", "--no-switch")
    script = host.guest.root / "usr/local/sbin/bluegreen-taggle"
    # The power is cut once the include names the other slot, and before anything else is done.
    whole = script.read_text()
    renamed = 'mv -fT "$fresh" "$written"\n'
    # The first one is that of a conversion.
    assert whole.count(renamed) == 2
    before, _, after = whole.rpartition(renamed)
    script.write_text(f"{before}{renamed}touch /switching; sleep 600\n{after}")
    running = host.start("switch")
    wait_for((host.guest.root / "switching").exists, "the middle of the switch")
    host.guest.crash()
    running.kill()
    running.communicate()
    script.write_text(whole)
    host.until_served("2")
    machine = host.machine()
    # A slot is enabled before the include names it, so that no boot is without it: for a moment both are.
    assert machine["live"] == "prod1"
    (drift,) = machine["drift"]
    assert drift.startswith("prod1 is live, but systemd starts prod1 and prod2 at boot: ")
    assert drift.endswith("sudo systemctl disable taggle@prod2")
    host.deployed("3")
    assert host.machine()["drift"] == []
    assert host.served() == "3"
    assert host.enabled() == ["prod2"]


def test_a_jvm_that_dies_is_started_again_and_the_route_stays(host: Rented) -> None:
    host.deployed("1")
    before = host.pid("prod2")
    host.guest.run(f"kill -KILL {before}")
    host.until_served("1")
    assert host.pid("prod2") not in (before, None)


def test_p12_a_jvm_that_dies_while_starting_is_told_within_a_second_and_stays_dead(host: Rented) -> None:
    host.deployed("1")
    ran = host.deploy("2", die_starting=True)
    assert ran.code == 1
    assert "✗ prod1 died while starting (pid " in ran.out
    assert "java.lang.IllegalStateException" in ran.out
    assert "live now: prod2, version 1 (untouched)" in ran.out
    said = host.guest.run("journalctl --no-pager -o short-unix -u taggle@prod1").stdout.splitlines()
    exited = next(float(line.split()[0]) for line in said if "Main process exited" in line)
    stopped = [float(line.split()[0]) for line in said if "Stopped" in line or "Stopping" in line]
    # The deploy has it stopped before systemd would start it again.
    assert stopped, said
    again = host.guest.run("systemctl show --property=RestartUSec --value taggle@prod1").stdout
    assert stopped[0] - exited < float(again.strip().removesuffix("s")), said
    starts = sum("Starting StandIn" in line for line in said)
    assert starts == 1, said
    # Neither running nor waiting for its restart, which is `activating` and `auto-restart`.
    assert host.active("prod1") in ("inactive", "failed")
    state = host.guest.run("systemctl show --property=SubState --value taggle@prod1").stdout.strip()
    assert state in ("dead", "failed")
    assert host.served() == "1"
    host.deployed("3")
    assert host.served() == "3"


def test_a_version_that_died_is_not_started_again_by_a_boot(host: Rented) -> None:
    host.deployed("1")
    assert host.deploy("2", die_starting=True).code == 1
    host.guest.reboot()
    serves_again(host, "1", "prod2")


def test_a_jvm_that_ignores_sigterm_is_killed_after_stop_timeout(host: Rented) -> None:
    host.configure(old_slot={"stop_timeout": "2s", "drain": 0})
    host.deployed("1", ignores_term=True)
    stubborn = host.pid("prod2")
    host.deployed("2")
    ran = host.done("stop")
    found = re.search(rf"prod2 \(pid {stubborn}\) killed after ignoring SIGTERM for (\d+\.\d) s", ran.out)
    assert found, ran.out
    # By the host's own script, not by systemd, whose limit is later.
    assert 2 <= float(found[1]) < 2 + limits.UNIT_STOP_EXTRA_S
    assert host.active("prod2") in ("inactive", "failed")
    assert host.pid("prod2") is None
    host.deployed("3")
    assert host.served() == "3"


def test_the_log_of_each_slot_is_told_and_followed(host: Rented) -> None:
    host.deployed("1")
    host.deployed("2")
    assert "Starting StandIn v2" in host.done("logs").out
    other = host.done("logs", "--slot", "prod2").out
    assert "Starting StandIn v1" in other
    assert "v2" not in other
    host.stopped_while_followed("prod2")


@contextmanager
def command_lines(host: Rented, *words: str) -> Iterator[set[str]]:
    """Which of the words stand in a command line of the host's processes, looked at all the while."""
    pattern, over = host.guest.root / "root/words", host.guest.root / "root/over"
    pattern.write_text("".join(f"{word}\n" for word in words))
    look = "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n' | grep -o -F -f /root/words"
    found: set[str] = set()

    def watch() -> None:
        ran = host.guest.run(f"until [ -e /root/over ]; do {look}; done; true", timeout_s=600)
        found.update(ran.stdout.split())

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield found
    finally:
        over.touch()
        watching.join()
        pattern.unlink()


def test_p10_a_secret_is_in_its_0600_file_alone(host: Rented) -> None:
    host.configure(secrets=["DB_PASSWORD"], env={"TZ": "Asia/Seoul"})
    with command_lines(host, "s3cr3t", "Dbluegreen.slot=prod1") as seen:
        runs = [
            host.run("deploy", "--jar", str(host.jar(version)), environ={"DB_PASSWORD": VALUE})
            for version in ("1", "2")
        ]
        runs.append(host.run("rollback", environ={"DB_PASSWORD": VALUE}))
    assert seen == {"Dbluegreen.slot=prod1"}
    runs += [host.run(command) for command in ("status", "history", "logs", "config")]
    assert [ran.code for ran in runs] == [0] * 7, runs
    core = "s3cr3t"
    for ran in runs:
        assert core not in ran.all
    run = host.guest.run
    for slot in ("prod1", "prod2"):
        environment = run(["cat", f"/proc/{host.pid(slot)}/environ"]).stdout.split("\0")
        assert f"DB_PASSWORD={VALUE}" in environment
        assert "TZ=Asia/Seoul" in environment
    for shows in (
        "cat /proc/[0-9]*/cmdline",
        "ps axww",
        "journalctl --no-pager",
        "systemctl show taggle@prod1",
    ):
        assert core not in run(f"{shows} || :").stdout, shows
    found = run(f"grep -rlsF {core} /home /etc /var /tmp /run /usr/local /root || :").stdout.split()
    assert sorted(found) == [f"/home/ubuntu/taggle/slots/{slot}.env" for slot in ("prod1", "prod2")]
    assert run(["stat", "-c", "%a %U", *found]).stdout.split("\n")[:2] == ["600 ubuntu"] * 2


def test_p10_the_unit_confines_what_it_runs(host: Rented) -> None:
    wanted = {"Type=exec", "NoNewPrivileges=yes", "PrivateTmp=yes", "ProtectSystem=full", "User=ubuntu"}
    names = " ".join(f"-p {each.split('=')[0]}" for each in wanted)
    assert set(host.guest.run(f"systemctl show taggle@prod1 {names}").stdout.split()) == wanted


def test_a_unit_of_another_folder_is_not_taken_for_the_release_that_was_asked_for(host: Rented) -> None:
    host.deployed("1")
    host.configure(releases={"path": "/home/ubuntu/elsewhere"})
    ran = host.deploy("2")
    assert ran.code == 1, ran.all
    assert host.served() == "1"
    host.set_up()
    host.deployed("3")
    assert host.served() == "3"


def test_p4_a_slot_where_nothing_listens_is_never_switched_to(host: Rented) -> None:
    host.deployed("1")
    include = host.include_text()
    ran = host.as_user(f"printf '{FORM}' | sudo -n {SCRIPT} switch prod1")
    assert ran.exit_code == 23
    assert "nothing listens on port 8081 of prod1" in ran.stderr
    assert host.include_text() == include
    assert host.enabled() == ["prod2"]
    assert host.served() == "1"
