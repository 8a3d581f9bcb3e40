"""Getting in, and each way of not getting in, against real servers (P10)."""

from __future__ import annotations

import getpass
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bluegreen.errors import CannotConnect, WrongUsage
from bluegreen.ssh.connection import Connection, Limits, Login
from tests.support.processes import free_port
from tests.support.servers import Sshd, fingerprint, keygen, public, saying, sh
from tests.support.waiting import wait_for

ME = getpass.getuser()


def refused(login: Login, environ: dict[str, str] | None = None, limits: Limits | None = None) -> str:
    """The error's whole text; its exit code is the one for "cannot connect"."""
    with pytest.raises(CannotConnect) as caught:
        Connection(login, environ=environ or {}, limits=limits).connect()
    assert caught.value.exit_code == 5
    return str(caught.value)


def gets_in(login: Login, environ: dict[str, str] | None = None) -> bool:
    with Connection(login, environ=environ or {}) as host:
        return host.run(sh("echo in")).stdout == "in\n"


def configure(home: Path, text: str) -> None:
    (home / ".ssh" / "config").write_text(text)


def know(home: Path, text: str) -> Path:
    file = home / ".ssh" / "known_hosts"
    file.write_text(text)
    return file


# --- host keys -------------------------------------------------------------------------------------------


def test_an_unknown_host_key_is_refused_with_the_line_that_lets_it_in(shared: Sshd) -> None:
    text = refused(shared.login(host_keys=()))
    assert f"it shows ssh-ed25519 {fingerprint(shared.host_keys['ed25519'])}" in text
    assert "compare this fingerprint" in text
    assert "bluegreen trust" in text
    line = re.search(r"^ +host_key: (.+)$", text, re.MULTILINE)
    assert line
    assert gets_in(shared.login(host_keys=(line[1],)))


def test_an_unknown_host_key_is_not_learnt(shared: Sshd, home: Path) -> None:
    configure(home, "Host *\n StrictHostKeyChecking no\n UserKnownHostsFile ~/.ssh/known_hosts\n")
    refused(shared.login(host_keys=()))
    assert not (home / ".ssh" / "known_hosts").exists()
    refused(shared.login(host_keys=()))


def test_a_host_key_of_known_hosts_is_enough(shared: Sshd, home: Path) -> None:
    know(home, shared.known_hosts_line())
    assert gets_in(shared.login(host_keys=()))


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
def test_any_of_the_three_host_keys_can_be_the_one_that_is_known(shared: Sshd, home: Path, kind: str) -> None:
    assert gets_in(shared.login(host_keys=(public(shared.host_keys[kind]),)))
    know(home, shared.known_hosts_line(kind))
    assert gets_in(shared.login(host_keys=()))


def test_a_changed_host_key_names_both_fingerprints_and_the_line_of_the_old(
    shared: Sshd, home: Path, tmp_path: Path
) -> None:
    old = keygen(tmp_path / "old")
    file = know(home, f"# comment\n[127.0.0.1]:{shared.port} {public(old)}\n")
    text = refused(shared.login(host_keys=()))
    assert fingerprint(old) in text
    assert f"({file}:2)" in text
    assert fingerprint(shared.host_keys["ed25519"]) in text
    assert "rebuilt" in text


def test_a_changed_host_key_that_was_pinned_names_config_yml(shared: Sshd, tmp_path: Path) -> None:
    old = keygen(tmp_path / "old")
    text = refused(shared.login(host_keys=(public(old),)))
    assert f"trusted is ssh-ed25519 {fingerprint(old)} (config.yml)" in text


def test_a_pinned_host_key_is_the_only_one_accepted(shared: Sshd, home: Path, tmp_path: Path) -> None:
    know(home, shared.known_hosts_line())
    assert "config.yml" in refused(shared.login(host_keys=(public(keygen(tmp_path / "other")),)))


def test_a_pin_that_is_not_a_key_is_a_wrong_usage(shared: Sshd) -> None:
    with pytest.raises(WrongUsage, match="is not a host key"):
        Connection(shared.login(host_keys=("ssh-ed25519 AAAA",)), environ={}).connect()


