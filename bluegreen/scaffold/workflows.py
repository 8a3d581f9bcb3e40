"""deploy.yml and rollback.yml, made to fit a repository.

`python -m bluegreen.scaffold.workflows` writes those of this repository anew.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from bluegreen import __version__
from bluegreen.scaffold.build import Build
from bluegreen.scaffold.config_text import yaml_text

FOLDER = ".github/workflows"
NAMES = ("deploy.yml", "rollback.yml")

# Pinned by commit: a tag can be moved to other code, and a job that deploys holds the key to the host.
ACTIONS = {
    "checkout": "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1",
    "setup-java": "actions/setup-java@b6effb05e454b25005698d916606bdc6ffcbf961 # v5.7.0",
    "setup-python": "actions/setup-python@5fda3b95a4ea91299a34e894583c3862153e4b97 # v7.0.0",
    "setup-gradle": "gradle/actions/setup-gradle@9c971963bec38e04b3d30dcc455b5382be2fdbfb # v6.3.0",
    "upload-artifact": "actions/upload-artifact@bbbca2ddaa5d8feaa63e36b76fdaad77386f024f # v7.0.0",
    "download-artifact": "actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c # v8.0.1",
    "attest": "actions/attest@59d89421af93a897026c735860bf21b6eb4f7b26 # v4.1.0",
}

_SETUP_GRADLE = f"""\
      - uses: {ACTIONS["setup-gradle"]}
        with:
          # The default one is not open source.
          cache-provider: basic
"""
_SANDBOX = """\
      - name: Start the embedded host
        run: invoke sandbox
"""


@dataclass(frozen=True)
class Repository:
    """What the workflows of a repository are to fit.

    Args:
        host: the entry of hosts that a push deploys to.
        branch: the one whose pushes are deployed.
        package: what pip installs bluegreen from.
        origin: a sentence of the first line.
        secrets: names of the application's secrets.
        checked_out: the files that a deploying job needs of the repository.
        sandbox: the host is the embedded one, which the job starts.
    """

    build: Build
    host: str
    branch: str = "main"
    package: str = f"bluegreen-deploy=={__version__}"
    origin: str = "Written by `bluegreen init`; it is yours to change."
    secrets: tuple[str, ...] = ()
    checked_out: tuple[str, ...] = ("/config.yml", "/tasks.py")
    sandbox: bool = False


THIS_ONE = Repository(
    Build(
        "gradle",
        folder="example",
        starter="gradle",
        jar="example/build/libs/*.jar",
        java=17,
        name="taggle",
        tells_slot=True,
        has_health=True,
    ),
    host="sandbox",
    # The version that is deployed with is the one of the commit.
    package=".",
    # Nothing of an embedded host outlives its runner: there is no release to roll back to.
    origin="Written by `python -m bluegreen.scaffold.workflows`. "
    "A copy of this repository names its own host.",
    checked_out=("/config.yml", "/tasks.py", "/bluegreen/", "/pyproject.toml", "/README.md", "/LICENSE"),
    sandbox=True,
)


def render(name: str, repository: Repository) -> str:
    """The text of a workflow.

    Args:
        name: of `NAMES`.
    """
    build = repository.build
    values = {
        **ACTIONS,
        "origin": repository.origin,
        "branch": yaml_text(repository.branch),
        "host": repository.host,
        "host-text": yaml_text(repository.host),
        "java": str(build.java),
        "setup-build": _SETUP_GRADLE if build.tool == "gradle" else "",
        "working-directory": ""
        if build.folder == "."
        else f"        working-directory: {yaml_text(build.folder)}\n",
        "build": build.command,
        "jar-text": yaml_text(build.jar),
        "package": repository.package,
        "sparse": "\n".join(f"            {path}" for path in repository.checked_out),
        "secrets": _secrets(repository.secrets),
        "sandbox": _SANDBOX if repository.sandbox else "",
    }
    template = resources.files(__package__).joinpath("templates").joinpath(name).read_text(encoding="utf-8")
    return _filled(template, values)


def _working_directory(build: Build) -> str:
    return "" if build.folder == "." else f"        working-directory: {yaml_text(build.folder)}\n"


def _secrets(names: Sequence[str]) -> str:
    """What the application is given besides the key, in the step that needs it alone."""
    if names:
        return "".join(f"          {name}: ${{{{ secrets.{name} }}}}\n" for name in names)
    return (
        "          # And each of `secrets` in config.yml, such as: DB_PASSWORD: ${{ secrets.DB_PASSWORD }}\n"
    )


def _filled(template: str, values: Mapping[str, str]) -> str:
    # Not `$`, which is what expressions of GitHub and of the shell begin with.
    return re.sub(r"@([a-z-]+)@", lambda found: values[found[1]], template)


if __name__ == "__main__":
    root = Path(__file__).parents[2]
    for each in NAMES:
        (root / FOLDER / each).write_text(render(each, THIS_ONE), encoding="utf-8")
