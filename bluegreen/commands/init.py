"""init: config.yml, tasks.py and the GitHub workflows of a team's repository, made for its build."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Callable
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
    """The arguments of the command line. None means: ask, or decide by the build.

    Args:
        app: the name of the app.
        host: the name of the entry in `hosts`.
        address: IP address or DNS name of the machine.
        user: the user that logs in over SSH.
        jar: pattern of the jar, for a repository that builds several.
    """

    app: str | None = None
    host: str | None = None
    address: str | None = None
    user: str | None = None
    jar: str | None = None


@dataclass(frozen=True)
class Question:
    """A value of config.yml that was not given on the command line.

    Args:
        flag: what the value is called there.
        default: what an empty answer means, None if an answer is required.
    """

    flag: str
    text: str
    default: str | None


# Asks a person; returns None if nobody answers and there is no default.
Ask = Callable[[Question], str | None]


def run(root: Path, wanted: Wanted, console: Console, ask: Ask) -> None:
    """Writes the files that a repository lacks. Existing files are never changed.

    Args:
        root: the root folder of the repository.

    Raises:
        WrongUsage: there is no build, or an answer is not valid. Nothing was written.
    """
    _require_root(root)
    build = _find_build(root, wanted)
    console.line(_found(build))
    if (root / CONFIG).exists():
        console.line(f"{CONFIG} exists: the workflows use its settings")
        settings = configuration.load(root / CONFIG).host(wanted.host)
        new_config = {}
    else:
        text = config_text(build, **_answers(build, wanted, ask))
        settings = _load_text(text)
        new_config = {CONFIG: text}
    files = {**new_config, "tasks.py": TASKS, **_workflows(root, build, settings)}
    for name, text in files.items():
        _write_new(root, name, text, console)
    if not build.has_actuator:
        console.warn(
            "the build does not contain spring-boot-starter-actuator, and a deploy waits until "
            "/actuator/health reports UP: add it, or set health.path in config.yml"
        )
    _print_next_steps(settings, console)


def _require_root(root: Path) -> None:
    """Requires a folder that is not inside a git repository of another root."""
    top = next((folder for folder in (root, *root.parents) if (folder / ".git").exists()), root)
    if top != root:
        raise WrongUsage(
            f"{root} is not the root of its repository, and GitHub reads workflows only there",
            remedy=f"cd {shlex.quote(str(top))} && bluegreen init",
        )


def _find_build(root: Path, wanted: Wanted) -> Build:
    defaults = Sections()
    verify = str(defaults.switch.verify)
    return builds.find(root, wanted.jar, default_java=defaults.java.version, verify=verify)


def _found(build: Build) -> str:
    folder = "" if build.folder == "." else f" in {build.folder}"
    return (
        f"found a {build.tool.capitalize()} build: `{build.command}`{folder} writes {build.jar} "
        f"for Java {build.java}"
    )


def _answers(build: Build, wanted: Wanted, ask: Ask) -> dict[str, str]:
    """The values of config.yml, validated: from the command line, or else from the answers to questions."""
    questions: tuple[tuple[Question, Any, str | None], ...] = (
        (Question("app", "name of the app", name_for_app(build.name)), AppName, wanted.app),
        (Question("host", "name of the host in config.yml", "prod"), HostName, wanted.host),
        (Question("address", "IP address or DNS name of the machine", None), Address, wanted.address),
        (Question("user", "user that logs in over SSH", "ubuntu"), UserName, wanted.user),
    )
    return {
        question.flag: _validated(question.flag, kind, _answer(question, ask) if given is None else given)
        for question, kind, given in questions
    }


def _answer(question: Question, ask: Ask) -> str:
    answer = ask(question)
    if answer is None:
        raise WrongUsage(
            f"--{question.flag} is missing ({question.text})", remedy=f"bluegreen init --{question.flag} …"
        )
    return answer


def _validated(flag: str, kind: Any, value: str) -> str:
    # Imported here: the import takes a tenth of the start-up time of any command.
    from pydantic import TypeAdapter, ValidationError

    try:
        validated: str = TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        problem = error.errors()[0]
        reason = problem.get("ctx", {}).get("error", problem["msg"])
        raise WrongUsage(f"--{flag} {value}: {reason}") from error
    return validated


def _load_text(text: str) -> Settings:
    """The settings of a config.yml that is not written yet."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, CONFIG)
        path.write_text(text, encoding="utf-8")
        return configuration.load(path).host(None)


def _workflows(root: Path, build: Build, settings: Settings) -> dict[str, str]:
    """The text of each workflow by its path, made for the jar and the Java version of config.yml."""
    repository = Repository(
        replace(build, jar=settings.jar, java=settings.java.version),
        settings.host,
        branch=default_branch(root),
        secrets=settings.secrets,
    )
    return {f"{FOLDER}/{name}": render(name, repository) for name in NAMES}


def _write_new(root: Path, name: str, text: str, console: Console) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        console.warn(f"{name} exists and was not changed")
    else:
        console.line(f"✓ wrote {name}", "green")


def _print_next_steps(settings: Settings, console: Console) -> None:
    host = settings.host
    console.line()
    console.line("first, create the environment and its secrets on GitHub:", "bold")
    console.line(f"  gh api --method PUT 'repos/{{owner}}/{{repo}}/environments/{host}'")
    console.line(f"  gh secret set BLUEGREEN_SSH_KEY --env {host} <~/.ssh/id_ed25519")
    for name in settings.secrets:
        console.line(f"  gh secret set {name} --env {host}")
    console.line(
        "BLUEGREEN_SSH_KEY is a private key that the machine accepts. Address, user and host key are"
    )
    console.line(
        "not secrets; they are in config.yml. A private repository on GitHub Free has no environments:"
    )
    console.line(f"skip the first command and omit `--env {host}` from the others.")
    console.line()
    console.line(
        "then pin the host key, set up the machine and push. If the machine already serves the", "bold"
    )
    console.line(f"app, run `bluegreen check --host {host}` instead of `bluegreen setup`:", "bold")
    console.line(f"  bluegreen trust --host {host}")
    console.line(f"  bluegreen setup --host {host}")
    console.line("  git add config.yml tasks.py .github && git commit -m 'Deploy with bluegreen' && git push")
