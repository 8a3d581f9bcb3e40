"""The survey: what of `setup` a machine has, and what `setup` would change."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from bluegreen.config import Settings
from bluegreen.errors import Failed
from bluegreen.host import nginx_config
from bluegreen.host.facts import Facts, lines_of
from bluegreen.host.files import packages, root_files
from bluegreen.host.files.root_files import HostFile
from bluegreen.host.machine import Machine
from bluegreen.host.sites import InCharge, in_charge, names_bucket


class SiteWish(Enum):
    """What `setup` is to do about the site.

    IF_FREE: write it where no other site serves its requests. NONE: leave it to somebody's own site.
    TAKE_OVER: write it in place of the one that is in charge.
    """

    IF_FREE = "if free"
    NONE = "none"
    TAKE_OVER = "take over"


@dataclass(frozen=True)
class Change:
    """A file that is not as `setup` would write it.

    Args:
        before: its present text, None if it does not exist; empty if only its checksum was read.
        edited: its present text is not the one that bluegreen wrote.
    """

    file: HostFile
    before: str | None
    edited: bool

    def diff(self) -> list[str]:
        """Returns the lines of a unified diff from the present text to the wanted one."""
        return list(
            difflib.unified_diff(
                (self.before or "").splitlines(),
                self.file.text.splitlines(),
                self.file.path if self.before is not None else "/dev/null",
                self.file.path,
                lineterm="",
            )
        )


@dataclass(frozen=True)
class Survey:
    """What of `setup` a machine has, and what must change.

    Args:
        manager: the package manager, empty if it is not one that `setup` supports.
        user_exists: the user who deploys exists on the machine.
        java_path: the java command that the supervisor finds, empty if it finds none.
        java_release: its release, such as 17, 0 if it is unknown.
        base_owner: who owns the folder of the releases, empty if it does not exist.
        base_writable: the user who deploys may write that folder.
        in_charge: the site of somebody else that serves what ours would get, None if there is none.
        own_site: `setup` writes its site.
        default_site_claims_all: a default site that somebody changed answers for every name.
        packages: the packages to install.
        changes: the files to write.
        exposed: root's files, each with the path where the user who deploys could replace it.
        drop_default_site: the default site of nginx's package must be disabled.
        names_bucket: the `server_names_hash_bucket_size` of another file than our site, with that file.
    """

    manager: str
    user_exists: bool
    java_path: str
    java_release: int
    base_owner: str
    base_writable: bool
    in_charge: InCharge | None
    own_site: bool
    default_site_claims_all: bool
    packages: tuple[str, ...]
    changes: tuple[Change, ...]
    exposed: tuple[tuple[HostFile, str], ...]
    drop_default_site: bool
    names_bucket: tuple[int, str] | None

    @property
    def make_base(self) -> bool:
        """Whether the folder of the releases must be made."""
        return not self.base_owner

    @property
    def nothing_to_do(self) -> bool:
        """Whether the machine is as `setup` would make it."""
        return not (self.packages or self.changes or self.drop_default_site or self.make_base)

    @property
    def edited(self) -> tuple[Change, ...]:
        """The files to write that somebody else changed or wrote."""
        return tuple(change for change in self.changes if change.edited)

    def without_edited(self) -> Survey:
        """Returns the survey without the files that somebody else changed or wrote."""
        return replace(self, changes=tuple(change for change in self.changes if not change.edited))


def survey(machine: Machine, user: str, *, site: SiteWish = SiteWish.IF_FREE) -> Survey:
    """Returns the survey of a machine, read as root; nothing is changed.

    Args:
        user: who deploys.
        site: what `setup` is to do about the site.

    Raises:
        Failed: the connected user may not sudo, or the survey failed.
    """
    settings = machine.settings
    root = machine.root_script(user=user)
    # The version of nginx changes the text of the site, but no path.
    paths = [file.path for file in root_files.wanted(settings, root, user=user, nginx_version="")]
    report = machine.attempt(
        "survey",
        stdin="".join(f"{path}\n" for path in paths).encode(),
        sudo=True,
        user=user,
        sums=sums(settings),
    )
    if report.exit_code != 0:
        raise _not_surveyed(machine, report.errors)
    facts = report.facts
    config = nginx_config.parse(facts.text("nginx.config"), settings.switch.include)
    found = in_charge(config, settings)
    own_site = site is SiteWish.TAKE_OVER or (site is SiteWish.IF_FREE and found is None)
    files = root_files.wanted(
        settings,
        root,
        user=user,
        nginx_version=facts.text("nginx"),
        serving=_serving(settings, found) or facts.text("serving"),
        own_site=own_site,
        names_fit=names_bucket(config, settings) is not None,
    )
    for_every_name = settings.site.server_name == "_"
    default_site = facts.text("default_site")
    return Survey(
        manager=facts.text("manager"),
        user_exists=bool(facts.text("user")),
        java_path=facts.text("java.path"),
        java_release=java_release(facts.text("java.version")),
        base_owner=facts.text("base.owner"),
        base_writable=bool(facts.text("base.writable")),
        in_charge=found,
        own_site=own_site,
        default_site_claims_all=own_site and for_every_name and default_site == "claims",
        packages=missing_packages(settings, facts),
        changes=changes(files, facts, own_site=own_site, settings=settings),
        exposed=exposed(files, facts),
        drop_default_site=own_site and for_every_name and default_site == "packaged",
        names_bucket=names_bucket(config, settings),
    )


def _serving(settings: Settings, found: InCharge | None) -> str:
    """The slot that a site of somebody else passes requests to, empty if it is none."""
    return next((slot for slot, port in settings.slots.items() if found and found.port == port), "")


def exposed(files: Sequence[HostFile], facts: Facts) -> tuple[tuple[HostFile, str], ...]:
    """Returns root's files, each with the path where the user who deploys could replace it."""
    found = (
        (file, file.exposed(lines_of(facts.text(f"file.{n}.users")))) for n, file in enumerate(files, start=1)
    )
    return tuple((file, path) for file, path in found if path)


