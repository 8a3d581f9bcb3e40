"""The lines of known_hosts that match a machine, and the host key algorithms to ask for."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from bluegreen.ssh.hops import Hop
from bluegreen.ssh.known_hosts import HostKey, Trust, trust_in

OFFERED = ("ssh-ed25519", "ecdsa-sha2-nistp256", "rsa-sha2-512", "rsa-sha2-256")


def key(kind: str = "ssh-ed25519", body: bytes = b"x" * 32) -> str:
    blob = len(kind).to_bytes(4, "big") + kind.encode() + len(body).to_bytes(4, "big") + body
    return f"{kind} {base64.b64encode(blob).decode()}"


def known(tmp_path: Path, lines: str, hostname: str = "web.example", port: int = 22) -> Trust:
    file = tmp_path / "known_hosts"
    file.write_text(lines)
    return trust_in(Hop(hostname, hostname, port, "deploy", known_hosts_files=(file, tmp_path / "none")))


@pytest.mark.parametrize(
    ("patterns", "means_it"),
    [
        ("web.example", True),
        ("WEB.Example", True),
        ("other,web.example", True),
        ("*.example", True),
        ("web.exampl?", True),
        ("*,!web.example", False),
        ("!web.example,*", False),
        ("[web.example]:22", False),
        ("web", False),
        ("webxexample", False),
    ],
)
def test_patterns_mean_what_sshd_says_they_mean(tmp_path: Path, patterns: str, means_it: bool) -> None:
    assert bool(known(tmp_path, f"{patterns} {key()}\n").trusted) is means_it


def test_brackets_around_a_name_with_port_are_not_a_set_of_characters(tmp_path: Path) -> None:
    line = f"[web.example]:2200 {key()}\n"
    assert known(tmp_path, line, port=2200).trusted
    assert not known(tmp_path, line, hostname="w", port=2200).trusted


def test_a_key_has_its_file_and_line(tmp_path: Path) -> None:
    (found,) = known(tmp_path, f"# comment\n\nweb.example\t{key()} a comment\n").trusted
    assert found.where == f"{tmp_path}/known_hosts:3"


def test_revoked_keys_and_authorities_are_not_trusted(tmp_path: Path) -> None:
    trust = known(tmp_path, f"@revoked * {key()}\n@cert-authority * {key()}\n")
    assert trust.trusted == ()
    assert [each.line for each in trust.revoked] == [key()]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ssh-ed25519",
        "ssh-ed25519 AAAA",
        "ssh-ed25519 !!!!",
        key()[:30],
        key().replace("ed25519", "rsa", 1),
    ],
)
def test_a_text_that_is_not_a_key_is_rejected(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a public key|not base64"):
        HostKey.parsed(text, "here")


def test_trusted_kinds_are_asked_for_first_and_the_others_are_kept() -> None:
    trust = Trust((HostKey.parsed(key("ssh-rsa"), "here"),))
    assert trust.algorithms(OFFERED) == ("rsa-sha2-512", "rsa-sha2-256", "ssh-ed25519", "ecdsa-sha2-nistp256")
    assert Trust(()).algorithms(OFFERED) == OFFERED
