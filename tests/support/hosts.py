"""A guest as a host of an app: its config.yml, and the commands run as a person types them."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bluegreen.ssh.connection import Connection, Result
from tests.support import springboot
from tests.support.box import Box
from tests.support.command import Ran
from tests.support.guest import Guest
from tests.support.incidents import Deployer
from tests.support.jvm import QUICK_JAVA
from tests.support.servers import sh
from tests.support.waiting import wait_for

NAME = "taggle.example"
INCLUDE = "/etc/nginx/conf.d/service-url.inc"
SITE = "/etc/nginx/conf.d/taggle.conf"
UNIT = "/etc/systemd/system/taggle@.service"
SCRIPT = "/usr/local/sbin/bluegreen-taggle"
# What a switch of the site of `setup` gets as its input.
FORM = "\\n".join(
    ("variable service_url", "target_1 http://taggle-prod1", "target_2 http://taggle-prod2", "named yes")
)
SUDOERS = "/etc/sudoers.d/bluegreen-taggle"


@dataclass
class Rented(Box):
    """A folder with a config.yml whose one host is a guest.

    Attributes:
        name: the name under which users know the site, empty for any.
        https: whether they see it over TLS.
    """

    guest: Guest = field(kw_only=True)
    user: str = field(kw_only=True, default="ubuntu")
    name: str = field(kw_only=True, default="")
    https: bool = field(kw_only=True, default=False)

    @property
    def home(self) -> str:
        return "/root" if self.user == "root" else f"/home/{self.user}"

    @property
    def base(self) -> Path:
        """The releases' folder as it is seen from outside."""
        return self.guest.root / self.home.lstrip("/") / "taggle"

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, str]:
        return (self.guest.get_https if self.https else self.guest.get)(path, self.name)

    def include_text(self) -> str:
        """The include as it is on the guest."""
        return (self.guest.root / INCLUDE.lstrip("/")).read_text()

    def set_up(self, *arguments: str) -> Ran:
        """`setup`, which must work."""
        ran = self.run("setup", *arguments)
        assert ran.code == 0, ran.all
        return ran

    def done(self, *arguments: str) -> Ran:
        """A command that must work."""
        ran = self.run(*arguments)
        assert ran.code == 0, ran.all
        return ran

    def as_user(self, command: str, user: str | None = None) -> Result:
        """A line for sh, run over SSH as the one who deploys."""
        with Connection(self.guest.ssh(user or self.user), environ={}) as host:
            return host.run(sh(command))

    def etc(self) -> str:
        """A checksum of every file below /etc, with its mode, and of what else `setup` writes."""
        files = "find etc usr/local/sbin -xdev ! -type d ! -name '*.cache'"
        # One process hashes all; a link that leads nowhere has no checksum.
        found = self.guest.run(
            f"cd / && {files} -printf '%m %u %l %p\\n' | sort -k4 "
            f"&& {files} -print0 | sort -z | xargs -0 sha256sum 2>/dev/null || :"
        )
        return found.stdout

    def active(self, slot: str) -> str:
        """What systemd says of a slot's unit: active, inactive, failed."""
        return self.guest.run(f"systemctl is-active taggle@{slot}", check=False).stdout.strip()

    def enabled(self) -> list[str]:
        """The slots that systemd starts at a boot."""
        slots = ("prod1", "prod2")
        return [
            slot
            for slot in slots
            if self.guest.run(f"systemctl is-enabled taggle@{slot}", check=False).stdout.strip() == "enabled"
        ]

    def stopped_while_followed(self, slot: str) -> Ran:
        """`stop`, followed by a `logs --follow` of the slot that leaves nothing behind on the host."""
        follower = Deployer(self.start("logs", "--follow", "--slot", slot))
        follower.until_said("Started StandIn")
        stopped = self.done("stop")
        follower.until_said("Graceful shutdown")
        follower.process.terminate()
        follower.ended()
        wait_for(
            lambda: self.guest.run("pgrep -f '[j]ournalctl.*follow'", check=False).returncode == 1,
            "the end of journalctl on the host",
        )
        return stopped

    def until_served(self, version: str) -> None:
        """Waits until that version serves users."""
        wait_for(lambda: self.get("/version") == (200, version), f"version {version} serves", 60)


