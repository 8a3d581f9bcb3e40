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


def not_of_slots(prefix: str) -> Callable[[str], None]:
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


# Words that make the JVM listen on a port, each with the port as its group: JMX, JDWP (also in its old form,
# and by its path), agents such as jmx_prometheus_javaagent.jar=[HOST:]PORT:FILE and jolokia.jar=port=PORT,
# and the servers of Spring beside that of `server.port`.
_LISTENS = (
    r"-Dcom\.sun\.management\.jmxremote\.(?:rmi\.)?port=(.+)",
    r"-(?:agentlib:jdwp|agentpath:[^=]*jdwp|Xrunjdwp:)\S*?\baddress=(?:[^,]*:)?([^,:]+)",
    r"-javaagent:[^=]+=(?:[^:,=]*:)?(\d[^:,]*)(?::.*)?",
    r"-(?:javaagent|agentpath|agentlib):[^=]+=(?:.*[,;])?port=([^,;]+)",
    r"(?:-D|--)(?:spring\.)?(?:grpc|rsocket)\.server\.port=(.+)",
)
# What an agent does not listen on: it connects to another process, or the system chooses the port. JaCoCo's
# agent listens with `output=tcpserver` only.
_NO_PORT = re.compile(r"\bserver=n\b|\baddress=(?:[^,]*:)?0(?:,|$)|\boutput=(?!tcpserver\b)")
_JACOCO = re.compile(r"-javaagent:[^=]+=(?:.*,)?output=tcpserver\b")
_MANAGEMENT = re.compile(r"(?:-D|--)management\.server\.port=0*([1-9]\d*)")
# What to write in place of a management port for both slots.
HEALTH_PORTS = "delete it, and write health: {ports: {prod1: 9081, prod2: 9082}}"


def require_a_port_per_slot(text: str) -> None:
    """Raises ValueError for an option or argument that makes both slots' JVMs listen on one port."""
    if found := _MANAGEMENT.fullmatch(text):
        raise ValueError(_same_port(text, found[1], HEALTH_PORTS))
    if _JACOCO.match(text) and "port=" not in text:
        raise ValueError(_same_port(text, "6300", _with_placeholder(f"{text},port=1{{port}}")))
    for pattern in _LISTENS:
        found = re.fullmatch(pattern, text) or re.match(pattern, text)
        if not found or _NO_PORT.search(text):
            continue
        begin, end = found.span(1)
        if not found[1].isdigit() or found[1] == "0":
            continue
        right = f"{text[:begin]}1{{port}}{text[end:]}"
        raise ValueError(_same_port(text, found[1], _with_placeholder(right)))


def _same_port(text: str, port: str, right: str) -> str:
    return f"{shown(text)} gives both slots the same port {port}, so the second JVM cannot start; {right}"


def _with_placeholder(right: str) -> str:
    key = "java.args" if right.startswith("--") else "java.options"
    return (
        f"write {right} in {key}: {{port}} is the slot's port (1{{port}} is 18081 in a slot on 8081), "
        "{slot} its name"
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
        not_of_slots("-D"),
        _require_known_braces,
        require_a_port_per_slot,
    ),
    Kind("an option of the JVM", "-Xmx512m", "it begins with '-'"),
]
JavaArg = Annotated[
    str,
    StringConstraints(strict=True, min_length=1),
    mistakes(require_one_line, not_of_slots("--"), _require_known_braces, require_a_port_per_slot),
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
