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
                "further profiles write java.profiles: [prod]"
            )

    return check


# Options that make the JVM listen on a port, each with the port as its group: JMX, JDWP (also in its old
# form), and agents such as jmx_prometheus_javaagent.jar=[HOST:]PORT:FILE.
_LISTENS = (
    r"-Dcom\.sun\.management\.jmxremote\.(?:rmi\.)?port=(.+)",
    r"-(?:agentlib:jdwp|Xrunjdwp:)\S*?\baddress=(?:[^,]*:)?([^,:]+)",
    r"-javaagent:[^=]+=(?:[^:,]*:)?(\d[^:,]*)(?::.*)?",
)
# What the JDWP agent does not listen on: it connects to a debugger, or the system chooses the port.
_NO_PORT = re.compile(r"\bserver=n\b|\baddress=(?:[^,]*:)?0(?:,|$)")


def require_a_port_per_slot(text: str) -> None:
    """Raises ValueError for an option that makes both slots' JVMs listen on one port."""
    for pattern in _LISTENS:
        found = re.fullmatch(pattern, text) or re.match(pattern, text)
        if not found or _NO_PORT.search(text) or "{port}" in text or "{slot}" in text:
            continue
        begin, end = found.span(1)
        if not found[1].isdigit() or found[1] == "0":
            continue
        right = f"{text[:begin]}1{{port}}{text[end:]}"
        raise ValueError(
            f"{shown(text)} gives both slots the same port {found[1]}, so the second JVM cannot start; write "
            f"{right}: {{port}} is the slot's port (1{{port}} is 18081 in a slot on 8081), {{slot}} its name"
        )


def _require_known_braces(text: str) -> None:
    for found in re.findall(r"\{(\w*)\}", text):
        if found.lower() in ("slot", "port") and found not in ("slot", "port"):
            raise ValueError(f"{shown(text)} contains {{{found}}}; write {{{found.lower()}}}")


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
        require_one_line,
        _require_not_ours,
        _require_jvm_option,
        _require_one_option,
        _not_of_slots("-D"),
        _require_known_braces,
        require_a_port_per_slot,
    ),
    Kind("an option of the JVM", "-Xmx512m", "it begins with '-'"),
]
JavaArg = Annotated[
    str,
    StringConstraints(strict=True, min_length=1),
    mistakes(require_one_line, _not_of_slots("--"), _require_known_braces),
    Kind("an argument", "--spring.main.banner-mode=off"),
]
JavaOptions = Annotated[tuple[JavaOption, ...], Kind("a list of options", "[-Xmx512m]")]
JavaArgs = Annotated[tuple[JavaArg, ...], Kind("a list of arguments", "[--spring.main.banner-mode=off]")]
Profile = Annotated[
    str,
    StringConstraints(strict=True, pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.@-]*$"),
    Kind("a Spring profile", "prod", "letters, digits, '.', '_', '@' and '-'"),
]
Profiles = Annotated[tuple[Profile, ...], Kind("a list of Spring profiles", "[prod]")]