def test_a_revoked_host_key_is_refused_even_if_it_is_pinned(shared: Sshd, home: Path) -> None:
    file = know(home, f"@revoked * {public(shared.host_keys['ed25519'])}\n")
    assert f"@revoked ({file}:1)" in refused(shared.login())


@pytest.mark.parametrize("form", ["text", "KRL"])
def test_a_key_of_revoked_host_keys_is_refused_even_if_it_is_pinned(
    shared: Sshd, home: Path, tmp_path: Path, form: str
) -> None:
    configure(home, "RevokedHostKeys ~/revoked # all\n")

    def revoke(key: Path) -> None:
        if form == "text":
            (home / "revoked").write_text(f"# lost\n{public(key)} a comment\n")
        else:
            subprocess.run(["ssh-keygen", "-q", "-k", "-f", str(home / "revoked"), f"{key}.pub"], check=True)

    assert f"{home}/revoked: No such file" in refused(shared.login())
    revoke(keygen(tmp_path / "other"))
    assert gets_in(shared.login())
    revoke(shared.host_keys["ed25519"])
    text = refused(shared.login())
    assert "its host key is revoked" in text
    assert f"{home}/revoked" in text


def test_hashed_known_hosts_are_found(shared: Sshd, home: Path) -> None:
    file = know(home, shared.known_hosts_line())
    subprocess.run(["ssh-keygen", "-H", "-f", str(file)], check=True, capture_output=True)
    assert "127.0.0.1" not in file.read_text()
    assert gets_in(shared.login(host_keys=()))


def test_bad_lines_of_known_hosts_cost_only_themselves(shared: Sshd, home: Path) -> None:
    bad = (
        f"[127.0.0.1]:{shared.port} ssh-ed25519 AAAA!broken\n@cert-authority *.x ssh-ed25519 AAAA\n|1|x\nz\n"
    )
    know(home, bad + shared.known_hosts_line())
    assert gets_in(shared.login(host_keys=()))


def test_known_hosts_files_and_aliases_of_ssh_config_are_honoured(shared: Sshd, home: Path) -> None:
    configure(home, "Host 127.0.0.1\n HostKeyAlias prod\n UserKnownHostsFile ~/none ~/.ssh/%n.known\n")
    (home / ".ssh" / "127.0.0.1.known").write_text(shared.known_hosts_line(name="prod"))
    assert gets_in(shared.login(host_keys=()))


def test_the_shown_host_key_is_what_would_be_pinned(shared: Sshd) -> None:
    shown = Connection(shared.login(host_keys=(), identity=None), environ={}).shown_host_key()
    assert shown.line == public(shared.host_keys["ed25519"])
    assert shown.fingerprint == fingerprint(shared.host_keys["ed25519"])


# --- keys ------------------------------------------------------------------------------------------------


@pytest.fixture
def key(shared: Sshd, tmp_path: Path) -> Path:
    return shared.user_key


MENDS: dict[str, Callable[[str], str]] = {
    "as it is": lambda text: text,
    "without its last newline": lambda text: text.rstrip("\n"),
    "with CRLF": lambda text: text.replace("\n", "\r\n"),
    "with blanks around": lambda text: f"\n  {text}\n  ",
    "with \\n in place of newlines": lambda text: text.replace("\n", "\\n"),
    "with blanks in place of newlines": lambda text: text.replace("\n", " "),
    "with quotes around": lambda text: f'"{text.strip()}"',
    "indented": lambda text: "".join(f"    {line}\n" for line in text.splitlines()),
}


@pytest.mark.parametrize("damage", MENDS.values(), ids=MENDS.keys())
def test_a_key_in_the_environment_is_repaired(shared: Sshd, key: Path, damage: Callable[[str], str]) -> None:
    environ = {"BLUEGREEN_SSH_KEY": damage(key.read_text())}
    assert gets_in(shared.login(identity=None), environ)


