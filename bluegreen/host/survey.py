"""The survey: what of `setup` a machine has, and what would be changed there; nothing is."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from bluegreen.config import Settings
from bluegreen.errors import Failed
from bluegreen.host.facts import Facts
from bluegreen.host.files import packages, root_files
from bluegreen.host.files.root_files import HostFile
from bluegreen.host.machine import Machine


@dataclass(frozen=True)
class Change:
    """A file that is to be written.

    Args:
        before: what is there now, None if nothing is.
        edited: what is there is not what bluegreen wrote.
    """

    file: HostFile
    before: str | None
    edited: bool

    def diff(self) -> list[str]:
        """What would change, as a unified diff."""
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
    """What of `setup` a machine has: missing packages, files to change, and other things to put right.

    Args:
        exposed: root's files, each with the path where the user who deploys could put another in its place.
    """

    facts: Facts
    packages: tuple[str, ...]
    changes: tuple[Change, ...]
    exposed: tuple[tuple[HostFile, str], ...]
    drop_default_site: bool
    make_base: bool

    @property
    def nothing_to_do(self) -> bool:
        """Whether the machine is as `setup` would make it."""
        return not (self.packages or self.changes or self.drop_default_site or self.make_base)

    @property
    def edited(self) -> tuple[Change, ...]:
        """The files that somebody else changed or wrote."""
        return tuple(change for change in self.changes if change.edited)


def survey(machine: Machine, user: str) -> Survey:
    """Looks at what is there, as root; changes nothing.

    Raises:
        Failed: the user may not sudo.
    """
    settings = machine.settings
    root = machine.root_script(user=user)
    # The paths do not depend on what is asked.
    paths = [file.path for file in root_files.wanted(settings, root, user=user, nginx_version="")]
    report = machine.attempt(
        "survey",
        stdin="".join(f"{path}\n" for path in paths).encode(),
        sudo=True,
        user=user,
        sums=sums(settings),
        java=settings.java.bin,
    )
    if report.exit_code != 0:
        raise _not_surveyed(machine, report.errors)
    facts = report.facts
    files = root_files.wanted(
        settings, root, user=user, nginx_version=facts.text("nginx"), serving=facts.text("serving")
    )
    return Survey(
        facts,
        _missing_packages(settings, facts),
        changes(files, facts),
        exposed(files, facts),
        drop_default_site=settings.site.server_name == "_" and facts.text("default_site") == "packaged",
        make_base=not facts.text("base.owner"),
    )


def exposed(files: Sequence[HostFile], facts: Facts) -> tuple[tuple[HostFile, str], ...]:
    """Root's files, each with the path where the user who deploys could put another in its place."""
    found = ((file, file.exposed(facts.text(f"file.{n}.users"))) for n, file in enumerate(files, start=1))
    return tuple((file, path) for file, path in found if path)


def changes(files: Sequence[HostFile], facts: Facts) -> tuple[Change, ...]:
    """The files that are not there, or not as they are wanted; those that could not be read are left out."""
    found = (_change(facts, number, file) for number, file in enumerate(files, start=1))
    return tuple(change for change in found if change)


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


def _missing_packages(settings: Settings, facts: Facts) -> tuple[str, ...]:
    missing = facts.text("missing").split()
    old_java = facts.text("java").isdigit() and int(facts.text("java")) < settings.java.version
    if old_java and settings.java.bin == "java":
        missing.append("java")
    wanted = [tool for tool in missing if tool not in ("sudo", "visudo")]
    return packages.named(facts.text("manager"), wanted, java_version=settings.java.version)


def _not_surveyed(machine: Machine, said: Sequence[str]) -> Failed:
    if any("sudo:" in line for line in said):
        return Failed(
            f"{machine.connection.user} may not sudo on {machine.address}",
            why=said,
            remedy="connect as a user who may sudo without a password, such as: setup --login ubuntu",
        )
    return Failed(f"{machine.address} could not be looked at; nothing was changed", why=said)


def sums(settings: Settings) -> str:
    """The file on the host that keeps the checksums of what was written."""
    return f"/etc/bluegreen/{settings.app}.sha256"


def sha256_of(text: str) -> str:
    """The checksum of a file's text."""
    return hashlib.sha256(text.encode()).hexdigest()
