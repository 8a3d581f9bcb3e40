"""The job summaries that docs/github.md shows: of a good deploy and of a failed one, made in a sandbox.

`python -m scripts.summaries` rewrites them in docs/, `python -m scripts.summaries FOLDER` writes to FOLDER.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from bluegreen import config
from bluegreen.sandbox import embedded, standin
from bluegreen.sandbox.standin import Behaviour

DOCS = Path(__file__).parents[1] / "docs"
GOOD, FAILED = "summary-good.md", "summary-failed.md"
CONFIG = """\
app: taggle
java: {options: [-Xmx128m]}
health: {timeout: 3s, every: 100ms}
switch: {watch: 2s}
hosts:
  prod: {sandbox: true}
"""


def write(target: Path) -> None:
    """Deploys three versions and writes the summaries of the last two; the last version is never UP.

    Args:
        target: the folder to write to.
    """
    with tempfile.TemporaryDirectory(prefix="bluegreen-summaries-") as name:
        folder = Path(name)
        (folder / "config.yml").write_text(CONFIG)
        sandbox = folder / ".sandbox"
        embedded.start(config.load(folder / "config.yml").host("prod"), sandbox)
        try:
            _deploy(folder, Behaviour(version="1.4.0"))
            (target / GOOD).write_text(_deploy(folder, Behaviour(version="1.5.0")))
            (target / FAILED).write_text(_deploy(folder, Behaviour(version="1.6.0", health="part-up")))
        finally:
            embedded.stop(sandbox)


def _deploy(folder: Path, behaviour: Behaviour) -> str:
    """Deploys with the environment of a GitHub job; returns the job summary."""
    jar = standin.build(folder / "taggle.jar", behaviour)
    summary = folder / "summary.md"
    summary.unlink(missing_ok=True)
    github = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_ACTOR": "kim",
        "GITHUB_STEP_SUMMARY": str(summary),
        "GITHUB_OUTPUT": str(folder / "outputs"),
    }
    command = [sys.executable, "-m", "bluegreen", "deploy", "--jar", str(jar), "--version", behaviour.version]
    subprocess.run(
        command, cwd=folder, env={**os.environ, **github}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    return summary.read_text()


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS)
