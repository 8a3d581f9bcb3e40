"""Private keys: their sources, the repair of keys that a CI secret damaged, and the login with them.

If `identity` or BLUEGREEN_SSH_KEY is set, only that key is tried: an agent with many others would use up the
machine's MaxAuthTries first. bluegreen never asks for a password or a passphrase.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from io import StringIO
from pathlib import Path

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_ssh_private_key,
)
from paramiko.ssh_exception import AuthenticationException, BadAuthenticationType, SSHException

from bluegreen.errors import CannotConnect
from bluegreen.ssh import agent, certificates, refusals
from bluegreen.ssh.hops import Hop

KEY = "BLUEGREEN_SSH_KEY"
PASSPHRASE = "BLUEGREEN_SSH_KEY_PASSPHRASE"  # noqa: S105 the variable's name

_ARMOUR = re.compile(r"-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----(.*?)-----END \1-----", re.DOTALL)
_PUBLIC = re.compile(r"(ssh-|ecdsa-|sk-)\S+ AAAA|---- BEGIN SSH2 PUBLIC|-----BEGIN [A-Z ]*PUBLIC KEY")
_OPENSSH_MAGIC = b"openssh-key-v1\0"


@dataclass(frozen=True)
class Candidate:
    """A key to try, its source, and its file if it has one."""

    key: paramiko.PKey
    source: str
    file: Path | None = None

    def __str__(self) -> str:
        return f"{self.key.get_name()} {self.key.fingerprint} ({self.source})"


@dataclass
class KeyRing:
    """The keys for one machine: an authentication strategy in Paramiko's terms.

    Args:
        hop: the machine.
        named: the only key to try, if one was named.
        passphrase: for the other keys.
        unusable: filled with the keys that could not be tried, each with the reason.
    """

    hop: Hop
    named: Candidate | None
    passphrase: str | None = None
    unusable: list[str] = field(default_factory=list)

    def candidates(self) -> Iterator[Candidate]:
        """The keys to try, in order; each with its certificates before it is tried alone."""
        for candidate in self._of_this_person() if self.named is None else (self.named,):
            beside = [certificates.beside(candidate.file)] if candidate.file else []
            for file in certificates.for_key(candidate.key, (*beside, *self.hop.certificate_files)):
                candidate.key.load_certificate(str(file))
                yield replace(candidate, source=f"{candidate.source}, with {file}")
            candidate.key.public_blob = None
            yield candidate

    def _of_this_person(self) -> Iterator[Candidate]:
        """The keys in the order of ssh: agent keys that ssh_config names, other agent keys, files."""
        named = [blob for file in self.hop.identity_files if (blob := _public_half(file))]
        loaded = self._of_the_agent()
        first = [each for each in loaded if each.key.asbytes() in named]
        others = [] if self.hop.identities_only else [each for each in loaded if each not in first]
        tried = set()
        for candidate in (*first, *others):
            tried.add(candidate.key.asbytes())
            yield candidate
        for file in self.hop.identity_files:
            if not file.is_file() or file.suffix == ".pub":
                continue
            try:
                candidate = key_of_file(file, self.passphrase)
            except CannotConnect as error:
                if _public_half(file) not in tried:
                    self.unusable.append(error.message)
                continue
            if candidate.key.asbytes() not in tried:
                tried.add(candidate.key.asbytes())
                yield candidate

    def _of_the_agent(self) -> list[Candidate]:
        if self.hop.agent is None:
            return []
        try:
            keys = agent.keys_of(self.hop.agent)
        except (SSHException, OSError, EOFError) as error:
            self.unusable.append(f"the ssh-agent at {self.hop.agent} does not answer: {error}")
            return []
        return [Candidate(key, f"ssh-agent, {key.comment}" if key.comment else "ssh-agent") for key in keys]

    def authenticate(self, transport: paramiko.Transport) -> None:
        """Logs in with the first key that the machine accepts.

        Raises:
            CannotConnect: it accepts none of them, or wants more than a key.
        """
        tried: list[str] = []
        allowed: list[str] = []
        for candidate in self.candidates():
            try:
                wanted = transport.auth_publickey(self.hop.user, candidate.key)
            except BadAuthenticationType as error:
                tried.append(str(candidate))
                allowed = list(error.allowed_types)
            except (SSHException, EOFError, OSError) as error:
                tried.append(str(candidate))
                if "timeout" in str(error).lower():
                    raise refusals.login_not_completed(self.hop, str(error)) from error
                if not isinstance(error, AuthenticationException):
                    self.unusable.append(f"{candidate.source}: {error}")
            else:
                if wanted:
                    raise refusals.more_than_a_key(self.hop, str(candidate), wanted)
                return
            if not transport.is_active():
                break
        if not tried:
            raise refusals.no_key(self.hop, self.unusable or ["no agent, and none of ~/.ssh/id_*"])
        raise refusals.key_not_accepted(
            self.hop, tried, closed=not transport.is_active(), allowed=allowed, unusable=self.unusable
        )


def named_key(identity: Path | None, environ: Mapping[str, str]) -> Candidate | None:
    """The key of `identity` in config.yml, else of BLUEGREEN_SSH_KEY; None if neither is set.

    Raises:
        CannotConnect: the key cannot be used.
    """
    passphrase = environ.get(PASSPHRASE) or None
    if identity is not None:
        return key_of_file(identity, passphrase)
    if environ.get(KEY, "").strip():
        return Candidate(key_of_text(environ[KEY], passphrase, KEY), KEY)
    return None


def key_of_file(file: Path, passphrase: str | None) -> Candidate:
    """The key of a file.

    Raises:
        CannotConnect: the file does not exist, or its key cannot be used.
    """
    path = file.expanduser()
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        raise refusals.key_unusable(
            str(file),
            "the file does not exist",
            "name a private key in `identity` of config.yml, or in IdentityFile of ssh_config",
        ) from None
    except OSError as error:
        why = error.strerror or str(error)
        raise refusals.key_unusable(str(file), why, "let the user who runs bluegreen read it") from None
    return Candidate(key_of_text(text, passphrase, str(file)), str(file), path)


def key_of_text(text: str, passphrase: str | None, source: str) -> paramiko.PKey:
    """The private key in a text, also if a CI secret damaged its line breaks.

    Args:
        text: a key in PEM or OpenSSH format.
        passphrase: for an encrypted key.
        source: the name of the source for error messages, which never contain the text (P10).

    Raises:
        CannotConnect: the text is not a private key, or not of a supported type.
    """
    _require_private_key(text, source)
    armoured = repaired(text)
    if armoured is None:
        raise refusals.key_unusable(
            source,
            "it is not a private key",
            "set it to the whole text, from -----BEGIN ... PRIVATE KEY----- to -----END ... PRIVATE KEY-----",
        )
    encrypted = _is_encrypted(armoured)
    if encrypted and not passphrase:
        raise refusals.key_unusable(
            source,
            "it is encrypted and there is no passphrase",
            f"set {PASSPHRASE}, or run `ssh-add` with the key",
        )
    secret = passphrase.encode() if encrypted and passphrase else None
    load = load_ssh_private_key if "BEGIN OPENSSH" in armoured else load_pem_private_key
    try:
        loaded = load(armoured.encode(), secret)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # `from None`: the library's message may quote the key.
        if encrypted:
            raise refusals.key_unusable(source, "the passphrase is wrong", f"check {PASSPHRASE}") from None
        raise refusals.key_unusable(
            source,
            "it is damaged",
            "copy the whole file again; `ssh-keygen -y -f FILE` must print the public key",
        ) from None
    return _for_paramiko(loaded, source)


def repaired(text: str) -> str | None:
    """The armoured key in the text with correct line breaks; None if there is none.

    A CI secret may lose its last newline, get CRLF, blanks, quotes or indentation, or become one line with
    `\\n` or blanks instead of newlines.
    """
    plain = text.replace("\\r", "").replace("\\n", "\n").replace("\r\n", "\n").replace("\r", "\n")
    found = _ARMOUR.search(plain)
    if found is None:
        return None
    kind, body = found[1], found[2]
    headers = [line.strip() for line in body.splitlines() if ":" in line]
    rest = "".join(line for line in body.splitlines() if ":" not in line)
    data = "".join(rest.split())
    lines = [data[start : start + 64] for start in range(0, len(data), 64)]
    if headers:
        lines = [*headers, "", *lines]
    return "\n".join([f"-----BEGIN {kind}-----", *lines, f"-----END {kind}-----", ""])


def _require_private_key(text: str, source: str) -> None:
    """Raises CannotConnect for a PuTTY key, a public key and a DSA key."""
    start = text.strip().strip("'\"").strip()
    if start.startswith("PuTTY-User-Key-File"):
        raise refusals.key_unusable(
            source, "it is in PuTTY's format", "convert it: `puttygen key.ppk -O private-openssh -o key`"
        )
    if _PUBLIC.match(start):
        raise refusals.key_unusable(
            source, "it is a public key", "use the private key: the file of the same name without .pub"
        )
    if "BEGIN DSA PRIVATE KEY" in start:
        raise _is_dsa(source)


def _is_dsa(source: str) -> CannotConnect:
    return refusals.key_unusable(
        source, "it is a DSA key, which no current sshd accepts", "make a new key: `ssh-keygen -t ed25519`"
    )


def _is_encrypted(armoured: str) -> bool:
    if "ENCRYPTED" in armoured:
        return True
    try:
        data = base64.b64decode("".join(armoured.splitlines()[1:-1]))
    except binascii.Error:
        return False
    # openssh-key-v1: the magic, then the cipher's name as a string (OpenSSH, PROTOCOL.key).
    return data.startswith(_OPENSSH_MAGIC) and data[len(_OPENSSH_MAGIC) + 4 :][:4] != b"none"


def _for_paramiko(loaded: object, source: str) -> paramiko.PKey:
    kinds: tuple[tuple[type, type[paramiko.PKey]], ...] = (
        (ed25519.Ed25519PrivateKey, paramiko.Ed25519Key),
        (ec.EllipticCurvePrivateKey, paramiko.ECDSAKey),
        (rsa.RSAPrivateKey, paramiko.RSAKey),
    )
    for kind, wanted in kinds:
        if isinstance(loaded, kind):
            # Paramiko does not read PKCS#8, so every key is converted to OpenSSH's format.
            raw = loaded.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())  # type: ignore[attr-defined]
            return wanted.from_private_key(StringIO(raw.decode()))
    if "DSA" in type(loaded).__name__:
        raise _is_dsa(source)
    raise refusals.key_unusable(
        source,
        f"{type(loaded).__name__} is not a supported type",
        "make a new key: `ssh-keygen -t ed25519`",
    )


def _public_half(file: Path) -> bytes | None:
    """The public key of a private key's file; IdentityFile may also name the public key (ssh_config(5))."""
    public = file if file.suffix == ".pub" else file.with_name(f"{file.name}.pub")
    try:
        return base64.b64decode(public.read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return None
