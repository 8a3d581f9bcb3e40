"""A host that 0.1.0 set up: its users notice nothing of the upgrade, and no way back is lost."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from tests.support.guest import Guest
from tests.support.hosts import Rented, asked_all_the_while, rented

# What `setup --login ubuntu` and two deploys of 0.1.0 left on a guest: version 2 serves from prod1.
LEFT = Path(__file__).parent / "set_up_by_0_1_0"
BASE = "/home/deploy/taggle"
MODES = {
    "etc/sudoers.d/bluegreen-taggle": "440",
    "usr/local/sbin/bluegreen-taggle": "755",
    "home/deploy/taggle/slots/*.start": "600",
    "home/deploy/taggle/slots/*.env": "600",
}


@pytest.fixture
def host(guest: Guest, tmp_path: Path) -> Rented:
    """Such a host, of the user deploy, who may run the root script of 0.1.0 and nothing else as root."""
    host = rented(tmp_path, guest, user="deploy")
    shutil.copytree(LEFT, guest.root, dirs_exist_ok=True)
    slots = guest.root / BASE.lstrip("/") / "slots"
    for slot, version in (("prod1", "2"), ("prod2", "1")):
        release = _release(guest, version)
        shutil.copyfile(host.jar(version), release / "app.jar")
        _describe(release)
        (slots / slot).symlink_to(f"../releases/{release.name}")
    (guest.root / "etc/nginx/sites-enabled/default").unlink()
    for files, mode in MODES.items():
        guest.run(f"chmod {mode} /{files}")
    guest.run(
        f"chown -R deploy: {BASE} && systemd-tmpfiles --create && systemctl daemon-reload "
        "&& systemctl start taggle@prod1 taggle@prod2 && systemctl enable taggle@prod1 "
        "&& touch /run/bluegreen/taggle/prod1 && systemctl restart nginx"
    )
    host.until_served("2")
    return host


def _release(guest: Guest, version: str) -> Path:
    (found,) = [
        file.parent
        for file in (guest.root / BASE.lstrip("/") / "releases").glob("*/release.json")
        if json.loads(file.read_text())["version"] == version
    ]
    return found


def _describe(release: Path) -> None:
    """Writes the checksum of the jar into release.json: a stand-in is compiled anew for each test."""
    jar = (release / "app.jar").read_bytes()
    facts = json.loads((release / "release.json").read_text())
    facts |= {"sha256": hashlib.sha256(jar).hexdigest(), "size_bytes": len(jar)}
    (release / "release.json").write_text(json.dumps(facts))


def test_p2_a_host_of_0_1_0_rolls_back_before_the_upgrade_and_is_upgraded_by_setup(host: Rented) -> None:
    before = host.include_text()
    # 0.1.0 ran a JVM in the folder of its release.
    host.as_user("mkdir -p taggle/slots/prod1/uploads && echo first >taggle/slots/prod1/uploads/first.txt")
    status = host.machine()
    assert status["live"] == "prod1"
    (drift,) = status["drift"]
    assert drift.startswith("/usr/local/sbin/bluegreen-taggle was installed by another version of bluegreen")
    with asked_all_the_while(host) as answers:
        host.done("rollback")
        assert host.served() == "1"
        host.done("rollback", "--to", status["slots"]["prod1"]["release"])
        assert host.include_text() == before
        releases = sorted((host.base / "releases").iterdir())
        refused = host.deploy("3")
        assert refused.code == 1, refused.all
        assert "bluegreen setup --host prod --login" in refused.out
        assert sorted((host.base / "releases").iterdir()) == releases
        upgraded = host.set_up("--login", "ubuntu")
        assert "+++ /usr/local/sbin/bluegreen-taggle" in upgraded.out
        deployed = host.deployed("3")
        assert "with a reload" in deployed.out
        assert f"to {BASE}/shared: uploads" in deployed.out
        assert host.get("/files/uploads/first.txt") == (200, "first\n")
        assert "without a reload" in host.deployed("4").out
        host.done("rollback")
    assert answers.versions() == ["2", "1", "2", "3", "4", "3"]
    assert [entry["version"] for entry in host.history()][-2:] == ["2", "1"]
    assert host.set_up("--login", "ubuntu").out.endswith("nothing was changed\n")
    host.guest.reboot()
    host.until_served("3")
    assert host.machine()["drift"] == []
    assert host.get("/files/uploads/first.txt") == (200, "first\n")


def test_p2_a_user_with_full_sudo_deploys_to_a_host_of_0_1_0_at_once(host: Rented) -> None:
    host.guest.run("echo 'deploy ALL=(ALL) NOPASSWD:ALL' >/etc/sudoers.d/zz-deploy")
    with asked_all_the_while(host) as answers:
        host.deployed("3")
        host.deployed("4")
        host.done("rollback")
    assert answers.versions() == ["2", "3", "4", "3"]
    host.guest.reboot()
    host.until_served("3")
