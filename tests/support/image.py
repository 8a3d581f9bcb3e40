"""What the guests boot from: file trees of a small Debian or Ubuntu, made once and kept outside the checkout.

They are of the release this machine runs, and come from where this machine's apt gets its packages.
"""

from __future__ import annotations

import functools
import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.support.kept import alone, cache
from tests.support.outside import NoGuest, outside, write

Layer = Literal["bare", "ready"]

# What a rented machine comes with, and no more: what is missing is for `bluegreen setup` to bring.
BARE_PACKAGES = (
    "ca-certificates",
    "curl",
    "dbus",
    "iproute2",
    "iputils-ping",
    "openssh-server",
    "procps",
    "sudo",
    "systemd",
    "systemd-sysv",
)
READY_PACKAGES = ("nginx", "openjdk-17-jre-headless")

# ubuntu is as in EC2's images; deploy may nothing as root.
USERS: Mapping[str, Sequence[str]] = {"ubuntu": ("adm", "sudo"), "deploy": ()}
SUDOERS = {"90-cloud-init-users": "ubuntu ALL=(ALL) NOPASSWD:ALL\n"}

# They would hold apt's lock, or work on this machine's disk, in the middle of a test.
TIMERS = ("apt-daily.timer", "apt-daily-upgrade.timer", "e2scrub_all.timer", "fstrim.timer")

# Services must not start while packages are installed: the tree shares this machine's network then.
NO_SERVICES = "#!/bin/sh\nexit 101\n"
POLICY = "usr/sbin/policy-rc.d"
ARCHIVES = "var/cache/apt/archives"


@dataclass(frozen=True)
class Image:
    """The layers in one folder, each a file tree, and the key that opens every guest."""

    folder: Path

    @property
    def identity(self) -> Path:
        """The private key that root, ubuntu and deploy accept."""
        return self.folder / "id_ed25519"

    def trees(self, layer: Layer) -> tuple[Path, ...]:
        """The trees to lay over one another, the uppermost first."""
        if layer == "ready":
            return (self.folder / "ready", self.folder / "bare")
        return (self.folder / "archives", self.folder / "bare")


@functools.cache
def image() -> Image:
    """The image, made if there is none yet, which takes a minute or a few.

    Raises:
        NoGuest: it could not be made.
    """
    origin = _origin()
    made = Image(cache() / f"guest-{_digest(origin)}")
    if made.folder.is_dir():
        return made
    with alone("guest"):
        if not made.folder.is_dir():
            with tempfile.TemporaryDirectory(dir=cache(), prefix=".guest-") as folder:
                unfinished = Image(Path(folder, "image"))
                _build(unfinished, origin)
                unfinished.folder.rename(made.folder)
    return made


@contextmanager
def overlaid(lower: Sequence[Path], *, upper: Path, work: Path, at: Path) -> Iterator[None]:
    """Lays trees over one another, the uppermost of `lower` first; changes go to `upper`."""
    # Volatile: dpkg's many fsyncs cost nothing, and nothing here outlives a power cut of this machine.
    layers = f"lowerdir={':'.join(map(str, lower))},upperdir={upper},workdir={work},volatile"
    outside(["mount", "-t", "overlay", "-o", layers, "bluegreen-guest", str(at)])
    try:
        yield
    finally:
        outside(["umount", str(at)])


# ---- building


def _build(image: Image, origin: _Origin) -> None:
    image.folder.mkdir()
    outside(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "guests", "-f", str(image.identity)])
    with _layer(image.folder / "bare", over=()) as tree:
        _build_bare(tree, origin, image.identity.with_suffix(".pub").read_text())
    with _layer(image.folder / "ready", over=(image.folder / "bare",)) as tree:
        _build_ready(tree)
    # The packages themselves lie over the bare layer, so that setting it up costs no download.
    archives = image.folder / "archives" / ARCHIVES
    archives.mkdir(parents=True)
    for package in (image.folder / "ready" / ARCHIVES).glob("*.deb"):
        package.rename(archives / package.name)


@contextmanager
def _layer(tree: Path, *, over: Sequence[Path]) -> Iterator[Path]:
    """A tree to work on; what changes over the layers below becomes the new layer."""
    tree.mkdir()
    with tempfile.TemporaryDirectory(dir=tree.parent) as folder:
        empty, work, merged = (Path(folder, name) for name in ("empty", "work", "merged"))
        for each in (empty, work, merged):
            each.mkdir()
        with overlaid(over or (empty,), upper=tree, work=work, at=merged):
            yield merged


