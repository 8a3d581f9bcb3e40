"""A host key as config.yml pins it: `ssh-ed25519 AAAA...`, and what people paste instead."""

from __future__ import annotations

import base64
import binascii

_FIELDS = {
    "ssh-ed25519": 2,
    "ecdsa-sha2-nistp256": 3,
    "ecdsa-sha2-nistp384": 3,
    "ecdsa-sha2-nistp521": 3,
    "ssh-rsa": 3,
}
"""The kinds of host keys, and of how many fields their base64 consists (RFC 4253 6.6, RFC 5656, RFC 8709)."""

_EXAMPLE = "write type and base64, as in 'ssh-ed25519 AAAAC3Nza…'"


def checked(pasted: str) -> str:
    """The key as `type base64`, a comment behind it left off.

    Raises:
        ValueError: it is no OpenSSH public key; the text says what it looks like and what to write.
    """
    words = pasted.split()
    if "PRIVATE KEY" in pasted:
        raise ValueError("this is a private key, which belongs to nobody else; pin the host's public one")
    if "\n" in pasted.strip():
        raise ValueError(f"this is more than one line; give several keys as a list, each: {_EXAMPLE}")
    if not words:
        raise ValueError(f"the key is empty; {_EXAMPLE}")
    if words[0].startswith(("SHA256:", "MD5:")):
        raise ValueError(
            f"'{words[0]}' is a fingerprint, and a key cannot be told from it; "
            "`invoke trust` pins the key itself, `ssh-keyscan -t ed25519 ADDRESS` shows it"
        )
    if len(words) == 1 and words[0].startswith("AAAA"):
        kind = _kind_within(words[0])
        raise ValueError(f"the key's type is missing; write '{kind or 'ssh-ed25519'} {_short(words[0])}'")
    if words[0] not in _FIELDS and len(words) > 2 and words[-2 if len(words) == 3 else 1] in _FIELDS:
        raise ValueError(
            f"this is a whole line of known_hosts; leave its first word away: '{words[1]} {_short(words[2])}'"
        )
    if words[0] not in _FIELDS:
        raise ValueError(f"'{words[0]}' is no type of host key ({', '.join(_FIELDS)}); {_EXAMPLE}")
    if len(words) == 1:
        raise ValueError(f"'{words[0]}' is the type alone; {_EXAMPLE}")
    _check_base64(words[0], words[1])
    return f"{words[0]} {words[1]}"


def _check_base64(kind: str, encoded: str) -> None:
    try:
        blob = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(
            f"'{_short(encoded)}' is no base64 of a key, or was cut off; paste it again, in one line"
        ) from None
    inner = _kind_within(encoded)
    if inner is not None and inner != kind:
        raise ValueError(f"says {kind}, but the key itself is {inner}; write '{inner} {_short(encoded)}'")
    if inner is None or not _is_complete(blob, _FIELDS[kind]):
        raise ValueError(f"'{_short(encoded)}' is not a whole {kind} key; paste it again, in one line")


def _kind_within(encoded: str) -> str | None:
    """The type that the base64 itself begins with, if it is one of ours."""
    whole_groups = encoded[: len(encoded) // 4 * 4]
    try:
        blob = base64.b64decode(whole_groups)
    except (binascii.Error, ValueError):
        return None
    length = int.from_bytes(blob[:4], "big")
    return next((kind for kind in _FIELDS if blob[4 : 4 + length] == kind.encode()), None)


def _is_complete(blob: bytes, fields: int) -> bool:
    """Whether it consists of so many fields, each behind its length, with nothing missing or left over."""
    at = 0
    for _ in range(fields):
        length = int.from_bytes(blob[at : at + 4], "big")
        at += 4 + length
        if length == 0 or at > len(blob):
            return False
    return at == len(blob)


def _short(encoded: str) -> str:
    return encoded if len(encoded) <= 20 else f"{encoded[:20]}…"