@pytest.mark.parametrize(
    ("kind", "more"),
    [("rsa", []), ("rsa", ["-m", "PEM"]), ("rsa", ["-m", "PKCS8"]), ("ecdsa", []), ("ecdsa", ["-m", "PEM"])],
    ids=str,
)
@pytest.mark.parametrize("passphrase", ["", "secret word"], ids=["plain", "encrypted"])
def test_every_kind_and_format_of_key_gets_in(
    shared: Sshd, tmp_path: Path, kind: str, more: list[str], passphrase: str
) -> None:
    made = keygen(tmp_path / "key", kind, passphrase, "-b", {"rsa": "2048", "ecdsa": "256"}[kind], *more)
    shared.authorize(made)
    environ = {"BLUEGREEN_SSH_KEY": made.read_text(), "BLUEGREEN_SSH_KEY_PASSPHRASE": passphrase}
    assert gets_in(shared.login(identity=None), environ)


UNUSABLE: dict[str, tuple[Callable[[Path], str], str]] = {
    "a public key": (lambda key: Path(f"{key}.pub").read_text(), "it is a public key"),
    "no key at all": (lambda key: "hunter2", "it is not a private key"),
    "a damaged key": (lambda key: key.read_text().replace("AAAA", "AAAB", 1), "it is damaged"),
    "a truncated key": (lambda key: key.read_text()[:200], "it is not a private key"),
    "a PuTTY key": (lambda key: "PuTTY-User-Key-File-3: ssh-ed25519\n", "it is in PuTTY's format"),
    "a DSA key": (
        lambda key: "-----BEGIN DSA PRIVATE KEY-----\nMIIB\n-----END DSA PRIVATE KEY-----\n",
        "it is a DSA key",
    ),
    "an encrypted key": (
        lambda key: keygen(key.with_name("locked"), "ed25519", "word").read_text(),
        "it is encrypted and there is no passphrase",
    ),
}


@pytest.mark.parametrize(("make", "why"), UNUSABLE.values(), ids=UNUSABLE.keys())
@pytest.mark.parametrize("place", ["environment", "file"])
def test_a_key_that_cannot_be_used_is_named_with_the_reason_and_never_shown(
    shared: Sshd, tmp_path: Path, make: Callable[[Path], str], why: str, place: str
) -> None:
    key_text = make(keygen(tmp_path / "key"))
    if place == "environment":
        text = refused(shared.login(identity=None), {"BLUEGREEN_SSH_KEY": key_text})
        assert f"the SSH key of BLUEGREEN_SSH_KEY cannot be used: {why}" in text
    else:
        file = tmp_path / "given"
        file.write_text(key_text)
        text = refused(shared.login(identity=file))
        assert f"the SSH key of {file} cannot be used: {why}" in text
    assert not [line for line in key_text.splitlines() if len(line) > 6 and line in text]


def test_a_wrong_passphrase_is_named(shared: Sshd, tmp_path: Path) -> None:
    locked = keygen(tmp_path / "locked", "ed25519", "word")
    environ = {"BLUEGREEN_SSH_KEY": locked.read_text(), "BLUEGREEN_SSH_KEY_PASSPHRASE": "other"}
    assert "the passphrase is wrong" in refused(shared.login(identity=None), environ)


