"""A team's repository as files: builds of many shapes, with the sources that they need."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path

BOOT = "plugins { id 'java'; id 'org.springframework.boot' version '3.5.16' }\n"
ACTUATOR = "dependencies { implementation 'org.springframework.boot:spring-boot-starter-actuator' }\n"
MAIN = """\
package shop;

@SpringBootApplication
public class ShopApplication {
    public static void main(String[] args) {
        SpringApplication.run(ShopApplication.class, args);
    }
}
"""
KOTLIN_MAIN = """\
package shop

@SpringBootApplication
class ShopApplication

fun main(args: Array<String>) { runApplication<ShopApplication>(*args) }
"""
SLOT = """\
@RestController
@RequiredArgsConstructor
@RequestMapping("api/v1/profiles")
public class ProfileController {
    private final Environment environment;

    @GetMapping
    public String profile() { return Arrays.asList(environment.getActiveProfiles()).get(0); }
}
"""
LIBRARY = "public class Basket { int count() { return 0; } }\n"


def tree(root: Path, files: Mapping[str, str]) -> Path:
    """Writes files, whose texts may be indented, into a folder, which it returns."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(textwrap.dedent(text))
    return root


def sources(folder: str = ".", main: str = MAIN, slot: str = SLOT) -> dict[str, str]:
    """The sources of an application: its main class, and the path that answers its slot."""
    java = f"{folder}/src/main/java/shop"
    kotlin = "src/main/kotlin/shop"
    main_file = (
        f"{java}/ShopApplication.java" if "static" in main else f"{folder}/{kotlin}/ShopApplication.kt"
    )
    return {main_file: main, f"{java}/ProfileController.java": slot}


def library(folder: str) -> dict[str, str]:
    """The sources of a module that is not an application."""
    return {f"{folder}/src/main/java/shop/Basket.java": LIBRARY}


def pom(
    artifact: str,
    *,
    parent: str = "",
    packaging: str = "",
    properties: str = "",
    dependencies: str = "",
    build: str = "",
    rest: str = "",
) -> str:
    """A pom.xml, printed as people's editors do: each element and its text on lines of their own."""
    parts = [
        f"<modelVersion>4.0.0</modelVersion>\n  {parent}",
        f"<groupId>shop</groupId>\n  <artifactId>\n    {artifact}\n  </artifactId>\n  <version>1.0</version>",
        f"<packaging>{packaging}</packaging>" if packaging else "",
        f"<properties>\n    {properties}\n  </properties>" if properties else "",
        f"<dependencies>\n    {dependencies}\n  </dependencies>" if dependencies else "",
        f"<build>\n    {build}\n  </build>" if build else "",
        rest,
    ]
    body = "\n  ".join(part for part in parts if part)
    return (
        f'<?xml version="1.0"?>\n<project xmlns="http://maven.apache.org/POM/4.0.0">\n  {body}\n</project>\n'
    )


def plugin(artifact: str, configuration: str = "", *, rest: str = "") -> str:
    """The element of a Maven plugin."""
    configured = f"<configuration>\n{configuration}\n</configuration>" if configuration else ""
    return f"<plugin>\n<artifactId>\n  {artifact}\n</artifactId>{configured}{rest}</plugin>"


def dependency(artifact: str) -> str:
    """The element of a Maven dependency."""
    return f"<dependency><groupId>any</groupId><artifactId>{artifact}</artifactId></dependency>"


STARTER = """\
<parent>
    <groupId>org.springframework.boot</groupId>
    <artifactId>spring-boot-starter-parent</artifactId>
    <version>3.5.16</version>
  </parent>"""
BOOT_PLUGIN = f"<plugins>{plugin('spring-boot-maven-plugin')}</plugins>"


def parent(artifact: str, path: str = "") -> str:
    """The element that names a parent in the same repository."""
    relative = f"<relativePath>{path}</relativePath>" if path else ""
    return (
        f"<parent><groupId>shop</groupId><artifactId>{artifact}</artifactId><version>1.0</version>"
        f"{relative}</parent>"
    )


def modules(*names: str) -> str:
    """The element that lists the modules of a Maven project."""
    return f"<modules>{''.join(f'<module>{name}</module>' for name in names)}</modules>"
