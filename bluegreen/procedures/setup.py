"""setup: makes a bare machine a host; shows what it changes; a second run changes nothing."""

from __future__ import annotations

import base64
import difflib
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from bluegreen import host_files
from bluegreen.config import Settings
from bluegreen.console import Console
from bluegreen.errors import BluegreenError, Failed
from bluegreen.host_files import HostFile
from bluegreen.machine import Machine
from bluegreen.parts.facts import Facts
from bluegreen.procedures.fleet import connected, side_by_side

# Package names by manager; {version} is java.version.
PACKAGES = {
    "apt-get": {
        "nginx": "nginx",
        "java": "openjdk-{version}-jre-headless",
        "curl": "curl",
        "flock": "util-linux",
    },
    "dnf": {
        "nginx": "nginx",
        "java": "java-{version}-amazon-corretto-headless",
        "curl": "curl-minimal",
        "flock": "util-linux-core",
    },
}
INSTALL_TIMEOUT_S = 900


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
    """What of `setup` a machine has: missing packages, files to change, and other things to put right."""

    facts: Facts
    packages: tuple[str, ...]
    changes: tuple[Change, ...]
    drop_default_site: bool
    make_base: bool
    join_journal: bool

    @property
    def nothing_to_do(self) -> bool:
        """Whether the machine is as `setup` would make it."""
        return not (
            self.packages or self.changes or self.drop_default_site or self.make_base or self.join_journal
        )

    @property
    def edited(self) -> tuple[Change, ...]:
        """The files that somebody else changed or wrote."""
        return tuple(change for change in self.changes if change.edited)


def setup(settings: Settings, say: Console, *, login: str | None, dry_run: bool, force: bool) -> None:
    """Makes every machine of a host ready for deploys.

    Args:
        login: connect as this user, who may sudo; the machine is made ready for the user of config.yml.
        dry_run: show every change, make none.
        force: write also what a person changed since.

    Raises:
        Failed: a file was changed by somebody else, or something of the machine refused; nothing half done.
    """
    user = settings.user
    reached = settings.model_copy(update={"user": login}) if login else settings
    with connected(reached, say) as machines:
        side_by_side(machines, lambda machine: _set_up(machine, user or machine.host.user, dry_run, force))


def survey(machine: Machine, user: str) -> Survey:
    """Looks at what is there, as root; changes nothing.

    Raises:
        Failed: the user may not sudo.
    """
    settings = machine.settings
    root = machine.root_script(user=user)
    # The paths do not depend on what is asked.
    paths = [file.path for file in host_files.wanted(settings, root, user=user, nginx_version="")]
    result = machine.host.run(
        machine.script("survey", user=user, sums=_sums(settings), java=settings.java.bin),
        stdin="".join(f"{path}\n" for path in paths).encode(),
        sudo=True,
    )
    if result.exit_code != 0:
        raise _not_surveyed(machine, result.stderr.strip().splitlines())
    facts = Facts(result.stdout.splitlines())
    files = host_files.wanted(settings, root, user=user, nginx_version=facts.text("nginx"))
    changes = [_change(facts, number, file) for number, file in enumerate(files, start=1)]
    return Survey(
        facts,
        _missing_packages(settings, facts),
        tuple(change for change in changes if change),
        drop_default_site=settings.site.server_name == "_" and facts.text("default_site") == "packaged",
        make_base=not facts.text("base.owner"),
        join_journal=" systemd-journal " not in facts.text("groups") and user != "root",
    )


def _set_up(machine: Machine, user: str, dry_run: bool, force: bool) -> None:
    say = machine.say
    found = survey(machine, user)
    _refuse_unfit(found, machine, user)
    if found.nothing_to_do:
        say.line(f"✓ {machine.address} is set up already; nothing was changed", "bold green")
        return
    _show(found, machine, user)
    if dry_run:
        if found.edited and not force:
            say.warn(f"{_paths(found.edited)} was changed by somebody: setup would stop here")
        say.line("dry run: nothing was changed")
        return
    _refuse_edited(found, machine, force)
    if found.packages:
        with say.step(f"install {' '.join(found.packages)}") as step:
            _as_root(
                machine, "packages", manager=found.facts.text("manager"), packages=" ".join(found.packages)
            )
            step.done(f"installed {' '.join(found.packages)}")
        # What the site may hold depends on the nginx that is there now.
        found = survey(machine, user)
        _refuse_unfit(found, machine, user)
        _refuse_edited(found, machine, force)
        _refuse_still_missing(found, machine)
    with say.step("write the files") as step:
        wrote = _install(machine, user, found)
        step.done(f"wrote {len(wrote)} files")
    for path in wrote:
        say.note(path)
    say.line(f"✓ {machine.address} is set up; next: deploy --host {machine.settings.host}", "bold green")


def _change(facts: Facts, number: int, file: HostFile) -> Change | None:
    key = f"file.{number}."
    if not facts.text(f"{key}there"):
        return Change(file, None, edited=False)
    sha256 = facts.text(f"{key}sha256")
    if file.kept or (sha256 == _sha256(file.text) and facts.text(f"{key}mode") == f"{file.mode:o}"):
        return None
    return Change(file, facts.text(f"{key}text"), edited=sha256 != facts.text(f"{key}recorded"))


