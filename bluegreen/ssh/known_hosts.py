"""Trusted host keys: those pinned in config.yml, else those of known_hosts.

Paramiko does not read the files: it rejects a whole file for one `@revoked` line or one key with bad base64,
and does not support wildcards (fabric #2071, paramiko hostkeys.py).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bluegreen.errors import WrongUsage
from bluegreen.ssh import refusals
from bluegreen.ssh.hops import Hop

PINNED = "config.yml"
# A key revocation list begins so (OpenSSH, PROTOCOL.krl).
_KRL_MAGIC = b"SSHKRL\n\0"


@dataclass(frozen=True)
class HostKey:
    """A public host key, and where it was read.

    Args:
        kind: `ssh-ed25519`, `ssh-rsa`, …
        blob: the key in the encoding of the SSH protocol.
        where: `file:line`, or config.yml.
    """

    kind: str
    blob: bytes
    where: str = ""

    @classmethod
    def parsed(cls, text: str, where: str) -> HostKey:
        """The key of a `kind base64 [comment]` text.

        Raises:
            ValueError: the text is not a public key.
        """
        # Not cryptography's load_ssh_public_key: a line of a type that it does not know yet, or no longer,
        # would be skipped, even if that line revokes the key.
        kind, encoded, *_ = [*text.split(), "", ""]
        try:
            blob = base64.b64decode(encoded, validate=True)
        except binascii.Error as error:
            raise ValueError(f"not base64: {error}") from error
        # The blob begins with its own kind (RFC 4253, 6.6), which detects a damaged key.
        length = int.from_bytes(blob[:4], "big")
        if not kind or len(blob) <= 4 + length or blob[4 : 4 + length] != kind.encode():
            raise ValueError("not a public key")
        return cls(kind, blob, where)

    @property
    def fingerprint(self) -> str:
        """The fingerprint in the format of `ssh-keygen -l`."""
        digest = base64.b64encode(hashlib.sha256(self.blob).digest()).decode().rstrip("=")
        return f"SHA256:{digest}"

    @property
    def line(self) -> str:
        """The key in the format of config.yml: `kind base64`."""
        return f"{self.kind} {base64.b64encode(self.blob).decode()}"


@dataclass(frozen=True)
class Trust:
    """The known keys of one machine; a revoked key is refused even if it is trusted as well.

    Args:
        revocation_lists: files of RevokedHostKeys, which OpenSSH compares with the key that is shown.
    """

    trusted: tuple[HostKey, ...]
    revoked: tuple[HostKey, ...] = ()
    revocation_lists: tuple[Path, ...] = ()

    def algorithms(self, offered: Iterable[str]) -> tuple[str, ...]:
        """The host key algorithms to ask for, in order: those of trusted keys first.

        A machine with several keys shows one of the first kind asked for. Without this order, a machine with
        a pinned rsa key and an unpinned ed25519 key would seem to have a changed key.
        """
        known = [name for key in self.trusted for name in _names(key.kind)]
        kept = tuple(offered)
        first = [name for name in dict.fromkeys(known) if name in kept]
        return (*first, *(name for name in kept if name not in first))

    def require_trusted(self, hop: Hop, shown: HostKey, *, pinnable: bool) -> None:
        """Accepts the key that a machine shows, or raises.

        Args:
            pinnable: whether config.yml has a place for this machine's key (a jump host has none).

        Raises:
            CannotConnect: the key is unknown, differs from the trusted one, or is revoked.
        """
        for key in self.revoked:
            if key.blob == shown.blob:
                raise refusals.revoked_host_key(hop, shown.fingerprint, f"is marked @revoked ({key.where})")
        for file in self.revocation_lists:
            if (answer := _revoked_by(file, shown)) is not None:
                raise refusals.revoked_host_key(hop, shown.fingerprint, f"is refused for {file}: {answer}")
        if any(key.blob == shown.blob for key in self.trusted):
            return
        if not self.trusted:
            raise refusals.unknown_host_key(hop, shown.kind, shown.fingerprint, shown.line, pinnable=pinnable)
        same_kind = [key for key in self.trusted if key.kind == shown.kind]
        known = [(key.kind, key.fingerprint, key.where) for key in same_kind or self.trusted]
        raise refusals.changed_host_key(
            hop, shown.kind, shown.fingerprint, shown.line, known, pinnable=pinnable
        )


def trust_in(hop: Hop, pinned: Iterable[str] = ()) -> Trust:
    """The known keys of a machine: the pinned ones if there are any, else those of known_hosts.

    Args:
        hop: the machine.
        pinned: `kind base64` texts of config.yml. `@revoked` lines of known_hosts, and RevokedHostKeys, apply
            in any case.

    Raises:
        WrongUsage: a pinned text is not a key.
    """
    known, revoked = _known(hop)
    return Trust(tuple(_pin(text) for text in pinned) or known, revoked, hop.revoked_keys_files)


def _pin(text: str) -> HostKey:
    try:
        return HostKey.parsed(text, PINNED)
    except ValueError as error:
        raise WrongUsage(
            f"host_key in {PINNED} is not a host key: {text[:60]}",
            why=[str(error)],
            remedy="write type and key as in /etc/ssh/ssh_host_ed25519_key.pub: `ssh-ed25519 AAAA...`, "
            "or run `bluegreen trust`",
        ) from error


def _names(kind: str) -> tuple[str, ...]:
    # An rsa key signs with SHA-2 today; the algorithm named ssh-rsa uses SHA-1 (RFC 8332).
    return ("rsa-sha2-512", "rsa-sha2-256") if kind == "ssh-rsa" else (kind,)


def _known(hop: Hop) -> tuple[tuple[HostKey, ...], tuple[HostKey, ...]]:
    trusted: list[HostKey] = []
    revoked: list[HostKey] = []
    for file in hop.known_hosts_files:
        for number, line in _lines(file):
            marker, patterns, key = _split(line)
            if marker in ("", "@revoked") and _matches(patterns, hop.known_as):
                try:
                    parsed = HostKey.parsed(key, f"{file}:{number}")
                except ValueError:
                    continue  # ssh, too, ignores a bad line and reads the others
                (revoked if marker else trusted).append(parsed)
    return tuple(trusted), tuple(revoked)


def _revoked_by(file: Path, shown: HostKey) -> str | None:
    """Why a file of RevokedHostKeys rejects a key, None if it does not (ssh_config(5)).

    It has a public key on each line, or it is a KRL. A file that cannot be read rejects every key.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        return error.strerror or str(error)
    if not content.startswith(_KRL_MAGIC):
        return "it lists the key" if base64.b64encode(shown.blob) in content.split() else None
    with tempfile.NamedTemporaryFile("w", suffix=".pub") as key:
        key.write(f"{shown.line}\n")
        key.flush()
        try:
            asked = subprocess.run(
                ["ssh-keygen", "-Q", "-f", str(file), key.name],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
            )
        except OSError as error:
            return f"ssh-keygen cannot be run: {error.strerror}"
    if asked.returncode == 0:
        return None
    return (asked.stdout + asked.stderr).decode(errors="replace").strip().replace(f"{key.name} ", "")


