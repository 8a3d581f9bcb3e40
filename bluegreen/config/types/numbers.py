"""Types of settings that are numbers: ports, counts, durations; and flags."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from bluegreen.config import duration
from bluegreen.config.messages import Kind, mistakes, shown
from bluegreen.config.types.names import SlotName

_TARGET = r"(?:https?://[^:/]+|localhost|[^:/]*[A-Za-z.\]][^:/]*(?=:)|\[.*\]|[0-9.]*\.[0-9.]*)(?::(?P<port>\d+))?(?:/.*)?"


def _require_no_host(text: str) -> None:
    if target := re.fullmatch(_TARGET, text):
        raise ValueError(
            f"{shown(text)} names a host; write the port number only, {target['port'] or 8081}: nginx "
            'connects to 127.0.0.1, and with a host name such as localhost it answers 502 ("no resolver")'
        )


_TcpPort = Annotated[int, Field(strict=True, ge=1, le=65535)]

SlotPort = Annotated[_TcpPort, mistakes(_require_no_host), Kind("a port", "8081")]
SshPort = Annotated[_TcpPort, Kind("a port", "22")]
ListenPort = Annotated[_TcpPort, Kind("a port", "80")]

Slots = Annotated[
    dict[SlotName, SlotPort],
    # How many they are is checked in `conflicts`, beside wrong names and ports and not instead of them.
    Field(json_schema_extra={"minProperties": 2, "maxProperties": 2}),
    Kind("the slots", "{prod1: 8081, prod2: 8082}"),
]
HealthPorts = Annotated[dict[SlotName, SlotPort], Kind("the management ports", "{prod1: 9081, prod2: 9082}")]

Ups = Annotated[int, Field(strict=True, ge=1, le=1000), Kind("a number of answers", "3")]
Warm = Annotated[int, Field(strict=True, ge=0, le=10000), Kind("a number of requests", "5")]
Keep = Annotated[int, Field(strict=True, ge=1, le=1000), Kind("a number of releases", "5")]
Flag = Annotated[bool, Field(strict=True), Kind("a flag", "true")]


def _as_seconds(value: object) -> object:
    """A text as seconds. What is not a duration stays as it is, for pydantic to refuse."""
    try:
        return duration.seconds(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _schema(min_s: float, *others: dict[str, Any]) -> WithJsonSchema:
    number = {"type": "number", "minimum": min_s}
    return WithJsonSchema({"anyOf": [number, {"type": "string", "pattern": duration.PATTERN}, *others]})


_Seconds = Annotated[float, Field(strict=True, allow_inf_nan=False)]

Pause = Annotated[
    _Seconds, Field(ge=0.05), BeforeValidator(_as_seconds), Kind("a duration", "500ms"), _schema(0.05)
]
Timeout = Annotated[
    _Seconds, Field(ge=1.0), BeforeValidator(_as_seconds), Kind("a duration", "2m"), _schema(1)
]
Wait = Annotated[_Seconds, Field(ge=0.0), BeforeValidator(_as_seconds), Kind("a duration", "10s"), _schema(0)]
TimeoutOrNever = Annotated[Timeout | None, _schema(1, {"type": "null"})]
