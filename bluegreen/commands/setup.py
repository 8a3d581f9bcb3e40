"""setup: makes a bare machine ready for deploys, and shows each change. A second run changes nothing."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from enum import Enum

from bluegreen.check.diagnose import diagnose
from bluegreen.check.evidence import Evidence
from bluegreen.commands.setup_site import require_site_free, show_lines_for_site, with_own_include
from bluegreen.config import Settings
from bluegreen.console.terminal import Console
from bluegreen.errors import Failed
from bluegreen.host.facts import Report
from bluegreen.host.files import root_files
from bluegreen.host.files.root_files import HostFile
from bluegreen.host.files.site import names_bucket_bytes
from bluegreen.host.look import ToolsMissing, look
from bluegreen.host.machine import Machine
from bluegreen.host.survey import Change, SiteWish, Survey, sha256_of, sums, survey
from bluegreen.remote import limits
from bluegreen.remote.script import Value
from bluegreen.rollout.fleet import connected, side_by_side
from bluegreen.rollout.interrupts import interrupted_as
from bluegreen.rollout.preflight import SETUP, require

# Of what a package manager printed, the cause is at the end.
LAST_LINES = 30


class OnConflict(Enum):
    """What `setup` does with files that somebody else changed or wrote."""

    REFUSE = "refuse"
    KEEP = "keep"
    OVERWRITE = "overwrite"


def run(
    settings: Settings,
    console: Console,
    *,
    login: str | None,
    dry_run: bool,
    on_conflict: OnConflict,
    site: SiteWish = SiteWish.IF_FREE,
) -> None:
    """Makes every machine of a host ready for deploys by the user of config.yml.

    Args:
        login: the user to connect as, who may sudo; None for the user of config.yml.
        dry_run: show every change, and make none.
        on_conflict: what is done with files that somebody else changed or wrote.
        site: what is done about the site of nginx.

    Raises:
        Failed: the machine is not fit, a file is in conflict, or a step failed and was undone.
    """
    reached = settings.model_copy(update={"user": login}) if login else settings
    # What was begun on each machine, by its address.
    begun: dict[str, str] = {}
    with interrupted_as(lambda: _interrupted(settings, begun)), connected(reached, console) as machines:
        side_by_side(
            machines,
            lambda machine: _set_up(
                machine, settings.user or machine.connection.user, dry_run, on_conflict, site, begun
            ),
        )


def _interrupted(settings: Settings, begun: Mapping[str, str]) -> Failed | None:
    if not begun:
        return None
    return Failed(
        "setup was interrupted",
        why=[f"{address}: {what}" for address, what in begun.items()],
        remedy=f"to complete it: bluegreen setup --host {settings.host}",
    )


def _set_up(
    machine: Machine,
    user: str,
    dry_run: bool,
    on_conflict: OnConflict,
    site: SiteWish,
    begun: dict[str, str],
) -> None:
    console = machine.console
    _require_own(machine)
    found = _survey_fit(machine, user, site)
    disable = require_site_free(machine, found, site)
    if on_conflict is OnConflict.KEEP:
        for change in found.edited:
            console.warn(f"{change.file.path} was changed by somebody and is left as it is")
    plan = _plan(found, on_conflict)
    if disable:
        plan = with_own_include(machine, plan)
    if plan.nothing_to_do and not disable:
        console.line(f"✓ {machine.address} is set up already; nothing was changed", "bold green")
        show_lines_for_site(machine, found)
        return
    show(plan, console, folder=f"{machine.settings.releases.path}, owned by {user}", disable=disable)
    if dry_run:
        if plan.edited and on_conflict is OnConflict.REFUSE:
            console.warn(f"{_paths(plan.edited)} was changed by somebody: setup would stop here")
        console.line("dry run: nothing was changed")
        return
    _require_no_conflict(plan, machine, on_conflict)
    if plan.packages:
        begun[machine.address] = (
            f"the package manager installs {' '.join(plan.packages)} and ends by itself; no file was written"
        )
        _install_packages(plan, machine)
        # The text of the site depends on the version of nginx, which is installed now.
        plan = _plan(_survey_fit(machine, user, site), on_conflict)
        _require_no_conflict(plan, machine, on_conflict)
        _require_packages(plan, machine)
    begun[machine.address] = "the machine finishes the write of the files, or restores the previous ones"
    keep_copies = on_conflict is OnConflict.OVERWRITE or site is SiteWish.TAKE_OVER
    _write_files(plan, machine, user, disable=disable, keep_copies=keep_copies)
    begun[machine.address] = "it is set up"
    show_lines_for_site(machine, found)
    next_step = f"bluegreen deploy --host {machine.settings.host}"
    console.line(f"✓ {machine.address} is set up; next: {next_step}", "bold green")


def _require_own(machine: Machine) -> None:
    """Requires that no finding of `check` stops `setup`: that all names and ports of the app are its own.

    Raises:
        Failed: one of them is not; nothing was changed.
    """
    try:
        state = look(machine)
    except ToolsMissing:
        # They are what `setup` installs; without them no app of bluegreen runs there.
        return
    evidence = Evidence(state, user=machine.connection.user, diagnosis=diagnose(machine, state))
    require(evidence, SETUP, forced=None)


def _plan(found: Survey, on_conflict: OnConflict) -> Survey:
    """The survey of what `setup` changes: without the files that it keeps as they are."""
    return found.without_edited() if on_conflict is OnConflict.KEEP else found


def _survey_fit(machine: Machine, user: str, site: SiteWish) -> Survey:
    """The survey of a machine that can be set up.

    Raises:
        Failed: it cannot be set up; nothing was changed.
    """
    found = survey(machine, user, site=site)
    address, settings = machine.address, machine.settings
    base = settings.releases.path
    if not found.user_exists:
        raise Failed(f"{address} has no user {user}", remedy=f"sudo useradd -m {user}")
    for file, path in found.exposed:
        raise Failed(
            f"{user} may write {path} on {address}, and so replace root's {file.path} ({file.what})",
            why=["root would run or read the replacement; nothing was changed"],
            remedy=file.closed_by(path),
        )
    if found.base_owner and not found.base_writable:
        raise Failed(
            f"{user} may not write {base} on {address}",
            why=[f"it belongs to {found.base_owner}; nothing was changed"],
            remedy=f"sudo chown -R {user}: {base}, or set releases.path in config.yml",
        )
    needed_bytes = names_bucket_bytes(settings.site.server_name)
    if found.own_site and found.names_bucket and found.names_bucket[0] < needed_bytes:
        raise Failed(
            f"{found.names_bucket[1]} on {address} sets server_names_hash_bucket_size "
            f"{found.names_bucket[0]}, and site.server_name needs {needed_bytes}",
            why=["nginx would reject the site, and a second setting of it; nothing was changed"],
            remedy=f"write into {found.names_bucket[1]}: server_names_hash_bucket_size {needed_bytes};",
        )
    if found.default_site_claims_all:
        raise Failed(
            f"/etc/nginx/sites-enabled/default on {address} is the default_server, "
            "like the site of bluegreen, and it is not the file of nginx's package",
            why=["somebody made that site, so setup does not remove it; nothing was changed"],
            remedy="set site.server_name in config.yml to the name of your site, or remove that site: "
            "sudo rm /etc/nginx/sites-enabled/default; deploys work without `bluegreen setup`",
        )
    return found


def show(plan: Survey, console: Console, *, folder: str, disable: str) -> None:
    """Prints each change that `setup` makes.

    Args:
        folder: the folder of the releases with its owner.
        disable: the site that is taken over from, empty if there is none.
    """
    # Of several machines, the changes of one are not among those of another.
    with console.lock:
        if plan.packages:
            console.line(f"packages to install: {' '.join(plan.packages)}")
        for change in plan.changes:
            console.line(
                f"{change.file.what}: {change.file.path}{' (new)' if change.before is None else ''}", "bold"
            )
            for line in change.diff():
                console.out(line)
        if plan.drop_default_site:
            console.line("site to disable: /etc/nginx/sites-enabled/default, of nginx's package")
        if plan.make_base:
            console.line(f"folder to make: {folder}")
        if disable:
            console.line(f"site to disable: {disable}; a copy is kept")


def _require_no_conflict(plan: Survey, machine: Machine, on_conflict: OnConflict) -> None:
    if not plan.edited or on_conflict is OnConflict.OVERWRITE:
        return
    setup = f"bluegreen setup --host {machine.settings.host}"
    raise Failed(
        f"{_paths(plan.edited)} on {machine.address} was changed since bluegreen wrote it, "
        "or written by somebody else",
        why=["the difference is shown above; nothing was changed"],
        remedy=f"put the change into config.yml, or: {setup} --keep (leaves the file as it is), "
        f"or: {setup} --force (overwrites it)",
    )


def _paths(changes: Sequence[Change]) -> str:
    return ", ".join(change.file.path for change in changes)


def _install_packages(plan: Survey, machine: Machine) -> None:
    packages = " ".join(plan.packages)
    with machine.console.step(f"install {packages}") as step:
        report = _as_root(
            machine,
            "packages",
            manager=plan.manager,
            packages=packages,
            package_lock_s=limits.PACKAGE_LOCK_S,
        )
        if report.exit_code != 0:
            raise Failed(
                f"the packages could not be installed on {machine.address}",
                why=report.errors[-LAST_LINES:],
                remedy=f"fix that, then: bluegreen setup --host {machine.settings.host}; if there is no such "
                "package of Java, install it by hand and set java.bin in config.yml to its path",
            )
        step.done(f"installed {packages}")


def _require_packages(plan: Survey, machine: Machine) -> None:
    if not plan.packages:
        return
    release = f"Java {plan.java_release}" if plan.java_release else "of an unknown version"
    raise Failed(
        f"packages installed on {machine.address}, still missing: {' '.join(plan.packages)}",
        why=[f"`{plan.java_path or machine.settings.java.bin}` there is {release}"],
        remedy="sudo update-alternatives --config java, or set java.bin in config.yml to the path of the new "
        "Java",
    )


def _write_files(plan: Survey, machine: Machine, user: str, *, disable: str, keep_copies: bool) -> None:
    with machine.console.step("write the files") as step:
        report = _as_root(
            machine,
            "install",
            stdin="".join(_line(change.file) for change in plan.changes).encode(),
            user=user,
            sums=sums(machine.settings),
            drop_default_site=plan.drop_default_site,
            tmpfiles=root_files.tmpfiles_path(machine.settings),
            disable=disable,
            copies=f"/etc/bluegreen/{machine.settings.app}.before" if keep_copies else "",
        )
        if report.exit_code != 0:
            raise Failed(
                f"the files were not written on {machine.address}; the previous files were restored",
                why=report.errors[-LAST_LINES:],
                remedy=f"fix that, then: bluegreen setup --host {machine.settings.host}",
            )
        written = [path for _, path in report.facts.under("wrote.")]
        step.done(f"wrote {len(written)} files")
    for path in written:
        machine.console.note(path)
    for _, path in report.facts.under("copied."):
        machine.console.note(f"the previous file is kept as {path}")


def _line(file: HostFile) -> str:
    encoded = base64.b64encode(file.text.encode()).decode()
    return f"{file.mode:04o} {sha256_of(file.text)} {encoded} {file.path}\n"


def _as_root(machine: Machine, name: str, *, stdin: bytes = b"", **values: Value) -> Report:
    return machine.attempt(name, stdin=stdin, timeout_s=limits.INSTALL_S, root=None, sudo=True, **values)
