"""The commands as Invoke tasks: each reads its arguments, calls one command and prints its result.

A team's own tasks.py is two lines:

    from bluegreen.tasks import namespace
    __all__ = ["namespace"]
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from invoke.collection import Collection
from invoke.context import Context
from invoke.tasks import task

from bluegreen import commands
from bluegreen import config as configuration
from bluegreen.cli import FORCE, JSON, console_of, ended, number, options, print_json
from bluegreen.commands.config import jar_if_built, jar_to_deploy, resolved, sandbox_settings
from bluegreen.commands.deploy import Order, version_of
from bluegreen.commands.init import Wanted
from bluegreen.commands.machines import require_all_reached
from bluegreen.commands.setup import OnConflict
from bluegreen.console import prompt
from bluegreen.errors import Failed, WrongUsage
from bluegreen.host.survey import SiteWish
from bluegreen.report.github import reported


@task(
    **options(
        jar="the jar to deploy, or a pattern that matches one, instead of `jar` of config.yml",
        version="the name of this version; otherwise the commit on GitHub, or the version in the manifest",
        no_switch="stop once the idle slot is UP; `switch` continues from there",
        dry_run="read for real, print every change that would be made, change nothing",
        force=FORCE,
    ),
    iterable=["force"],
)
def deploy(
    c: Context,
    host: str | None = None,
    jar: str | None = None,
    version: str | None = None,
    no_switch: bool = False,
    dry_run: bool = False,
    force: Sequence[str] | None = None,
    config: str = "config.yml",
) -> None:
    """Upload the jar, start it in the idle slot, and switch to it once it is UP."""
    with console_of(c, reads=dry_run) as console:
        settings = resolved(Path(config), host)
        found = jar_to_deploy(Path(config), settings, jar)
        order = Order(
            found,
            version_of(found, version),
            switch=not no_switch,
            dry_run=dry_run,
            forced=tuple(force or ()),
        )
        run = partial(commands.deploy.run, settings, order, console)
        reported("deploy", settings, console, lambda: ended(run))


@task(**options(force=FORCE), iterable=["force"])
def switch(
    c: Context, host: str | None = None, force: Sequence[str] | None = None, config: str = "config.yml"
) -> None:
    """Switch to the idle slot if it is UP, after `deploy --no-switch`."""
    with console_of(c) as console:
        settings = resolved(Path(config), host)
        run = partial(commands.switch.run, settings, console, tuple(force or ()))
        reported("switch", settings, console, lambda: ended(run))


@task(
    **options(
        to="the release to go back to, by its id or version; also one that was marked bad",
        force=FORCE,
        skip_unreachable="go on without the machines that cannot be reached; the journal names them",
    ),
    iterable=["force"],
)
def rollback(
    c: Context,
    host: str | None = None,
    to: str | None = None,
    force: Sequence[str] | None = None,
    skip_unreachable: bool = False,
    config: str = "config.yml",
) -> None:
    """Go back to the previous version, by one switch if it still runs."""
    with console_of(c) as console:
        settings = resolved(Path(config), host)
        run = partial(
            commands.rollback.run,
            settings,
            to,
            console,
            forced=tuple(force or ()),
            skip_unreachable=skip_unreachable,
        )
        reported("rollback", settings, console, lambda: ended(run))


@task(**options(json=JSON))
def status(c: Context, host: str | None = None, json: bool = False, config: str = "config.yml") -> None:
    """Show the live slot, both slots' health, the releases, the lock, and where things disagree."""
    with console_of(c, reads=True, as_json=json) as console:
        data = commands.status.run(resolved(Path(config), host), console)
        print_json(data) if json else commands.status.show(data, console)
        commands.status.require_well(data)


@task(**options(json=JSON))
def history(c: Context, host: str | None = None, json: bool = False, config: str = "config.yml") -> None:
    """Show the journal of deploys, newest first, with their outcomes."""
    with console_of(c, reads=True, as_json=json) as console:
        data = commands.history.run(resolved(Path(config), host), console)
        print_json(data) if json else commands.history.show(data, console)
        require_all_reached(data["machines"])


@task(
    **options(
        slot="the slot; otherwise the live one",
        lines="how many of its last lines",
        follow="continue until Ctrl-C",
    )
)
def logs(
    c: Context,
    host: str | None = None,
    slot: str | None = None,
    lines: str = "100",
    follow: bool = False,
    config: str = "config.yml",
) -> None:
    """Show the application's log of a slot."""
    with console_of(c, reads=True) as console:
        count = number("--lines", lines)
        commands.logs.run(resolved(Path(config), host), slot, count, follow=follow, console=console)


