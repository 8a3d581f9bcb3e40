"""The commands: each reads its arguments, calls one procedure and prints its result.

A team's own tasks.py is two lines:

    from bluegreen.tasks import namespace
    __all__ = ["namespace"]
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import task

from bluegreen import commands
from bluegreen import config as configuration
from bluegreen import jar as jars
from bluegreen.commands.init import Wanted
from bluegreen.commands.setup import Edited
from bluegreen.config import Settings
from bluegreen.config.settings import bundled
from bluegreen.console.ci import in_ci, on_github
from bluegreen.console.github import github_console
from bluegreen.console.terminal import Console, plain_or_rich
from bluegreen.errors import BluegreenError, Failed, WrongUsage
from bluegreen.jar import Jar
from bluegreen.report.github import reported
from bluegreen.rollout.interrupts import ignore_from_now_on, raise_on_termination
from bluegreen.sandbox import embedded

HOST = "an entry of hosts: in config.yml; may be left out where there is one only"
CONFIG = "the file to read instead of config.yml in the current folder"
JSON = "print JSON to stdout, everything else to stderr"
INTERRUPTED = 130


@contextmanager
def speaking(c: Context, *, as_json: bool = False) -> Iterator[Console]:
    """Where a command speaks; an expected error is shown and becomes the exit code."""
    raise_on_termination()
    console = (
        github_console(stderr=as_json, secrets=secrets_to_mask(os.environ))
        if on_github()
        else Console(plain_or_rich(stderr=as_json))
    )
    try:
        _refuse_flags_of_invoke(c)
        yield console
    except BluegreenError as error:
        ignore_from_now_on()
        console.error(error)
        raise Exit(code=error.exit_code) from error
    except KeyboardInterrupt:
        ignore_from_now_on()
        console.line("interrupted")
        raise Exit(code=INTERRUPTED) from None


def options(**own: str) -> dict[str, Any]:
    """The arguments of `@task` that all commands share.

    Nothing is positional and no short flag is made: Invoke would take `deploy --help` for a host called
    `--help`, and `-h`, `-e` of a task would shadow its own (invoke #982).
    """
    return {"positional": [], "auto_shortflags": False, "help": {"host": HOST, "config": CONFIG, **own}}


@task(
    **options(
        jar="the jar to deploy, or a pattern that one matches, instead of `jar` of config.yml",
        version="what this version is called; otherwise the commit on GitHub, or what the manifest says",
        no_switch="stop once the idle slot is UP; `switch` goes on from there",
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
    with speaking(c) as console:
        settings = _settings(config, host)
        # What is typed is relative to where it is typed, what a file says to that file.
        path = jars.find(jar, Path.cwd()) if jar else jars.find(settings.jar, Path(config).resolve().parent)
        found = jars.inspect(path)
        wanted = commands.deploy.version_of(found, version)
        order = commands.deploy.Order(found, wanted, switch=not no_switch, dry_run=dry_run)
        with reported("deploy", settings, console) as ended:
            ended.attempts = commands.deploy.run(settings, order, console, os.environ)


@task(**options())
def switch(c: Context, host: str | None = None, config: str = "config.yml") -> None:
    """Switch to the idle slot if it is UP, after `deploy --no-switch`."""
    with speaking(c) as console:
        settings = _settings(config, host)
        with reported("switch", settings, console) as ended:
            ended.attempts = commands.switch.run(settings, console)


@task(**options(to="the release to go back to, by its id or version; even one that was marked bad"))
def rollback(c: Context, host: str | None = None, to: str | None = None, config: str = "config.yml") -> None:
    """Go back to the version that served before; at once if it still runs."""
    with speaking(c) as console:
        settings = _settings(config, host)
        with reported("rollback", settings, console) as ended:
            ended.attempts = commands.rollback.run(settings, to, console, os.environ)


@task(**options(json=JSON))
def status(c: Context, host: str | None = None, json: bool = False, config: str = "config.yml") -> None:
    """Show the live slot, both slots' health, the releases, the lock, and where things disagree."""
    with speaking(c, as_json=json) as console:
        told = commands.status.run(_settings(config, host), console)
        _print_json(told) if json else commands.status.show(told, console)


@task(**options(json=JSON))
def history(c: Context, host: str | None = None, json: bool = False, config: str = "config.yml") -> None:
    """Show the journal of deploys, newest first, with their outcomes."""
    with speaking(c, as_json=json) as console:
        told = commands.history.run(_settings(config, host), console)
        _print_json(told) if json else commands.history.show(told, console)


@task(
    **options(
        slot="the slot; otherwise the live one",
        lines="how many lines of its end",
        follow="go on until Ctrl-C",
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
    with speaking(c) as console:
        count = _number("--lines", lines)
        commands.logs.run(_settings(config, host), slot, count, follow=follow, console=console)


@task(**options())
def stop(c: Context, host: str | None = None, config: str = "config.yml") -> None:
    """Stop the idle slot, which frees its memory; never the live one."""
    with speaking(c) as console:
        commands.stop.run(_settings(config, host), console)


@task(**options(json=JSON))
def check(c: Context, host: str | None = None, json: bool = False, config: str = "config.yml") -> None:
    """Look at everything that a deploy needs, change nothing; each finding with its remedy."""
    with speaking(c, as_json=json) as console:
        settings = _settings(config, host)
        told = commands.check.run(settings, _jar_if_any(settings, config), console)
        _print_json(told) if json else commands.check.show(told, console)
        if failed := commands.check.failures(told):
            raise Failed(f"{len(failed)} of the findings would stop a deploy: {', '.join(failed)}")


@task(
    **options(
        dry_run="show every change, make none",
        force="write over what a person changed since",
        keep="leave what a person changed since as it is, and do the rest",
        login="connect as this user, who may sudo, to make the host ready for the user of config.yml",
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
    """Make a bare machine a host: packages, folders, unit, nginx site, sudoers."""
    with speaking(c) as console:
        if force and keep:
            raise WrongUsage("--force and --keep say the opposite of each other", remedy="give one of them")
        edited = Edited.OVERWRITE if force else Edited.KEEP if keep else Edited.REFUSE
        commands.setup.run(_settings(config, host), console, login=login, dry_run=dry_run, edited=edited)


@task(**options(yes="pin without asking: the fingerprint was compared already"))
def trust(c: Context, host: str | None = None, yes: bool = False, config: str = "config.yml") -> None:
    """Show the host key's fingerprint and pin it in config.yml."""
    with speaking(c) as console:
        settings = configuration.load(Path(config)).host(host)
        commands.trust.run(settings, Path(config), console, lambda: yes or _asked("pin it? [y/N] "))


@task(**options(), name="config")
def show_config(c: Context, host: str | None = None, config: str = "config.yml") -> None:
    """Show the settings as resolved for a host; of secrets the names only."""
    with speaking(c) as console:
        loaded = configuration.load(Path(config))
        names = (host,) if host else loaded.host_names
        for name in names:
            if len(names) > 1:
                console.out(f"# {name}")
            told = configuration.hidden(loaded.host(name))
            console.out(yaml.safe_dump(told, sort_keys=False, allow_unicode=True).rstrip())


@task(**options(stop="end it; its releases and logs stay"))
def sandbox(c: Context, host: str | None = None, stop: bool = False, config: str = "config.yml") -> None:
    """Start the embedded host: a real sshd and nginx in a folder of this checkout."""
    with speaking(c) as console:
        path = Path(config)
        if stop:
            commands.sandbox.stop(path, console)
        else:
            commands.sandbox.run(_sandbox_settings(path, host), path, console)


@task(
    positional=[],
    auto_shortflags=False,
    help={
        "app": "the app's name; otherwise what the build is called",
        "host": "what the host is called in config.yml; otherwise prod",
        "address": "the machine's name or IP address",
        "user": "who signs in there; otherwise ubuntu",
        "jar": "pattern of the jar, where the repository makes several",
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
    """Write config.yml, tasks.py and the workflows of your own repository, fitting its build."""
    with speaking(c) as console:
        commands.init.run(Path.cwd(), Wanted(app, host, address, user, jar), console, _answer)


def _refuse_flags_of_invoke(c: Context) -> None:
    """Two flags of Invoke's own read like ours, and would deploy for real, or with another config.yml."""
    if c.config.run.dry:
        raise WrongUsage(
            "--dry is a flag of Invoke that no command here heeds; nothing was done",
            remedy="to see what would be changed: `deploy --dry-run`",
        )
    ahead = c.config._runtime_path
    if ahead and ahead != os.environ.get("INVOKE_RUNTIME_CONFIG"):
        raise WrongUsage(
            "--config ahead of the command is a flag of Invoke, for its own settings; nothing was done",
            remedy=f"write it behind the command: `status --config {ahead}`",
        )


def _number(flag: str, given: str) -> int:
    # Invoke would let int() speak for itself, with a traceback.
    try:
        return int(given)
    except ValueError:
        raise WrongUsage(f"{flag} {given}: is not a number") from None


def _asked(question: str) -> bool:
    return _somebody_answers() and input(question).strip().lower() in ("y", "yes")


def _somebody_answers() -> bool:
    # Piped or in CI nobody is there.
    return sys.stdin.isatty() and not in_ci()


def _answer(question: str, default: str | None) -> str:
    """What the person says; nobody is asked where nobody could answer."""
    if _somebody_answers():
        said = input(f"{question}{f' [{default}]' if default else ''}: ").strip()
        if said or default:
            return said or str(default)
    if default is None:
        flag = question.partition(":")[0]
        raise WrongUsage(f"--{flag} is missing", remedy=f"say {question}: --{flag} …")
    return default


def _settings(config: str, host: str | None) -> Settings:
    settings = configuration.load(Path(config)).host(host)
    return embedded.resolved(settings, Path(config)) if settings.sandbox else settings


def _jar_if_any(settings: Settings, config: str) -> Jar | None:
    # A diagnosis is wanted also where nothing is built.
    try:
        return jars.inspect(jars.find(settings.jar, Path(config).resolve().parent))
    except WrongUsage:
        return None


def _sandbox_settings(path: Path, host: str | None) -> Settings:
    loaded = configuration.load(path)
    boxes = [settings for name in loaded.host_names if (settings := loaded.host(name)).sandbox]
    wanted = [settings for settings in boxes if host in (None, settings.host)]
    if wanted:
        return wanted[0]
    raise WrongUsage(
        f"{path} has no sandbox" + (f" called {host}" if host else ""),
        remedy="add one under hosts: `sandbox: {sandbox: true}`",
    )


def secrets_to_mask(environ: Mapping[str, str]) -> list[str]:
    """The values in BLUEGREEN_SECRETS; none if it is malformed, which the command that needs it reports."""
    try:
        return list(bundled(environ).values())
    except WrongUsage:
        return []


def _print_json(told: object) -> None:
    print(json.dumps(told, ensure_ascii=False, indent=2))  # noqa: T201 # the one thing that stdout holds then


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
