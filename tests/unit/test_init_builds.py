"""`init` in builds as teams have them: it finds the application, its jar, its Java and where it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from bluegreen import config
from bluegreen.commands import init
from bluegreen.commands.init import Question, Wanted
from bluegreen.console.terminal import Console
from tests.support.repositories import (
    ACTUATOR,
    BOOT,
    BOOT_PLUGIN,
    KOTLIN_MAIN,
    MAIN,
    SLOT,
    STARTER,
    dependency,
    library,
    modules,
    parent,
    plugin,
    pom,
    sources,
    tree,
)

JAVA_21 = "java { toolchain { languageVersion = JavaLanguageVersion.of(21) } }\n"
NAMED = {"settings.gradle": "rootProject.name = 'shop'\n"}
MAVEN_ACTUATOR = dependency("spring-boot-starter-actuator")
CATALOG = """\
[versions]
java = "21"
spring-boot = "3.5.16"

[libraries]
actuator-starter = { module = "org.springframework.boot:spring-boot-starter-actuator" }
web-starter = { module = "org.springframework.boot:spring-boot-starter-web" }

[bundles]
service = [
    "web-starter",
    "actuator-starter",
]

[plugins]
spring-boot = { id = "org.springframework.boot", version.ref = "spring-boot" }
"""


@dataclass(frozen=True)
class Shape:
    """A repository, and what `init` must make of it. The defaults are those of config.yml."""

    files: Mapping[str, str]
    jar: str
    java: int = 17
    command: str = "gradle build"
    folder: str | None = None
    verify: str | None = "/api/v1/profiles"
    health: str = "/actuator/health"
    ports: Mapping[str, int] = field(default_factory=dict)
    slots: Mapping[str, int] = field(default_factory=lambda: {"prod1": 8081, "prod2": 8082})
    # Words of the remarks: a person must know of these, and nothing else is remarked.
    remarks: tuple[str, ...] = ()


GRADLE: dict[str, Shape] = {
    "root plugins with subprojects, disabled in root and library": Shape(
        {
            "settings.gradle": "rootProject.name = 'shop'\ninclude 'module-api', 'module-core'",
            "build.gradle": f"""\
                {BOOT}
                subprojects {{
                    apply plugin: 'java'
                    apply plugin: 'org.springframework.boot'
                    {ACTUATOR}
                    {JAVA_21}
                }}
                bootJar.enabled = false
                """,
            "module-api/build.gradle": "dependencies { implementation project(':module-core') }",
            "module-core/build.gradle": "bootJar { enabled = false }\njar { enabled = true }",
            **sources("module-api"),
            **library("module-core"),
        },
        jar="module-api/build/libs/*.jar",
        java=21,
    ),
    "apply false in the root, Kotlin, a module three deep": Shape(
        {
            "settings.gradle.kts": """\
                rootProject.name = "shop"
                include(
                    ":services:shop:web",
                    ":libs:core",
                )
                """,
            "build.gradle.kts": """\
                plugins {
                    id("org.springframework.boot") version "3.5.16" apply false // only declared
                    kotlin("jvm") version "2.1.0" apply false
                }
                """,
            "services/shop/web/build.gradle.kts": """\
                import org.springframework.boot.gradle.tasks.bundling.BootJar

                plugins { id("org.springframework.boot"); kotlin("jvm") }
                kotlin { jvmToolchain(21) }
                tasks.named<BootJar>("bootJar") { layered { enabled = false } }
                dependencies { implementation("org.springframework.boot:spring-boot-starter-actuator") }
                """,
            "libs/core/build.gradle.kts": 'plugins { kotlin("jvm") }',
            **sources("services/shop/web", main=KOTLIN_MAIN),
            **library("libs/core"),
        },
        jar="services/shop/web/build/libs/*.jar",
        java=21,
    ),
    "convention plugins in buildSrc": Shape(
        {
            "settings.gradle": "include 'app', 'lib'",
            "buildSrc/build.gradle": "plugins { id 'groovy-gradle-plugin' }",
            "buildSrc/src/main/groovy/shop.java-conventions.gradle": f"plugins {{ id 'java' }}\n{JAVA_21}",
            "buildSrc/src/main/groovy/shop.service-conventions.gradle": f"""\
                plugins {{ id 'shop.java-conventions'; id 'org.springframework.boot' }}
                {ACTUATOR}
                """,
            "app/build.gradle": "plugins { id 'shop.service-conventions' }",
            "lib/build.gradle": "plugins { id 'shop.java-conventions' }",
            **sources("app"),
            **library("lib"),
        },
        jar="app/build/libs/*.jar",
        java=21,
    ),
    "a plugin class in an included build-logic, catalog aliases": Shape(
        {
            "settings.gradle.kts": """\
                pluginManagement { includeBuild("build-logic") }
                rootProject.name = "shop"
                include(":app")
                """,
            "gradle/libs.versions.toml": CATALOG + 'shop-service = { id = "shop.service" }\n',
            "build-logic/settings.gradle.kts": 'rootProject.name = "build-logic"',
            "build-logic/convention/build.gradle.kts": """\
                gradlePlugin { plugins { register("service") {
                    id = "shop.service"
                    implementationClass = "shop.ServicePlugin"
                } } }
                """,
            "build-logic/convention/src/main/kotlin/shop/ServicePlugin.kt": """\
                class ServicePlugin : Plugin<Project> {
                    override fun apply(target: Project) = with(target) {
                        pluginManager.apply(libs.findPlugin("spring-boot").get().get().pluginId)
                        extensions.configure<JavaPluginExtension> {
                            toolchain.languageVersion.set(JavaLanguageVersion.of(libs.findVersion("java").get().requiredVersion))
                        }
                    }
                }
                """,
            "app/build.gradle.kts": "plugins { alias(libs.plugins.shop.service) }\n"
            "dependencies { implementation(libs.bundles.service) }",
            **sources("app"),
        },
        jar="app/build/libs/*.jar",
        java=21,
    ),
    "catalog aliases and a catalog's Java": Shape(
        {
            "settings.gradle.kts": 'rootProject.name = "shop"',
            "gradle/libs.versions.toml": CATALOG,
            "build.gradle.kts": """\
                plugins { java; alias(libs.plugins.spring.boot) }
                kotlin { jvmToolchain(libs.versions.java.get().toInt()) }
                dependencies { implementation(libs.actuator.starter) }
                """,
            **sources(),
        },
        jar="build/libs/*.jar",
        java=21,
    ),
    'JavaLanguageVersion.of("21") and archiveFileName': Shape(
        {
            "settings.gradle": "rootProject.name = 'shop'",
            "build.gradle": f"""\
                {BOOT}{ACTUATOR}
                java {{ toolchain {{ languageVersion = JavaLanguageVersion.of("21") }} }}
                bootJar {{ archiveFileName = 'app.jar' }}
                """,
            **sources(),
        },
        jar="build/libs/app.jar",
        java=21,
    ),
    "archiveFileName with the project's name and version, version in gradle.properties": Shape(
        {
            "settings.gradle.kts": 'rootProject.name = "shop"\ninclude("web")',
            "gradle.properties": "javaVersion=21\nversion=1.2.3\n",
            "web/build.gradle.kts": """\
                plugins { id("org.springframework.boot") version "3.5.16" }
                val javaVersion: String by project
                java.sourceCompatibility = JavaVersion.toVersion(javaVersion)
                tasks.bootJar { archiveFileName.set("${rootProject.name}-${project.name}-$version.jar") }
                dependencies { implementation("org.springframework.boot:spring-boot-starter-actuator") }
                """,
            **sources("web"),
        },
        jar="web/build/libs/shop-web-*.jar",
        java=21,
    ),
    "a classifier": Shape(
        {
            "settings.gradle": "include 'robot'",
            "robot/build.gradle": f"{BOOT}{ACTUATOR}sourceCompatibility = JavaVersion.VERSION_17\n"
            "tasks.named('bootJar') { archiveClassifier = 'exec' }\njar { archiveClassifier = '' }",
            **sources("robot"),
        },
        jar="robot/build/libs/*-exec.jar",
    ),
    "war, in a build folder of its own": Shape(
        {
            "build.gradle": f"{BOOT}{ACTUATOR}apply plugin: 'war'\nsourceCompatibility = '21'\n"
            "layout.buildDirectory = file('out')",
            **sources(
                main=MAIN.replace(
                    "ShopApplication {", "ShopApplication extends SpringBootServletInitializer {"
                )
            ),
        },
        jar="out/libs/*.war",
        java=21,
    ),
    "android beside backend": Shape(
        {
            "android/settings.gradle": "include ':app'",
            "android/app/build.gradle": "plugins { id 'com.android.application' version '8.7.0' }",
            "android/app/src/main/java/shop/Start.java": "public class Start extends Activity {}",
            "android/gradlew": "",
            "backend/settings.gradle": "rootProject.name = 'shop'",
            "backend/build.gradle": f"{BOOT}{ACTUATOR}{JAVA_21}",
            "backend/gradlew": "",
            "frontend/package.json": "{}",
            **sources("backend"),
        },
        jar="backend/build/libs/*.jar",
        java=21,
        command="sh ./gradlew build",
        folder="backend",
    ),
    "a build two folders deep, with the wrapper above it": Shape(
        {
            "gradlew": "",
            "services/shop/settings.gradle": "rootProject.name = 'shop'",
            "services/shop/build.gradle": f"{BOOT}{ACTUATOR}{JAVA_21}",
            **sources("services/shop"),
        },
        jar="services/shop/build/libs/*.jar",
        java=21,
        command="sh ../../gradlew build",
        folder="services/shop",
    ),
    "configure(subprojects - a library), path of a project in apps/": Shape(
        {
            "settings.gradle": """\
                include 'core', 'web'
                project(':web').projectDir = file('apps/web')
                """,
            "build.gradle": f"""\
                plugins {{ id 'org.springframework.boot' version '3.5.16' apply false }}
                allprojects {{ apply plugin: 'java'; ext {{ jdk = 21 }} }}
                configure(subprojects.findAll {{ it.name != 'core' }}) {{
                    apply plugin: 'org.springframework.boot'
                    {ACTUATOR}
                    java {{ toolchain {{ languageVersion = JavaLanguageVersion.of(jdk) }} }}
                }}
                """,
            "core/build.gradle": "",
            "apps/web/build.gradle": "dependencies { implementation project(':core') }",
            **sources("apps/web"),
            **library("core"),
        },
        jar="apps/web/build/libs/*.jar",
        java=21,
    ),
    "subprojects { if (name == …) }, blocks for one project, modules found by code": Shape(
        {
            "settings.gradle": "file('modules').eachDir { include \"modules:${it.name}\" }",
            "build.gradle": f"""\
                subprojects {{ project ->
                    apply plugin: 'java'
                    if (project.name == 'batch') {{ bootJar.enabled = false }}
                }}
                project(':modules:web') {{
                    apply plugin: 'org.springframework.boot'
                    {ACTUATOR}{JAVA_21}
                }}
                """,
            "modules/web/build.gradle": "",
            "modules/batch/build.gradle": "",
            **sources("modules/web"),
            **library("modules/batch"),
        },
        jar="modules/web/build/libs/*.jar",
        java=21,
    ),
    "a script that is applied, an old Java": Shape(
        {
            "settings.gradle": "rootProject.name = 'shop'",
            "gradle/spring.gradle": f"apply plugin: 'org.springframework.boot'\n{ACTUATOR}",
            "build.gradle": 'apply from: "$rootDir/gradle/spring.gradle"\n'
            "sourceCompatibility = 1.8 /* not 11 */\n// sourceCompatibility = 21",
            **sources(),
        },
        jar="build/libs/*.jar",
        java=8,
    ),
    "a plugin of the company that nobody can read": Shape(
        {
            "settings.gradle": "include 'api', 'core'",
            "api/build.gradle": f"plugins {{ id 'com.acme.service' version '4' }}\n{ACTUATOR}{JAVA_21}",
            "core/build.gradle": "plugins { id 'com.acme.library' version '4' }",
            **sources("api"),
            **library("core"),
        },
        jar="api/build/libs/*.jar",
        java=21,
        remarks=("do not apply the Spring Boot plugin",),
    ),
    "several services below one folder, of which one is an application": Shape(
        {
            "settings.gradle": "include ':apps:web', ':apps:client'",
            "apps/build.gradle": f"subprojects {{ apply plugin: 'org.springframework.boot'\n{ACTUATOR} }}",
            "apps/web/build.gradle": "compileJava { options.release = 21 }",
            "apps/client/build.gradle": "",
            **sources("apps/web"),
            **library("apps/client"),
        },
        jar="apps/web/build/libs/*.jar",
        java=21,
    ),
    "no Java in the build, but in .sdkmanrc": Shape(
        {"build.gradle": f"{BOOT}{ACTUATOR}", ".sdkmanrc": "java=21.0.5-tem\n", **sources()},
        jar="build/libs/*.jar",
        java=21,
    ),
    "no source file": Shape(
        {"build.gradle": f"{BOOT}{ACTUATOR}{JAVA_21}", **NAMED},
        jar="build/libs/*.jar",
        java=21,
        verify=None,
        remarks=("none has a main class", "0 source files of shop"),
    ),
    "no actuator": Shape(
        {"build.gradle": f"{BOOT}{JAVA_21}", **sources(), **NAMED},
        jar="build/libs/*.jar",
        java=21,
        remarks=("build files of shop do not name spring-boot-starter-actuator",),
    ),
}
MVN = "mvn --batch-mode verify"
MAVEN: dict[str, Shape] = {
    "maven.compiler.source": Shape(
        {
            "pom.xml": pom(
                "shop",
                parent=STARTER,
                properties="<maven.compiler.source>21</maven.compiler.source>",
                dependencies=MAVEN_ACTUATOR,
                build=BOOT_PLUGIN,
            ),
            "mvnw": "",
            **sources(),
        },
        jar="target/*.jar",
        java=21,
        command="sh ./mvnw --batch-mode verify",
    ),
    "the plugin and ${jdk} in the parent's build, of three levels": Shape(
        {
            "pom.xml": pom(
                "shop",
                parent=STARTER,
                packaging="pom",
                properties="<jdk>21</jdk>",
                build=f"<plugins>{plugin('spring-boot-maven-plugin')}"
                f"{plugin('maven-compiler-plugin', '<source>${jdk}</source>')}</plugins>",
                rest=modules("libs", "services"),
            ),
            "libs/pom.xml": pom("libs", parent=parent("shop"), packaging="pom", rest=modules("core")),
            "libs/core/pom.xml": pom("core", parent=parent("libs")),
            "services/pom.xml": pom("services", parent=parent("shop"), packaging="pom", rest=modules("web")),
            "services/web/pom.xml": pom(
                "web", parent=parent("services"), dependencies=dependency("core") + MAVEN_ACTUATOR
            ),
            **sources("services/web"),
            **library("libs/core"),
        },
        jar="services/web/target/*.jar",
        java=21,
        command=MVN,
    ),
    "finalName, and the Java of the compiler plugin": Shape(
        {
            "pom.xml": pom(
                "shop",
                parent=STARTER,
                dependencies=MAVEN_ACTUATOR,
                build=f"<finalName>app</finalName><plugins>{plugin('spring-boot-maven-plugin')}"
                f"{plugin('maven-compiler-plugin', '<release>21</release>')}</plugins>",
            ),
            **sources(),
        },
        jar="target/app.jar",
        java=21,
        command=MVN,
    ),
    "finalName with properties, and a classifier": Shape(
        {
            "pom.xml": pom(
                "shop",
                parent=STARTER,
                dependencies=MAVEN_ACTUATOR,
                build="<finalName>${project.artifactId}-${project.version}</finalName>"
                f"<plugins>{plugin('spring-boot-maven-plugin', '<classifier>exec</classifier>')}</plugins>",
            ),
            **sources(),
        },
        jar="target/shop-*-exec.jar",
        command=MVN,
    ),
    "war": Shape(
        {
            "pom.xml": pom(
                "shop",
                parent=STARTER,
                packaging="war",
                properties="<java.version>1.8</java.version>",
                dependencies=MAVEN_ACTUATOR,
                build=BOOT_PLUGIN,
            ),
            **sources(),
        },
        jar="target/*.war",
        java=8,
        command=MVN,
    ),
    "the plugin in a profile": Shape(
        {
            "pom.xml": pom(
                "shop",
                parent=STARTER,
                dependencies=MAVEN_ACTUATOR,
                rest=f"<profiles><profile><id>server</id><build>{BOOT_PLUGIN}</build></profile></profiles>",
            ),
            **sources(),
        },
        jar="target/*.jar",
        command="mvn --batch-mode -Pserver verify",
    ),
    "pluginManagement, a library that skips, a parent beside the modules": Shape(
        {
            "pom.xml": pom("all", packaging="pom", rest=modules("parent", "core", "web")),
            "parent/pom.xml": pom(
                "shop-parent",
                packaging="pom",
                properties="<maven.compiler.release>21</maven.compiler.release>",
                dependencies=MAVEN_ACTUATOR,
                build="<pluginManagement><plugins>"
                + plugin(
                    "spring-boot-maven-plugin",
                    rest="<executions><execution><goals><goal>repackage</goal></goals></execution></executions>",
                )
                + "</plugins></pluginManagement>",
            ),
            "core/pom.xml": pom(
                "core",
                parent=parent("shop-parent", "../parent"),
                build=f"<plugins>{plugin('spring-boot-maven-plugin', '<skip>true</skip>')}</plugins>",
            ),
            "web/pom.xml": pom("web", parent=parent("shop-parent", "../parent"), build=BOOT_PLUGIN),
            **sources("web"),
            **library("core"),
        },
        jar="web/target/*.jar",
        java=21,
        command=MVN,
    ),
    "a build two folders deep beside android": Shape(
        {
            "android/settings.gradle": "include ':app'",
            "android/app/build.gradle": "plugins { id 'com.android.application' }",
            "server/shop/pom.xml": pom(
                "shop", parent=STARTER, dependencies=MAVEN_ACTUATOR, build=BOOT_PLUGIN
            ),
            **sources("server/shop"),
        },
        jar="server/shop/target/*.jar",
        command=MVN,
        folder="server/shop",
    ),
    "a BOM instead of a parent, and no repackage goal": Shape(
        {
            "pom.xml": pom(
                "shop",
                properties="<java.version>21</java.version>",
                dependencies=MAVEN_ACTUATOR,
                build=BOOT_PLUGIN,
            ),
            **sources(),
        },
        jar="target/*.jar",
        java=21,
        command=MVN,
        remarks=("repackage",),
    ),
}


def with_application(settings: str, slot: str = SLOT, name: str = "application.yml") -> dict[str, str]:
    """A simple build whose application has this configuration."""
    return {
        "build.gradle": f"{BOOT}{ACTUATOR}{JAVA_21}",
        **NAMED,
        f"src/main/resources/{name}": settings,
        **sources(slot=slot),
    }


def answering(settings: str, slot: str = SLOT, name: str = "application.yml", **expected: Any) -> Shape:
    """What `init` must make of a configuration."""
    return Shape(with_application(settings, slot, name), jar="build/libs/*.jar", java=21, **expected)


CONFIGURATION: dict[str, Shape] = {
    "split paths and a context path": answering(
        "server: {servlet: {context-path: /shop}}",
        slot="""\
            @RestController
            @RequestMapping(value = { Paths.API + "/slot" }, produces = "text/plain")
            public class SlotController {
                @PostMapping("/profile") void set() {}
                @GetMapping(path = "/profile") String get() { return environment.getActiveProfiles()[0]; }
                @GetMapping("/{id}") String one() { return ""; }
            }
            class Paths { static final String API = "/api"; }
            """,
        verify="/shop/api/slot/profile",
        health="/shop/actuator/health",
    ),
    "the path of the servlet, the base path and a mapped health": answering(
        "server.servlet.contextPath=/shop\nspring.mvc.servlet.path=/v1\n"
        "management.endpoints.web.base-path=/manage\nmanagement.endpoints.web.path-mapping.health=alive\n",
        name="application.properties",
        verify="/shop/v1/api/v1/profiles",
        health="/shop/v1/manage/alive",
    ),
    "a management port of each slot": answering(
        """\
        server: {servlet: {context-path: /shop}}
        management: {endpoints: {web: {base-path: /}}}
        ---
        spring: {config: {activate: {on-profile: prod1}}}
        management: {server: {port: 9081}}
        ---
        spring: {config: {activate: {on-profile: "prod2 | prod3"}}}
        management: {server: {port: 9082}}
        """,
        verify="/shop/api/v1/profiles",
        health="/health",
        ports={"prod1": 9081, "prod2": 9082},
    ),
    "two profiles for the slots, each with its ports": answering(
        "spring.config.activate.on-profile=real1\nserver.port=9001\nmanagement.server.port=9101\n"
        "#---\nspring.config.activate.on-profile=real2\nserver.port=9002\nmanagement.server.port=9102\n"
        "#---\nspring.config.activate.on-profile=local\nserver.port=8080\n",
        name="application.properties",
        slots={"real1": 9001, "real2": 9002},
        ports={"real1": 9101, "real2": 9102},
    ),
    "one management port for both slots": answering(
        "management: {server: {port: 9090, base-path: /ops}}",
        health="/ops/actuator/health",
        ports={"prod1": 9090, "prod2": 9091},
        remarks=("9090 for both slots",),
    ),
    "one management port that is a slot's own": answering(
        "management: {server: {port: '${MANAGEMENT_PORT:8081}'}}",
        ports={"prod1": 9081, "prod2": 9082},
        remarks=("8081 for both slots",),
    ),
    "a management port that only the machine knows": answering(
        "management: {server: {port: '${MANAGEMENT_PORT}'}}", remarks=("health.path", "health.ports")
    ),
    "settings of a group's profile, and a file that Maven fills in": answering(
        "app:\n  version: @project.version@\nspring: {profiles: {group: {prod1: prod, prod2: prod}}}\n"
        "---\nspring: {config: {activate: {on-profile: prod}}}\nserver: {servlet: {context-path: /p}}",
        verify="/p/api/v1/profiles",
        health="/p/actuator/health",
    ),
    "health that is not exposed": answering(
        "management: {endpoints: {web: {exposure: {include: [prometheus, info]}}}}",
        remarks=("exposure.include",),
    ),
    "context paths that differ": answering(
        "---\nspring: {config: {activate: {on-profile: prod2}}}\nserver: {servlet: {context-path: /two}}",
        remarks=("/two in prod2", "/two/actuator/health in prod2"),
    ),
    "a page of a user, in an application that reads the profiles elsewhere": Shape(
        {
            **with_application(
                "", slot='class Me { @GetMapping("/user/profile") User get() { return user; } }'
            ),
            "src/main/java/shop/Startup.java": "class Startup { void log() { env.getActiveProfiles(); } }",
        },
        jar="build/libs/*.jar",
        java=21,
        verify=None,
        remarks=("/user/profile may answer",),
    ),
    "a handler that only reads the profiles": answering(
        "",
        slot="""\
            @RestController class Orders {
                @GetMapping("/orders") List<Order> all() {
                    return List.of(env.getActiveProfiles()).contains("dev") ? samples() : orders();
                }
            }
            """,
        verify=None,
        remarks=("/orders may answer",),
    ),
    "the page of a user is not that of a slot": answering(
        "",
        slot='@RestController class Users { @GetMapping("/users/profile") User get() { return user; } }',
        verify=None,
        remarks=("2 source files of shop",),
    ),
    "the port as the answer": answering(
        "",
        slot="""\
            @RestController class Where {
                @Value("${server.port}") int port;
                @GetMapping("/port") String port() { return env.getProperty("server.port"); }
            }
            """,
        verify="/port",
    ),
    "a functional route, in a file that reads the profiles": answering(
        "spring: {webflux: {base-path: /shop}}",
        slot="""\
            class Slot { String name() { return environment.getActiveProfiles()[0]; } }
            @Bean RouterFunction routes() { return route().GET("/where/profile", this::answer).build(); }
            """,
        verify="/shop/where/profile",
        health="/shop/actuator/health",
    ),
    "a path that is a constant of a library": answering(
        "",
        slot="""\
            @RequestMapping(AcmePaths.INTERNAL)
            class Slot { @GetMapping("/profile") String get() { return environment.getActiveProfiles()[0]; } }
            """,
        verify=None,
        remarks=("not plain text",),
    ),
    "a prefix that the sources add": answering(
        "",
        slot=SLOT + 'class Web { void c(PathMatchConfigurer c) { c.addPathPrefix("/api", every()); } }',
        verify="/api/api/v1/profiles",
        remarks=("add /api to paths",),
    ),
}


def default_only(question: Question) -> str | None:
    return question.default


def written(root: Path, capsys: pytest.CaptureFixture[str], wanted: Wanted) -> tuple[config.Config, str]:
    """The config.yml that `init` writes in a repository, and its output."""
    init.run(root, wanted, Console(), default_only)
    return config.load(root / "config.yml"), capsys.readouterr().out


def build_job(root: Path) -> dict[str, Any]:
    workflow = yaml.safe_load((root / ".github/workflows/deploy.yml").read_text())
    steps: list[dict[str, Any]] = workflow["jobs"]["build"]["steps"]
    return {step.get("name") or step["uses"].split("@")[0]: step for step in steps}


@pytest.mark.parametrize(
    "shape", [pytest.param(shape, id=name) for name, shape in {**GRADLE, **MAVEN, **CONFIGURATION}.items()]
)
def test_the_application_of_a_build_is_found(
    shape: Shape, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree(tmp_path, shape.files)
    loaded, out = written(tmp_path, capsys, Wanted(address="shop.example"))
    settings = loaded.host(None)
    assert (settings.jar, settings.java.version) == (shape.jar, shape.java), out
    assert settings.switch.verify == shape.verify, out
    assert (settings.health.path, dict(settings.health.ports)) == (shape.health, dict(shape.ports)), out
    assert dict(settings.slots) == dict(shape.slots), out
    steps = build_job(tmp_path)
    assert steps["Build and test"]["run"] == shape.command
    assert steps["Build and test"].get("working-directory") == shape.folder
    assert steps["actions/setup-java"]["with"]["java-version"] == str(shape.java)
    assert steps["Find the jar"]["env"]["JAR"] == shape.jar
    remarked = [line for line in out.splitlines() if line.startswith("! ")]
    assert len(remarked) == len(shape.remarks), remarked
    for words in shape.remarks:
        assert any(words in line for line in remarked), (words, remarked)