def _lines(file: Path) -> Iterator[tuple[int, str]]:
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return  # a file that cannot be read trusts no key
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield number, line.strip()


def _split(line: str) -> tuple[str, str, str]:
    """A line split into marker, host patterns and key."""
    marker, rest = "", line
    if line.startswith("@"):
        marker, _, rest = line.partition(" ")
    patterns, _, key = rest.strip().replace("\t", " ").partition(" ")
    return marker.strip(), patterns, key


def _matches(patterns: str, name: str) -> bool:
    """Whether the host patterns of a line, hashed or plain, match this name (sshd(8))."""
    if patterns.startswith("|1|"):
        return _hashed(patterns, name)
    matched = False
    for pattern in patterns.lower().split(","):
        wanted = not pattern.startswith("!")
        if re.fullmatch(_expression(pattern.removeprefix("!")), name):
            if not wanted:
                return False
            matched = True
    return matched


def _expression(pattern: str) -> str:
    # Not fnmatch: it reads the brackets of [host]:port as a set of characters.
    return "".join({"*": ".*", "?": "."}.get(sign, re.escape(sign)) for sign in pattern)


def _hashed(field: str, name: str) -> bool:
    try:
        _, _, salt, digest = field.split("|")
        expected = base64.b64decode(digest, validate=True)
        # The format requires SHA-1 (hostfile.c, host_hash); no security depends on it here.
        found = hmac.new(base64.b64decode(salt, validate=True), name.encode(), "sha1").digest()
    except ValueError:
        return False
    return hmac.compare_digest(found, expected)
