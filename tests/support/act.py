"""A repository whose workflows run in act. A stand-in in tests/workflows/actions replaces each action."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bluegreen.scaffold.workflows import ACTIONS
from tests.support.command import Ran

HERE = Path(__file__).parents[1] / "workflows"
CHECKOUT = Path(__file__).parents[2]
RUNNER = "ubuntu-24.04"
# Only ends a run that hangs: a Python, the installation and a boot take minutes on a busy machine.
RUN_S = 600
# New on GitHub in May 2026 (changelog: "concurrency groups now allow larger queues"). act rejects a workflow
# with a key that it does not know.
NEWER_THAN_ACT = re.compile(r"^ +queue: max\n", re.MULTILINE)


@dataclass
class Repository:
    """A repository on this machine.

    Args:
        folder: the folder for its work tree and its runs.
        wheels: the folder where pip finds bluegreen, which is not on an index.
        secrets: the secrets of its environments.
        sandbox: the folder of the sandbox that its jobs use, if any.
        tool_cache: name of the folder that its runners keep between runs; parallel runs must not share it.
    """

    folder: Path
    wheels: Path
    secrets: Mapping[str, str] = field(default_factory=dict)
    sandbox: Path | None = None
    tool_cache: str = "tool-cache"

    @property
    def root(self) -> Path:
        """The work tree."""
        return self.folder / "repository"

    def commit(self, message: str) -> str:
        """Commits everything in the work tree; returns the commit."""
        git(self.root, "init", "--quiet", "--initial-branch=main")
        git(self.root, "add", "--all")
        git(self.root, "commit", "--quiet", "--message", message)
        return git(self.root, "rev-parse", "HEAD")

    def start(
        self, event: str, workflow: str, *, private: bool = True, inputs: Mapping[str, str] | None = None
    ) -> subprocess.Popen[str]:
        """Starts a workflow as an event on GitHub does.

        Args:
            private: whether the event reports the repository as private.
            inputs: the inputs of a workflow_dispatch.
        """
        # Each run has its own copy of everything, like a runner.
        run = self.folder / f"run-{len(list(self.folder.glob('run-*')))}"
        (run / "artifacts").mkdir(parents=True)
        (run / ".config" / "act").mkdir(parents=True)
        tools = self.folder / self.tool_cache
        tools.mkdir(exist_ok=True)
        (run / ".config" / "act" / "actrc").write_text("")
        payload = {"repository": {"private": private}, "inputs": dict(inputs or {})}
        (run / "event.json").write_text(json.dumps(payload))
        secrets = [f"{name}={json.dumps(value)}\n" for name, value in self.secrets.items()]
        (run / "secrets").write_text("".join(secrets))
        environ = {
            "TEST_REPOSITORY": str(self.root),
            "TEST_SANDBOX": str(self.sandbox or ""),
            "TEST_ARTIFACTS": str(run / "artifacts"),
            "TEST_TOOLS": str(HERE / "tools"),
            "TEST_CHECKOUT": str(CHECKOUT),
            "TEST_BUILDER": sys.executable,
            "TEST_PYTHON": sys.executable,
            "TEST_TOOL_CACHE": str(tools),
            "PIP_FIND_LINKS": str(self.wheels),
            "PIP_NO_COMPILE": "1",
        }
        command = [str(Path(sys.executable).with_name("act")), event]
        command += ["--platform", f"{RUNNER}=-self-hosted", "--no-skip-checkout", "--no-cache-server"]
        command += ["--workflows", str(_workflow_for_act(self.root, workflow, run)), "--actor", "kim"]
        command += ["--eventpath", str(run / "event.json"), "--secret-file", str(run / "secrets")]
        command += ["--action-cache-path", str(run / "actions")]
        for name in ACTIONS:
            command += ["--local-repository", _stand_in(name, self.folder)]
        for name, value in environ.items():
            command += ["--env", f"{name}={value}"]
        return subprocess.Popen(
            command,
            cwd=self.root,
            env={**os.environ, "HOME": str(run), "XDG_CACHE_HOME": str(Path.home() / ".cache")},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(
        self, event: str, workflow: str, *, private: bool = True, inputs: Mapping[str, str] | None = None
    ) -> Ran:
        """Runs a workflow as an event on GitHub does, to its end."""
        return ended(self.start(event, workflow, private=private, inputs=inputs))


def git(folder: Path, *arguments: str) -> str:
    """Runs git in a folder as the user Kim; returns its output."""
    kim = ["-c", "user.name=Kim", "-c", "user.email=kim@taggle.example"]
    ran = subprocess.run(["git", *kim, *arguments], cwd=folder, check=True, stdout=subprocess.PIPE, text=True)
    return ran.stdout.strip()


def ended(process: subprocess.Popen[str]) -> Ran:
    """Waits for a run of act to end; one that does not end is killed and shown."""
    try:
        out, _ = process.communicate(timeout=RUN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        out, _ = process.communicate()
        raise AssertionError(f"act did not end within {RUN_S} s:\n{out}") from None
    return Ran(process.returncode, out, "")


def _workflow_for_act(root: Path, name: str, run: Path) -> Path:
    text = (root / ".github" / "workflows" / name).read_text()
    (run / name).write_text(NEWER_THAN_ACT.sub("", text))
    return run / name


def _stand_in(name: str, folder: Path) -> str:
    """The argument of --local-repository for an action: its commit, and the repository of its stand-in."""
    place = folder / "stand-ins" / name
    action, commit = ACTIONS[name].split()[0].split("@")
    owner, repository, *below = action.split("/")
    if not place.is_dir():
        shutil.copytree(HERE / "actions" / name, place.joinpath(*below))
        git(place, "init", "--quiet")
        git(place, "add", "--all")
        git(place, "commit", "--quiet", "--message", name)
    return f"{owner}/{repository}@{commit}={place}"