def _missing_packages(settings: Settings, facts: Facts) -> tuple[str, ...]:
    manager = facts.text("manager")
    missing = facts.text("missing").split()
    old_java = facts.text("java").isdigit() and int(facts.text("java")) < settings.java.version
    if old_java and settings.java.bin == "java":
        missing.append("java")
    names = PACKAGES.get(manager, PACKAGES["apt-get"])
    wanted = [names.get(tool, tool).format(version=settings.java.version) for tool in missing]
    return tuple(dict.fromkeys(name for name in wanted if name not in ("sudo", "visudo")))


def _show(found: Survey, machine: Machine, user: str) -> None:
    say = machine.say
    if found.packages:
        say.line(f"packages to install: {' '.join(found.packages)}")
    for change in found.changes:
        say.line(f"{change.file.what}: {change.file.path}{' (new)' if change.before is None else ''}", "bold")
        for line in change.diff():
            say.out(line)
    if found.drop_default_site:
        say.line("nginx's own default site is to be switched off: /etc/nginx/sites-enabled/default")
    if found.make_base:
        say.line(f"folder to make: {machine.settings.releases.path}, owned by {user}")
    if found.join_journal:
        say.line(f"{user} is to join the group systemd-journal, to read the application's log")


def _paths(changes: Sequence[Change]) -> str:
    return ", ".join(change.file.path for change in changes)


def _not_surveyed(machine: Machine, said: list[str]) -> Failed:
    if any("sudo:" in line for line in said):
        return Failed(
            f"{machine.host.user} may not sudo on {machine.address}",
            why=said,
            remedy="connect as a user who may sudo without a password, such as: setup --login ubuntu",
        )
    return Failed(f"{machine.address} could not be looked at; nothing was changed", why=said)


def _refuse_unfit(found: Survey, machine: Machine, user: str) -> None:
    facts, base = found.facts, machine.settings.releases.path
    if not facts.text("user"):
        raise Failed(
            f"there is no user {user} on {machine.address}", remedy=f"make it there: sudo useradd -m {user}"
        )
    if facts.text("base.owner") and not facts.text("base.writable"):
        raise Failed(
            f"{user} may not write {base} on {machine.address}",
            why=[f"it belongs to {facts.text('base.owner')}; nothing was changed"],
            remedy=f"sudo chown -R {user}: {base}, or set releases.path in config.yml",
        )
    if machine.settings.site.server_name == "_" and facts.text("default_site") == "claims":
        raise Failed(
            f"/etc/nginx/sites-enabled/default on {machine.address} answers for every name (default_server), "
            "as the site of bluegreen would, and it is not as nginx's package brought it",
            why=["somebody made that site, so it is left alone; nothing was changed"],
            remedy="set site.server_name in config.yml to the name of your site, or take that one away: "
            "sudo rm /etc/nginx/sites-enabled/default; `deploy` works with it as it is, without setup",
        )


def _refuse_still_missing(found: Survey, machine: Machine) -> None:
    if not found.packages:
        return
    java = found.facts.text("java")
    raise Failed(
        f"the packages are installed on {machine.address}, and still it lacks {' '.join(found.packages)}",
        why=[f"`{machine.settings.java.bin}` there is Java {java or 'of an unknown version'}"],
        remedy="sudo update-alternatives --config java, or set java.bin in config.yml to the whole path",
    )


def _refuse_edited(found: Survey, machine: Machine, force: bool) -> None:
    if not found.edited or force:
        return
    raise Failed(
        f"{_paths(found.edited)} on {machine.address} "
        "was changed since bluegreen wrote it, or written by somebody else",
        why=["the difference is shown above; nothing was changed"],
        remedy="bring the change into config.yml or keep it as it is; setup --force writes over it",
    )


def _install(machine: Machine, user: str, found: Survey) -> list[str]:
    lines = [_line(change.file) for change in found.changes]
    told = _as_root(
        machine,
        "install",
        stdin="".join(lines).encode(),
        user=user,
        sums=_sums(machine.settings),
        drop_default_site=found.drop_default_site,
        journal_group=found.join_journal,
        tmpfiles=host_files.tmpfiles_path(machine.settings),
    )
    return [line.removeprefix("wrote ") for line in told if line.startswith("wrote ")]


def _line(file: HostFile) -> str:
    encoded = base64.b64encode(file.text.encode()).decode()
    return f"{file.mode:04o} {_sha256(file.text)} {encoded} {file.path}\n"


def _as_root(machine: Machine, name: str, *, stdin: bytes = b"", **values: str | bool) -> Sequence[str]:
    result = machine.host.run(
        machine.script(name, **values), stdin=stdin, timeout_s=INSTALL_TIMEOUT_S, sudo=True
    )
    if result.exit_code != 0:
        raise _refused(machine, name, result.stderr)
    return result.stdout.splitlines()


def _refused(machine: Machine, name: str, stderr: str) -> BluegreenError:
    why = stderr.strip().splitlines()[-30:]
    if name == "packages":
        return Failed(
            f"the packages could not be installed on {machine.address}",
            why=why,
            remedy="mend that and run setup again; a Java that this Linux does not have is installed by "
            "hand: java.bin in config.yml says where it is",
        )
    return Failed(
        f"the files were not written on {machine.address}; what was there is there again",
        why=why,
        remedy="mend what is said above and run setup again",
    )


def _sums(settings: Settings) -> str:
    return f"/etc/bluegreen/{settings.app}.sha256"


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