def test_an_identity_that_is_not_there_is_named(shared: Sshd, tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    text = refused(shared.login(identity=missing))
    assert f"the SSH key of {missing} cannot be used: the file does not exist" in text


def test_an_identity_wins_over_the_environment(shared: Sshd, tmp_path: Path) -> None:
    environ = {"BLUEGREEN_SSH_KEY": keygen(tmp_path / "other").read_text()}
    assert gets_in(shared.login(), environ)


def test_a_named_key_is_the_only_one_tried(shared: Sshd, home: Path, tmp_path: Path) -> None:
    (home / ".ssh" / "id_ed25519").write_text(shared.user_key.read_text())
    other = keygen(tmp_path / "other")
    text = refused(shared.login(identity=other))
    assert f"tried ssh-ed25519 {fingerprint(other)} ({other})" in text
    assert text.count("tried ssh-") == 1


def test_without_a_named_key_the_usual_files_are_tried(shared: Sshd, home: Path) -> None:
    (home / ".ssh" / "id_ed25519").write_text(shared.user_key.read_text())
    keygen(home / ".ssh" / "id_ecdsa", "ecdsa", "locked")
    assert gets_in(shared.login(identity=None))


def test_keys_not_accepted_are_listed_with_fingerprint_and_source(shared: Sshd, home: Path) -> None:
    first = keygen(home / ".ssh" / "id_ed25519")
    second = keygen(home / ".ssh" / "id_ecdsa", "ecdsa")
    keygen(home / ".ssh" / "id_rsa", "rsa", "locked", "-b", "2048")
    text = refused(shared.login(identity=None))
    assert f"no SSH key was accepted for the user {ME}" in text
    assert f"tried ssh-ed25519 {fingerprint(first)} ({first})" in text
    assert f"tried ecdsa-sha2-nistp256 {fingerprint(second)} ({second})" in text
    assert f"the SSH key of {home}/.ssh/id_rsa cannot be used: it is encrypted" in text


@pytest.mark.parametrize(("tried", "suggested"), [("ec2-user", "ubuntu"), ("ubuntu", "ec2-user")])
def test_the_other_usual_user_of_ec2_is_suggested(shared: Sshd, tried: str, suggested: str) -> None:
    text = refused(shared.login(user=tried))
    assert f"`user: {suggested}`" in text
    assert f"accepted for the user {tried}" in text


def test_without_a_key_the_error_names_where_to_set_one(shared: Sshd) -> None:
    text = refused(shared.login(identity=None))
    assert "there is no SSH key to log in with" in text
    assert "BLUEGREEN_SSH_KEY" in text


def test_too_many_keys_name_max_auth_tries(sshd_with: Callable[..., Sshd], home: Path) -> None:
    sshd = sshd_with("MaxAuthTries 2")
    keygen(home / ".ssh" / "id_ecdsa", "ecdsa")
    keygen(home / ".ssh" / "id_ed25519")
    keygen(home / ".ssh" / "id_rsa", "rsa", "", "-b", "2048")
    assert "MaxAuthTries" in refused(sshd.login(identity=None))


def test_a_machine_that_accepts_no_keys_names_the_setting(sshd_with: Callable[..., Sshd]) -> None:
    sshd = sshd_with("PubkeyAuthentication no\nPasswordAuthentication yes")
    assert "PubkeyAuthentication" in refused(sshd.login())


def test_a_second_factor_is_reported(sshd_with: Callable[..., Sshd]) -> None:
    sshd = sshd_with("AuthenticationMethods publickey,password\nPasswordAuthentication yes")
    assert "more than a key" in refused(sshd.login())


@contextmanager
def agent_at(address: Path) -> Iterator[Callable[[Path], None]]:
    """A real ssh-agent; gives the function that adds a key to it."""
    environ = {**os.environ, "SSH_AUTH_SOCK": str(address)}

    def ssh_add(*arguments: str) -> int:
        return subprocess.run(["ssh-add", *arguments], env=environ, capture_output=True).returncode

    def add(key: Path) -> None:
        assert ssh_add("-q", str(key)) == 0

    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(address)], stdout=subprocess.DEVNULL)
    # Its socket is there a moment before it listens; 2 is what ssh-add says without an agent.
    wait_for(lambda: ssh_add("-l") != 2, "the agent")
    yield add
    process.terminate()
    process.wait()


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[Path], None]]:
    """The agent of SSH_AUTH_SOCK."""
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
    with agent_at(tmp_path / "agent") as add:
        yield add


def test_a_key_of_the_agent_gets_in(shared: Sshd, agent: Callable[[Path], None]) -> None:
    agent(shared.user_key)
    assert gets_in(shared.login(identity=None))


def test_with_identities_only_no_other_key_of_the_agent_is_tried(
    shared: Sshd, agent: Callable[[Path], None], home: Path, tmp_path: Path
) -> None:
    agent(shared.user_key)
    other = keygen(tmp_path / "other")
    configure(home, f"Host *\n IdentitiesOnly yes\n IdentityFile {other}\n")
    text = refused(shared.login(identity=None))
    assert text.count("tried ssh-") == 1
    assert fingerprint(other) in text
    configure(home, f"Host *\n IdentitiesOnly yes\n IdentityFile {shared.user_key}.pub\n")
    assert gets_in(shared.login(identity=None))


