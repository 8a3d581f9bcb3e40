"""The local jar: finding it, and inspecting it."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from bluegreen import jar
from bluegreen.errors import WrongUsage

MANIFEST = "Manifest-Version: 1.0\r\nMain-Class: org.springframework.boot.loader.launch.JarLauncher\r\n"


def class_file(java: int) -> bytes:
    """The first bytes of a class file that needs this version of Java (JVMS 4.1)."""
    return b"\xca\xfe\xba\xbe\x00\x00" + (java + 44).to_bytes(2, "big") + b"\x00" * 8


def packed(path: Path, manifest: str | None, files: dict[str, bytes | str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        if manifest is not None:
            archive.writestr("META-INF/MANIFEST.MF", manifest)
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def refusal(path: Path) -> WrongUsage:
    with pytest.raises(WrongUsage) as raised:
        jar.inspect(path)
    assert raised.value.exit_code == 2
    return raised.value


def not_found(pattern: str, base: Path) -> WrongUsage:
    with pytest.raises(WrongUsage) as raised:
        jar.find(pattern, base)
    assert raised.value.exit_code == 2
    return raised.value


# Finding it


def test_the_only_match_is_found_and_the_plain_jar_skipped(tmp_path: Path) -> None:
    wanted = packed(tmp_path / "build/libs/app-1.0.jar", MANIFEST, {})
    packed(tmp_path / "build/libs/app-1.0-plain.jar", MANIFEST, {})

    assert jar.find("build/libs/*.jar", tmp_path) == wanted


def test_a_path_that_exists_is_not_a_pattern(tmp_path: Path) -> None:
    wanted = packed(tmp_path / "app[1].jar", MANIFEST, {})

    assert jar.find("app[1].jar", tmp_path) == wanted
    assert jar.find(str(wanted), Path("/")) == wanted


def test_an_absolute_pattern_and_a_folder_with_brackets_are_searched(tmp_path: Path) -> None:
    wanted = packed(tmp_path / "a[b]/target/app.jar", MANIFEST, {})

    assert jar.find("target/*.jar", tmp_path / "a[b]") == wanted
    assert jar.find(f"{tmp_path}/*/target/*.jar", Path("/")) == wanted
    assert jar.find("**/*.jar", tmp_path) == wanted


def test_no_match_is_an_error_with_pattern_folder_and_build_command(tmp_path: Path) -> None:
    error = not_found("build/libs/*.jar", tmp_path)

    assert error.message == f"no file matches the jar 'build/libs/*.jar' in {tmp_path}"
    assert f"{tmp_path}/build/libs" in error.why[0]
    assert "./gradlew bootJar" in str(error.remedy)


def test_a_plain_jar_is_not_a_match_and_is_named(tmp_path: Path) -> None:
    packed(tmp_path / "build/libs/app-plain.jar", MANIFEST, {})

    error = not_found("build/libs/*.jar", tmp_path)

    assert len(error.why) == 1
    assert "app-plain.jar" in error.why[0]


def test_several_matches_are_listed_with_how_to_choose_one(tmp_path: Path) -> None:
    packed(tmp_path / "build/libs/app-1.0.jar", MANIFEST, {})
    packed(tmp_path / "build/libs/app-1.1.jar", MANIFEST, {})

    error = not_found("build/libs/*.jar", tmp_path)

    assert error.message == f"2 files match the jar 'build/libs/*.jar' in {tmp_path}"
    assert error.why == ("build/libs/app-1.0.jar", "build/libs/app-1.1.jar")
    assert f"--jar {tmp_path}/build/libs/app-1.1.jar" in str(error.remedy)


# Its facts


def test_an_executable_jar_is_read_whole(tmp_path: Path) -> None:
    path = packed(
        tmp_path / "app.jar",
        MANIFEST
        + "Implementation-Version: 1.2.3\r\nSpring-Boot-Version: 3.5.16\r\n"
        + "\r\nName: section\r\nMain-Class: not.This\r\n",
        {
            "BOOT-INF/classes/example/App.class": class_file(17),
            "org/springframework/boot/loader/launch/JarLauncher.class": class_file(8),
            "BOOT-INF/classes/application.yml": b"server.shutdown: graceful\nmanagement.server.port: 9000",
        },
    )

    found = jar.inspect(path)

    assert found == jar.Jar(
        path=path,
        size_bytes=path.stat().st_size,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        version="1.2.3",
        main_class="org.springframework.boot.loader.launch.JarLauncher",
        java_release=17,
        spring_boot=(3, 5, 16),
        management_port=9000,
        health_path=None,
        graceful=True,
        warnings=(),
    )


def test_manifest_values_continue_on_the_next_line_even_within_a_character(tmp_path: Path) -> None:
    name = "가" * 30
    cut = len(b"Implementation-Version: ") + 10
    line = f"Implementation-Version: {name}".encode()
    path = tmp_path / "app.jar"
    with zipfile.ZipFile(path, "w") as archive:
        manifest = b"main-class: example.Main\n" + line[:cut] + b"\n " + line[cut:] + b"\n"
        archive.writestr("META-INF/MANIFEST.MF", manifest)

    found = jar.inspect(path)

    assert (found.version, found.main_class) == (name, "example.Main")


def test_its_java_is_the_highest_of_the_classes_that_every_java_loads(tmp_path: Path) -> None:
    path = packed(
        tmp_path / "app.jar",
        MANIFEST,
        {
            "BOOT-INF/classes/A.class": class_file(17),
            "BOOT-INF/classes/B.class": class_file(21),
            "META-INF/versions/25/C.class": class_file(25),
            "BOOT-INF/classes/module-info.class": class_file(24),
            "BOOT-INF/lib/other.jar": b"not looked into",
        },
    )

    assert jar.inspect(path).java_release == 21


def test_a_jar_without_classes_needs_no_particular_java(tmp_path: Path) -> None:
    assert jar.inspect(packed(tmp_path / "app.jar", MANIFEST, {})).java_release is None


def test_a_jar_that_begins_with_a_shell_script_is_a_jar(tmp_path: Path) -> None:
    path = packed(tmp_path / "app.jar", MANIFEST, {})
    path.write_bytes(b"#!/bin/bash\nexec java -jar $0\n" + path.read_bytes())

    assert jar.inspect(path).main_class.endswith("JarLauncher")


# What is not a jar


def test_a_jar_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    error = refusal(tmp_path / "app.jar")

    assert error.message == f"{tmp_path}/app.jar: does not exist"
    assert "./gradlew bootJar" in str(error.remedy)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path).message == f"{tmp_path}: is a folder, not a jar"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"\n<!DOCTYPE html><html>404</html>", ["HTML", "32 bytes"]),
        (b"version https://git-lfs.github.com/spec/v1\n", ["git lfs pull", "43 bytes"]),
        (b"\x1f\x8b\x08rest", ["gzip", "7 bytes"]),
        (b"hello", ["not a zip archive", "5 bytes", "b'hello'"]),
    ],
    ids=["an HTML page", "a pointer of Git LFS", "a gzip file", "a text"],
)
def test_what_is_not_a_zip_is_refused_and_named(content: bytes, why: list[str], tmp_path: Path) -> None:
    path = tmp_path / "app.jar"
    path.write_bytes(content)

    error = refusal(path)

    assert error.message == f"{path}: is not a jar"
    assert [part for part in why if part not in error.why[0]] == []


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "app.jar"
    path.touch()

    assert refusal(path).message == f"{path}: is empty (0 bytes)"


def test_a_jar_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    path = packed(tmp_path / "app.jar", MANIFEST, {"a": "x" * 1000})
    path.write_bytes(path.read_bytes()[:-40])

    assert "cut off" in refusal(path).why[0]


def test_a_zip_without_manifest_is_refused_and_a_jar_in_it_named(tmp_path: Path) -> None:
    path = packed(tmp_path / "artifact.jar", None, {"libs/app.jar": b"jar"})

    assert "META-INF/MANIFEST.MF" in refusal(path).why[0]
    assert "libs/app.jar" in refusal(path).why[0]


def test_a_plain_jar_is_refused_with_the_right_one(tmp_path: Path) -> None:
    error = refusal(
        packed(tmp_path / "app-plain.jar", "Manifest-Version: 1.0\n", {"A.class": class_file(17)})
    )

    assert error.message == f"{tmp_path}/app-plain.jar: has no Main-Class in its manifest"
    assert "plain jar" in error.why[0]
    assert "bootJar" in str(error.remedy)


def test_a_damaged_jar_is_refused(tmp_path: Path) -> None:
    path = packed(tmp_path / "app.jar", MANIFEST, {})
    content = bytearray(path.read_bytes())
    content[45:55] = b"\xff" * 10
    path.write_bytes(bytes(content))

    assert refusal(path).message == f"{path}: is a damaged jar"


@pytest.mark.parametrize("name", ["META-INF/MANIFEST.MF", "BOOT-INF/classes/application.yml"])
def test_a_jar_whose_packed_bytes_are_damaged_is_refused(name: str, tmp_path: Path) -> None:
    path = packed(
        tmp_path / "app.jar", MANIFEST, {"BOOT-INF/classes/application.yml": "server: {port: 8080}\n"}
    )
    with zipfile.ZipFile(path) as archive:
        entry = archive.getinfo(name)
    content = bytearray(path.read_bytes())
    # After the local header and the name: only the compressed bytes, the rest of the zip stays valid.
    begin = entry.header_offset + 30 + len(name)
    content[begin : begin + entry.compress_size] = b"\xff" * entry.compress_size
    path.write_bytes(bytes(content))

    assert refusal(path).message == f"{path}: is a damaged jar"


def test_a_jar_whose_directory_is_damaged_is_refused(tmp_path: Path) -> None:
    path = packed(tmp_path / "app.jar", MANIFEST, {})
    content = bytearray(path.read_bytes())
    # The offset of the directory in the end record, whose last six bytes are offset and comment length.
    content[-6:-2] = b"\xff\xff\x00\x00"
    path.write_bytes(bytes(content))

    assert refusal(path).message == f"{path}: is a damaged jar"


# Profiles named the old way


def warnings(tmp_path: Path, name: str, text: str) -> tuple[str, ...]:
    return jar.inspect(packed(tmp_path / "app.jar", MANIFEST, {name: text})).warnings


def warning(name: str, document: int, line: int, profiles: str) -> str:
    return (
        f"{name}, document {document} (line {line}): Spring Boot 3 does not start with "
        f"`spring.profiles: {profiles}`; write `spring.config.activate.on-profile: {profiles}`"
    )


YML = "BOOT-INF/classes/application-prod.yml"
PROPERTIES = "BOOT-INF/classes/application.properties"


@pytest.mark.parametrize(
    ("text", "document", "line", "profiles"),
    [
        ("a: 1\n---\nspring:\n  profiles: prod1\n", 2, 4, "prod1"),
        ("spring.profiles: prod1\n", 1, 1, "prod1"),
        ("spring: {profiles: [prod1, prod2]}\n", 1, 1, "prod1, prod2"),
        ("spring:\n  profiles:\n    - prod1\n", 1, 3, "prod1"),
        ("spring.profiles[0]: prod1\n", 1, 1, "prod1"),
    ],
    ids=["of a second document", "in one word", "as a list", "as items", "with an index"],
)
def test_spring_profiles_in_yaml_gives_a_warning(
    text: str, document: int, line: int, profiles: str, tmp_path: Path
) -> None:
    assert warnings(tmp_path, YML, text) == (warning(YML, document, line, profiles),)


def test_every_document_with_spring_profiles_is_named(tmp_path: Path) -> None:
    text = "spring: {profiles: prod1}\n---\nspring: {profiles: prod2}\n"

    assert warnings(tmp_path, YML, text) == (warning(YML, 1, 1, "prod1"), warning(YML, 2, 3, "prod2"))


@pytest.mark.parametrize(
    "text",
    [
        "spring: {profiles: {active: prod}}\n",
        "spring:\n  profiles:\n    include: common\n    group: {prod: [a]}\n    default: dev\n",
        "spring.profiles.active: prod\n",
        "spring.config.activate.on-profile: prod1\n",
        "spring: {config: {activate: {on-profile: prod1}}}\n",
        "management: {spring: {profiles: x}}\n",
        "",
    ],
)
def test_other_profile_keys_in_yaml_give_no_warning(text: str, tmp_path: Path) -> None:
    assert warnings(tmp_path, YML, text) == ()


def test_spring_profiles_in_properties_gives_a_warning_per_document(tmp_path: Path) -> None:
    text = "a=1\n#---\nspring.profiles=prod1\n!---\n  spring.profiles : prod2\n"

    assert warnings(tmp_path, PROPERTIES, text) == (
        warning(PROPERTIES, 2, 3, "prod1"),
        warning(PROPERTIES, 3, 5, "prod2"),
    )


@pytest.mark.parametrize(
    "text",
    [
        "spring.profiles.active=prod\n",
        "# spring.profiles=prod\n",
        "a=b \\\nspring.profiles=prod\n",
        "spring.config.activate.on-profile=prod\n",
    ],
)
def test_other_lines_of_properties_give_no_warning(text: str, tmp_path: Path) -> None:
    assert warnings(tmp_path, PROPERTIES, text) == ()


def test_files_that_are_not_spring_configuration_are_skipped(tmp_path: Path) -> None:
    assert warnings(tmp_path, "BOOT-INF/classes/static/application.yml", "spring: {profiles: x}\n") == ()


def test_invalid_yaml_is_reported_as_not_searched(tmp_path: Path) -> None:
    [warning] = warnings(tmp_path, YML, "a: b: c\n")
    assert warning.startswith(f"{YML} (line 1): is not YAML")


@pytest.mark.parametrize(
    ("files", "port", "graceful"),
    [
        (
            {"application.yml": "spring.config.activate.on-profile: prod1\nmanagement.server.port: 9081"},
            None,
            None,
        ),
        ({"application-prod1.yml": "management.server.port: 9081"}, None, None),
        (
            {"application-prod2.properties": "management.server.port=9082\nserver.shutdown=immediate"},
            None,
            None,
        ),
        ({"application-prod.yml": "server.shutdown: graceful", "application.yml": "a: 1"}, None, True),
        (
            {
                "application.yml": "server.shutdown: graceful",
                "application-dev.yml": "server.shutdown: immediate",
            },
            None,
            True,
        ),
        (
            {
                "application.yml": "server.shutdown: immediate",
                "config/application.yml": "management.server.port: 9",
            },
            9,
            False,
        ),
    ],
)
def test_a_setting_of_one_profile_is_not_that_of_both_slots(
    files: dict[str, str], port: int | None, graceful: bool | None, tmp_path: Path
) -> None:
    inside: dict[str, str | bytes] = {f"BOOT-INF/classes/{name}": text for name, text in files.items()}
    found = jar.inspect(packed(tmp_path / "app.jar", MANIFEST, inside))
    assert (found.management_port, found.graceful, found.spring_boot) == (port, graceful, ())


def test_a_war_is_read_like_a_jar(tmp_path: Path) -> None:
    war = packed(
        tmp_path / "build/libs/shop.war",
        MANIFEST.replace("JarLauncher", "WarLauncher"),
        {
            "WEB-INF/classes/shop/Shop.class": class_file(21),
            "WEB-INF/classes/application.yml": "management: {server: {port: 9090}}",
        },
    )
    packed(tmp_path / "build/libs/shop-plain.war", MANIFEST, {})
    found = jar.inspect(jar.find("build/libs/*.war", tmp_path))
    assert (found.path, found.java_release, found.management_port) == (war, 21, 9090)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("server.port: 8080", None),
        ("server: {servlet: {context-path: /shop}}", "/shop/actuator/health"),
        ("server.servlet.contextPath: /shop/", "/shop/actuator/health"),
        ("spring.webflux.base-path: /shop", "/shop/actuator/health"),
        ("management.endpoints.web.base-path: /manage", "/manage/health"),
        ("management.endpoints.web.base-path: /", "/health"),
        ("management.endpoints.web.path-mapping.health: healthcheck", "/actuator/healthcheck"),
        (
            "server.servlet.context-path: /shop\nmanagement.endpoints.web: {base-path: /m}",
            "/shop/m/health",
        ),
        ("server.servlet.context-path: /shop\nmanagement.server.port: 9000", None),
        ("management.server: {port: 9000, base-path: /m}", "/m/actuator/health"),
        ("server.servlet.context-path: ${PATH_OF_SHOP}", None),
        ("spring.config.activate.on-profile: dev\nserver.servlet.context-path: /dev", None),
    ],
)
def test_the_path_of_health_follows_the_settings_that_move_it(
    tmp_path: Path, text: str, path: str | None
) -> None:
    inside: dict[str, str | bytes] = {"BOOT-INF/classes/application.yml": text}
    assert jar.inspect(packed(tmp_path / "app.jar", MANIFEST, inside)).health_path == path
