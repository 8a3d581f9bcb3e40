"""`init`: it finds the build of a repository and writes the files for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from bluegreen import config
from bluegreen.commands import init
from bluegreen.commands.init import Question, Wanted
from bluegreen.config import Config
from bluegreen.console.terminal import Console
from bluegreen.errors import WrongUsage
from bluegreen.scaffold import build as builds
from bluegreen.scaffold.build import Build
from bluegreen.scaffold.config_text import name_for_app
from bluegreen.scaffold.workflows import ACTIONS, FOLDER, NAMES, THIS_REPOSITORY, Repository, render
from tests.support.box import Box

ROOT = Path(__file__).parents[2]
BOOT = "plugins { id 'org.springframework.boot' version '3.5.16' }\n"
PLUGIN = "<build><artifactId>spring-boot-maven-plugin</artifactId></build>"
SLOT = '@RequestMapping("/api/v1/profiles")'
ADDRESS = Wanted(address="taggle.example")


def tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def found(root: Path, jar: str | None = None) -> Build:
    return builds.find(root, jar, default_java=17, verify="/api/v1/profiles")


def default_only(question: Question) -> str | None:
    return question.default


def written(root: Path, wanted: Wanted = ADDRESS) -> Config:
    init.run(root, wanted, Console(), default_only)
    return config.load(root / "config.yml")


@pytest.mark.parametrize(
    ("files", "command", "folder", "jar", "java", "name"),
    [
        (
            {"build.gradle": BOOT, "settings.gradle": "rootProject.name = 'Shop'", "gradlew": ""},
            *("sh ./gradlew build", ".", "build/libs/*.jar", 17, "Shop"),
        ),
        (
            {
                "build.gradle.kts": 'plugins { id("org.springframework.boot") }\nkotlin { jvmToolchain(21) }',
                "settings.gradle.kts": 'rootProject.name = "shop"',
            },
            *("gradle build", ".", "build/libs/*.jar", 21, "shop"),
        ),
        (
            {
                "settings.gradle": "rootProject.name='shop'\ninclude 'web', 'core'",
                "build.gradle": "plugins { id 'org.springframework.boot' version '3.5.16' apply false }",
                "core/build.gradle": "plugins { id 'java-library' }",
                "web/build.gradle": f"{BOOT}sourceCompatibility = JavaVersion.VERSION_21",
            },
            *("gradle build", ".", "web/build/libs/*.jar", 21, "shop"),
        ),
        (
            {
                "pom.xml": f"<parent><artifactId>spring-boot-starter-parent</artifactId></parent>"
                f"<artifactId>shop</artifactId><java.version>21</java.version>{PLUGIN}",
                "mvnw": "",
            },
            *("sh ./mvnw --batch-mode verify", ".", "target/*.jar", 21, "shop"),
        ),
        (
            {
                "pom.xml": "<artifactId>all</artifactId>",
                "web/pom.xml": f"<artifactId>web</artifactId>{PLUGIN}",
            },
            *("mvn --batch-mode verify", ".", "web/target/*.jar", 17, "all"),
        ),
        (
            {
                "pom.xml": f"<artifactId>all</artifactId><packaging>pom</packaging>{PLUGIN}",
                "core/pom.xml": f"<pluginManagement>{PLUGIN}</pluginManagement>",
                "web/pom.xml": PLUGIN,
            },
            *("mvn --batch-mode verify", ".", "web/target/*.jar", 17, "all"),
        ),
        (
            {
                "settings.gradle.kts": 'rootProject.name = "shop"',
                "build.gradle.kts": "plugins { alias(libs.plugins.spring.boot) apply false }",
                "app/build.gradle.kts": "plugins { alias(libs.plugins.spring.boot) }",
            },
            *("gradle build", ".", "app/build/libs/*.jar", 17, "shop"),
        ),
        (
            {"backend/build.gradle": BOOT, "frontend/package.json": "{}", "backend/gradlew": ""},
            *("sh ./gradlew build", "backend", "backend/build/libs/*.jar", 17, "backend"),
        ),
    ],
)
def test_the_build_of_a_repository_is_found(
    tmp_path: Path, files: dict[str, str], command: str, folder: str, jar: str, java: int, name: str
) -> None:
    build = found(tree(tmp_path, files))
    assert (build.command, build.folder, build.jar) == (command, folder, jar)
    assert (build.java, build.name) == (java, name)


def test_a_folder_without_a_build_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match="no Gradle or Maven build in"):
        found(tmp_path)


def test_a_library_that_uses_spring_boot_is_not_an_application(tmp_path: Path) -> None:
    uses = "dependencies { implementation 'org.springframework.boot:spring-boot-starter-web:3.5.16' }"
    plugins = "pluginManagement { plugins { id 'org.springframework.boot' version '3.5.16' } }"
    files = {
        "settings.gradle": plugins,
        "build.gradle": f"subprojects {{ {uses} }}",
        "core/build.gradle": uses,
    }
    build = found(
        tree(tmp_path, {**files, "web/build.gradle": f"{uses}\napply plugin: 'org.springframework.boot'"})
    )
    assert build.jar == "web/build/libs/*.jar"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("build.gradle", f"{BOOT}sourceCompatibility = '1.8'"),
        ("build.gradle", f"{BOOT}sourceCompatibility = JavaVersion.VERSION_1_8"),
        ("pom.xml", f"<java.version>1.8</java.version>{PLUGIN}"),
    ],
)
def test_java_8_is_written_in_two_ways(tmp_path: Path, name: str, text: str) -> None:
    assert written(tree(tmp_path, {name: text})).host(None).java.version == 8


def test_an_executable_wrapper_is_run_directly(tmp_path: Path) -> None:
    tree(tmp_path, {"build.gradle": BOOT, "gradlew": ""})
    (tmp_path / "gradlew").chmod(0o755)
    assert found(tmp_path).command == "./gradlew build"


@pytest.mark.parametrize(
    ("files", "branch"),
    [
        ({}, "main"),
        ({".git/HEAD": "ref: refs/heads/master\n"}, "master"),
        ({".git/HEAD": "ref: refs/heads/try-bluegreen\n"}, "main"),
        (
            {
                ".git/HEAD": "ref: refs/heads/try-bluegreen\n",
                ".git/refs/remotes/origin/HEAD": "ref: refs/remotes/origin/develop\n",
            },
            "develop",
        ),
    ],
)
def test_pushes_to_the_default_branch_are_deployed(
    tmp_path: Path, files: dict[str, str], branch: str
) -> None:
    written(tree(tmp_path, {"build.gradle": BOOT, **files}))
    workflow = yaml.safe_load((tmp_path / FOLDER / "deploy.yml").read_text())
    # YAML 1.1 reads `on` as true.
    assert workflow[True]["push"]["branches"] == [branch]


def test_the_build_tool_changes_the_job_that_builds_and_nothing_else(tmp_path: Path) -> None:
    gradle = found(tree(tmp_path / "gradle", {"build.gradle": BOOT}))
    maven = found(tree(tmp_path / "maven", {"pom.xml": PLUGIN}))
    texts = {name: [render(name, Repository(build, "prod")) for build in (gradle, maven)] for name in NAMES}
    assert len(set(texts["rollback.yml"])) == 1
    deploys = [yaml.safe_load(text) for text in texts["deploy.yml"]]
    builds_with = [deploy["jobs"].pop("build") for deploy in deploys]
    assert builds_with[0] != builds_with[1]
    assert deploys[0] == deploys[1]


def test_an_invalid_config_is_not_written(tmp_path: Path) -> None:
    tree(tmp_path, {"build.gradle": f"{BOOT}sourceCompatibility = '7'"})
    with pytest.raises(WrongUsage):
        written(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["build.gradle"]


def test_several_applications_are_listed_and_one_must_be_chosen(tmp_path: Path) -> None:
    tree(tmp_path, {"build.gradle": "", "a/build.gradle": BOOT, "b/build.gradle": BOOT})
    with pytest.raises(WrongUsage, match=r"several .* in .*: a/build/libs/\*\.jar, b/"):
        found(tmp_path)
    assert found(tmp_path, "b/build/libs/*.jar").jar == "b/build/libs/*.jar"


def test_several_builds_are_listed_and_refused(tmp_path: Path) -> None:
    tree(tmp_path, {"a/build.gradle": BOOT, "b/pom.xml": PLUGIN})
    with pytest.raises(WrongUsage, match=r"several builds in .*: a, b"):
        found(tmp_path)


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
    ran = Box(tmp_path).run_on_terminal("init", typed="\nlive\n10.0.0.5\n\n")
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