def test_the_agent_of_identity_agent_is_asked_and_no_other(
    shared: Sshd, agent: Callable[[Path], None], home: Path, tmp_path: Path
) -> None:
    """As with the agents of 1Password and gpg, beside the one of SSH_AUTH_SOCK."""
    other = keygen(tmp_path / "other")
    agent(other)
    with agent_at(home / ".1password") as add:
        add(shared.user_key)
        configure(home, "Host *\n IdentityAgent ~/.1password # my keys\n")
        assert gets_in(shared.login(identity=None))
        configure(home, "Host *\n IdentityAgent none\n")
        assert "there is no SSH key" in refused(shared.login(identity=None))
        configure(home, "Host *\n IdentityAgent SSH_AUTH_SOCK\n")
        text = refused(shared.login(identity=None))
        assert fingerprint(other) in text
        assert fingerprint(shared.user_key) not in text


@pytest.mark.parametrize("line", ["IdentityAgent ~/gone", "IdentityAgent $GONE"])
def test_an_agent_that_is_gone_is_named(
    shared: Sshd, home: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    monkeypatch.setenv("GONE", str(home / "gone"))
    configure(home, f"{line}\n")
    assert f"the ssh-agent at {home}/gone does not answer" in refused(shared.login(identity=None))
    (home / ".ssh" / "id_ed25519").write_text(shared.user_key.read_text())
    assert gets_in(shared.login(identity=None))


@pytest.fixture
def certified(sshd_with: Callable[..., Sshd], tmp_path: Path) -> tuple[Sshd, Path, Path]:
    """An sshd that accepts only certificates, a key, and the key's certificate."""
    authority, key = keygen(tmp_path / "authority"), keygen(tmp_path / "key")
    sign = ["ssh-keygen", "-q", "-s", str(authority), "-I", "kim", "-n", ME, f"{key}.pub"]
    subprocess.run(sign, check=True)
    sshd = sshd_with(f"TrustedUserCAKeys {authority}.pub\nAuthorizedKeysFile none")
    return sshd, key, tmp_path / "key-cert.pub"


def test_the_certificate_beside_a_key_gets_in(certified: tuple[Sshd, Path, Path]) -> None:
    sshd, key, certificate = certified
    assert gets_in(sshd.login(identity=key))
    # One that belongs to another key is passed over, and the key is tried alone.
    certificate.rename(certificate.with_name("other"))
    other = keygen(key.with_name("second"))
    certificate.with_name("other").rename(f"{other}-cert.pub")
    assert f"tried ssh-ed25519 {fingerprint(other)} ({other})" in refused(sshd.login(identity=other))


@pytest.mark.parametrize("where", ["file", "agent"])
def test_a_certificate_of_ssh_config_gets_in(
    certified: tuple[Sshd, Path, Path], agent: Callable[[Path], None], home: Path, where: str
) -> None:
    sshd, key, certificate = certified
    certificate.rename(home / "kim-cert.pub")
    keys = [keygen(home / "unrelated"), key]
    if where == "agent":
        for each in keys:
            agent(each)
        key.unlink()
    text = "".join(f"IdentityFile {each}\n" for each in keys)
    configure(home, f"{text}CertificateFile ~/no-such\nCertificateFile ${{HOME}}/kim-cert.pub\n")
    assert gets_in(sshd.login(identity=None))


# --- no connection -------------------------------------------------------------------------------------


def test_a_name_without_an_address_is_reported(shared: Sshd) -> None:
    text = refused(shared.login(address="no-such-host.invalid"), limits=Limits(connect_s=3))
    assert "the name no-such-host.invalid is not found" in text


def test_a_refused_connection_names_port_and_remedy() -> None:
    port = free_port()
    text = refused(Login("127.0.0.1", port=port))
    assert f"127.0.0.1 port {port}: connection refused" in text
    assert "sshd runs" in text


@contextmanager
def dropping() -> Iterator[int]:
    """A port that answers no packet."""
    full = socket.socket()
    full.bind(("127.0.0.1", 0))
    full.listen(0)
    port = full.getsockname()[1]
    fillers = [socket.socket() for _ in range(4)]
    for filler in fillers:  # once its queue is full the kernel drops further connections silently
        filler.setblocking(False)
        filler.connect_ex(("127.0.0.1", port))
    yield port
    for one in (full, *fillers):
        one.close()


def test_a_machine_that_drops_packets_is_reported_as_behind_a_firewall(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    with dropping() as port:
        login, limits = Login("127.0.0.1", port=port), Limits(connect_s=0.5)
        text = refused(login, limits=limits)
        # What ssh_config says wins.
        configure(home, "Host *\n ConnectTimeout 1\n")
        assert "no answer within 1 s" in refused(login, limits=limits)
    assert "no answer within 0.5 s" in text
    assert "security group" in text
    assert "allow the address you connect from" in text


def test_from_a_runner_of_github_the_three_ways_past_a_firewall_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    with dropping() as port:
        text = refused(Login("127.0.0.1", port=port), limits=Limits(connect_s=0.5))
    assert "does not allow this runner's address" in text
    assert "AWS SSM as ProxyCommand, EC2 Instance Connect, or a self-hosted runner" in text


def test_a_server_that_sends_nothing_is_reported() -> None:
    with saying(b"") as port:
        text = refused(Login("127.0.0.1", port=port), limits=Limits(banner_s=0.5))
    assert "accepts connections but sends nothing" in text


def test_a_web_server_is_reported_as_not_an_ssh_server() -> None:
    with saying(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        text = refused(Login("127.0.0.1", port=port), limits=Limits(banner_s=0.5))
    assert "not an SSH server" in text
    assert "it sent: HTTP/1.1 400 Bad Request" in text


def test_an_ssh_server_that_closes_the_connection_is_reported(sshd_with: Callable[..., Sshd]) -> None:
    with saying(b"SSH-2.0-OpenSSH_9.2\r\n") as port:
        text = refused(Login("127.0.0.1", port=port), limits=Limits(banner_s=0.5))
    assert "before the SSH handshake was complete" in text


def test_a_server_that_does_not_answer_to_a_key_is_reported(sshd_with: Callable[..., Sshd]) -> None:
    # As one does that asks a directory which does not answer.
    asks = f"AuthorizedKeysCommand {shutil.which('sleep')} 60\nAuthorizedKeysCommandUser {ME}"
    sshd = sshd_with(f"AuthorizedKeysFile none\n{asks}")
    text = refused(sshd.login(), limits=Limits(auth_s=0.5))
    assert f"127.0.0.1 port {sshd.port}: the login as {ME} did not complete\n" in text
    assert "Authentication timeout" in text


# --- ssh_config ----------------------------------------------------------------------------------------


def test_an_alias_of_ssh_config_is_enough(shared: Sshd, home: Path) -> None:
    configure(
        home,
        f"Include {home}/.ssh/conf.d/*\nHost prod\n HostName 127.0.0.1\n Port {shared.port}\n User {ME}\n",
    )
    (home / ".ssh" / "conf.d").mkdir()
    (home / ".ssh" / "conf.d" / "keys").write_text(f"Host prod\n IdentityFile {shared.user_key}\n")
    know(home, shared.known_hosts_line())
    assert gets_in(Login("prod"))


def test_what_only_ssh_can_read_is_read(shared: Sshd, home: Path) -> None:
    (home / "known hosts").write_text(shared.known_hosts_line())
    configure(
        home,
        f"Host prod # ours\n HostName 127.0.0.1 # production\n Port={shared.port}\n ConnectTimeout 5s\n"
        f' IdentityFile ${{HOME}}/key # mine\n GlobalKnownHostsFile "{home}/known hosts"\n',
    )
    (home / "key").write_text(shared.user_key.read_text())
    assert gets_in(Login("prod"))


def test_a_key_of_the_environment_is_hidden_from_a_proxy_command(
    shared: Sshd, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLUEGREEN_SSH_KEY", shared.user_key.read_text())
    monkeypatch.setenv("BLUEGREEN_SSH_KEY_PASSPHRASE", "hunter2")
    monkeypatch.setenv("BLUEGREEN_SECRETS", "DB_PASSWORD=hunter2")
    configure(home, f"Host prod\n ProxyCommand env >{tmp_path}/seen; exit 1\n")
    refused(Login("prod"), dict(os.environ))
    seen = (tmp_path / "seen").read_text()
    assert "PATH=" in seen
    assert "BLUEGREEN_" not in seen
    assert "hunter2" not in seen


def test_the_login_wins_over_ssh_config(shared: Sshd, home: Path) -> None:
    configure(home, "Host *\n Port 1\n User nobody\n IdentityFile ~/none\n")
    assert gets_in(shared.login())
    assert Connection(shared.login()).user == ME
    assert Connection(Login("127.0.0.1")).user == "nobody"


def test_a_proxy_command_carries_the_connection(shared: Sshd, home: Path, tmp_path: Path) -> None:
    pump = tmp_path / "pump.py"
    pump.write_text(
        "import os, socket, sys, threading\n"
        "far = socket.create_connection((sys.argv[1], int(sys.argv[2])))\n"
        "def back():\n"
        "    while data := far.recv(65536): os.write(1, data)\n"
        "    os._exit(0)\n"
        "threading.Thread(target=back, daemon=True).start()\n"
        "while data := os.read(0, 65536): far.sendall(data)\n"
    )
    configure(home, f"Host prod\n HostName 127.0.0.1\n ProxyCommand {sys.executable} {pump} %h %p 2>&-\n")
    with Connection(replace(shared.login(), address="prod"), environ={}) as host:
        assert len(host.run(sh("cat"), stdin=b"x" * 3_000_000).stdout) == 3_000_000


def test_a_proxy_command_that_fails_says_what_it_said(home: Path) -> None:
    configure(home, "Host prod\n ProxyCommand echo no way to %h %p as %r >&2; exit 1\n")
    text = refused(Login("prod", user="deploy", port=2200))
    assert "its ProxyCommand failed" in text
    assert "no way to prod 2200 as deploy" in text


# --- jump hosts ----------------------------------------------------------------------------------------


def test_two_jump_hosts_are_taken_in_their_order_each_with_its_key_checked(
    sshd_with: Callable[..., Sshd], shared: Sshd, home: Path
) -> None:
    first, second = sshd_with(), sshd_with()
    configure(
        home,
        f"Host first\n HostName 127.0.0.1\n Port {first.port}\n IdentityFile {first.user_key}\n"
        f"Host second\n HostName 127.0.0.1\n IdentityFile {second.user_key}\n ProxyJump nowhere\n"
        f"Host prod\n HostName 127.0.0.1\n ProxyJump first,{ME}@second:{second.port}\n",
    )
    login = shared.login(address="prod")
    text = refused(login)
    assert f"first (127.0.0.1) port {first.port}: its host key is unknown" in text
    assert f"    [127.0.0.1]:{first.port} {public(first.host_keys['ed25519'])}" in text
    know(home, first.known_hosts_line())
    assert f"second (127.0.0.1) port {second.port}: its host key is unknown" in refused(login)
    know(home, first.known_hosts_line() + second.known_hosts_line())
    with Connection(login, environ={}) as host:
        assert len(host.run(sh("cat"), stdin=b"x" * 3_000_000).stdout) == 3_000_000
        forwarded = [
            f"direct-tcpip: {each.log.read_text().count('Accepted publickey')}" for each in (first, second)
        ]
    assert forwarded == ["direct-tcpip: 2", "direct-tcpip: 1"]


def test_a_jump_host_that_cannot_reach_the_host_is_named(
    sshd_with: Callable[..., Sshd], shared: Sshd, home: Path
) -> None:
    jump = shared
    know(home, jump.known_hosts_line())
    configure(home, f"Host prod\n HostName 127.0.0.1\n ProxyJump {ME}@127.0.0.1:{jump.port}\n")
    text = refused(Login("prod", port=free_port(), identity=jump.user_key))
    assert "the jump host 127.0.0.1 cannot reach it" in text
    assert "Connect" in text


def test_proxy_jump_none_is_not_a_jump_host(shared: Sshd, home: Path) -> None:
    configure(home, "Host 127.0.0.1\n ProxyJump none\nHost *\n ProxyJump bastion\n")
    assert gets_in(shared.login())
