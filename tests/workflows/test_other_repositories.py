"""The reusable workflows and the action, as another repository uses them: run by act on a sandbox."""

from __future__ import annotations

from tests.support.act import NEWER_THAN_ACT, Repository
from tests.support.box import Box
from tests.support.on_host import environment_of

CALLER = """\
on: workflow_dispatch
jobs:
  build:
    runs-on: ubuntu-24.04
    steps:
      - env: {PYTHONPATH: "${{ env.TEST_CHECKOUT }}"}
        run: |
          for version in 1 2; do
            "$TEST_BUILDER" -m bluegreen.sandbox.standin $version.jar --version $version
          done
      - uses: actions/upload-artifact@bbbca2ddaa5d8feaa63e36b76fdaad77386f024f
        with: {name: first, path: 1.jar}
      - uses: actions/upload-artifact@bbbca2ddaa5d8feaa63e36b76fdaad77386f024f
        with: {name: second, path: 2.jar}
  reusable:
    needs: build
    uses: ./.github/workflows/reusable-deploy.yml
    with: {host: sandbox, environment: prod, artifact: first, version: first}
    secrets: {BLUEGREEN_SECRETS: "${{ secrets.OURS }}"}
  action:
    needs: reusable
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1
      - uses: actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c
        with: {name: second, path: jar}
      - id: bluegreen
        uses: ./
        with: {command: deploy, host: sandbox, jar: jar/2.jar, version: second}
        env: {DB_PASSWORD: "${{ secrets.DB_PASSWORD }}"}
      - env:
          SLOT: ${{ steps.bluegreen.outputs.slot }}
          SWITCHED: ${{ steps.bluegreen.outputs.switched }}
          BEFORE: ${{ needs.reusable.outputs.slot }}
        run: echo "moved $SWITCHED from $BEFORE to $SLOT"
  back:
    needs: action
    uses: ./.github/workflows/reusable-rollback.yml
    with: {host: sandbox, environment: prod}
    secrets: {BLUEGREEN_SECRETS: "${{ secrets.OURS }}"}
"""


def test_the_reusable_workflows_and_the_action_deploy_and_roll_back(box: Box, repository: Repository) -> None:
    repository.secrets = {"OURS": "# ours\nDB_PASSWORD=s3cr3t=1\n", "DB_PASSWORD": "s3cr3t=2"}
    box.configure(secrets=["DB_PASSWORD"])
    (repository.root / "config.yml").write_text((box.folder / "config.yml").read_text())
    folder = repository.root / ".github" / "workflows"
    for name in ("reusable-deploy.yml", "reusable-rollback.yml"):
        (folder / name).write_text(NEWER_THAN_ACT.sub("", (folder / name).read_text()))
    (folder / "caller.yml").write_text(CALLER)
    repository.commit("Deploy with the reusable workflow and with the action")
    ran = repository.run("workflow_dispatch", "caller.yml")
    assert ran.code == 0, ran.out
    assert "moved true from prod2 to prod1" in ran.out
    assert box.served() == "1"
    entries = [(entry["command"], entry["version"]) for entry in box.history()]
    assert entries == [("rollback", "first"), ("deploy", "second"), ("deploy", "first")]
    # Each JVM was given the value of its own deploy.
    pids = [box.pid(slot) for slot in ("prod2", "prod1")]
    values = [environment_of(pid)["DB_PASSWORD"] for pid in pids if pid]
    assert values == ["s3cr3t=1", "s3cr3t=2"]
    # act prints this line for each value that it masks.
    assert ran.out.count("⚙  ***") == 2
    assert "s3cr3t" not in ran.out
