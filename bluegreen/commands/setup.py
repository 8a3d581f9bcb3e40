"""setup: makes a bare machine a host; shows what it changes; a second run changes nothing."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import replace
from enum import Enum

from bluegreen.config import Settings
from bluegreen.console.terminal import Console
from bluegreen.errors import BluegreenError, Failed
from bluegreen.host.facts import Facts
from bluegreen.host.files import root_files
from bluegreen.host.files.root_files import HostFile
from bluegreen.host.machine import Machine
from bluegreen.host.survey import Change, Survey, sha256_of, sums, survey
from bluegreen.remote import limits
from bluegreen.remote.script import Value
from bluegreen.rollout.fleet import connected, side_by_side

INSTALL_TIMEOUT_S = 900


class Edited(Enum):
    """What becomes of files that somebody changed since bluegreen wrote them."""

    REFUSE = "refuse"
    KEEP = "keep"
    OVERWRITE = "overwrite"


def run(settings: Settings, console: Console, *, login: str | None, dry_run: bool, edited: Edited) -> None:
    """Makes every machine of a host ready for deploys.

    Args:
        login: connect as this user, who may sudo; the machine is made ready for the user of config.yml.
        dry_run: show every change, make none.
        edited: what becomes of files that somebody changed.

    Raises:
        Failed: a file was changed by somebody else, or something of the machine refused; nothing half done.
    """
    user = settings.user
    reached = settings.model_copy(update={"user": login}) if login else settings
    with connected(reached, console) as machines:
        side_by_side(
            machines, lambda machine: _set_up(machine, user or machine.connection.user, dry_run, edited)
        )


def _set_up(machine: Machine, user: str, dry_run: bool, edited: Edited) -> None:
    console = machine.console
    found = survey(machine, user)
    _refuse_unfit(found, machine, user)
    if edited is Edited.KEEP:
        for change in found.edited:
            console.warn(f"{change.file.path} was changed by somebody and is left as it is")
        found = _but_edited(found)
    if found.nothing_to_do:
        console.line(f"✓ {machine.address} is set up already; nothing was changed", "bold green")
        return
    _show(found, machine, user)
    if dry_run:
        if found.edited and edited is Edited.REFUSE:
            console.warn(f"{_paths(found.edited)} was changed by somebody: setup would stop here")
        console.line("dry run: nothing was changed")
        return
    _refuse_edited(found, machine, edited)
    if found.packages:
        with console.step(f"install {' '.join(found.packages)}") as step:
            _as_root(
                machine,
                "packages",
                manager=found.facts.text("manager"),
                packages=" ".join(found.packages),
                package_lock_s=limits.PACKAGE_LOCK_S,
            )
            step.done(f"installed {' '.join(found.packages)}")
        # What the site may hold depends on the nginx that is there now.
        found = survey(machine, user)
        if edited is Edited.KEEP:
            found = _but_edited(found)
        _refuse_unfit(found, machine, user)
        _refuse_edited(found, machine, edited)
        _refuse_still_missing(found, machine)
    with console.step("write the files") as step:
        wrote = _install(machine, user, found)
        step.done(f"wrote {len(wrote)} files")
    for path in wrote:
        console.note(path)
    console.line(f"✓ {machine.address} is set up; next: deploy --host {machine.settings.host}", "bold green")


def _show(found: Survey, machine: Machine, user: str) -> None:
    console = machine.console
    if found.packages:
        console.line(f"packages to install: {' '.join(found.packages)}")
    for change in found.changes:
        console.line(
            f"{change.file.what}: {change.file.path}{' (new)' if change.before is None else ''}", "bold"
        )
        for line in change.diff():
            console.out(line)
    if found.drop_default_site:
        console.line("nginx's own default site is to be switched off: /etc/nginx/sites-enabled/default")
    if found.make_base:
        console.line(f"folder to make: {machine.settings.releases.path}, owned by {user}")


def _paths(changes: Sequence[Change]) -> str:
    return ", ".join(change.file.path for change in changes)


def _refuse_unfit(found: Survey, machine: Machine, user: str) -> None:
    facts, base = found.facts, machine.settings.releases.path
    if not facts.text("user"):
        raise Failed(
            f"there is no user {user} on {machine.address}", remedy=f"make it there: sudo useradd -m {user}"
        )
    others = facts.text("unit.others")
    if others and machine.settings.supervisor == "systemd":
        raise Failed(
            f"{machine.settings.app} is the name of another unit on {machine.address}: {others}",
            why=["ours would take its place; nothing was changed"],
            remedy="give the app another name in config.yml (app: …)",
        )
    for file, path in found.exposed:
        raise Failed(
            f"{user} may write {path} on {machine.address}, where root keeps {file.path} ({file.what})",
            why=["root would run or write what they put there; nothing was changed"],
            remedy=file.closed_by(path),
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


def _but_edited(found: Survey) -> Survey:
    return replace(found, changes=tuple(change for change in found.changes if not change.edited))


def _refuse_edited(found: Survey, machine: Machine, edited: Edited) -> None:
    if not found.edited or edited is Edited.OVERWRITE:
        return
    raise Failed(
        f"{_paths(found.edited)} on {machine.address} "
        "was changed since bluegreen wrote it, or written by somebody else",
        why=["the difference is shown above; nothing was changed"],
        remedy="bring the change into config.yml; or setup --keep leaves it as it is, --force writes over it",
    )


def _install(machine: Machine, user: str, found: Survey) -> list[str]:
    lines = [_line(change.file) for change in found.changes]
    facts = _as_root(
        machine,
        "install",
        stdin="".join(lines).encode(),
        user=user,
        sums=sums(machine.settings),
        drop_default_site=found.drop_default_site,
        tmpfiles=root_files.tmpfiles_path(machine.settings),
    )
    return [path for _, path in facts.under("wrote.")]


def _line(file: HostFile) -> str:
    encoded = base64.b64encode(file.text.encode()).decode()
    return f"{file.mode:04o} {sha256_of(file.text)} {encoded} {file.path}\n"


def _as_root(machine: Machine, name: str, *, stdin: bytes = b"", **values: Value) -> Facts:
    report = machine.attempt(name, stdin=stdin, timeout_s=INSTALL_TIMEOUT_S, sudo=True, root=None, **values)
    if report.exit_code != 0:
        raise _refused(machine, name, report.errors)
    return report.facts


def _refused(machine: Machine, name: str, errors: Sequence[str]) -> BluegreenError:
    why = errors[-30:]
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
