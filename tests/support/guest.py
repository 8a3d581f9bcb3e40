"""A real machine for a test: systemd, sshd, sudo and apt, booted in about a second, thrown away at the end.

It is a systemd-nspawn container with an overlay over the image and a network namespace of its own.
"""

from __future__ import annotations

import http.client
import shlex
import shutil
import socket
import ssl
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bluegreen.ssh.connection import Login
from tests.support.guest_numbers import GUESTS, control_groups, kill_all, own_number, remove_control_groups
from tests.support.image import Layer, image, overlaid
from tests.support.network import Network
from tests.support.outside import NoGuest, outside, write

BOOT_S = 60
# For a test that may be the first of all: it makes the image, which takes minutes where the network is slow.
FIRST_TIME_S = 1200
SHUTDOWN_S = 100  # systemd gives a service 90 s

ENVIRONMENT = ("HOME=/root", "USER=root", "LANG=C.UTF-8", "PATH=/usr/sbin:/usr/bin:/sbin:/bin")


class Guest:
    """One booted machine.

    Attributes:
        name: its host name.
        address: where this machine reaches it.
        network: what it is connected by.
        root: its file tree from outside; /run, /tmp and /proc are not in it.
        host_key: what its sshd shows, as `type base64`.
    """

    def __init__(self, name: str, root: Path, network: Network, identity: Path) -> None:
        self.name = name
        self.root = root
        self.address = network.address
        self.host_key = _furnish(root, name)
        self.network = network
        self._identity = identity
        self._console = root.with_name("console.log")
        self._nspawn: subprocess.Popen[bytes] | None = None

    def ssh(self, user: str = "ubuntu") -> Login:
        """How to log in as root, ubuntu or deploy, with the host key pinned."""
        return Login(self.address, 22, user, (self.host_key,), self._identity)

    def run(
        self,
        command: str | Sequence[str],
        *,
        check: bool = True,
        stdin: str = "",
        timeout_s: float = 120,
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command inside as root, whatever became of its network and sshd.

        Args:
            command: a line for sh, or a list of words.
            check: whether an exit code other than 0 fails the test.
            stdin: what it reads.
            timeout_s: how long it may run.
        """
        words = ["sh", "-c", command] if isinstance(command, str) else list(command)
        enter = ["nsenter", f"--target={self.leader()}", "--all", "env", "-i", "--chdir=/root"]
        ran = subprocess.run(
            [*enter, *ENVIRONMENT, *words],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )
        if check and ran.returncode != 0:
            said = f"{ran.stdout}{ran.stderr}".rstrip()
            raise AssertionError(f"{self.name}: exit code {ran.returncode} of: {shlex.join(words)}\n{said}")
        return ran

    def get(self, path: str, host: str = "", port: int = 80, *, timeout_s: float = 10) -> tuple[int, str]:
        """What it answers over HTTP to this machine: status, 0 if there was no answer, and body."""
        return self._asked(http.client.HTTPConnection(self.address, port, timeout=timeout_s), path, host)

    def get_https(self, path: str, host: str = "") -> tuple[int, str]:
        """As `get`, over TLS, whatever certificate it shows."""
        trusting = ssl.create_default_context()
        trusting.check_hostname = False
        trusting.verify_mode = ssl.CERT_NONE
        connection = http.client.HTTPSConnection(self.address, timeout=10, context=trusting)
        return self._asked(connection, path, host)

    def _asked(self, connection: http.client.HTTPConnection, path: str, host: str) -> tuple[int, str]:
        try:
            connection.request("GET", path, headers={"Host": host or self.address})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException):
            return 0, ""
        finally:
            connection.close()

    # ---- power

    def start(self) -> None:
        """Boots it; afterwards SSH answers and every enabled service was started.

        Raises:
            NoGuest: it did not come up; the text ends with its console.
        """
        groups = [str(group) for group in control_groups(self.network.number)]
        for group in groups:
            Path(group).mkdir(exist_ok=True)
        # nspawn makes a group for the guest beside its own: without this all guests would share it.
        enter = 'while [ "$1" != -- ]; do echo $$ >"$1/cgroup.procs"; shift; done; shift; exec "$@"'
        nspawn = ["systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit", "--link-journal=no"]
        network = ["--resolv-conf=off", f"--network-namespace-path={self.network.path}"]
        place = ["--timezone=off", f"--machine={self.name}", f"--directory={self.root}", "--console=pipe"]
        with self._console.open("ab") as console:
            self._nspawn = subprocess.Popen(
                ["sh", "-euc", enter, "sh", *groups, "--", *nspawn, *network, *place],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C at the tests is no power cut
            )
        self._wait_for(self._answers_ssh, "answer SSH")
        self.run("systemctl is-system-running --wait", check=False, timeout_s=BOOT_S)

    def reboot(self) -> None:
        """Shuts it down in good order and boots it again."""
        self.run("systemctl reboot", check=False)
        try:
            self._process().wait(SHUTDOWN_S)
        except subprocess.TimeoutExpired as error:
            raise NoGuest(f"{self.name} did not shut down in {SHUTDOWN_S} s\n{self.console()}") from error
        self._gone()
        self.start()

    def crash(self) -> None:
        """Cuts its power and boots it again. What it wrote is on its disk, synced or not."""
        self.stop()
        self.start()

    def stop(self) -> None:
        """Cuts its power; `start` boots it again."""
        kill_all(self.network.number)
        if self._nspawn:
            self._nspawn.wait()
        self._gone()

    def console(self) -> str:
        """The last lines of its console."""
        return "\n".join(self._console.read_text(errors="replace").splitlines()[-30:])

    # ---- network

    def cut_network(self) -> None:
        """Lets no packet from or to it pass any more."""
        self.network.cut()

    def restore_network(self) -> None:
        self.network.restore()

    # ---- inside of it

    def _process(self) -> subprocess.Popen[bytes]:
        assert self._nspawn is not None, f"{self.name} is off"
        return self._nspawn

    def _gone(self) -> None:
        self._nspawn = None
        remove_control_groups(self.network.number)

    def leader(self) -> int:
        """The pid, here, of its process 1."""
        pid = self._process().pid
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            status = Path(f"/proc/{child}/status").read_text()
            if any(line.startswith("NSpid:") and line.endswith("\t1") for line in status.splitlines()):
                return int(child)
        raise NoGuest(f"{self.name} does not run\n{self.console()}")

    def _answers_ssh(self) -> bool:
        try:
            with socket.create_connection((self.address, 22), timeout=5) as connection:
                connection.settimeout(5)
                return connection.recv(4) == b"SSH-"
        except OSError:
            return False

    def _wait_for(self, condition: Callable[[], bool], what: str) -> None:
        until = time.monotonic() + BOOT_S
        while not condition():
            if self._process().poll() is not None or time.monotonic() > until:
                raise NoGuest(f"{self.name} did not come to {what} in {BOOT_S} s\n{self.console()}")
            time.sleep(0.02)


@contextmanager
def booted(name: str, *, layer: Layer = "ready", over: Path | None = None) -> Iterator[Guest]:
    """A fresh guest that runs, and is gone at the end. Several may run at once.

    Args:
        name: its host name.
        layer: `ready` has nginx and a JRE; `bare` has not, but can install them from packages it holds.
        over: what was changed on another guest of that layer (`prepared`), which this one begins with.

    Raises:
        NoGuest: this machine gives none.
    """
    with own_number() as number, _on(number, name, layer, over) as guest:
        yield guest


@contextmanager
def prepared(prepare: Callable[[Guest], object], *, layer: Layer = "ready") -> Iterator[Path]:
    """The changes that were made to a guest, which is off by then: others boot over them.

    Args:
        prepare: makes the changes to the guest, which runs.

    Raises:
        NoGuest: this machine gives none.
    """
    with own_number() as number:
        with _on(number, "prepared", layer, None) as guest:
            prepare(guest)
        yield GUESTS / str(number) / "upper"


@contextmanager
def _on(number: int, name: str, layer: Layer, over: Path | None) -> Iterator[Guest]:
    """A guest that runs under a number; what it changed is in its folder until the number is cleared."""
    kept = image()
    folder, network = GUESTS / str(number), Network(number)
    for part in ("upper", "work", "root"):
        (folder / part).mkdir(parents=True)
    network.lay()
    root, trees = folder / "root", (*([over] if over else []), *kept.trees(layer))
    with overlaid(trees, upper=folder / "upper", work=folder / "work", at=root):
        guest = Guest(name, root, network, kept.identity)
        try:
            guest.start()
            yield guest
        finally:
            guest.stop()


def _furnish(root: Path, name: str) -> str:
    """Gives a tree what is its own alone; returns its SSH host key."""
    write(root / "etc/hostname", f"{name}\n")
    # Without its own name here, sudo asks DNS for it and waits.
    write(root / "etc/hosts", f"127.0.0.1 localhost\n127.0.1.1 {name}\n::1 localhost ip6-localhost\n")
    write(root / "etc/machine-id", f"{uuid.uuid4().hex}\n", mode=0o444)
    # What another guest logged while it prepared the tree.
    for journal in (root / "var/log/journal").glob("*"):
        shutil.rmtree(journal)
    # systemd-resolved's stub listens on this machine's loopback, where a guest cannot reach it.
    uplink = Path("/run/systemd/resolve/resolv.conf")
    names = uplink if uplink.exists() else Path("/etc/resolv.conf")
    (root / "etc/resolv.conf").unlink(missing_ok=True)
    write(root / "etc/resolv.conf", names.read_text())
    for kind in ("ed25519", "ecdsa"):
        key = root / f"etc/ssh/ssh_host_{kind}_key"
        # There is one in a tree that another guest prepared.
        key.unlink(missing_ok=True)
        outside(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", name, "-f", str(key)])
    shown = (root / "etc/ssh/ssh_host_ed25519_key.pub").read_text().split()
    return " ".join(shown[:2])