def rented(folder: Path, guest: Guest, *, user: str = "ubuntu", **sections: object) -> Rented:
    """A guest as a host whose user is `user`; nothing was done to it yet."""
    folder.mkdir(exist_ok=True)
    box = Rented(folder, guest=guest, user=user)
    login = guest.ssh(user)
    box.configure(
        app="taggle",
        java={"options": list(QUICK_JAVA)},
        health={"every": "50ms"},
        switch={"watch": 0},
        old_slot={"drain": "1s", "stop_timeout": "10s"},
        hosts={
            "prod": {
                "address": login.address,
                "user": user,
                "host_key": login.host_keys[0],
                "identity": str(login.identity),
            }
        },
    )
    box.configure(**sections)
    return box


CERTIFICATE, KEY = "/etc/ssl/taggle.pem", "/etc/ssl/private/taggle.pem"


def make_certificate(guest: Guest) -> None:
    """Makes a certificate that nobody has signed, CERTIFICATE with KEY."""
    guest.run(f"openssl req -x509 -newkey rsa:2048 -nodes -subj /CN={NAME} -keyout {KEY} -out {CERTIFICATE}")


def certified(host: Rented, path: str) -> None:
    """What `certbot --nginx` makes of the site in that file: it moves to 443, and 80 sends there."""
    make_certificate(host.guest)
    site = host.guest.root / path.lstrip("/")
    moved = f"""    listen 443 ssl; # managed by Certbot
    ssl_certificate {CERTIFICATE}; # managed by Certbot
    ssl_certificate_key {KEY}; # managed by Certbot
"""
    sends = f"""server {{
    if ($host = {NAME}) {{
        return 301 https://$host$request_uri;
    }} # managed by Certbot


    listen 80;
    server_name {NAME};
    return 404; # managed by Certbot
}}
"""
    text, listens = re.subn(r"    listen 80( default_server)?;\n", moved, site.read_text())
    assert listens == 1
    site.write_text(text + sends)
    host.guest.run("nginx -t && systemctl reload nginx")
    host.name, host.https = NAME, True
    wait_for(lambda: host.get("/version")[0] == 200, "https")


@dataclass
class Answers:
    """What a client that opens a connection for each request was answered: status and body, in turn."""

    seen: list[tuple[int, str]] = field(default_factory=list)

    def versions(self) -> list[str]:
        """The versions in the order they came, each once for each time it took over."""
        bodies = [body for _, body in self.seen]
        return [body for number, body in enumerate(bodies) if number == 0 or bodies[number - 1] != body]


@contextmanager
def asked_all_the_while(box: Rented, path: str = "/version") -> Iterator[Answers]:
    """Asks with a connection per request until the block ends; anything but a 200 fails the test."""
    answers, over = Answers(), threading.Event()

    def ask() -> None:
        while not over.wait(0.005):
            answers.seen.append(box.get(path))

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield answers
    finally:
        over.set()
        thread.join()
    assert answers.seen
    wrong = [(number, answer) for number, answer in enumerate(answers.seen) if answer[0] != 200]
    assert not wrong, f"{len(wrong)} of {len(answers.seen)}: {wrong[:5]}"


def took_ms(ran: Ran) -> int:
    """How long the switch of a command took on the host, as it says."""
    words = ran.out.split("switched to ")[1].split()
    return int(words[2])


def three_spring_boot_deploys_and_back(host: Rented, folder: Path) -> float:
    """Each version serves in its turn, and a rollback brings back the one before.

    Returns:
        The seconds of the fastest boot.
    """
    boots_s: list[float] = []
    for version in ("1", "2", "3"):
        jar = springboot.fat_jar(folder / f"taggle-{version}.jar", version=version)
        ran = host.done("deploy", "--jar", str(jar), "--version", version)
        assert "Started TaggleApplication" in host.done("logs").out, ran.all
        assert host.served() == version
        boots_s += map(float, re.findall(r"prod\d is UP after ([\d.]+) s", ran.out))
    assert "which still runs" in host.done("rollback").out
    assert host.served() == "2"
    assert host.machine()["drift"] == []
    assert [entry["failed"] for entry in host.history()] == [0, 0, 0, 0]
    return min(boots_s)
