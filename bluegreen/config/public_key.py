"""A host key as config.yml pins it, `ssh-ed25519 AAAA…`, and messages for what people paste instead."""

from __future__ import annotations

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

TYPES = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
)

_EXAMPLE = "write type and base64, as in 'ssh-ed25519 AAAAC3Nza…'"


def parsed(pasted: str) -> str:
    """The key as `type base64`, without a comment after it.

    Raises:
        ValueError: it is not an OpenSSH public key; the message has what it looks like and what to write.
    """
    if "PRIVATE KEY" in pasted:
        raise ValueError("this is a private key, which must stay secret; pin the public key of the host")
    if "\n" in pasted.strip():
        raise ValueError(f"this is more than one line; write several keys as a list, each: {_EXAMPLE}")
    words = pasted.split()
    if not words:
        raise ValueError(f"the key is empty; {_EXAMPLE}")
    if words[0].startswith(("SHA256:", "MD5:")):
        raise ValueError(
            f"'{words[0]}' is a fingerprint, and the key cannot be computed from it; `bluegreen trust` pins "
            "the key, `ssh-keyscan -t ed25519 ADDRESS` prints it"
        )
    if len(words) == 1 and words[0].startswith("AAAA"):
        key_type = _type_of(words[0]) or TYPES[0]
        raise ValueError(f"the key's type is missing; write '{key_type} {_short(words[0])}'")
    if words[0] not in TYPES and len(words) > 2 and words[1] in TYPES:
        raise ValueError(
            f"this is a line of known_hosts; omit the host name: '{words[1]} {_short(words[2])}'"
        )
    if words[0] not in TYPES:
        raise ValueError(f"'{words[0]}' is not a type of host key ({', '.join(TYPES)}); {_EXAMPLE}")
    if len(words) == 1:
        raise ValueError(f"'{words[0]}' is only the type; {_EXAMPLE}")
    _require_key(words[0], words[1])
    return f"{words[0]} {words[1]}"


def _require_key(key_type: str, encoded: str) -> None:
    if _is_key(key_type, encoded):
        return
    if other := _type_of(encoded):
        raise ValueError(f"the type is {key_type}, but the key is {other}; write '{other} {_short(encoded)}'")
    raise ValueError(f"'{_short(encoded)}' is not a whole {key_type} key; paste it again, in one line")


def _type_of(encoded: str) -> str | None:
    return next((key_type for key_type in TYPES if _is_key(key_type, encoded)), None)


def _is_key(key_type: str, encoded: str) -> bool:
    try:
        load_ssh_public_key(f"{key_type} {encoded}".encode())
    except (ValueError, UnsupportedAlgorithm):
        return False
    return True


def _short(encoded: str) -> str:
    return encoded if len(encoded) <= 20 else f"{encoded[:20]}…"