def _build_bare(tree: Path, origin: _Origin, key: str) -> None:
    options = ["--variant=minbase", f"--include={','.join(BARE_PACKAGES)}"]
    components = f"--components={','.join(origin.components)}"
    outside(["debootstrap", *options, components, origin.release, str(tree), origin.mirror])
    origin.copy_to(tree)
    write(tree / POLICY, NO_SERVICES, mode=0o755)
    _inside(tree, "update-ca-certificates && apt-get update && apt-get -y dist-upgrade && apt-get clean")
    _add_users(tree, key)
    write(tree / "etc/default/locale", "LANG=C.UTF-8\n")
    _inside(tree, f"systemctl disable {' '.join(TIMERS)}")
    # No guest has the keys or the id of another: each gets its own before it boots.
    _inside(tree, f"rm -f /{POLICY} /etc/ssh/ssh_host_* /etc/machine-id")


def _add_users(tree: Path, key: str) -> None:
    for user, groups in USERS.items():
        _inside(tree, f"useradd --create-home --shell /bin/bash --groups '{','.join(groups)}' {user}")
    for home in ("root", *(f"home/{user}" for user in USERS)):
        write(tree / home / ".ssh/authorized_keys", key, mode=0o600)
    for user in USERS:
        _inside(tree, f"chmod 0700 /home/{user}/.ssh && chown -R {user}: /home/{user}/.ssh")
    for name, text in SUDOERS.items():
        write(tree / "etc/sudoers.d" / name, text, mode=0o440)


def _build_ready(tree: Path) -> None:
    write(tree / POLICY, NO_SERVICES, mode=0o755)
    _inside(tree, f"apt-get install -y -o APT::Keep-Downloaded-Packages=true {' '.join(READY_PACKAGES)}")
    _inside(tree, f"rm /{POLICY}")


def _inside(tree: Path, command: str) -> None:
    """Runs a command in the tree as root, with this machine's network and names."""
    nspawn = ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--link-journal=no", "--pipe"]
    place = ["--timezone=off", "--resolv-conf=replace-host", f"--directory={tree}"]
    environment = ["--setenv=DEBIAN_FRONTEND=noninteractive", "--setenv=LC_ALL=C.UTF-8"]
    outside([*nspawn, *place, *environment, "/bin/sh", "-euc", command])


# ---- where packages come from


@dataclass(frozen=True)
class _Origin:
    """Where this machine's apt gets its packages, and how."""

    release: str
    mirror: str
    components: tuple[str, ...]
    sources: str
    settings: str

    def copy_to(self, tree: Path) -> None:
        """Lets the apt of a tree get its packages as this machine's does."""
        write(tree / "etc/apt/sources.list", self.sources)
        write(tree / "etc/apt/apt.conf.d/90machine", self.settings)
        for folder in ("etc/apt/trusted.gpg.d", "usr/local/share/ca-certificates"):
            if Path("/", folder).is_dir():
                shutil.copytree(Path("/", folder), tree / folder, dirs_exist_ok=True)


def _origin() -> _Origin:
    about = _os_release()
    release = about.get("VERSION_CODENAME", "")
    fields = "$(CREATED_BY) $(ORIGIN) $(REPO_URI) $(RELEASE) $(COMPONENT)"
    targets = [line.split() for line in outside(["apt-get", "indextargets", "--format", fields]).splitlines()]
    # Other people's repositories are no part of a guest.
    ours = [
        target[2:]
        for target in targets
        if len(target) == 5 and target[0] == "Packages" and target[1].lower() == about.get("ID")
    ]
    base = [(uri, component) for uri, suite, component in ours if suite == release]
    if not base:
        raise NoGuest(f"apt knows no packages of {release or 'this release'}: run apt-get update")
    mirror = base[0][0]
    settings = outside(["apt-config", "dump", "Acquire"]).splitlines()
    return _Origin(
        release=release,
        mirror=mirror,
        components=tuple(sorted({component for uri, component in base if uri == mirror})),
        sources="".join(f"deb {uri} {suite} {component}\n" for uri, suite, component in ours),
        settings="".join(f"{line}\n" for line in settings if not line.startswith("Acquire::IndexTargets")),
    )


def _os_release() -> dict[str, str]:
    lines = Path("/etc/os-release").read_text().splitlines()
    return {name: value.strip('"') for name, _, value in (line.partition("=") for line in lines)}


def _digest(origin: _Origin) -> str:
    """Changes with whatever makes the image: this file, and where packages come from."""
    return hashlib.sha256(f"{Path(__file__).read_text()}\0{origin}".encode()).hexdigest()[:12]
