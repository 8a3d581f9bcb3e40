"""Types of settings of the network: addresses, host keys, and the networks of trusted proxies."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Any

from pydantic import BeforeValidator, StringConstraints, WithJsonSchema

from bluegreen.config import public_key
from bluegreen.config.messages import Kind, mistakes, shown


def _require_address_only(text: str) -> None:
    if url := re.fullmatch(r"(?:ssh|https?)://([^/]+)/?", text):
        raise ValueError(f"{shown(text)} is a URL; write the name only: {url[1]}")
    if login := re.fullmatch(r"([^@\s]+)@([^@\s]+)", text):
        raise ValueError(f"{shown(text)} contains the user; write address: {login[2]} and user: {login[1]}")
    if port := re.fullmatch(r"([^:\s]+):(\d+)", text):
        raise ValueError(f"{shown(text)} contains the port; write address: {port[1]} and port: {port[2]}")


def _require_one_address(text: str) -> None:
    if re.search(r"[\s,]", text):
        apart = ", ".join(re.findall(r"[^\s,]+", text))
        raise ValueError(f"{shown(text)} is not one address; write several as a list: [{apart}]")


def _require_network(text: str) -> None:
    try:
        network = ipaddress.ip_network(text)
    except ValueError:
        raise ValueError(f"{shown(text)} is not a network; write {_nearest_network(text)}") from None
    if network.prefixlen == 0:
        raise ValueError(
            f"{shown(text)} contains every address: any client could forge its own; write the network of "
            "the proxies, such as 10.0.0.0/16"
        )


def _nearest_network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        return "a network such as 10.0.0.0/16, or an address"


def _require_public_key(value: object) -> object:
    return public_key.parsed(value) if isinstance(value, str) else value


def _as_list(value: object) -> object:
    return value if isinstance(value, (list, tuple)) else (value,)


def _one_or_more_texts(**item: Any) -> WithJsonSchema:
    text = {"type": "string", **item}
    return WithJsonSchema({"anyOf": [text, {"type": "array", "items": text, "minItems": 1}]})


_ADDRESS = r"^[A-Za-z0-9_.:%][A-Za-z0-9_.:%-]*$"

Address = Annotated[
    str,
    StringConstraints(strict=True, pattern=_ADDRESS),
    mistakes(_require_address_only, _require_one_address),
    Kind("an address", "ec2-1-2-3-4.compute.amazonaws.com", "a name or an IP address"),
]
Addresses = Annotated[
    tuple[Address, ...],
    BeforeValidator(_as_list),
    _one_or_more_texts(pattern=_ADDRESS),
]
HostKey = Annotated[
    str,
    StringConstraints(strict=True, min_length=1),
    BeforeValidator(_require_public_key),
    Kind("a host key", "ssh-ed25519 AAAAC3Nza…"),
]
HostKeys = Annotated[tuple[HostKey, ...], BeforeValidator(_as_list), _one_or_more_texts()]
Network = Annotated[
    str,
    StringConstraints(strict=True, min_length=1),
    mistakes(_require_network),
    Kind("a network", "10.0.0.0/16"),
]
Networks = Annotated[tuple[Network, ...], Kind("a list of networks", "[10.0.0.0/16]")]
