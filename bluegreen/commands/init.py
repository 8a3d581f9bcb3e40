"""init: config.yml, tasks.py and the GitHub workflows of a team's repository, made for its build."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bluegreen import config as configuration
from bluegreen.commands.init_answers import Ask, Question, Wanted, branch, chosen, java, names, verify
from bluegreen.config import Settings
from bluegreen.config.settings import Sections
from bluegreen.console.terminal import Console
from bluegreen.errors import WrongUsage
from bluegreen.rollout.interrupts import held_back
from bluegreen.scaffold import repository
from bluegreen.scaffold.application import Application, Candidate, application, candidates, jar_of, read_of
from bluegreen.scaffold.build import Build
from bluegreen.scaffold.config_text import CONFIG, TASKS, config_text
from bluegreen.scaffold.module import Module
from bluegreen.scaffold.sources import read_sources
from bluegreen.scaffold.workflows import FOLDER, NAMES, Repository, render

_SLOTS = Sections().slots
_VERIFY = str(Sections().switch.verify)

__all__ = ["Ask", "Question", "Wanted", "run"]


def run(root: Path, wanted: Wanted, console: Console, ask: Ask) -> None:
    """Writes the files that a repository lacks. Existing files are never changed.

    Args:
        root: the root folder of the repository.

    Raises:
        WrongUsage: there is no application, or several, or an answer is not valid. Nothing was written.
    """
    _require_root(root)
    for submodule in repository.missing_submodules(root):
        console.warn(
            f"the submodule {submodule} is not checked out and is not read: git submodule update --init"
        )
    existing = _existing(root, wanted.host)
    modules = repository.modules(root)
    jar = wanted.jar or (existing.jar if existing else None)
    applications = _applications(root, modules, jar)
    candidate = chosen(applications, jar, root, ask)
    if existing:
        console.line(f"{CONFIG} exists: the workflows use its settings")
        settings, new_config = existing, {}
    else:
        name = _app_name(candidate.module, applications)
        text = _config(root, application(candidate, modules, _SLOTS, _VERIFY), name, wanted, console, ask)
        settings, new_config = _load_text(text), {CONFIG: text}
    pushed = branch(repository.default_branch(root), wanted, ask, console)
    files = {**new_config, "tasks.py": TASKS, **_workflows(root, candidate.module, settings, pushed)}
    with held_back() as interrupts:
        for name, text in files.items():
            _write_new(root, name, text, console)
        interrupts.discard()
    _print_next_steps(settings, console)


def _config(root: Path, found: Application, name: str, wanted: Wanted, console: Console, ask: Ask) -> str:
    """The text of a new config.yml. What a person must know of it is reported.

    Args:
        name: the name for the app, if none is given.
    """
    console.line(_found(root, found))
    values = names(name, wanted, ask)
    version = java(found.module, root, wanted, ask, console)
    path = verify(found, wanted, ask)
    for remark in (*found.remarks, *([found.why_no_verify] if path is None else [])):
        console.warn(remark)
    jar = wanted.jar or jar_of(found.module, root)
    return config_text(found, **values, jar=jar, java=version, verify=path)


def _existing(root: Path, host: str | None) -> Settings | None:
    """The settings of the config.yml that exists; None if there is none."""
    return configuration.load(root / CONFIG).host(host) if (root / CONFIG).exists() else None


def _applications(root: Path, modules: Sequence[Module], jar: str | None) -> tuple[Candidate, ...]:
    """The modules that may be the application; any module if the jar is given.

    Raises:
        WrongUsage: there is no build, or no module of it is an application.
    """
    if not modules:
        raise WrongUsage(
            f"there is no Gradle or Maven build in {root}",
            remedy="run `bluegreen init` in the root folder of the repository to deploy",
        )
    if found := candidates(modules):
        return found
    if jar:
        return tuple(Candidate(module, read_sources([module])) for module in modules)
    raise WrongUsage(
        f"no application was found in {root}",
        why=[
            f"{read_of(read_sources(modules))}, and none has a main class; "
            "no build file that was read makes an executable jar"
        ],
        remedy="name the jar that the build writes: bluegreen init --jar 'build/libs/*.jar'",
    )


def _require_root(root: Path) -> None:
    """Requires a folder that is not inside a git repository of another root."""
    top = next((folder for folder in (root, *root.parents) if (folder / ".git").exists()), root)
    if top != root:
        raise WrongUsage(
            f"{root} is not the root of its repository, and GitHub reads workflows only there",
            remedy=f"cd {shlex.quote(str(top))} && bluegreen init",
        )


def _app_name(module: Module, found: Sequence[Candidate]) -> str:
    """The name of the project, or of the module if the project has several applications."""
    return module.project if len(found) == 1 else module.name.rpartition(":")[2]


def _found(root: Path, found: Application) -> str:
    build = _build(root, found.module, found.module.java or 0, jar_of(found.module, root))
    folder = "" if build.folder == "." else f" in {build.folder}"
    main = f", main class {found.sources.main}" if found.sources.main else ""
    version = f" for Java {found.module.java}" if found.module.java else ""
    return (
        f"found {found.module.name} of a {build.tool.capitalize()} build{main}: `{build.command}`{folder} "
        f"writes {build.jar}{version}"
    )


def _build(root: Path, module: Module, version: int, jar: str) -> Build:
    return Build(
        module.tool,
        module.build.relative_to(root).as_posix(),
        repository.launcher(module.build, root, module.tool),
        jar,
        version,
        module.arguments,
    )


def _load_text(text: str) -> Settings:
    """The settings of a config.yml that is not written yet."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, CONFIG)
        path.write_text(text, encoding="utf-8")
        return configuration.load(path).host(None)


def _workflows(root: Path, module: Module, settings: Settings, branch: str) -> dict[str, str]:
    """The text of each workflow by its path, made for the jar and the Java version of config.yml."""
    described = Repository(
        _build(root, module, settings.java.version, settings.jar),
        settings.host,
        branch=branch,
        secrets=settings.secrets,
        submodules=repository.has_submodules(root),
    )
    return {f"{FOLDER}/{name}": render(name, described) for name in NAMES}


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
