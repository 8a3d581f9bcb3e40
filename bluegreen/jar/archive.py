"""The local jar: which one is meant, and what it is, before anything is uploaded."""

from __future__ import annotations

import glob
import hashlib
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bluegreen.errors import WrongUsage
from bluegreen.jar import settings as jar_settings

# All that zipfile lets through over bytes that no zip holds: of a deflated entry, of an offset, of a name.
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

_BUILD = "build it: ./gradlew bootJar (build/libs/*.jar), or ./mvnw package (target/*.jar)"


@dataclass(frozen=True)
class Jar:
    """An executable jar.

    Args:
        path: as it was found.
        size_bytes: of the whole file.
        sha256: of the whole file, in hexadecimal.
        version: the manifest's Implementation-Version.
        main_class: the manifest's Main-Class, for Spring Boot its JarLauncher.
        java_release: the Java that its own classes need, such as 17; None if it has no classes of its own.
        spring_boot: its version, empty if it is no Spring Boot jar.
        management_port: a management.server.port that it sets for every profile.
        graceful: what it says of server.shutdown, None if it says nothing for every profile.
        warnings: what will go wrong when it starts, though it is an executable jar.
    """

    path: Path
    size_bytes: int
    sha256: str
    version: str | None
    main_class: str
    java_release: int | None
    spring_boot: tuple[int, ...]
    management_port: int | None
    graceful: bool | None
    warnings: tuple[str, ...]


def find(pattern: str, base: Path) -> Path:
    """The one jar that is meant.

    Args:
        pattern: a path or glob pattern; the `*-plain.jar` that Gradle makes beside bootJar's is skipped.
        base: the folder it is relative to.

    Raises:
        WrongUsage: it matches none, or several.
    """
    named = base / Path(pattern).expanduser()
    # A folder too: `inspect` says better what is wrong with it.
    if named.exists():
        return named
    matches = [Path(name) for name in sorted(_glob(base, pattern))]
    jars = [path for path in matches if path.is_file()]
    executable = [path for path in jars if not path.name.endswith("-plain.jar")]
    if len(executable) == 1:
        return executable[0]
    if executable:
        raise WrongUsage(
            f"{len(executable)} files match the jar '{pattern}' in {base}",
            why=[str(path.relative_to(base) if path.is_relative_to(base) else path) for path in executable],
            remedy=f"say which: --jar {executable[-1]}, or a narrower jar: in config.yml; "
            "a clean build leaves one",
        )
    why = []
    if jars:
        why.append(f"skipped, for plain jars cannot be started: {', '.join(path.name for path in jars)}")
    folder = _fixed_folder(named)
    if not folder.is_dir():
        why.append(f"there is no folder {folder}")
    raise WrongUsage(f"no file matches the jar '{pattern}' in {base}", why=why, remedy=_BUILD)


def _glob(base: Path, pattern: str) -> list[str]:
    # Path.glob refuses absolute patterns; and the name of the base may itself hold [ or *
    below_base = Path(glob.escape(str(base))) / Path(pattern).expanduser()
    return glob.glob(str(below_base), recursive=True)  # noqa: PTH207


def _fixed_folder(pattern: Path) -> Path:
    """The deepest folder that the pattern names without a wildcard."""
    folder = pattern
    while glob.has_magic(folder.name) or folder == pattern:
        folder = folder.parent
    return next((upper for upper in reversed(folder.parents) if glob.has_magic(upper.name)), folder)


def inspect(path: Path) -> Jar:
    """What the jar is.

    Raises:
        WrongUsage: it is no file, no zip, or no jar that `java -jar` could start.
    """
    _check_file(path)
    if not zipfile.is_zipfile(path):
        raise WrongUsage(f"{path}: is not a jar", why=[_what_instead(path)], remedy=_BUILD)
    try:
        with zipfile.ZipFile(path) as archive:
            manifest = _manifest(path, archive)
            settings = jar_settings.read(archive)
            return Jar(
                path=path,
                size_bytes=path.stat().st_size,
                sha256=_sha256(path),
                version=manifest.get("implementation-version"),
                main_class=_main_class(path, manifest),
                java_release=_java_release(archive),
                spring_boot=_spring_boot(manifest),
                management_port=_management_port(settings),
                graceful=_graceful(settings),
                warnings=tuple(_old_profiles(settings)),
            )
    except _DAMAGED as error:
        raise WrongUsage(f"{path}: is a damaged jar", why=[str(error)], remedy=_BUILD) from None


def _check_file(path: Path) -> None:
    try:
        if path.is_dir():
            raise WrongUsage(f"{path}: is a folder, not a jar", remedy=f"--jar '{path}/*.jar'")
        with path.open("rb") as file:
            is_empty = not file.read(1)
    except (FileNotFoundError, NotADirectoryError):
        raise WrongUsage(f"{path}: there is no such jar", remedy=_BUILD) from None
    except OSError as error:
        raise WrongUsage(f"{path}: cannot be read", why=[str(error.strerror)]) from None
    if is_empty:
        raise WrongUsage(f"{path}: is empty (0 bytes)", remedy=_BUILD)


