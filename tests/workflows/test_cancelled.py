"""A run that is cancelled: GitHub sends INT to the step's own process, TERM 7.5 s later, KILL after 2.5 more.

Source: "Canceling a workflow run", GitHub documentation.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.support.act import CHECKOUT
from tests.support.box import Box, box_in
from tests.support.incidents import Deployer, Moment, deploying_at, jvms
from tests.support.under_traffic import nothing_lost
from tests.support.waiting import wait_for

TERM_AFTER_S = 7.5
KILL_AFTER_S = 2.5


def deploy_step() -> str:
    """The script of the step that deploys, as deploy.yml has it."""
    workflow = yaml.safe_load((CHECKOUT / ".github" / "workflows" / "deploy.yml").read_text())
    (step,) = (each for each in workflow["jobs"]["deploy"]["steps"] if each.get("id") == "deploy")
    script: str = step["run"]
    return script


class Runner:
    """Runs the deploying step as a runner does, and cancels it as a runner does."""

    def __init__(self, box: Box) -> None:
        self._box = box
        self.outputs = box.folder / "outputs"
        self.summary = box.folder / "summary"
        (box.folder / "tasks.py").write_text((CHECKOUT / "tasks.py").read_text())
        (box.folder / "jar").mkdir()

    def start(self, jar: Path) -> Deployer:
        """Starts the step after a download of that jar."""
        for old in (self._box.folder / "jar").iterdir():
            old.unlink()
        (self._box.folder / "jar" / jar.name).hardlink_to(jar)
        script = self._box.folder / "step.sh"
        script.write_text(deploy_step())
        for file in (self.outputs, self.summary):
            file.write_text("")
        environ = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "GITHUB_ACTIONS": "true",
            "CI": "true",
            "GITHUB_SHA": jar.stem.removeprefix("taggle-"),
            "GITHUB_OUTPUT": str(self.outputs),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "HOST": "sandbox",
            "DRY_RUN": "",
        }
        # The shell that GitHub documents for `shell: bash`.
        command = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)]
        return Deployer(
            subprocess.Popen(
                command,
                cwd=self._box.folder,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                # A signal to this process reaches no other process.
                start_new_session=True,
            )
        )


def cancelled(deployer: Deployer) -> int:
    """Cancels a deploy as GitHub does; returns its exit code, that of SIGKILL if no other signal ended it."""
    for number, timeout_s in ((signal.SIGINT, TERM_AFTER_S), (signal.SIGTERM, KILL_AFTER_S)):
        deployer.send(number)
        try:
            return deployer.ended(timeout_s)
        except subprocess.TimeoutExpired:
            continue
    deployer.send(signal.SIGKILL)
    return deployer.ended(10)


@pytest.mark.parametrize("moment", ["upload", "health", "switch", "watch"])
def test_p8_a_cancelled_run_is_undone_or_finished_in_time_and_says_which(
    tmp_path: Path, moment: Moment
) -> None:
    with box_in(tmp_path) as box:
        runner = Runner(box)
        box.deployed("1")
        box.deployed("2")
        with nothing_lost(box) as seen:
            deployer = deploying_at(box, "3", moment, "prod2", start=runner.start)
            code = cancelled(deployer)
        finished = moment in ("switch", "watch")
        assert code == (0 if finished else 1), deployer.said
        said = (
            "interrupted after the switch: the new version serves"
            if finished
            else ("interrupted before the switch; everything that this run started was stopped")
        )
        assert said in deployer.said
        assert box.served() == ("3" if finished else "2")
        assert set(seen.answered) == ({"2", "3"} if finished else {"2"})
        machine = box.machine()
        assert (machine["lock"], machine["drift"]) == (None, [])
        assert jvms(box) == {slot["pid"] for slot in machine["slots"].values() if slot["pid"]}
        newest = box.history()[0]
        assert (newest["version"], newest["outcome"]) == ("3", "switched" if finished else "failed")
        outputs = runner.outputs.read_text()
        assert f"\n{'true' if finished else 'false'}\n" in outputs[outputs.index("switched<<") :]
        assert ("✅ deploy" if finished else "❌ deploy") in runner.summary.read_text()


def test_p8_cancelled_while_a_stuck_jvm_is_stopped_it_ends_in_time_and_the_host_starts_nothing(
    tmp_path: Path,
) -> None:
    with box_in(tmp_path, old_slot={"stop_timeout": "20s"}) as box:
        runner = Runner(box)
        box.deployed("1", ignores_term=True)
        box.deployed("2")
        stuck = box.pid("prod2")
        with nothing_lost(box):
            deployer = runner.start(box.jar("3"))
            deployer.until_said("::group::stop the previous JVM of prod2")
            log = box.base / "logs" / "prod2.log"
            wait_for(lambda: "SIGTERM ignored" in log.read_text(), "SIGTERM was sent, and the host waits")
            code = cancelled(deployer)
        assert code == 1, deployer.said
        assert "interrupted before the switch; the clean-up was cut short" in deployer.said
        assert box.served() == "2"
        # The host goes on to the end of the step that it was at, and no further: nobody waits for a new JVM.
        box.deployed("4")
        assert box.served() == "4"
        assert stuck not in jvms(box)
        starts = [entry for entry in box.history() if entry["version"] == "3"]
        assert [entry["outcome"] for entry in starts] == ["interrupted"]
