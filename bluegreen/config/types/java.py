"""Types of the settings in `java:`: its version, its command, its options and arguments."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated

from pydantic import BeforeValidator, Field, StringConstraints

from bluegreen.config.messages import Kind, mistakes, shown
from bluegreen.config.types.paths import require_one_line


def _require_new_version_scheme(value: object) -> object:
    if value in (1.8, "1.8"):
        raise ValueError("1.8 is the old name of Java 8; write 8")
    return value


def _require_not_ours(text: str) -> None:
    if text in ("-jar", "-cp", "-classpath"):
        raise ValueError(f"'{text}' comes from bluegreen, which starts the release's app.jar; delete it")


def _require_jvm_option(text: str) -> None:
    if not text.startswith("-"):
        raise ValueError(
            f"{shown(text)} is not an option of the JVM, which begins with '-'; "
            "write arguments of the application in java.args"
        )


def _require_one_option(text: str) -> None:
    if re.match(r"-[^\s=]+\s+-", text):
        apart = ", ".join(text.split())
        raise ValueError(f"{shown(text)} contains several options; write each as an item: [{apart}]")


def _not_of_slots(prefix: str) -> Callable[[str], None]:
    """A check for what bluegreen sets per slot. `prefix` is `-D` for the JVM, `--` for the application."""

    def check(text: str) -> None:
        if text.startswith(f"{prefix}server.port"):
            raise ValueError(f"{shown(text)} would give both slots the same port; delete it, and set slots")
        if text.startswith(f"{prefix}spring.profiles.active"):
            raise ValueError(
                f"{shown(text)} would hide the slot's own profile, which is its name; delete it, and for "
                "further profiles write --spring.profiles.include=NAME in java.args"
            )

    return check


JavaVersion = Annotated[
    int,
    Field(strict=True, ge=8, le=99),
    BeforeValidator(_require_new_version_scheme),
    Kind("a version of Java", "17"),
]
JavaBin = Annotated[
    str,
    StringConstraints(strict=True, pattern=r"^([^/ ]+|/\S+)$"),
    mistakes(require_one_line),
    Kind("a command", "java", "the name of one, or a whole path such as /opt/java-17/bin/java"),
]
JavaOption = Annotated[
    str,
    StringConstraints(strict=True, pattern="^-"),
    mistakes(
        require_one_line, _require_not_ours, _require_jvm_option, _require_one_option, _not_of_slots("-D")
    ),
    Kind("an option of the JVM", "-Xmx512m", "it begins with '-'"),
]
JavaArg = Annotated[
    str,
    StringConstraints(strict=True, min_length=1),
    mistakes(require_one_line, _not_of_slots("--")),
    Kind("an argument", "--spring.main.banner-mode=off"),
]
JavaOptions = Annotated[tuple[JavaOption, ...], Kind("a list of options", "[-Xmx512m]")]
JavaArgs = Annotated[tuple[JavaArg, ...], Kind("a list of arguments", "[--spring.main.banner-mode=off]")]
