"""`init`: it finds the build of a repository and writes the files for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from bluegreen import config, jar
from bluegreen.commands import init
from bluegreen.commands.init import Question, Wanted
from bluegreen.config import Config
from bluegreen.console.terminal import Console
from bluegreen.errors import WrongUsage
from bluegreen.scaffold.config_text import name_for_app
from bluegreen.scaffold.workflows import ACTIONS, FOLDER, NAMES, THIS_REPOSITORY, Repository, render
from tests.support.act import git
from tests.support.box import Box
from tests.support.repositories import BOOT, BOOT_PLUGIN, MAIN, SLOT, STARTER, pom, sources, tree

ROOT = Path(__file__).parents[2]
POM = pom("shop", parent=STARTER, build=BOOT_PLUGIN)
ADDRESS = Wanted(address="taggle.example")


def default_only(question: Question) -> str | None:
    return question.default


def written(root: Path, wanted: Wanted = ADDRESS) -> Config:
    init.run(root, wanted, Console(), default_only)
    return config.load(root / "config.yml")


def test_a_folder_without_a_build_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match="no Gradle or Maven build in"):
        written(tmp_path)


def test_an_executable_wrapper_is_run_directly(tmp_path: Path) -> None:
    tree(tmp_path, {"build.gradle": BOOT, "gradlew": ""})
    (tmp_path / "gradlew").chmod(0o755)
    written(tmp_path)
    assert build_step(tmp_path) == {"name": "Build and test", "run": "./gradlew build"}


def workflow(root: Path) -> dict[Any, Any]:
    loaded: dict[Any, Any] = yaml.safe_load((root / FOLDER / "deploy.yml").read_text())
    return loaded


def build_step(root: Path) -> dict[str, str]:
    steps: list[dict[str, str]] = workflow(root)["jobs"]["build"]["steps"]
    return next(step for step in steps if step.get("name") == "Build and test")


def test_the_build_tool_changes_the_job_that_builds_and_nothing_else(tmp_path: Path) -> None:
    for name, files in (("gradle", {"build.gradle": BOOT}), ("maven", {"pom.xml": POM})):
        written(tree(tmp_path / name, files))
    gradle, maven = tmp_path / "gradle", tmp_path / "maven"
    assert (gradle / FOLDER / "rollback.yml").read_text() == (maven / FOLDER / "rollback.yml").read_text()
    deploys = [workflow(each) for each in (gradle, maven)]
    builds_with = [deploy["jobs"].pop("build") for deploy in deploys]
    assert builds_with[0] != builds_with[1]
    assert deploys[0] == deploys[1]


def committed(root: Path, branch: str) -> Path:
    """A git repository with a build, on a branch."""
    tree(root, {"build.gradle": BOOT})
    git(root, "init", "--quiet", f"--initial-branch={branch}")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "Build")
    return root


def deployed_branch(root: Path, wanted: Wanted = ADDRESS) -> str:
    """The branch whose pushes the workflow of `init` deploys."""
    written(root, wanted)
    # YAML 1.1 reads `on` as true.
    branches: list[str] = workflow(root)[True]["push"]["branches"]
    assert len(branches) == 1
    return branches[0]


def test_without_git_pushes_to_main_are_deployed(tmp_path: Path) -> None:
    assert deployed_branch(tree(tmp_path, {"build.gradle": BOOT})) == "main"


@pytest.mark.parametrize("branch", ["master", "develop", "release/1.x", "a,b"])
def test_the_only_branch_is_the_default_branch(tmp_path: Path, branch: str) -> None:
    assert deployed_branch(committed(tmp_path, branch)) == branch


def test_a_clone_knows_the_default_branch_of_its_origin(tmp_path: Path) -> None:
    origin = committed(tmp_path / "origin", "develop")
    git(origin, "branch", "main")
    git(tmp_path, "clone", "--quiet", str(origin), "clone")
    git(tmp_path / "clone", "checkout", "--quiet", "-b", "try-bluegreen")
    assert deployed_branch(tmp_path / "clone") == "develop"


def test_a_worktree_has_the_default_branch_of_its_repository(tmp_path: Path) -> None:
    origin = committed(tmp_path / "origin", "develop")
    git(tmp_path, "clone", "--quiet", str(origin), "clone")
    git(tmp_path / "clone", "worktree", "add", "--quiet", "-b", "try-bluegreen", "../tree")
    assert (tmp_path / "tree" / ".git").is_file()
    assert deployed_branch(tmp_path / "tree") == "develop"


def test_a_feature_branch_is_not_the_default_branch(tmp_path: Path) -> None:
    git(committed(tmp_path, "trunk"), "checkout", "--quiet", "-b", "try-bluegreen")
    assert deployed_branch(tmp_path) == "trunk"


def test_of_several_branches_the_person_chooses(tmp_path: Path) -> None:
    git(committed(tmp_path, "main"), "checkout", "--quiet", "-b", "develop")
    asked: list[Question] = []

    def main_instead(question: Question) -> str | None:
        asked.append(question)
        return "main" if question.flag == "branch" else question.default

    init.run(tmp_path, ADDRESS, Console(), main_instead)
    assert [each.default for each in asked if each.flag == "branch"] == ["develop"]
    assert workflow(tmp_path)[True]["push"]["branches"] == ["main"]


def test_the_branch_can_be_given(tmp_path: Path) -> None:
    assert deployed_branch(committed(tmp_path, "main"), Wanted(address="a.example", branch="live")) == "live"


def test_submodules_are_checked_out_by_the_job_that_builds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    library = committed(tmp_path / "library", "main")
    root = committed(tmp_path / "shop", "main")
    git(root, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(library), "libs/common")
    git(root, "submodule", "--quiet", "deinit", "--force", "libs/common")
    written(root)
    assert "! the submodule libs/common is not checked out" in capsys.readouterr().out
    jobs = workflow(root)["jobs"]
    assert jobs["build"]["steps"][0]["with"]["submodules"] == "recursive"
    assert "submodules" not in jobs["deploy"]["steps"][0]["with"]


@pytest.mark.parametrize(
    ("pattern", "files", "found"),
    [
        ("build/libs/*.jar", ["build/libs/shop-1.0.jar", "build/libs/shop-1.0-plain.jar"], "shop-1.0.jar"),
        ("build/libs/*.war", ["build/libs/shop-1.0.war", "build/libs/shop-1.0-plain.war"], "shop-1.0.war"),
        ("target/*.jar", ["target/a.jar", "target/a-sources.jar", "target/a.jar.original"], "a.jar"),
        ("target/*.jar", ["target/a.jar", "target/a-javadoc.jar", "target/a-tests.jar"], "a.jar"),
        ("target/*-exec.jar", ["target/a-1.0.jar", "target/a-1.0-exec.jar"], "a-1.0-exec.jar"),
    ],
)
def test_the_workflow_and_a_deploy_by_hand_find_the_same_jar(
    tmp_path: Path, pattern: str, files: list[str], found: str
) -> None:
    tree(tmp_path, {"build.gradle": BOOT, **dict.fromkeys(files, "")})
    written(tmp_path, Wanted(address="a.example", jar=pattern))
    step = next(each for each in workflow(tmp_path)["jobs"]["build"]["steps"] if each.get("id") == "jar")
    subprocess.run(
        ["bash", "-e", "-c", step["run"]],
        cwd=tmp_path,
        env={**os.environ, **step["env"], "GITHUB_OUTPUT": str(tmp_path / "output")},
        check=True,
    )
    path = dict(line.split("=") for line in (tmp_path / "output").read_text().splitlines())["path"]
    assert Path(path).name == found
    assert jar.find(pattern, tmp_path).name == found


def test_an_invalid_config_is_not_written(tmp_path: Path) -> None:
    tree(tmp_path, {"build.gradle": f"{BOOT}sourceCompatibility = '7'"})
    with pytest.raises(WrongUsage):
        written(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["build.gradle"]


SEVERAL = {
    "settings.gradle": "include 'api', 'admin', 'core'",
    "build.gradle": f"subprojects {{ {BOOT.replace('plugins {', '').replace('}', '')} }}",
    "api/build.gradle": BOOT,
    "admin/build.gradle": f"{BOOT}bootJar {{ archiveFileName = 'admin.jar' }}",
    "core/build.gradle": "plugins { id 'java' }",
    **sources("api"),
    **sources("admin", main=MAIN.replace("Shop", "Admin")),
}


def test_several_applications_are_listed_and_the_jar_chooses_one(tmp_path: Path) -> None:
    tree(tmp_path, SEVERAL)
    with pytest.raises(WrongUsage) as refused:
        written(tmp_path)
    assert [line.split(": ")[0] for line in refused.value.why] == [
        "api/build/libs/*.jar",
        "admin/build/libs/admin.jar",
    ]
    assert "--jar 'api/build/libs/*.jar'" in str(refused.value.remedy)
    assert not (tmp_path / "config.yml").exists()
    loaded = written(tmp_path, Wanted(address="a.example", jar="api/build/libs/shop.jar"))
    assert loaded.host(None).jar == "api/build/libs/shop.jar"


def test_on_a_terminal_an_application_is_chosen_by_its_number(tmp_path: Path) -> None:
    tree(tmp_path, SEVERAL)
    ran = Box(tmp_path).run_on_terminal("init", "--address", "10.0.0.5", typed="2\n\n\n\n\n\n")
    assert ran.code == 0, ran.out
    assert "2  admin/build/libs/admin.jar: :admin (" in ran.out
    assert config.load(tmp_path / "config.yml").host(None).jar == "admin/build/libs/admin.jar"


@pytest.mark.parametrize(
    ("wrapper", "patterns"),
    [
        ("", ["build/libs/*.jar", "target/*.jar"]),
        ("mvnw", ["target/*.jar"]),
        ("gradlew", ["build/libs/*.jar"]),
    ],
)
def test_of_gradle_and_maven_in_one_folder_the_wrapper_decides(
    tmp_path: Path, wrapper: str, patterns: list[str]
) -> None:
    tree(tmp_path, {"build.gradle": BOOT, "pom.xml": POM, **sources(), **({wrapper: ""} if wrapper else {})})
    if len(patterns) == 1:
        assert written(tmp_path).host(None).jar == patterns[0]
    else:
        with pytest.raises(WrongUsage) as refused:
            written(tmp_path)
        assert [line.split(": ")[0] for line in refused.value.why] == patterns


def test_applications_of_several_builds_are_listed_too(tmp_path: Path) -> None:
    tree(tmp_path, {"a/build.gradle": BOOT, "services/b/pom.xml": POM})
    with pytest.raises(WrongUsage) as refused:
        written(tmp_path)
    listed = [line.split(": ")[0] for line in refused.value.why]
    assert listed == ["a/build/libs/*.jar", "services/b/target/*.jar"]


def test_a_build_without_an_application_is_refused_with_what_was_read(tmp_path: Path) -> None:
    tree(
        tmp_path,
        {
            "settings.gradle": "include 'core'",
            "core/build.gradle": "apply plugin: 'java'",
            "core/src/main/java/A.java": "class A {}",
        },
    )
    with pytest.raises(WrongUsage, match="no application was found") as refused:
        written(tmp_path)
    assert "1 source file of" in refused.value.why[0]
    assert ":core" in refused.value.why[0]
    wanted = Wanted(address="a.example", jar="core/build/libs/all.jar")
    assert written(tmp_path, wanted).host(None).jar == "core/build/libs/all.jar"


@pytest.mark.parametrize(
    ("wanted", "answer", "path"),
    [
        (None, "none", None),
        (None, "2", "/app/slot"),
        (None, "/where", "/where"),
        ("/given", "1", "/given"),
        ("none", "1", None),
    ],
)
def test_of_several_paths_that_may_answer_the_slot_the_person_chooses(
    tmp_path: Path, wanted: str | None, answer: str, path: str | None
) -> None:
    """`none` is also what a run without a terminal gets."""
    two = SLOT.replace('("api/v1/profiles")', '("/app")').replace(
        "@GetMapping", '@GetMapping({"/env", "/slot"})'
    )
    tree(tmp_path, {"build.gradle": BOOT, **sources(slot=two)})

    def answered(question: Question) -> str | None:
        if question.flag == "verify":
            assert (question.choices, question.default) == (("/app/env", "/app/slot"), "none")
            return answer
        return question.default

    init.run(tmp_path, Wanted(address="a.example", verify=wanted), Console(), answered)
    assert config.load(tmp_path / "config.yml").host(None).switch.verify == path


def test_a_pom_that_is_not_xml_is_named(tmp_path: Path) -> None:
    tree(tmp_path, {"pom.xml": "<project>\n<artifactId>shop</project>"})
    with pytest.raises(WrongUsage, match=r"pom\.xml .*line 2"):
        written(tmp_path)


def test_a_folder_that_is_not_ours_to_read_is_passed_over(tmp_path: Path) -> None:
    tree(tmp_path, {"build.gradle": BOOT, "data/mysql/ibdata1": ""})
    (tmp_path / "data" / "mysql").chmod(0o000)
    # Root reads it all the same, unless it has no capabilities.
    as_user = ["setpriv", "--inh-caps=-all", "--bounding-set=-all"] if os.geteuid() == 0 else []
    ran = subprocess.run(
        [*as_user, sys.executable, "-m", "bluegreen", "init", "--address", "10.0.0.5"],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    assert config.load(tmp_path / "config.yml").host(None).jar == "build/libs/*.jar"


def test_a_build_that_names_no_java_version_is_a_question(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree(tmp_path, {"build.gradle": BOOT})

    def java_21(question: Question) -> str | None:
        return "21" if question.flag == "java" else question.default

    init.run(tmp_path, ADDRESS, Console(), java_21)
    assert config.load(tmp_path / "config.yml").host(None).java.version == 21
    assert "Java 21 is used" in capsys.readouterr().out


def test_the_config_is_valid_and_contains_only_what_differs_from_the_defaults(tmp_path: Path) -> None:
    tree(
        tmp_path,
        {
            "build.gradle": f"{BOOT}sourceCompatibility = '21'",
            "src/main/java/Slot.java": SLOT,
            ".git/HEAD": "",
        },
    )
    loaded = written(tmp_path, Wanted(app="shop", host="live", address="10.0.0.5", user="ec2-user"))
    settings = loaded.host(None)
    assert (settings.app, settings.host, settings.user) == ("shop", "live", "ec2-user")
    assert settings.addresses == ("10.0.0.5",)
    assert settings.java.version == 21
    assert settings.switch.verify == "/api/v1/profiles"
    assert set(yaml.safe_load((tmp_path / "config.yml").read_text())) == {"app", "jar", "java", "hosts"}
    assert (tmp_path / "tasks.py").is_file()


def test_without_a_slot_path_in_the_sources_verify_is_null(tmp_path: Path) -> None:
    tree(tmp_path, {"build.gradle": BOOT, "src/main/java/Other.java": "class Other {}"})
    assert written(tmp_path).host(None).switch.verify is None


def test_existing_files_are_not_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = (
        "app: mine\njar: mine/*.jar\nsecrets: [DB_PASSWORD]\nhosts: {stage: {address: 10.0.0.9, user: kim}}\n"
    )
    tree(tmp_path, {"build.gradle": BOOT, "config.yml": mine, "tasks.py": "# mine\n"})
    tree(tmp_path, {f"{FOLDER}/rollback.yml": "# mine\n"})
    init.run(tmp_path, Wanted(), Console(), default_only)
    assert (tmp_path / "config.yml").read_text() == mine
    assert (tmp_path / "tasks.py").read_text() == "# mine\n"
    assert (tmp_path / FOLDER / "rollback.yml").read_text() == "# mine\n"
    # The new workflow uses the settings of the config.yml that exists.
    deploys = (tmp_path / FOLDER / "deploy.yml").read_text()
    assert "DB_PASSWORD: ${{ secrets.DB_PASSWORD }}" in deploys
    assert "JAR: mine/*.jar" in deploys
    assert "inputs.host || 'stage'" in deploys
    out = capsys.readouterr().out
    assert "! tasks.py exists" in out
    assert "gh secret set DB_PASSWORD --env stage" in out
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    init.run(tmp_path, Wanted(), Console(), default_only)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_the_output_ends_with_the_secrets_to_create_and_three_commands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree(tmp_path, {"build.gradle": BOOT})
    written(tmp_path)
    lines = capsys.readouterr().out.splitlines()
    assert "  gh secret set BLUEGREEN_SSH_KEY --env prod <~/.ssh/id_ed25519" in lines
    assert any(line.startswith("! ") and "spring-boot-starter-actuator" in line for line in lines)
    assert lines[-3:-1] == ["  bluegreen trust --host prod", "  bluegreen setup --host prod"]
    assert lines[-1].startswith("  git add config.yml tasks.py .github && git commit ")


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (Wanted(app="Shop!", address="10.0.0.5"), "--app Shop!: "),
        (Wanted(host="a b", address="10.0.0.5"), "--host a b: "),
        (Wanted(address="https://taggle.example"), "--address https://taggle.example: "),
        (Wanted(user="a;b", address="10.0.0.5"), "--user a;b: "),
        (Wanted(), "--address is missing"),
    ],
)
def test_a_wrong_answer_is_named_and_nothing_is_written(tmp_path: Path, wanted: Wanted, message: str) -> None:
    tree(tmp_path, {"build.gradle": BOOT})
    with pytest.raises(WrongUsage) as refused:
        written(tmp_path, wanted)
    assert refused.value.message.startswith(message)
    assert [path.name for path in tmp_path.iterdir()] == ["build.gradle"]


def test_below_the_root_of_a_repository_the_error_names_the_root(tmp_path: Path) -> None:
    tree(tmp_path, {".git/HEAD": "", "backend/build.gradle": BOOT})
    with pytest.raises(WrongUsage, match="is not the root of its repository") as refused:
        written(tmp_path / "backend")
    assert refused.value.remedy == f"cd {tmp_path} && bluegreen init"


def test_without_a_terminal_the_missing_argument_is_named(tmp_path: Path) -> None:
    tree(tmp_path, {"build.gradle": BOOT})
    ran = subprocess.run(
        [sys.executable, "-m", "bluegreen", "init"],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 2
    assert "--address is missing" in ran.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["build.gradle"]


def test_on_a_terminal_an_empty_answer_accepts_the_default(tmp_path: Path) -> None:
    tree(tmp_path, {"build.gradle": BOOT, "settings.gradle": "rootProject.name = 'Shop'"})
    ran = Box(tmp_path).run_on_terminal("init", typed="\nlive\n10.0.0.5\n\n21\n")
    assert ran.code == 0, ran.out
    assert "app: name of the app [shop]: " in ran.out
    assert "address: IP address or DNS name of the machine: " in ran.out
    settings = config.load(tmp_path / "config.yml").host(None)
    assert (settings.app, settings.host, settings.user) == ("shop", "live", "ubuntu")
    assert settings.addresses == ("10.0.0.5",)


@pytest.mark.parametrize(
    ("name", "app"),
    [("Shop", "shop"), ("my_shop.api", "my-shop-api"), ("3-D", "d"), ("가게", "app"), ("a" * 40, "a" * 31)],
)
def test_a_project_name_becomes_a_valid_app_name(name: str, app: str) -> None:
    assert name_for_app(name) == app


@pytest.mark.parametrize("name", NAMES)
def test_the_workflows_of_this_repository_are_up_to_date(name: str) -> None:
    assert (ROOT / FOLDER / name).read_text() == render(name, THIS_REPOSITORY), (
        "python -m bluegreen.scaffold.workflows"
    )


@pytest.mark.parametrize("host", ["on", "123", "prod"])
def test_the_host_is_a_string_in_the_workflow_whatever_its_name(host: str) -> None:
    for name in NAMES:
        workflow = yaml.safe_load(render(name, Repository(THIS_REPOSITORY.build, host)))
        # YAML 1.1 reads `on` as true.
        assert workflow[True]["workflow_dispatch"]["inputs"]["host"]["default"] == host


def test_every_action_is_pinned_to_the_commit_in_actions() -> None:
    known = {text.split(" # ")[0]: text for text in ACTIONS.values()}
    files = [*(ROOT / FOLDER).iterdir(), ROOT / "action.yml"]
    for file in files:
        for line in file.read_text().splitlines():
            if "uses:" in line:
                used = line.split("uses: ")[1]
                assert known[used.split(" # ")[0]] == used, f"{file.name}: {line}"
