"""java is looked for as the supervisor starts it (case 26), not on the PATH of a login shell."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.guest import booted
from tests.support.hosts import Rented, rented

SDKMAN = ".sdkman/candidates/java/current/bin"
# As SDKMAN does it, but first, where a shell that is not interactive reads it too.
SHELL = f'sed -i "1i export PATH=$HOME/{SDKMAN}:\\$PATH" ~/.bashrc'
# The package's java is out of the way of systemd, and SDKMAN's is there for the user.
ONLY_OF_SDKMAN = f"""
java=$(readlink -f /usr/bin/java) && rm /usr/bin/java
runuser -u ubuntu -- sh -c 'mkdir -p ~/{SDKMAN} && ln -s "$1" ~/{SDKMAN}/java' sh "$java"
runuser -u ubuntu -- sh -c '{SHELL}'
"""


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Rented]:
    with booted("java") as guest:
        yield rented(tmp_path, guest)


def test_p12_a_java_of_the_login_shell_alone_is_named_before_the_upload(host: Rented) -> None:
    host.set_up()
    host.deployed("1")
    home = f"/home/ubuntu/{SDKMAN}"
    host.guest.run(f"export HOME=/home/ubuntu; {ONLY_OF_SDKMAN}")
    assert host.as_user("command -v java").stdout.strip() == f"{home}/java", "the login shell finds it"
    check = host.run("check")
    assert check.code == 1, check.all
    assert "✗ java: the command java was not found on the PATH of systemd" in check.out
    assert f"write into config.yml: java: {{bin: {home}/java}}" in check.out
    before = sorted(path.name for path in (host.base / "releases").iterdir())
    refused = host.deploy("2")
    assert refused.code == 1, refused.all
    assert f"java: {{bin: {home}/java}}" in refused.out
    assert sorted(path.name for path in (host.base / "releases").iterdir()) == before
    assert host.served() == "1"

    # The remedy works, and so does the PATH under env:, with which the JVM is started.
    host.configure(java={"bin": f"{home}/java"})
    host.deployed("2")
    host.configure(java={"bin": "java"}, env={"PATH": f"{home}:/usr/bin:/bin"})
    assert f"✓ java: {home}/java is Java" in host.run("check").out
    host.deployed("3")
    # A drop-in of the unit does it as well.
    host.configure(env={"PATH": "/usr/bin:/bin"})
    assert "on the PATH that env: in config.yml sets (/usr/bin:/bin)" in host.run("check").out
    host.settings["env"] = {}
    host.guest.run(
        "mkdir -p /etc/systemd/system/taggle@.service.d && printf '[Service]\\nEnvironment=A=b PATH=%s\\n' "
        f"{home}:/usr/bin:/bin >/etc/systemd/system/taggle@.service.d/path.conf && systemctl daemon-reload"
    )
    host.configure()
    host.deployed("4")


def test_setup_compares_the_java_of_systemd_not_that_of_the_shell_of_root(tmp_path: Path) -> None:
    with booted("java") as guest:
        host = rented(tmp_path, guest, user="root")
        guest.run(
            f"export HOME=/root; mkdir -p ~/{SDKMAN}\n"
            f"printf '#!/bin/sh\\necho openjdk version \\\\\"11.0.2\\\\\" >&2\\n' >~/{SDKMAN}/java\n"
            f"chmod +x ~/{SDKMAN}/java\n{SHELL}"
        )
        found = host.as_user("command -v java; java -version 2>&1").stdout
        assert "11.0.2" in found, "the shell of root finds an older one"
        ran = host.set_up()
        assert "packages to install" not in ran.out
        assert "still missing" not in ran.all
        host.deployed("1")
