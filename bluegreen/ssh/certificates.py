"""Certificates of login keys: `-cert.pub` beside the key, and CertificateFile of ssh_config."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from pathlib import Path

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    SSHCertificate,
    load_ssh_public_identity,
)


def beside(key_file: Path) -> Path:
    """The path of the certificate that belongs to a key's file by its name."""
    return key_file.with_name(f"{key_file.name}-cert.pub")


def for_key(key: paramiko.PKey, files: Iterable[Path]) -> Iterator[Path]:
    """Those of the files that hold a certificate of this very key; as ssh, it passes over a bad file."""
    for file in dict.fromkeys(files):
        try:
            found = load_ssh_public_identity(file.read_bytes())
        except (OSError, ValueError, UnsupportedAlgorithm):
            continue
        if not isinstance(found, SSHCertificate):
            continue
        _, encoded, *_ = found.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).split()
        if base64.b64decode(encoded) == key.asbytes():
            yield file
