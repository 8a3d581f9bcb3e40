"""Least privilege: one sudoers file is all that the deploying user has as root; no more comes of it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.guest import booted
from tests.support.hosts import FORM, INCLUDE, SCRIPT, SITE, SUDOERS, UNIT, Rented, rented
from tests.support.waiting import wait_for

OTHERS = ("start", "stop", "kill", "expire", "log", "follow")
OF_ROOT = "only-root-may-read-this"


@pytest.fixture
def host(deploys_host: Rented) -> Rented:
    """A host set up for the user deploy, who may nothing else as root."""
    return deploys_host


@pytest.fixture(scope="module")
def shared(tree_for_deploy: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rented]:
    """As `host`, for tests that leave it as it is."""
    with booted("shared", over=tree_for_deploy) as guest:
        yield rented(tmp_path_factory.mktemp("shared"), guest, user="deploy")


def test_every_command_but_setup_works_with_the_sudoers_file_alone(host: Rented) -> None:
    for version in ("1", "2", "3"):
        host.deployed(version)
        assert host.served() == version
    assert "which still runs" in host.done("rollback").out
    assert host.served() == "2"
    assert host.machine()["live"] == "prod1"
    assert [entry["outcome"] for entry in host.history()] == ["switched"] * 4
    assert "Started StandIn" in host.done("logs").out
    assert "the idle slot prod2" in host.stopped_while_followed("prod2").out
    host.guest.run(f"echo '#' >>{UNIT}")
    output = host.done("check").out
    assert f"! unit: {UNIT} differs from what `setup` writes" in output
    assert "! not examined: as deploy may not sudo, bluegreen cannot read the sudoers file" in output
    assert "does not exist" not in output
    assert host.active("prod2") == "inactive"
    host.done("rollback", "--to", "1")
    assert host.served() == "1"
    host.done("rollback", "--to", "2")
    host.deployed("4", "--dry-run")
    host.deployed("4", "--no-switch")
    assert host.served() == "2"
    host.done("switch")
    assert host.served() == "4"
    assert host.enabled() == ["prod2"]
    assert host.run("setup").code == 1
    host.guest.reboot()
    host.until_served("4")
    assert host.active("prod1") == "inactive"


def test_of_the_logs_of_the_machine_the_user_reads_that_of_the_slots_alone(host: Rented) -> None:
    assert host.as_user("id -nG").stdout.split() == ["deploy"]
    host.guest.run(f"logger {OF_ROOT}")
    for command in ("journalctl", f"printf '9\\n' | sudo -n {SCRIPT} log prod1"):
        assert OF_ROOT not in str(host.as_user(command)), command
    ran = host.deploy("1", die_starting=True)
    assert ran.code == 1
    assert "java.lang.IllegalStateException" in ran.out
    for lines in ("", "-1", "1 --unit=ssh", "99999999", "--file=/root/secret"):
        assert host.as_user(f"printf '{lines}\\n' | sudo -n {SCRIPT} log prod1").exit_code == 2, lines


def test_visudo_accepts_the_file_and_sudo_lists_nothing_else(shared: Rented) -> None:
    assert "parsed OK" in shared.guest.run(f"visudo -c -f {SUDOERS} && visudo -c").stdout
    listed = shared.as_user("sudo -n -l").stdout.partition("may run the following")[2]
    rights = [line.strip() for line in listed.replace(",", "\n").splitlines()[1:] if line.strip()]
    assert rights[0].startswith("(root) NOPASSWD: ")
    rights[0] = rights[0].removeprefix("(root) NOPASSWD: ")
    assert rights == [
        f"{SCRIPT} {verb} {slot}"
        for verb in (
            "examine",
            "convert",
            "preview",
            "switch",
            "start",
            "stop",
            "kill",
            "expire",
            "log",
            "follow",
        )
        for slot in ("prod1", "prod2")
    ]


def test_the_user_cannot_write_what_root_reads(shared: Rented) -> None:
    before = shared.etc()
    for path in (INCLUDE, SITE, UNIT, SUDOERS, SCRIPT, "/run/bluegreen/taggle/prod1"):
        folder = Path(path).parent
        for command in (f"echo x >>{path}", f"rm {path}", f"touch {folder}/new", f"mv {path} /tmp/x"):
            assert shared.as_user(command).exit_code != 0, command
    assert shared.etc() == before


NOT_ALLOWED = (
    "sh -c id",
    "id",
    "systemctl stop nginx",
    "systemctl restart taggle@prod1",
    "nginx -s stop",
    f"cat {SUDOERS}",
    f"sh {SCRIPT} switch prod1",
    SCRIPT,
    f"{SCRIPT} switch",
    f"{SCRIPT} switch prod1 prod2",
    f"{SCRIPT} switch prod3",
    f"{SCRIPT} switch ../x",
    f"{SCRIPT} switch 'prod1 x'",
    f"{SCRIPT} disable prod1",
    f"{SCRIPT} 'switch prod1'",
    "./bluegreen-taggle switch ../x",
    f"-u ubuntu {SCRIPT} switch prod1",
    f"-E {SCRIPT} switch prod1",
    f"PATH=/home/deploy:/usr/bin {SCRIPT} switch prod1",
    f"include=/etc/shadow {SCRIPT} switch prod1",
)


def test_the_user_can_run_nothing_else_as_root(shared: Rented) -> None:
    for command in NOT_ALLOWED:
        ran = shared.as_user(f"cd /usr/local/sbin; sudo -n {command}")
        assert ran.exit_code != 0, command
        # sudo compares the arguments joined by blanks: the script itself must tell these from one.
        assert ("usage:" if "'switch prod1'" in command else "sudo:") in ran.stderr, command


def test_the_script_itself_takes_no_other_slot_and_no_other_verb(shared: Rented) -> None:
    before = shared.etc()
    for arguments in ("switch ../x", "switch", "switch prod3", "restart prod1", "switch 'prod1:8081'", "''"):
        ran = shared.guest.run(f"{SCRIPT} {arguments}", check=False)
        assert ran.returncode == 2, arguments
        assert "usage:" in ran.stderr
    assert shared.etc() == before


def test_the_script_runs_no_program_of_the_users_and_reads_no_setting_of_theirs(host: Rented) -> None:
    host.deployed("1")
    trap = f"#!/bin/sh\\nid -u >>/home/deploy/trapped; exec /usr/bin/env -i PATH={'/usr/sbin:/usr/bin'} x\\n"
    programs = "nginx systemctl curl mv cp rm sync date id grep dirname mkdir head awk cat tr sleep printf"
    host.as_user(
        f"mkdir -p evil; cd evil; for each in {programs}; do printf '{trap}' >$each; chmod +x $each; done; "
        "printf 'output = /home/deploy/curled\\n' >../.curlrc; "
        "printf 'touch /home/deploy/read\\n' >../.profile"
    )
    # Where sudoers sets no PATH of its own, sudo keeps the user's.
    host.guest.run("printf 'Defaults !secure_path\\n' >/etc/sudoers.d/zz-loose")
    ran = host.as_user(
        "cd evil; umask 077; export PATH=/home/deploy/evil:. "
        "ENV=/home/deploy/.profile BASH_ENV=/home/deploy/.profile "
        "CURL_HOME=/home/deploy http_proxy=http://127.0.0.1:1 CDPATH=/home/deploy IFS=e; "
        f"printf '{FORM}' | /usr/bin/sudo -n {SCRIPT} switch prod2"
    )
    assert ran.exit_code == 0, ran.stderr
    assert "bluegreen: verified =200" in ran.stdout.split("\n")
    for name in ("trapped", "curled", "read"):
        assert not (host.guest.root / "home/deploy" / name).exists(), name


def test_a_strict_umask_does_not_hide_the_route_from_nginx(host: Rented) -> None:
    host.deployed("1")
    host.guest.run("rm -rf /run/bluegreen")
    ran = host.as_user(f"umask 077; printf '{FORM}' | sudo -n {SCRIPT} switch prod2")
    assert ran.exit_code == 0, ran.stderr
    assert host.guest.run("stat -c %a /run/bluegreen /run/bluegreen/taggle").stdout.split() == ["755", "755"]
    assert host.served() == "1"


@pytest.mark.parametrize(
    ("step", "other", "code"),
    [("switch prod2", "", 0), ("convert prod1", "nonsense;", 20)],
    ids=["switched", "put back"],
)
def test_a_switch_makes_an_include_of_the_users_roots_own(
    host: Rented, step: str, other: str, code: int
) -> None:
    host.deployed("1")
    host.deployed("2")
    host.guest.run(f"chown deploy {INCLUDE}; chmod 664 {INCLUDE}")
    (host.guest.root / "etc/nginx/conf.d/theirs.conf").write_text(other)
    ran = host.as_user(f"printf '{FORM}' | sudo -n {SCRIPT} {step}")
    assert ran.exit_code == code, ran.stderr
    assert host.guest.run(f"stat -c '%U %G %a' {INCLUDE}").stdout == "root root 644\n"


LINKS = {
    "lock": "/root/secret",
    "lock.step": "/root/secret",
    "history.jsonl": "/root/secret",
    "slots/prod1.env": "/root/secret",
    "slots/.prod1.env.new": "/root/secret",
    "slots/prod1.start": "/root/secret",
    "slots/prod1": "/root/kept",
    "slots": "/root/kept",
    "releases": "/root/kept",
}


def test_a_link_in_the_users_own_folder_leads_root_nowhere(host: Rented) -> None:
    host.deployed("1")
    secret = host.guest.root / "root/secret"
    secret.write_text(f"STOLEN={OF_ROOT}\nnot an assignment {OF_ROOT}\n")
    host.guest.run("chmod 600 /root/secret; mkdir -m 700 /root/kept; cp -p /root/secret /root/kept/prod1.env")
    looked = "cd /root; find . -printf '%p %m %u %T@\n' | sort; sha256sum secret kept/*"
    before = host.guest.run(looked).stdout
    for link, target in LINKS.items():
        host.as_user(f"cd taggle; mv -T {link} kept; ln -s {target} {link}")
        said = host.deploy("2").all
        # A deploy puts its own file in the place of some links: once more, and the steps of root alone.
        host.as_user(f"cd taggle; rm -rf {link}; ln -sT {target} {link}")
        for step in ("switch prod2", "stop prod1", "start prod1", "switch prod1", "switch prod2"):
            said += str(host.as_user(f"printf '{FORM}' | sudo -n {SCRIPT} {step}"))
        # What systemd gave to the unit is in its environment, what it could not read as such in the journal.
        said += host.guest.run("cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null || :").stdout
        said += host.guest.run("journalctl --no-pager").stdout
        assert OF_ROOT not in said, link
        assert host.guest.run(looked).stdout == before, link
        host.as_user(f"cd taggle; rm -rf {link}; [ ! -e kept ] || mv -T kept {link}")
    host.deployed("3")
    assert host.served() == "3"


def test_a_start_script_of_the_users_own_runs_as_the_user_with_nothing_that_root_alone_may_read(
    host: Rented,
) -> None:
    host.deployed("1")
    host.deployed("2")
    host.done("stop")
    (host.guest.root / "root/secret").write_text(f"STOLEN={OF_ROOT}\n")
    host.guest.run("chmod 600 /root/secret")
    mine = "{ id -un; env; cat ~/taggle/slots/prod2.env; echo end; } >~/seen 2>&1; exec sleep 60"
    host.as_user(
        f"cd taggle/slots; echo {shlex.quote(mine)} >prod2.start; ln -sfT /root/secret prod2.env; "
        f"sudo -n {SCRIPT} start prod2"
    )
    seen = host.guest.root / "home/deploy/seen"
    wait_for(lambda: seen.exists() and seen.read_text().endswith("end\n"), "the script to run")
    assert seen.read_text().startswith("deploy\n")
    assert OF_ROOT not in seen.read_text()


def test_setup_makes_no_folder_where_a_link_of_the_users_leads(host: Rented) -> None:
    host.as_user("rm -rf taggle; ln -s /etc/made-by-a-link taggle")
    ran = host.run("setup", "--login", "ubuntu")
    assert ran.code == 1, ran.all
    assert not (host.guest.root / "etc/made-by-a-link").exists()
    # And where the link is in the middle.
    host.as_user("ln -sfn /etc taggle")
    host.configure(releases={"path": "/home/deploy/taggle/made-by-a-link"})
    ran = host.run("setup", "--login", "ubuntu", "--force")
    assert ran.code == 1, ran.all
    assert "deploy cannot make the folder /home/deploy/taggle/made-by-a-link" in ran.out
    assert not (host.guest.root / "etc/made-by-a-link").exists()
    host.configure(releases={"path": "/srv/apps/taggle"})
    host.set_up("--login", "ubuntu", "--force")
    assert host.guest.run("stat -c %U /srv/apps/taggle /srv/apps").stdout.split() == ["deploy", "root"]
