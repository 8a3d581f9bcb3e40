"""Types of `env:` and `secrets:`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated

from pydantic import BeforeValidator, StringConstraints, WithJsonSchema

from bluegreen.config.messages import Kind, mistakes
from bluegreen.config.types.java import HEALTH_PORTS, not_of_slots, require_a_port_per_slot
from bluegreen.config.types.names import VariableName


def require_one_line_of_environment(value: str) -> None:
    """Raises ValueError for a value that an environment file cannot hold; the message does not show it."""
    if "\n" in value or "\r" in value:
        raise ValueError(
            f"the value has {len(value.splitlines())} lines; systemd reads environment files line by line, "
            "so write it in one line, for instance in base64"
        )
    if control := re.search(r"[\x00-\x08\x0b-\x1f\x7f]", value):
        raise ValueError(f"the value contains the control character {control[0]!r}; delete it")


def _require_a_value(value: object) -> object:
    if value is None:
        raise ValueError("has no value; write '' for an empty one")
    return value


EnvValue = Annotated[
    str,
    StringConstraints(strict=True),
    mistakes(require_one_line_of_environment),
    BeforeValidator(_require_a_value),
    Kind("an environment variable", "Asia/Seoul"),
    WithJsonSchema({"type": ["string", "number", "boolean"]}),
]
# Spring reads these as it reads the arguments that bluegreen sets for each slot.
_OF_SLOTS = {
    "SPRING_PROFILES_ACTIVE": "the slot's profile hides it; delete it, and write java.profiles: [prod]",
    "SERVER_PORT": "each slot has its own; delete it, and set slots",
    "MANAGEMENT_SERVER_PORT": f"both slots would open the same port; {HEALTH_PORTS}",
}


def _canonical(name: str) -> str:
    """A name as Spring compares them: it ignores the case, and reads a dot or a dash as an underscore."""
    return re.sub(r"[.-]", "_", name).upper()


def require_not_of_slots(names: object) -> object:
    """Raises ValueError for a variable whose value bluegreen sets for each slot."""
    listed = (
        [name for name in names if isinstance(name, str)] if isinstance(names, (dict, list, tuple)) else []
    )
    for name in listed:
        # An item of a list is one of its own: SPRING_PROFILES_ACTIVE_0.
        if text := _OF_SLOTS.get(re.sub(r"(?<=PROFILES_ACTIVE)_\d+_?$", "", _canonical(name))):
            raise ValueError(f"{name}: {text}")
    return names


# The JVM reads options from these (JDK tool specification, "java").
_OPTIONS = ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS")


# The command line outranks the others, and this one outranks the command line.
_OVERRIDES = "_JAVA_OPTIONS"


def _require_no_shared_port(value: object) -> object:
    """Raises ValueError for variables that make both slots' JVMs listen on one port."""
    for name, text in value.items() if isinstance(value, dict) else ():
        for word in _words(str(name), str(text)):
            try:
                require_a_port_per_slot(word)
                if name == _OVERRIDES:
                    not_of_slots("-D")(word)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
    return value


def _words(name: str, text: str) -> list[str]:
    """What a variable adds to the command line, or the argument that would do the same."""
    if name in _OPTIONS:
        return text.split()
    return [f"--{_canonical(name).lower().replace('_', '.')}={text}"]


Env = Annotated[
    dict[VariableName, EnvValue],
    Kind("an environment", "{TZ: Asia/Seoul}"),
    BeforeValidator(require_not_of_slots),
    BeforeValidator(_require_no_shared_port),
]


def _require_names_only(value: object) -> object:
    """Raises ValueError for secrets with their values; the message does not show them (P10)."""
    if isinstance(value, dict):
        raise ValueError(_values_given(value))
    if isinstance(value, str) and (given := re.match(r"([A-Za-z_][A-Za-z0-9_]*)\s*[=:]", value)):
        raise ValueError(_values_given([given[1]]))
    return value


def _values_given(names: Iterable[str]) -> str:
    return (
        "values of secrets must not be in this file; write the names only: "
        f"[{', '.join(names)}]; the values come from the environment of the deploy"
    )


def _require_no_profiles(text: str) -> None:
    """Raises ValueError for profiles whose names only the deploy would know, and `check` would not."""
    if re.fullmatch(r"SPRING_PROFILES_INCLUDE(_\d+_?)?", text.upper()):
        raise ValueError(
            f"{text}: names of profiles are no secrets; delete it, and write java.profiles: [prod]"
        )


SecretName = Annotated[VariableName, mistakes(_require_no_profiles), BeforeValidator(_require_names_only)]
Secrets = Annotated[
    tuple[SecretName, ...],
    Kind("a list of names", "[DB_PASSWORD]"),
    BeforeValidator(require_not_of_slots),
    BeforeValidator(_require_names_only),
]
