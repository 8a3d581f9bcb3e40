"""The network of a guest: a namespace of its own, and a cable from it to the machine that runs the tests.

Guests reach what this machine reaches, and this machine reaches them; they do not reach one another.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.support.outside import outside, works

# Every guest's end of the cable is called so inside.
INSIDE = "eth0"
PREFIX = "bggst"


@dataclass(frozen=True)
class Network:
    """The names and addresses that belong to one number, from 0 to 255."""

    number: int

    @property
    def namespace(self) -> str:
        return f"{PREFIX}{self.number}"

    @property
    def path(self) -> Path:
        return Path("/run/netns", self.namespace)

    @property
    def device(self) -> str:
        """This machine's end of the cable."""
        return f"{PREFIX}{self.number}"

    @property
    def address(self) -> str:
        return f"10.213.{self.number}.2"

    @property
    def gateway(self) -> str:
        return f"10.213.{self.number}.1"

    def lay(self) -> None:
        """Makes it; there must be none."""
        outside(["ip", "netns", "add", self.namespace])
        ends = ["name", self.device, "type", "veth", "peer", "name", INSIDE, "netns", self.namespace]
        outside(["ip", "link", "add", *ends])
        outside(["ip", "address", "add", f"{self.gateway}/30", "dev", self.device])
        outside(["ip", "link", "set", self.device, "up"])
        inside = ["ip", "-n", self.namespace]
        outside([*inside, "address", "add", f"{self.address}/30", "dev", INSIDE])
        outside([*inside, "link", "set", "lo", "up"])
        outside([*inside, "link", "set", INSIDE, "up"])
        outside([*inside, "route", "add", "default", "via", self.gateway])
        Path("/proc/sys/net/ipv4/ip_forward").write_text("1\n")
        for rule in self._rules():
            outside(["iptables", "-w", "-t", rule[0], "-I", *rule[1:]])

    def remove(self) -> None:
        """Removes what exists of it."""
        self.restore()
        for rule in self._rules():
            _delete_all(["iptables", "-w", "-t", rule[0], "-D", *rule[1:]])
        if Path("/sys/class/net", self.device).exists():
            outside(["ip", "link", "delete", self.device])
        if self.path.exists():
            outside(["ip", "netns", "delete", self.namespace])

    def cut(self) -> None:
        """Lets no packet pass any more, in neither direction and silently, as a cut cable does."""
        # Dropped where they arrive: a sender would notice if they were dropped where they leave.
        outside(["iptables", "-w", *_arriving("-I", self.device)])
        outside([*self._within, "iptables", "-w", *_arriving("-I", INSIDE)])

    def restore(self) -> None:
        """Undoes `cut`."""
        _delete_all(["iptables", "-w", *_arriving("-D", self.device)])
        if self.path.exists():
            _delete_all([*self._within, "iptables", "-w", *_arriving("-D", INSIDE)])

    @property
    def _within(self) -> list[str]:
        return ["ip", "netns", "exec", self.namespace]

    def _rules(self) -> list[list[str]]:
        device = self.device
        return [
            ["nat", "POSTROUTING", "-s", f"{self.address}/32", "-j", "MASQUERADE"],
            # Docker, where it runs, forwards nothing that is not allowed by name.
            ["filter", "FORWARD", "-i", device, "!", "-o", f"{PREFIX}+", "-j", "ACCEPT"],
            ["filter", "FORWARD", "-o", device, "!", "-i", f"{PREFIX}+", "-j", "ACCEPT"],
            ["filter", "FORWARD", "-i", device, "-o", f"{PREFIX}+", "-j", "DROP"],
        ]


def _arriving(action: str, device: str) -> list[str]:
    return ["-t", "raw", action, "PREROUTING", "-i", device, "-j", "DROP"]


def _delete_all(command: list[str]) -> None:
    while works(command):
        pass
