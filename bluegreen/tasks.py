"""The commands as Invoke tasks: each reads its arguments, calls one command and prints its result.

A team's own tasks.py is two lines:

    from bluegreen.tasks import namespace
    __all__ = ["namespace"]
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import task

from bluegreen import commands
from bluegreen import config as configuration
from bluegreen.commands.config import jar_if_built, jar_to_deploy, resolved, sandbox_settings
from bluegreen.commands.deploy import Order, version_of
from bluegreen.commands.init import Wanted
from bluegreen.commands.setup import OnConflict
from bluegreen.config.secrets import values_to_mask
from bluegreen.console import prompt
from bluegreen.console.ci import on_github
from bluegreen.console.github import github_console
from bluegreen.console.terminal import Console, plain_or_rich
from bluegreen.errors import BluegreenError, Failed, WrongUsage
from bluegreen.report.github import reported
from bluegreen.rollout.interrupts import ignore_interrupts, raise_on_termination

HOST = "an entry of hosts: in config.yml; not needed if there is only one"
CONFIG = "the file to read instead of config.yml in the current folder"
JSON = "print JSON to stdout, everything else to stderr"
INTERRUPTED = 130


@contextmanager
def console_of(c: Context, *, as_json: bool = False) -> Iterator[Console]:
    """Where a command prints; an expected error is printed and becomes the exit code."""
    raise_on_termination()
    console = (
        github_console(stderr=as_json, secrets=values_to_mask(os.environ))
        if on_github()
        else Console(plain_or_rich(stderr=as_json))
    )
    try:
        _refuse_flags_of_invoke(c)
        yield console
    except BluegreenError as error:
        ignore_interrupts()
        console.error(error)
        raise Exit(code=error.exit_code) from error
    except KeyboardInterrupt:
        ignore_interrupts()
        console.line("interrupted")
        raise Exit(code=INTERRUPTED) from None


def options(**own: str) -> dict[str, Any]:
    """The arguments of `@task` that all commands share.

    Nothing is positional and no short flag is made: Invoke would read `deploy --help` as a host called
    `--help`, and `-h`, `-e` of a task would shadow its own (invoke #982).
    """
    return {"positional": [], "auto_shortflags": False, "help": {"host": HOST, "config": CONFIG, **own}}


@task(
    **options(
        jar="the jar to deploy, or a pattern that matches one, instead of `jar` of config.yml",
        version="the name of this version; otherwise the commit on GitHub, or the version in the manifest",
        no_switch="stop once the idle slot is UP; `switch` continues from there",
        dry_run="read for real, print every change that would be made, change nothing",
    )
)
def deploy(
    c: Context,
    host: str | None = None,
    jar: str | None = None,
    version: str | None = None,
    no_switch: bool = False,
    dry_run: bool = False,
    config: str = "config.yml",
) -> None:
    """Upload the jar, start it in the idle slot, and switch to it once it is UP."""
    with console_of(c) as console:
        settings = resolved(Path(config), host)
        found = jar_to_deploy(Path(config), settings, jar)
        order = Order(found, version_of(found, version), switch=not no_switch, dry_run=dry_run)
        reported("deploy", settings, console, lambda: commands.deploy.run(settings, order, console))


@task(**options())
def switch(c: Context, host: str | None = None, config: str = "config.yml") -> None:
    """Switch to the idle slot if it is UP, after `deploy --no-switch`."""
    with console_of(c) as console:
        settings = resolved(Path(config), host)
        reported("switch", settings, console, lambda: commands.switch.run(settings, console))


@task(**options(to="the release to go back to, by its id or version; also one that was marked bad"))
def rollback(c: Context, host: str | None = None, to: str | None = None, config: str = "config.yml") -> None:
    """Go back to the previous version; well under a second if it still runs."""
    with console_of(c) as console:
        settings = resolved(Path(config), host)
        reported("rollback", settings, console, lambda: commands.rollback.run(settings, to, console))


@task(**options(json=JSON))
def status(c: Context, host: str | None = None, json: bool = False, config: str = "config.yml") -> None:
    """Show the live slot, both slots' health, the releases, the lock, and where things disagree."""
    with console_of(c, as_json=json) as console:
        data = commands.status.run(resolved(Path(config), host), console)
        _print_json(data) if json else commands.status.show(data, console)


@task(**options(json=JSON))
def history(c: Context, host: str | None = None, json: bool = False, config: str = "config.yml") -> None:
    """Show the journal of deploys, newest first, with their outcomes."""
    with console_of(c, as_json=json) as console:
        data = commands.history.run(resolved(Path(config), host), console)
        _print_json(data) if json else commands.history.show(data, console)


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
    with console_of(c) as console:
        count = _number("--lines", lines)
        commands.logs.run(resolved(Path(config), host), slot, count, follow=follow, console=console)


@task(**options())
def stop(c: Context, host: str | None = None, config: str = "config.yml") -> None:
    """Stop the idle slot, which frees its memory; never the live one."""
    with console_of(c) as console:
        commands.stop.run(resolved(Path(config), host), console)


@task(**options(json=JSON))
def check(c: Context, host: str | None = None, json: bool = False, config: str = "config.yml") -> None:
    """Check everything that a deploy needs, change nothing; each finding with its remedy."""
    with console_of(c, as_json=json) as console:
        settings = resolved(Path(config), host)
        data = commands.check.run(settings, jar_if_built(Path(config), settings), console)
        _print_json(data) if json else commands.check.show(data, console)
        if failed := commands.check.failures(data):
            raise Failed(f"{len(failed)} of the findings must be fixed: {', '.join(failed)}")


@task(
    **options(
        dry_run="show every change, make none",
        force="overwrite files that somebody changed",
        keep="leave files that somebody changed as they are, and do the rest",
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
    config: str = "config.yml",
) -> None:
    """Make a bare machine ready: packages, folders, unit, nginx site, sudoers."""
    with console_of(c) as console:
        if force and keep:
            raise WrongUsage("--force and --keep are mutually exclusive", remedy="give one of them")
        on_conflict = OnConflict.OVERWRITE if force else OnConflict.KEEP if keep else OnConflict.REFUSE
        settings = resolved(Path(config), host)
        commands.setup.run(settings, console, login=login, dry_run=dry_run, on_conflict=on_conflict)


@task(**options(yes="pin without asking: the fingerprint was compared already"))
def trust(c: Context, host: str | None = None, yes: bool = False, config: str = "config.yml") -> None:
    """Show the host key's fingerprint and pin it in config.yml."""
    with console_of(c) as console:
        settings = configuration.load(Path(config)).host(host)
        commands.trust.run(settings, Path(config), console, lambda: yes or prompt.confirmed("pin it?"))


@task(**options(), name="config")
def show_config(c: Context, host: str | None = None, config: str = "config.yml") -> None:
    """Show the settings as resolved for a host; only the names of secrets."""
    with console_of(c) as console:
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
        "jar": "pattern of the jar, if the repository builds several",
    },
)
def init(
    c: Context,
    app: str | None = None,
    host: str | None = None,
    address: str | None = None,
    user: str | None = None,
    jar: str | None = None,
) -> None:
    """Write config.yml, tasks.py and the workflows of your own repository, to fit its build."""
    with console_of(c) as console:
        wanted = Wanted(app, host, address, user, jar)
        commands.init.run(
            Path.cwd(), wanted, console, lambda each: prompt.answer(each.flag, each.text, each.default)
        )


def _refuse_flags_of_invoke(c: Context) -> None:
    """Two flags of Invoke's own look like ours, and would deploy for real, or with another config.yml."""
    if c.config.run.dry:
        raise WrongUsage(
            "--dry is a flag of Invoke, which bluegreen ignores; nothing was done",
            remedy="to see what would be changed: `bluegreen deploy --dry-run`",
        )
    ahead = c.config._runtime_path
    if ahead and ahead != os.environ.get("INVOKE_RUNTIME_CONFIG"):
        raise WrongUsage(
            "--config before the command is a flag of Invoke, for its own settings; nothing was done",
            remedy=f"write it after the command: `bluegreen status --config {ahead}`",
        )


def _number(flag: str, given: str) -> int:
    # Invoke would end with the traceback of int().
    try:
        return int(given)
    except ValueError:
        raise WrongUsage(f"{flag} {given} is not a number") from None


def _print_json(data: object) -> None:
    print(json.dumps(data, ensure_ascii=False, indent=2))  # noqa: T201 # the only thing on stdout then


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
