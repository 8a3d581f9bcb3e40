"""A team's repository: the workflows that `init` writes deploy its pushes to a real machine."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from tests.support.act import CHECKOUT, Repository
from tests.support.guest import Guest
from tests.support.hosts import Rented

POM = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <parent>
    <groupId>org.springframework.boot</groupId>
    <artifactId>spring-boot-starter-parent</artifactId>
    <version>3.5.16</version>
  </parent>
  <groupId>com.example</groupId>
  <artifactId>taggle</artifactId>
  <version>{version}</version>
  <properties><java.version>17</java.version></properties>
  <dependencies>
    <dependency>
      <groupId>org.springframework.boot</groupId>
      <artifactId>spring-boot-starter-actuator</artifactId>
    </dependency>
  </dependencies>
  <build>
    <plugins>
      <plugin>
        <groupId>org.springframework.boot</groupId>
        <artifactId>spring-boot-maven-plugin</artifactId>
      </plugin>
    </plugins>
  </build>
</project>
"""
Build = Callable[[Path, str], None]
DIES = "\nserver:\n  ssl:\n    key-store: classpath:nowhere.p12\n"


def gradle(root: Path, version: str) -> None:
    for name in ("build.gradle", "settings.gradle"):
        shutil.copy(CHECKOUT / "example" / name, root)
    (root / "gradle.properties").write_text(f"version={version}\n")


def maven(root: Path, version: str) -> None:
    (root / "pom.xml").write_text(POM.replace("{version}", version))


def team_repository(folder: Path, guest: Guest, wheels: Path, build: Build) -> tuple[Repository, Rented]:
    """A repository in which `init`, `trust` and `setup` were run for a machine, and that machine."""
    login = guest.ssh("ubuntu")
    assert login.identity is not None
    key = login.identity.read_text()
    repository = Repository(folder, wheels, secrets={"BLUEGREEN_SSH_KEY": key})
    shutil.copytree(CHECKOUT / "example" / "src", repository.root / "src")
    build(repository.root, "1.0.0")
    host = Rented(repository.root, guest=guest)
    out = host.run("init", "--address", login.address, "--user", "ubuntu").all
    assert out.count("✓ wrote ") == 4, out
    for command in (["trust", "--yes"], ["setup"]):
        ran = host.run(*command, environ=repository.secrets)
        assert ran.code == 0, ran.all
    repository.commit("Deploy with bluegreen")
    return repository, host


def test_a_gradle_repository_goes_from_a_push_to_live_and_back(
    guest: Guest, tmp_path: Path, wheels: Path
) -> None:
    repository, host = team_repository(tmp_path, guest, wheels, gradle)
    ran = repository.run("push", "deploy.yml")
    assert ran.code == 0, ran.out
    assert host.served() == "1.0.0"
    gradle(repository.root, "2.0.0")
    repository.commit("Version 2.0.0")
    ran = repository.run("push", "deploy.yml")
    assert ran.code == 0, ran.out
    assert host.served() == "2.0.0"

    settings = repository.root / "src" / "main" / "resources" / "application.yml"
    settings.write_text(settings.read_text().replace("\nserver:\n", f"{DIES}"))
    gradle(repository.root, "3.0.0")
    repository.commit("Version 3.0.0")
    ran = repository.run("push", "deploy.yml")
    assert ran.code == 1, ran.out
    assert "::error title=prod2 died while starting" in ran.out, ran.out
    assert "nowhere.p12" in ran.out
    assert host.served() == "2.0.0"

    ran = repository.run("workflow_dispatch", "rollback.yml", inputs={"host": "prod"})
    assert ran.code == 0, ran.out
    assert host.served() == "1.0.0"
    # The log does not contain the key.
    assert repository.secrets["BLUEGREEN_SSH_KEY"].splitlines()[2] not in ran.out


def test_a_maven_repository_goes_from_a_push_to_live(guest: Guest, tmp_path: Path, wheels: Path) -> None:
    repository, host = team_repository(tmp_path, guest, wheels, maven)
    ran = repository.run("push", "deploy.yml")
    assert ran.code == 0, ran.out
    assert host.served() == "1.0.0"
