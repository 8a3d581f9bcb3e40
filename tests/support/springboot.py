"""The example as a genuine Spring Boot fat jar, built without Gradle and without Maven Central.

Spring's own jars come out of the `atoti-server` wheel on PyPI, which carries a Spring Boot application. The
wheel is downloaded once and kept, with what is made of it, in a folder outside the checkout.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from tests.support.kept import alone, cache

WHEEL = "atoti-server==0.9.16"
WHEEL_SHA256 = "0c6bdb206b66506ced6f5926d09e379c3f80af4080a8af6baa994416364354c3"
SERVER_JAR = "_atoti_server/__resources__/server.jar"
SPRING_BOOT = "3.5.16"
EXAMPLE = Path(__file__).parents[2] / "example" / "src" / "main"

# What spring-boot-starter-web and spring-boot-starter-actuator bring, and bootJar adds (jarmode-tools).
LIBRARIES = (
    "HdrHistogram",
    "LatencyUtils",
    "jackson-annotations",
    "jackson-core",
    "jackson-databind",
    "jackson-datatype-jdk8",
    "jackson-datatype-jsr310",
    "jackson-module-parameter-names",
    "jakarta.annotation-api",
    "jul-to-slf4j",
    "log4j-api",
    "log4j-to-slf4j",
    "logback-classic",
    "logback-core",
    "micrometer-commons",
    "micrometer-core",
    "micrometer-jakarta9",
    "micrometer-observation",
    "slf4j-api",
    "snakeyaml",
    "spring-aop",
    "spring-beans",
    "spring-boot",
    "spring-boot-actuator",
    "spring-boot-actuator-autoconfigure",
    "spring-boot-autoconfigure",
    "spring-boot-jarmode-tools",
    "spring-context",
    "spring-core",
    "spring-expression",
    "spring-jcl",
    "spring-web",
    "spring-webmvc",
    "tomcat-embed-core",
    "tomcat-embed-el",
    "tomcat-embed-websocket",
)

Variant = Literal["healthy", "part-up", "warming-up", "dies-starting"]

# Each is a mistake of configuration that real releases make: nothing in the sources knows of them.
SETTINGS: Mapping[Variant, Mapping[str, str]] = {
    "healthy": {},
    # diskSpace is DOWN for want of a disk that large, ping and the probes stay UP: 503.
    "part-up": {
        "management.endpoint.health.show-components": "always",
        "management.health.diskspace.threshold": "1000000TB",
    },
    # The port answers, health stays OUT_OF_SERVICE: 503.
    "warming-up": {"taggle.warm-up": "1h"},
    # The certificate was not packed: Spring gives up with its stack trace and exit code 1.
    "dies-starting": {
        "server.ssl.key-store": "classpath:taggle.p12",
        "server.ssl.key-store-password": "not a secret",
    },
}


def fat_jar(
    target: Path,
    *,
    version: str,
    variant: Variant = "healthy",
    settings: Mapping[str, str] | None = None,
    sources: Path = EXAMPLE,
) -> Path:
    """Pack the example as Gradle's bootJar does, and give the path of the jar back.

    Args:
        target: the jar to write.
        version: what it says at /version, in its build-info.properties and in its manifest.
        variant: how it is broken, if it is.
        settings: further Spring properties packed into it, over those of the example and the variant.
        sources: a src/main to compile and pack in the example's place.
    """
    spring = _spring()
    classes = _classes(spring, sources)
    properties = {**SETTINGS[variant], **(settings or {})}
    target.parent.mkdir(parents=True, exist_ok=True)
    with _renamed_when_whole(target) as unfinished, zipfile.ZipFile(unfinished, "w") as jar:
        packing = _Packing(jar)
        packing.add("META-INF/MANIFEST.MF", _manifest(version))
        packing.add_tree(spring / "loader")
        packing.add_tree(classes, under="BOOT-INF/classes/")
        packing.add_tree(sources / "resources", under="BOOT-INF/classes/")
        packing.add("BOOT-INF/classes/META-INF/build-info.properties", _build_info(version))
        if properties:
            # Spring reads classpath:/config/ after classpath:/, so these win over application.yml.
            packing.add("BOOT-INF/classes/config/application.properties", _properties(properties))
        # Nested jars must be STORED: Spring's loader reads them in place.
        packing.add_tree(spring / "lib", under="BOOT-INF/lib/", compression=zipfile.ZIP_STORED)
        packing.add("BOOT-INF/classpath.idx", _classpath_index(spring))
    return target


class _Packing:
    """A jar being written, with an entry for each folder: component scanning lists packages by them."""

    def __init__(self, jar: zipfile.ZipFile) -> None:
        self._jar = jar
        self._folders: set[str] = set()

    def add(self, name: str, content: bytes, compression: int = zipfile.ZIP_DEFLATED) -> None:
        parts = name.split("/")
        for depth in range(1, len(parts)):
            self._add_folder("/".join(parts[:depth]) + "/")
        self._write(name, content, compression)

    def add_tree(self, folder: Path, under: str = "", compression: int = zipfile.ZIP_DEFLATED) -> None:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                self.add(under + path.relative_to(folder).as_posix(), path.read_bytes(), compression)

    def _add_folder(self, name: str) -> None:
        if name not in self._folders:
            self._folders.add(name)
            self._write(name, b"", zipfile.ZIP_STORED)

    def _write(self, name: str, content: bytes, compression: int) -> None:
        entry = zipfile.ZipInfo(name)  # dated 1980-01-01: the same arguments give the same bytes
        entry.compress_type = compression
        self._jar.writestr(entry, content, compresslevel=1)


def _manifest(version: str) -> bytes:
    return _lines(
        "Manifest-Version: 1.0",
        "Main-Class: org.springframework.boot.loader.launch.JarLauncher",
        "Start-Class: com.example.taggle.TaggleApplication",
        f"Spring-Boot-Version: {SPRING_BOOT}",
        "Spring-Boot-Classes: BOOT-INF/classes/",
        "Spring-Boot-Lib: BOOT-INF/lib/",
        "Spring-Boot-Classpath-Index: BOOT-INF/classpath.idx",
        "Build-Jdk-Spec: 17",
        "Implementation-Title: taggle",
        f"Implementation-Version: {version}",
    )


def _build_info(version: str) -> bytes:
    return _lines(
        "build.artifact=taggle",
        "build.group=com.example",
        "build.name=taggle",
        "build.time=2026-01-01T00\\:00\\:00Z",
        f"build.version={version}",
    )


def _properties(properties: Mapping[str, str]) -> bytes:
    return _lines(*(f"{key}={value}" for key, value in properties.items()))


def _classpath_index(spring: Path) -> bytes:
    return _lines(*(f'- "BOOT-INF/lib/{path.name}"' for path in sorted((spring / "lib").glob("*.jar"))))


def _lines(*lines: str) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


# ---- what is made once and kept


@contextmanager
def _renamed_when_whole(target: Path) -> Iterator[Path]:
    """A path beside the target, to write a file or a folder at, which then takes the target's name."""
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as folder:
        unfinished = Path(folder, target.name)
        yield unfinished
        unfinished.replace(target)


