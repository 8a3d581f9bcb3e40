"""init: config.yml, tasks.py and the workflows of a team's own repository, made to fit its build."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bluegreen import config as configuration
from bluegreen.config import Settings
from bluegreen.config.settings import Sections
from bluegreen.config.types import Address, AppName, HostName, UserName
from bluegreen.console.terminal import Console
from bluegreen.errors import WrongUsage
from bluegreen.scaffold import build as builds
from bluegreen.scaffold.build import Build, default_branch
from bluegreen.scaffold.config_text import CONFIG, TASKS, config_text, name_for_app
from bluegreen.scaffold.workflows import FOLDER, NAMES, Repository, render


@dataclass(frozen=True)
class Wanted:
    """What was said on the command line; None is asked for, or decided by what is found.

    Args:
        host: the name of the entry of hosts.
        jar: pattern of the jar, for a repository of several applications.
    """

    app: str | None = None
    host: str | None = None
    address: str | None = None
    user: str | None = None
    jar: str | None = None


# A question, and what an empty answer means; None where there must be one.
Ask = Callable[[str, str | None], str]


def run(root: Path, wanted: Wanted, console: Console, ask: Ask) -> None:
    """Writes the files that a repository lacks; none that is there is touched.

    Args:
        root: of the repository.

    Raises:
        WrongUsage: there is no build, or an answer cannot be; nothing was written.
    """
    _be_at_the_root(root)
    defaults = Sections()
    verify = str(defaults.switch.verify)
    found = builds.find(root, wanted.jar, default_java=defaults.java.version, verify=verify)
    console.line(
        f"found: {found.tool}, `{found.command}` in {found.folder}, the jar {found.jar}, Java {found.java}"
    )
    if (root / CONFIG).exists():
        settings = configuration.load(root / CONFIG).host(wanted.host)
        found = replace(found, jar=settings.jar, java=settings.java.version)
        files: Mapping[str, str] = {}
        console.line(f"{CONFIG} is there already, and tells the rest")
    else:
        text = config_text(found, **_answers(found, wanted, ask))
        settings = _valid(text)
        files = {CONFIG: text}
    repository = Repository(found, settings.host, branch=default_branch(root), secrets=settings.secrets)
    workflows = {f"{FOLDER}/{name}": render(name, repository) for name in NAMES}
    _write(root, {**files, "tasks.py": TASKS, **workflows}, console)
    if not found.has_health:
        console.warn(
            "the build has no spring-boot-starter-actuator: a deploy waits for /actuator/health to say UP; "
            "add it, or set health.path in config.yml"
        )
    _say_what_is_next(settings, console)


def _be_at_the_root(root: Path) -> None:
    top = next((folder for folder in (root, *root.parents) if (folder / ".git").exists()), root)
    if top != root:
        raise WrongUsage(
            f"{root} is not the root of its repository: GitHub looks for workflows there alone",
            remedy=f"cd {top}, then run it again",
        )


def _answers(found: Build, wanted: Wanted, ask: Ask) -> dict[str, str]:
    """What config.yml is to say, each answer as the models have it."""
    questions: tuple[tuple[str, str, Any, str | None, str | None], ...] = (
        ("app", "the app's name", AppName, wanted.app, name_for_app(found.name)),
        ("host", "what the host is called here", HostName, wanted.host, "prod"),
        ("address", "its address", Address, wanted.address, None),
        ("user", "the user to sign in as", UserName, wanted.user, "ubuntu"),
    )
    return {
        flag: _checked(flag, kind, given if given is not None else ask(f"{flag}: {what}", default))
        for flag, what, kind, given, default in questions
    }


def _checked(flag: str, kind: Any, value: str) -> str:
    # Here, as it takes a tenth of the time that any command needs to start.
    from pydantic import TypeAdapter, ValidationError

    try:
        checked: str = TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        raise WrongUsage(f"--{flag} {value}: {error.errors()[0]['msg']}") from error
    return checked


def _valid(text: str) -> Settings:
    """The settings of a config.yml that is not written yet."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, CONFIG)
        path.write_text(text, encoding="utf-8")
        return configuration.load(path).host(None)


def _write(root: Path, files: Mapping[str, str], console: Console) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
        except FileExistsError:
            console.warn(f"{name} is there already and stays as it is")
        else:
            console.line(f"✓ wrote {name}", "green")


def _say_what_is_next(settings: Settings, console: Console) -> None:
    host = settings.host
    console.line()
    console.line("on GitHub, once: the environment, and in it the secrets", "bold")
    console.line(f"  gh api --method PUT 'repos/{{owner}}/{{repo}}/environments/{host}'")
    console.line(f"  gh secret set BLUEGREEN_SSH_KEY --env {host} <~/.ssh/id_ed25519")
    for name in settings.secrets:
        console.line(f"  gh secret set {name} --env {host}")
    console.line(
        "the key is a private one that the machine takes. A private repository on GitHub Free has no"
    )
    console.line(
        "environments: leave out the first command, and `--env` of the others. There are no variables to"
    )
    console.line("create: address, user and host key are no secrets, and stand in config.yml")
    console.line()
    console.line("then: pin the host key, make a bare machine ready (else `check` it), and push", "bold")
    console.line(f"  bluegreen trust --host {host}")
    console.line(f"  bluegreen setup --host {host}")
    console.line("  git add config.yml tasks.py .github && git commit -m 'Deploy with bluegreen' && git push")