def changes(
    files: Sequence[HostFile], facts: Facts, *, settings: Settings, own_site: bool
) -> tuple[Change, ...]:
    """Returns the files that are missing or not as wanted, as far as they could be read.

    Args:
        own_site: False leaves out the site, as that of somebody else is in charge.
    """
    found = (_change(facts, number, file) for number, file in enumerate(files, start=1))
    left_out = None if own_site else root_files.site_path(settings)
    return tuple(change for change in found if change and change.file.path != left_out)


def _change(facts: Facts, number: int, file: HostFile) -> Change | None:
    key = f"file.{number}."
    if not facts.text(f"{key}there"):
        return Change(file, None, edited=False)
    sha256 = facts.text(f"{key}sha256")
    if (
        file.kept
        or not sha256
        or (sha256 == sha256_of(file.text) and facts.text(f"{key}mode") == f"{file.mode:o} root")
    ):
        return None
    return Change(file, facts.text(f"{key}text"), edited=sha256 != facts.text(f"{key}recorded"))


def java_release(version: str) -> int:
    """Returns the release of a version: 17 for 17.0.9, 8 for 1.8.0, 0 for a text without a number."""
    numbers = [int(number) for number in version.split(".") if number.isdigit()] or [0]
    return numbers[1] if numbers[0] == 1 and len(numbers) > 1 else numbers[0]


def missing_packages(settings: Settings, facts: Facts) -> tuple[str, ...]:
    """The packages that `setup` installs on a machine with these facts."""
    missing = facts.text("missing").split()
    old_java = 0 < java_release(facts.text("java.version")) < settings.java.version
    if old_java and settings.java.bin == "java":
        missing.append("java")
    wanted = [tool for tool in missing if tool not in ("sudo", "visudo")]
    return packages.named(facts.text("manager"), wanted, java_version=settings.java.version)


def _not_surveyed(machine: Machine, stderr: Sequence[str]) -> Failed:
    if any("sudo:" in line for line in stderr):
        return Failed(
            f"{machine.connection.user} may not sudo on {machine.address}",
            why=stderr,
            remedy="with a user who may sudo without a password: "
            f"bluegreen setup --host {machine.settings.host} --login USER",
        )
    return Failed(f"the survey of {machine.address} failed; nothing was changed", why=stderr)


def sums(settings: Settings) -> str:
    """Returns the path of the file on the machine with the checksums of the files that `setup` wrote."""
    return f"/etc/bluegreen/{settings.app}.sha256"


def sha256_of(text: str) -> str:
    """Returns the checksum of a file's text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()