@task(**options())
def stop(c: Context, host: str | None = None, config: str = "config.yml") -> None:
    """Stop the idle slot, which frees its memory; never the live one."""
    with console_of(c) as console:
        commands.stop.run(resolved(Path(config), host), console)


@task(**options(json=JSON))
def check(c: Context, host: str | None = None, json: bool = False, config: str = "config.yml") -> None:
    """Check everything that a deploy needs, change nothing; each finding with its remedy."""
    with console_of(c, reads=True, as_json=json) as console:
        settings = resolved(Path(config), host)
        data = commands.check.run(settings, jar_if_built(Path(config), settings), console)
        print_json(data) if json else commands.check.show(data, console)
        if failed := commands.check.failures(data):
            raise Failed(f"{len(failed)} of the findings must be fixed: {', '.join(failed)}")
        require_all_reached(data["machines"])


@task(
    **options(
        dry_run="show every change, make none",
        force="overwrite files that somebody changed",
        keep="leave files that somebody changed as they are, and do the rest",
        no_site="write no site of nginx: somebody's own site stays in charge",
        take_over="replace the site that serves the users of a slot by that of bluegreen; a copy is kept",
        login="connect as this user, who may use sudo, to set the machine up for the user of config.yml",
    )
)
def setup(
    c: Context,
    host: str | None = None,
    login: str | None = None,
    dry_run: bool = False,
    force: bool = False,
    keep: bool = False,
    no_site: bool = False,
    take_over: bool = False,
    config: str = "config.yml",
) -> None:
    """Make a bare machine ready: packages, folders, unit, nginx site, sudoers."""
    with console_of(c, reads=dry_run) as console:
        if force and keep:
            raise WrongUsage("--force and --keep are mutually exclusive", remedy="give one of them")
        if no_site and take_over:
            raise WrongUsage("--no-site and --take-over are mutually exclusive", remedy="give one of them")
        site = SiteWish.NONE if no_site else SiteWish.TAKE_OVER if take_over else SiteWish.IF_FREE
        on_conflict = OnConflict.OVERWRITE if force else OnConflict.KEEP if keep else OnConflict.REFUSE
        settings = resolved(Path(config), host)
        commands.setup.run(
            settings, console, login=login, dry_run=dry_run, on_conflict=on_conflict, site=site
        )


@task(**options(yes="pin without asking: the fingerprint was compared already"))
def trust(c: Context, host: str | None = None, yes: bool = False, config: str = "config.yml") -> None:
    """Show the host key's fingerprint and pin it in config.yml."""
    with console_of(c) as console:
        settings = configuration.load(Path(config)).host(host)
        commands.trust.run(settings, Path(config), console, lambda: yes or prompt.confirmed("pin it?"))


@task(**options(), name="config")
def show_config(c: Context, host: str | None = None, config: str = "config.yml") -> None:
    """Show the settings as resolved for a host; only the names of secrets."""
    with console_of(c, reads=True) as console:
        commands.config.run(Path(config), host, console)


@task(**options(stop="end it; its releases and logs stay"))
def sandbox(c: Context, host: str | None = None, stop: bool = False, config: str = "config.yml") -> None:
    """Start the embedded host: a real sshd and nginx in a folder of this checkout."""
    with console_of(c) as console:
        path = Path(config)
        if stop:
            commands.sandbox.stop(path, console)
        else:
            commands.sandbox.run(sandbox_settings(path, host), path, console)


@task(
    positional=[],
    auto_shortflags=False,
    help={
        "app": "the app's name; otherwise the name of the build",
        "host": "the name of the host in config.yml; otherwise prod",
        "address": "the machine's name or IP address",
        "user": "the user to log in as; otherwise ubuntu",
        "jar": "pattern of the jar; it also chooses the application of several",
        "java": "the Java version; otherwise that of the build",
        "branch": "the branch whose pushes are deployed; otherwise the default branch",
        "verify": "the path that answers the slot, or none; otherwise that of the sources",
    },
)
def init(
    c: Context,
    app: str | None = None,
    host: str | None = None,
    address: str | None = None,
    user: str | None = None,
    jar: str | None = None,
    java: str | None = None,
    branch: str | None = None,
    verify: str | None = None,
) -> None:
    """Write config.yml, tasks.py and the workflows of your own repository, to fit its build."""
    with console_of(c) as console:
        wanted = Wanted(app, host, address, user, jar, java, branch, verify)
        commands.init.run(
            Path.cwd(),
            wanted,
            console,
            lambda each: prompt.answer(each.flag, each.text, each.default, each.choices),
        )


namespace = Collection(
    deploy,
    switch,
    rollback,
    status,
    history,
    logs,
    stop,
    check,
    setup,
    trust,
    show_config,
    sandbox,
    init,
)