def _spring() -> Path:
    """A folder with `lib/`, the jars of Spring, and `loader/`, what starts a fat jar."""
    libraries = hashlib.sha256(" ".join(LIBRARIES).encode()).hexdigest()[:12]
    made = cache() / f"spring-boot-{SPRING_BOOT}-{libraries}"
    if made.is_dir():
        return made
    with alone("spring-boot"):
        if not made.is_dir():
            with _renamed_when_whole(made) as folder:
                _extract(_wheel(), folder)
    return made


def _wheel() -> Path:
    kept = cache() / f"{WHEEL_SHA256}.whl"
    if kept.is_file():
        return kept
    with tempfile.TemporaryDirectory(dir=cache()) as folder:
        # With a hash beside the name pip refuses anything else, half a file included.
        wanted = Path(folder, "requirements.txt")
        wanted.write_text(f"{WHEEL} --hash=sha256:{WHEEL_SHA256}\n")
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
        subprocess.run([*pip, "--dest", folder, "--requirement", str(wanted)], check=True)
        (downloaded,) = Path(folder).glob("*.whl")
        downloaded.replace(kept)
    return kept


def _extract(wheel: Path, folder: Path) -> None:
    with zipfile.ZipFile(wheel) as archive, tempfile.TemporaryFile(dir=cache()) as server:
        with archive.open(SERVER_JAR) as packed:
            shutil.copyfileobj(packed, server, 1 << 20)
        with zipfile.ZipFile(server) as jar:
            (folder / "lib").mkdir(parents=True)
            for library in LIBRARIES:
                entry = _entry_of(library, jar)
                (folder / "lib" / Path(entry).name).write_bytes(jar.read(entry))
            for entry in jar.namelist():
                if entry.startswith(("org/springframework/boot/loader/", "META-INF/services/")):
                    jar.extract(entry, folder / "loader")


def _entry_of(library: str, jar: zipfile.ZipFile) -> str:
    wanted = re.compile(rf"BOOT-INF/lib/{re.escape(library)}-\d[^/]*\.jar")
    (entry,) = (name for name in jar.namelist() if wanted.fullmatch(name))
    return entry


def _classes(spring: Path, main: Path) -> Path:
    """The compiled sources of a src/main: kept until one of them changes."""
    sources = sorted((main / "java").rglob("*.java"))
    digest = hashlib.sha256(spring.name.encode())
    for source in sources:
        digest.update(f"{source.relative_to(main)}\0".encode() + source.read_bytes() + b"\0")
    made = cache() / f"classes-{digest.hexdigest()[:16]}"
    if made.is_dir():
        return made
    with alone("spring-boot"):
        if not made.is_dir():
            with _renamed_when_whole(made) as folder:
                javac = ["javac", "-parameters", "-proc:none", "--release", "17", "-encoding", "UTF-8"]
                class_path = ["-cp", f"{spring / 'lib'}/*", "-d", str(folder)]
                subprocess.run([*javac, *class_path, *map(str, sources)], check=True)
    return made
