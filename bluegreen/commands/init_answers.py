"""The values that `init` needs: from the command line, from the repository, or from the person asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bluegreen.config.settings import Sections
from bluegreen.config.types import Address, AppName, HostName, JavaVersion, UserName, VerifyPath
from bluegreen.console.terminal import Console
from bluegreen.errors import WrongUsage
from bluegreen.scaffold.application import Application, Candidate, jar_of
from bluegreen.scaffold.config_text import name_for_app
from bluegreen.scaffold.module import Module
from bluegreen.scaffold.repository import Branch, java_of_team


@dataclass(frozen=True)
class Wanted:
    """The arguments of the command line. None means: ask, or decide by the repository.

    Args:
        app: the name of the app.
        host: the name of the entry in `hosts`.
        address: IP address or DNS name of the machine.
        user: the user that logs in over SSH.
        jar: pattern of the jar; it also chooses the application in a repository that has several.
        java: the major Java version.
        branch: the branch whose pushes are deployed.
        verify: the path that answers the slot; `none` for none.
    """

    app: str | None = None
    host: str | None = None
    address: str | None = None
    user: str | None = None
    jar: str | None = None
    java: str | None = None
    branch: str | None = None
    verify: str | None = None


@dataclass(frozen=True)
class Question:
    """A value that was not given on the command line.

    Args:
        flag: what the value is called there.
        text: what is asked.
        default: what an empty answer means, None if an answer is required.
        choices: what may be answered, by its number too.
    """

    flag: str
    text: str
    default: str | None
    choices: tuple[str, ...] = ()


# The answer that means: no path.
_NONE = "none"
# Asks a person; returns the default if nobody answers.
Ask = Callable[[Question], str | None]


def names(project: str, wanted: Wanted, ask: Ask) -> dict[str, str]:
    """The names in config.yml (app, host, address, user), validated."""
    questions: tuple[tuple[Question, Any, str | None], ...] = (
        (Question("app", "name of the app", name_for_app(project)), AppName, wanted.app),
        (Question("host", "name of the host in config.yml", "prod"), HostName, wanted.host),
        (Question("address", "IP address or DNS name of the machine", None), Address, wanted.address),
        (Question("user", "user that logs in over SSH", "ubuntu"), UserName, wanted.user),
    )
    return {
        question.flag: _validated(question.flag, kind, _answer(question, ask) if given is None else given)
        for question, kind, given in questions
    }


def java(module: Module, root: Path, wanted: Wanted, ask: Ask, console: Console) -> int:
    """The Java version: the given one, or that of the build, or else asked for."""
    version: Any = wanted.java or module.java
    if version is None:
        likely = java_of_team(module.build, root) or Sections().java.version
        console.line(f"the build files of {module.name} that were read do not name a Java version")
        version = _answer(Question("java", "Java version to build and run with", str(likely)), ask)
        console.line(f"Java {version} is used; otherwise set java.version in config.yml")
    text = str(version)
    number: int = _validated("java", JavaVersion, int(text) if text.isdecimal() else text)
    return number


def verify(found: Application, wanted: Wanted, ask: Ask) -> str | None:
    """The path that answers the slot: the given one, or that of the sources, or else asked for."""
    path = wanted.verify or found.verify
    if path is None and found.maybe:
        question = Question("verify", "path that answers the active profile", _NONE, found.maybe)
        path = _answer(question, ask)
        if path.isdecimal() and 1 <= int(path) <= len(found.maybe):
            path = found.maybe[int(path) - 1]
    validated: str | None = _validated("verify", VerifyPath, None if path == _NONE else path)
    return validated


def branch(found: Branch, wanted: Wanted, ask: Ask, console: Console) -> str:
    """The branch whose pushes are deployed: the given one, or the default one, or else asked for."""
    if wanted.branch or found.is_sure:
        return wanted.branch or found.name
    answer = _answer(Question("branch", "branch whose pushes are deployed", found.name), ask)
    console.line(f"git does not know the default branch: pushes to {answer} are deployed (deploy.yml)")
    return answer


def chosen(candidates: Sequence[Candidate], jar: str | None, root: Path, ask: Ask) -> Candidate:
    """The application of several: that of the given jar, or the only one, or else asked for.

    Args:
        jar: the given pattern of the jar.

    Raises:
        WrongUsage: there are several, and none was chosen.
    """
    jars = [jar_of(each.module, root) for each in candidates]
    if jar and (found := _of_jar(candidates, jars, jar, root)):
        return found
    if len(candidates) == 1:
        return candidates[0]
    described = [f"{each.module.name} ({each.sources.main or 'no main class'})" for each in candidates]
    choices = [f"{jar_of}: {text}" for jar_of, text in zip(jars, described, strict=True)]
    question = Question("jar", f"which application to deploy, 1 to {len(jars)}", None, tuple(choices))
    answer = ask(question) or ""
    if answer.isdecimal() and 1 <= int(answer) <= len(jars):
        return candidates[int(answer) - 1]
    if found := _of_jar(candidates, jars, answer, root):
        return found
    raise WrongUsage(
        f"there are {len(jars)} applications in {root}, and none was chosen",
        why=choices,
        remedy=f"choose the one to deploy, for example: bluegreen init --jar '{jars[0]}'",
    )


def _of_jar(candidates: Sequence[Candidate], jars: Sequence[str], jar: str, root: Path) -> Candidate | None:
    """The candidate that writes a jar: that of the same pattern, or in whose folder the jar is."""
    if not jar:
        return None
    if jar in jars:
        return candidates[jars.index(jar)]
    folders = [Path(pattern).parent for pattern in jars]
    same = [each for each, folder in zip(candidates, folders, strict=True) if Path(jar).parent == folder]
    above = [each for each in candidates if (root / jar).is_relative_to(each.module.folder)]
    deepest = max((len(each.module.folder.parts) for each in above), default=0)
    nearest = same or [each for each in above if len(each.module.folder.parts) == deepest]
    return nearest[0] if len(nearest) == 1 else None


def _answer(question: Question, ask: Ask) -> str:
    answer = ask(question)
    if answer is None:
        raise WrongUsage(
            f"--{question.flag} is missing ({question.text})", remedy=f"bluegreen init --{question.flag} …"
        )
    return answer


def _validated(flag: str, kind: Any, value: Any) -> Any:
    # Imported here: the import takes a tenth of the start-up time of any command.
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        problem = error.errors()[0]
        reason = problem.get("ctx", {}).get("error", problem["msg"])
        raise WrongUsage(f"--{flag} {value}: {reason}") from error