def _what_instead(path: Path) -> str:
    """What a file is that was taken for a jar, by how it begins."""
    with path.open("rb") as file:
        begin = file.read(512)
    size = f"{path.stat().st_size} bytes"
    if begin.startswith(b"PK\x03\x04"):
        return f"it begins as one, but its end is missing ({size}): a build, copy or download was cut off"
    if begin.lstrip().lower().startswith((b"<!doctype html", b"<html")):
        return f"it is an HTML page ({size}): the download got a login or error page instead"
    if begin.startswith(b"version https://git-lfs"):
        return f"it is a pointer of Git LFS ({size}): `git lfs pull` fetches the jar"
    if begin.startswith(b"\x1f\x8b"):
        return f"it is packed with gzip ({size}): unpack it first"
    return f"it is not a zip archive, and a jar is one ({size}, begins with {begin[:16]!r})"


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


# The manifest


def _manifest(path: Path, archive: zipfile.ZipFile) -> dict[str, str]:
    """The main attributes, their names in lower case.

    Lines are cut at 72 bytes, in the middle of a letter too, and go on after one space (JAR File
    Specification, "Notes on Manifest and Signature Files"). Names know no case.
    """
    try:
        content = archive.read("META-INF/MANIFEST.MF")
    except KeyError:
        inner = next((name for name in archive.namelist() if name.endswith(".jar")), None)
        why = "it is a zip archive without META-INF/MANIFEST.MF"
        if inner and not inner.startswith("BOOT-INF/"):
            why += f", but holds {inner}: unzip that first"
        raise WrongUsage(f"{path}: is not a jar", why=[why], remedy=_BUILD) from None
    lines = re.sub(rb"\r\n|\r", b"\n", content)
    main_section = lines.split(b"\n\n")[0].replace(b"\n ", b"").decode("utf-8", "replace")
    pairs = (line.partition(":") for line in main_section.splitlines() if ":" in line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _main_class(path: Path, manifest: dict[str, str]) -> str:
    if main_class := manifest.get("main-class"):
        return main_class
    raise WrongUsage(
        f"{path}: has no Main-Class in its manifest",
        why=["it is a plain jar, of classes alone, which `java -jar` cannot start"],
        remedy="take bootJar's jar (without -plain in its name), or that of Maven's spring-boot:repackage",
    )


# The classes


def _java_release(archive: zipfile.ZipFile) -> int | None:
    """The highest Java that a class of the jar itself needs: JVMS 4.1 counts Java 17 as major version 61."""
    majors = [
        int.from_bytes(header[6:8], "big")
        for name in archive.namelist()
        if name.endswith(".class") and _is_always_loaded(name)
        if (header := _first_bytes(archive, name)).startswith(b"\xca\xfe\xba\xbe")
    ]
    return max(majors) - 44 if majors else None


def _is_always_loaded(name: str) -> bool:
    """Not the classes that only a newer Java looks at: META-INF/versions, module-info."""
    return not name.startswith("META-INF/") and not name.endswith("module-info.class")


def _first_bytes(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as file:
        return file.read(8)


def _old_profiles(found: jar_settings.Found) -> Iterator[str]:
    """A warning for each document that names its profile with `spring.profiles`.

    Spring Boot 2.4 replaced it by spring.config.activate.on-profile and warns; 3.0 does not start over it
    (spring-boot issue 22523). The blog posts our users come from have it.
    """
    right = "spring.config.activate.on-profile"
    for setting in found.settings:
        if re.fullmatch(r"spring\.profiles(\[\d+\])?", setting.name):
            yield (
                f"{setting.file}, document {setting.document} (line {setting.line}): Spring Boot 3 does not "
                f"start with `spring.profiles: {setting.value}`; write `{right}: {setting.value}`"
            )
    for place in found.unreadable:
        yield f"{place}: is no YAML, so it was not looked through for spring.profiles"


def _management_port(found: jar_settings.Found) -> int | None:
    """The port that every profile would take: set in a document that is not for one profile alone."""
    ports = [
        setting.value
        for setting in found.settings
        if setting.name == "management.server.port" and not setting.for_one_profile
    ]
    return int(ports[-1]) if ports and ports[-1].isdigit() and ports[-1] != "0" else None


def _graceful(found: jar_settings.Found) -> bool | None:
    """What every profile would take; that one profile is graceful counts too, as it may be the slots'."""
    told = [setting for setting in found.settings if setting.name == "server.shutdown"]
    shared = [setting.value.lower() == "graceful" for setting in told if not setting.for_one_profile]
    if any(setting.value.lower() == "graceful" for setting in told if setting.for_one_profile):
        return True
    return shared[-1] if shared else None


def _spring_boot(manifest: dict[str, str]) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", manifest.get("spring-boot-version", ""))[:3])
