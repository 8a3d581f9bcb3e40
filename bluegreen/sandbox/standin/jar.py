"""The jar of a stand-in, built from the Java sources in this folder."""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from bluegreen.errors import Failed, WrongUsage
from bluegreen.sandbox.standin.behaviour import HEALTHY, Behaviour


def build(target: Path, behaviour: Behaviour = HEALTHY) -> Path:
    """Builds the jar of a stand-in with this behaviour, and returns its path.

    The same behaviour gives the same bytes. An existing jar is replaced by rename, because a JVM may have it
    open.

    Raises:
        WrongUsage: there is no javac, or it is older than 17.
        Failed: javac reported an error.
    """
    entries = {
        "META-INF/MANIFEST.MF": _manifest(behaviour),
        **_classes(),
        "standin.properties": _properties(behaviour),
    }
    if behaviour.padding_bytes:
        entries["padding.bin"] = _incompressible(behaviour.padding_bytes)
    _write_jar(target, entries)
    return target


def _manifest(behaviour: Behaviour) -> bytes:
    lines = ["Manifest-Version: 1.0", "Main-Class: StandIn", "Implementation-Title: stand-in"]
    if behaviour.implementation_version:
        lines.append(f"Implementation-Version: {behaviour.version}")
    return "".join(f"{line}\n" for line in lines).encode()


def _properties(behaviour: Behaviour) -> bytes:
    # None is left out: Behaviour.java tests whether a name is present.
    lines = (
        f"{name}={str(value).lower() if isinstance(value, bool) else value}"
        for name, value in vars(behaviour).items()
        if value is not None
    )
    return "".join(f"{line}\n" for line in lines).encode()


def _incompressible(size_bytes: int) -> bytes:
    # Not random: two versions then differ in few entries only, like two builds of one application.
    return hashlib.shake_256(b"bluegreen").digest(size_bytes)


@functools.cache
def _classes() -> Mapping[str, bytes]:
    """The compiled classes by their name in the jar; compiled once per process: it takes a second."""
    javac = _javac()
    with (
        resources.as_file(resources.files(__package__)) as sources,
        tempfile.TemporaryDirectory() as folder,
    ):
        compiled = subprocess.run(
            [javac, "-proc:none", "--release", "17", "-d", folder, *map(str, sorted(sources.glob("*.java")))],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if "release version 17 not supported" in compiled.stderr:
            raise WrongUsage(
                f"{javac} is older than Java 17, which the stand-in application needs.",
                why=compiled.stderr.splitlines(),
                remedy="set JAVA_HOME to a newer JDK, or run `sudo apt-get install openjdk-17-jdk-headless`",
            )
        if compiled.returncode != 0:
            raise Failed("The stand-in application did not compile.", why=compiled.stderr.splitlines())
        return {path.name: path.read_bytes() for path in sorted(Path(folder).glob("*.class"))}


def _javac() -> str:
    home = os.environ.get("JAVA_HOME")
    found = (shutil.which("javac", path=str(Path(home, "bin"))) if home else None) or shutil.which("javac")
    if found is None:
        raise WrongUsage(
            "There is no javac to build the stand-in application with.",
            why=["javac is neither on PATH nor in $JAVA_HOME/bin; a JRE does not contain it"],
            remedy="install a JDK: `sudo apt-get install openjdk-17-jdk-headless`, `brew install openjdk@17`",
        )
    return found


def _write_jar(target: Path, entries: Mapping[str, bytes]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
        dir=target.parent, prefix=f".{target.name}.", delete=False
    ) as unfinished:
        try:
            with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as jar:
                for name, content in entries.items():
                    # A new ZipInfo has the date 1980-01-01: the same behaviour gives the same bytes.
                    entry = zipfile.ZipInfo(name)
                    entry.compress_type = (
                        zipfile.ZIP_STORED if name == "padding.bin" else zipfile.ZIP_DEFLATED
                    )
                    entry.external_attr = 0o644 << 16
                    jar.writestr(entry, content)
            Path(unfinished.name).chmod(0o644)
            Path(unfinished.name).replace(target)
        except BaseException:
            Path(unfinished.name).unlink(missing_ok=True)
            raise
