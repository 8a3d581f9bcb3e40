"""Types of `env:` and `secrets:`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated

from pydantic import BeforeValidator, StringConstraints, WithJsonSchema

from bluegreen.config.messages import Kind, mistakes
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
Env = Annotated[dict[VariableName, EnvValue], Kind("an environment", "{TZ: Asia/Seoul}")]


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


SecretName = Annotated[VariableName, BeforeValidator(_require_names_only)]
Secrets = Annotated[
    tuple[SecretName, ...],
    Kind("a list of names", "[DB_PASSWORD]"),
    BeforeValidator(_require_names_only),
]
