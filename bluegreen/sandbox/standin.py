"""The application the sandbox deploys: built here in a second, needs only a JDK, fails in the way it is told.

`python -m bluegreen.sandbox.standin app.jar --version 2 --health never-up` builds one by hand.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from importlib import resources
from pathlib import Path
from typing import Literal, get_args, get_type_hints

from bluegreen.errors import BluegreenError, Failed, WrongUsage

Health = Literal["up", "never-up", "part-up", "part-up-200", "not-json", "hang", "no-answer"]


@dataclass(frozen=True)
class Behaviour:
    """What a stand-in does, told when its jar is built. The defaults are a healthy application.

    Each field's meaning stands beside it, and is the help of the command line's option of that name.
    """

    version: str = field(default="1", metadata={"help": "what /version and the header X-Version say"})
    start_s: float = field(default=0.0, metadata={"help": "seconds until it listens"})
    health: Health = field(
        default="up",
        metadata={
            "help": "never-up: 503 OUT_OF_SERVICE; part-up: 503 DOWN with a part UP; part-up-200: the same "
            "with 200; not-json: 200 with a web page; hang: no end of waiting; "
            "no-answer: closes the connection"
        },
    )
    log_lines: int = field(default=0, metadata={"help": "lines that it logs once it listens"})
    die_starting: bool = field(
        default=False, metadata={"help": "die with a stack trace 0.3 s after start_s, before it listens"}
    )
    die_after_s: float | None = field(
        default=None, metadata={"help": "exit 1 this many seconds after it listens"}
    )
    down_after_s: float | None = field(default=None, metadata={"help": "health is DOWN from then on"})
    fail_after_s: float | None = field(
        default=None, metadata={"help": "all but health answers 500 from then on"}
    )
    hang_after_s: float | None = field(
        default=None,
        metadata={
            "help": "accepts, but answers nothing from then on; a management port of its own still does"
        },
    )
    ignores_term: bool = field(default=False, metadata={"help": "SIGTERM does not end it, only SIGKILL does"})
    padding_bytes: int = field(
        default=0, metadata={"help": "bytes that do not compress, to make the jar as large as a real one"}
    )
    implementation_version: bool = field(default=True, metadata={"help": "name the version in the manifest"})


HEALTHY = Behaviour()


def build(target: Path, behaviour: Behaviour = HEALTHY) -> Path:
    """Write the jar of a stand-in that behaves so, and give its path back.

    The same behaviour gives the same bytes. A jar that is there is replaced by rename, as a JVM may have it
    open.

    Raises:
        WrongUsage: there is no javac, or it is older than 17.
        Failed: javac did not compile it.
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
    # None is left out: to the Java side a behaviour that is not named is not told.
    told = {name: value for name, value in vars(behaviour).items() if value is not None}
    lines = (
        f"{name}={str(value).lower() if isinstance(value, bool) else value}" for name, value in told.items()
    )
    return "".join(f"{line}\n" for line in lines).encode()


def _incompressible(size_bytes: int) -> bytes:
    # Not random: two versions differ in their few changed entries only, as two builds of one application do.
    return hashlib.shake_256(b"bluegreen").digest(size_bytes)


@functools.cache
def _classes() -> Mapping[str, bytes]:
    """The compiled classes by their name in the jar; compiled once a process, since javac takes a second."""
    javac = _javac()
    with (
        resources.as_file(resources.files("bluegreen.sandbox").joinpath("StandIn.java")) as source,
        tempfile.TemporaryDirectory() as folder,
    ):
        compiled = subprocess.run(
            [javac, "-proc:none", "--release", "17", "-d", folder, str(source)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if "release version 17 not supported" in compiled.stderr:
            raise WrongUsage(
                f"{javac} is older than Java 17, which the stand-in application needs.",
                why=compiled.stderr.splitlines(),
                remedy="point JAVA_HOME to a newer JDK, or `sudo apt-get install openjdk-17-jdk-headless`",
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
            why=["javac is neither on PATH nor in $JAVA_HOME/bin; a JRE alone does not have it"],
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
                    # A ZipInfo of its own has the date 1980-01-01: equal behaviour, equal bytes.
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bluegreen.sandbox.standin", description="Build the jar of a stand-in application."
    )
    parser.add_argument("target", type=Path, metavar="TARGET.jar")
    types = get_type_hints(Behaviour)
    for told in fields(Behaviour):
        option, kind, meaning = f"--{told.name.replace('_', '-')}", types[told.name], told.metadata["help"]
        if kind is bool:
            parser.add_argument(
                option, action=argparse.BooleanOptionalAction, default=told.default, help=meaning
            )
        elif kind == Health:
            parser.add_argument(option, choices=get_args(Health), default=told.default, help=meaning)
        else:
            number = float if kind == float | None else kind
            parser.add_argument(option, type=number, default=told.default, help=meaning)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the jar the arguments describe, print its path, and give the exit code."""
    told = vars(_parser().parse_args(arguments))
    try:
        built = build(told.pop("target"), Behaviour(**told))
    except BluegreenError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.write(f"{built}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
