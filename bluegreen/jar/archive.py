"""Inspect the local jar before it is uploaded: its manifest, its classes, its Spring configuration."""

from __future__ import annotations

import hashlib
import re
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path

from bluegreen.errors import WrongUsage
from bluegreen.jar import spring_config
from bluegreen.jar.profiles import Profiles, profiles

# What zipfile raises for damaged bytes: in a deflated entry, an offset, a name.
_DAMAGED = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    OSError,
    UnicodeDecodeError,
    EOFError,
    NotImplementedError,
    RuntimeError,
)

BUILD = "build it: ./gradlew bootJar (build/libs/*.jar), or ./mvnw package (target/*.jar)"


@dataclass(frozen=True)
class Jar:
    """An executable jar.

    Args:
        path: as it was found.
        size_bytes: of the file.
        sha256: of the file, in hexadecimal.
        version: Implementation-Version of the manifest, None if it has none.
        main_class: Main-Class of the manifest. In a Spring Boot jar it is the JarLauncher.
        java_release: the version of Java that its own classes need, such as 17; None if it has no classes.
        spring_boot: the version of Spring Boot, such as (3, 5, 0); empty if it is not a Spring Boot jar.
        management_port: the management.server.port that it sets for every profile.
        health_path: where it puts the health endpoint for every profile, None if it does not move it.
        graceful: whether server.shutdown is graceful; None if it is not set for every profile.
        profiles: the Spring profiles that it has settings for.
        warnings: problems that it will have at its start, although it is an executable jar.
    """

    path: Path
    size_bytes: int
    sha256: str
    version: str | None
    main_class: str
    java_release: int | None
    spring_boot: tuple[int, ...]
    management_port: int | None
    health_path: str | None
    graceful: bool | None
    warnings: tuple[str, ...]
    profiles: Profiles = field(default_factory=Profiles)


def inspect(path: Path) -> Jar:
    """The facts about a jar.

    Args:
        path: of the file.

    Raises:
        WrongUsage: there is no such file, or it is not a jar that `java -jar` can start.
    """
    _require_file(path)
    if not zipfile.is_zipfile(path):
        raise WrongUsage(f"{path}: is not a jar", why=[_actual_format(path)], remedy=BUILD)
    try:
        with zipfile.ZipFile(path) as archive:
            manifest = _manifest(path, archive)
            found = spring_config.read(archive)
            return Jar(
                path=path,
                size_bytes=path.stat().st_size,
                sha256=_sha256(path),
                version=manifest.get("implementation-version"),
                main_class=_main_class(path, manifest),
                java_release=_java_release(archive),
                spring_boot=_spring_boot(manifest),
                management_port=spring_config.management_port(found),
                health_path=spring_config.health_path(found),
                graceful=spring_config.graceful(found),
                warnings=tuple(spring_config.old_profiles(found)),
                profiles=profiles(found),
            )
    except _DAMAGED as error:
        raise WrongUsage(f"{path}: is a damaged jar", why=[str(error)], remedy=BUILD) from None


def _require_file(path: Path) -> None:
    try:
        if path.is_dir():
            raise WrongUsage(f"{path}: is a folder, not a jar", remedy=f"--jar '{path}/*.jar'")
        with path.open("rb") as file:
            is_empty = not file.read(1)
    except (FileNotFoundError, NotADirectoryError):
        raise WrongUsage(f"{path}: does not exist", remedy=BUILD) from None
    except OSError as error:
        raise WrongUsage(f"{path}: cannot be read", why=[str(error.strerror)]) from None
    if is_empty:
        raise WrongUsage(f"{path}: is empty (0 bytes)", remedy=BUILD)


def _actual_format(path: Path) -> str:
    """What a file is that is not a jar, judged by its first bytes."""
    with path.open("rb") as file:
        begin = file.read(512)
    size = f"{path.stat().st_size} bytes"
    if begin.startswith(b"PK\x03\x04"):
        return f"its end is missing ({size}): a build, copy or download was cut off"
    if begin.lstrip().lower().startswith((b"<!doctype html", b"<html")):
        return f"it is an HTML page ({size}): the download got a login page or an error page"
    if begin.startswith(b"version https://git-lfs"):
        return f"it is a pointer of Git LFS ({size}): `git lfs pull` fetches the jar"
    if begin.startswith(b"\x1f\x8b"):
        return f"it is compressed with gzip ({size}): decompress it first"
    return f"it is not a zip archive ({size}, begins with {begin[:16]!r})"


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _manifest(path: Path, archive: zipfile.ZipFile) -> dict[str, str]:
    """The main attributes of a jar's manifest by name, in lower case because names ignore case.

    A line has at most 72 bytes. A longer value continues on the next line after one space, even within a
    character (JAR File Specification, "Notes on Manifest and Signature Files").

    Raises:
        WrongUsage: the archive has no manifest, so it is not a jar.
    """
    try:
        content = archive.read("META-INF/MANIFEST.MF")
    except KeyError:
        inner = next((name for name in archive.namelist() if name.endswith(".jar")), None)
        why = "it is a zip archive without META-INF/MANIFEST.MF"
        if inner and not inner.startswith("BOOT-INF/"):
            why += f"; it contains {inner}: unzip that first"
        raise WrongUsage(f"{path}: is not a jar", why=[why], remedy=BUILD) from None
    lines = re.sub(rb"\r\n|\r", b"\n", content)
    main_section = lines.split(b"\n\n")[0].replace(b"\n ", b"").decode("utf-8", "replace")
    pairs = (line.partition(":") for line in main_section.splitlines() if ":" in line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _main_class(path: Path, manifest: dict[str, str]) -> str:
    if main_class := manifest.get("main-class"):
        return main_class
    raise WrongUsage(
        f"{path}: has no Main-Class in its manifest",
        why=["it is a plain jar: it contains only classes, and `java -jar` cannot start it"],
        remedy="use the jar of bootJar (no -plain in its name), or of Maven's spring-boot:repackage",
    )


def _java_release(archive: zipfile.ZipFile) -> int | None:
    """The highest version of Java that a class of the jar needs. Java 17 is major version 61 (JVMS 4.1)."""
    majors = [
        int.from_bytes(header[6:8], "big")
        for name in archive.namelist()
        if name.endswith(".class") and _is_always_loaded(name)
        if (header := _first_bytes(archive, name)).startswith(b"\xca\xfe\xba\xbe")
    ]
    return max(majors) - 44 if majors else None


def _is_always_loaded(name: str) -> bool:
    """Whether every Java loads the class: only newer ones read META-INF/versions and module-info."""
    return not name.startswith("META-INF/") and not name.endswith("module-info.class")


def _first_bytes(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as file:
        return file.read(8)


def _spring_boot(manifest: dict[str, str]) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", manifest.get("spring-boot-version", ""))[:3])
