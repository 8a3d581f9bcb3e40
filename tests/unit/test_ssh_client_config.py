"""What ssh_config makes of an address, without any network: read by OpenSSH itself."""

from __future__ import annotations

import getpass
import os
import pwd
import shutil
import socket
from pathlib import Path

import pytest

from bluegreen.errors import CannotConnect
from bluegreen.remote import limits
from bluegreen.ssh.client_config import login_user, route
from bluegreen.ssh.hops import Hop
from bluegreen.ssh.openssh import home
from tests.support.processes import alive
from tests.support.waiting import wait_for


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The path of ~/.ssh/config for a test to write; no other ssh_config is read."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    (tmp_path / ".ssh").mkdir()
    return tmp_path / ".ssh" / "config"


def hop_to(address: str) -> Hop:
    (hop,) = route(address)
    return hop


def names(address: str) -> list[str]:
    return [hop.name for hop in route(address)]


def rejected(address: str) -> CannotConnect:
    with pytest.raises(CannotConnect) as caught:
        route(address)
    return caught.value


def test_without_ssh_config_an_address_is_itself(config: Path) -> None:
    hop = hop_to("Example.com")
    assert (hop.hostname, hop.port, hop.user) == ("example.com", 22, getpass.getuser())
    assert hop.known_as == "example.com"
    assert config.parent / "id_ed25519" in hop.identity_files
    assert not hop.identities_named
    assert hop.known_hosts_files[0] == config.parent / "known_hosts"
    assert Path("/etc/ssh/ssh_known_hosts") in hop.known_hosts_files
    assert (hop.agent, hop.proxy_command, hop.connect_timeout_s) == (None, None, None)


def test_a_host_may_be_called_none(config: Path) -> None:
    config.write_text("Host none\n User none\n")
    assert (hop_to("none").hostname, hop_to("none").user) == ("none", "none")


def test_ipv6_addresses_are_addresses(config: Path) -> None:
    assert [hop_to(name).hostname for name in ("::1", "fe80::1%lo")] == ["::1", "fe80::1%lo"]


def test_the_login_user_is_the_one_of_ssh_config(config: Path) -> None:
    config.write_text("Host prod\n User deploy\n")
    assert login_user("prod") == "deploy"
    assert login_user("other") == getpass.getuser()


def test_port_and_user_of_the_login_win(config: Path) -> None:
    config.write_text("Host prod\n Port 2200\n User deploy\nMatch user kim\n HostName kims\n")
    (hop,) = route("prod", port=2201, user="kim")
    assert (hop.port, hop.user, hop.hostname) == (2201, "kim", "kims")


def test_a_port_is_part_of_the_name_in_known_hosts_except_with_an_alias(config: Path) -> None:
    config.write_text("Host a\n Port 2200\nHost b\n Port 2200\n HostKeyAlias Prod\n")
    assert route("a")[0].known_as == "[a]:2200"
    assert route("b")[0].known_as == "prod"
    assert route("b", port=22)[0].known_as == "prod"


# --- the ways of writing that only ssh knows -----------------------------------------------------------


def test_a_comment_behind_a_value_is_none_of_it(config: Path) -> None:
    config.write_text(
        "Host shop\n"
        "    HostName 203.0.113.7 # production\n"
        "    User ubuntu\n"
        "    IdentityAgent ~/.1password/agent.sock\n"
    )
    hop = hop_to("shop")
    assert (hop.hostname, hop.user) == ("203.0.113.7", "ubuntu")
    assert hop.agent == home() / ".1password/agent.sock"


@pytest.mark.parametrize(
    ("written", "seconds"), [("5s", 5), ("5", 5), ("1m30s", 90), ("none", None), ('"7" # a', 7)]
)
def test_a_connect_timeout_is_a_time_of_ssh(config: Path, written: str, seconds: int | None) -> None:
    config.write_text(f"ConnectTimeout {written}\n")
    assert hop_to("a").connect_timeout_s == seconds


def test_blocks_and_includes_are_those_of_ssh(config: Path) -> None:
    more = config.with_name("more")
    more.write_text("Host prod\n Port 2200\nHost *\n User = last\n")
    config.write_text(
        f'Host other !prod\n User no\nHost pr?d\n Include "{more}" none\n'
        "Match final host prod\n HostKeyAlias far\n"
    )
    hop = hop_to("prod")
    assert (hop.known_as, hop.port, hop.user) == ("far", 2200, "last")
    assert hop_to("third").user == getpass.getuser()


def test_a_host_name_is_made_canonical(config: Path) -> None:
    canonical = "CanonicalizeHostname yes\nCanonicalDomains no-such.invalid\nCanonicalizeFallbackLocal no\n"
    config.write_text(canonical)
    # ssh asks name servers for the name in that domain, which nobody has; they may also not answer.
    text = str(rejected("shop"))
    assert 'resolve host "shop"' in text or "a name server that CanonicalizeHostname asks" in text


def test_match_exec_runs_its_command_without_our_key(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("BLUEGREEN_SSH_KEY", "BLUEGREEN_SSH_KEY_PASSPHRASE"):
        monkeypatch.setenv(name, "hunter2")
    config.write_text(f'Match exec "env >{tmp_path}/seen"\n User execd\n')
    assert hop_to("a").user == "execd"
    seen = (tmp_path / "seen").read_text()
    assert "PATH=" in seen
    assert "hunter2" not in seen


def test_a_command_of_match_exec_that_hangs_is_ended(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SSH_CONFIG_S", 2)
    config.write_text(f'Match exec "echo $$ >{tmp_path}/pid; exec sleep 600"\n User execd\n')
    assert "did not end within 2 s" in str(rejected("a"))
    # The kernel ends it a moment after the signal.
    pid = int((tmp_path / "pid").read_text())
    wait_for(lambda: not alive(pid), "the end of the command")


# --- keys, agents and known hosts ----------------------------------------------------------------------


def test_paths_of_keys_are_expanded_as_by_ssh(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEYS", "/my keys")
    config.write_text(
        "Host a\n User deploy\n HostName b\n Port 7\n"
        " IdentityFile ${HOME}/keys/%r\n IdentityFile ~/%r.key\n IdentityFile /keys/id~old\n"
        ' IdentityFile "${KEYS}/a b" # mine\n IdentityFile %d/%u/%h/%n/%p/%i/%%h/%l/%k\n'
        " CertificateFile ~/%n-cert.pub\n"
    )
    hop = hop_to("a")
    last = f"{getpass.getuser()}/b/a/7/{os.getuid()}/%h/{socket.gethostname()}/a"
    assert hop.identity_files == (
        home() / "keys/deploy",
        home() / "deploy.key",
        Path("/keys/id~old"),
        Path("/my keys/a b"),
        home() / last,
    )
    assert hop.identities_named
    assert hop.certificate_files == (home() / "a-cert.pub",)


@pytest.mark.parametrize("text", ["${NO_SUCH_VARIABLE}/key", "/keys/%Q"])
def test_a_path_that_cannot_be_expanded_is_named(config: Path, text: str) -> None:
    config.write_text(f"IdentityFile {text}\n")
    assert text in str(rejected("a"))


def test_identity_none_is_no_key(config: Path) -> None:
    config.write_text("IdentityFile none\n")
    assert (hop_to("a").identity_files, hop_to("a").identities_named) == ((), True)


def test_a_key_of_ssh_config_is_named_even_if_it_is_a_default_one(config: Path) -> None:
    config.write_text("IdentityFile ~/.ssh/id_rsa\nIdentitiesOnly yes\n")
    assert hop_to("a").identity_files == (config.parent / "id_rsa",)
    assert (hop_to("a").identities_named, hop_to("a").identities_only) == (True, True)


@pytest.mark.parametrize(
    ("line", "agent"),
    [
        ("", "/env/sock"),
        ("IdentityAgent SSH_AUTH_SOCK", "/env/sock"),
        ("IdentityAgent $OTHER", "/other/sock"),
        ("IdentityAgent ${OTHER}.2", "/other/sock.2"),
        ("IdentityAgent $NOT_SET", None),
        ("IdentityAgent none", None),
        ('IdentityAgent "~/Group Containers/%r.sock" # 1Password', "~/Group Containers/kim.sock"),
    ],
)
def test_the_agent_is_the_one_of_identity_agent(
    config: Path, monkeypatch: pytest.MonkeyPatch, line: str, agent: str | None
) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/env/sock")
    monkeypatch.setenv("OTHER", "/other/sock")
    config.write_text(f"User kim\n{line}\n")
    assert hop_to("a").agent == (Path(agent).expanduser() if agent else None)


def test_known_hosts_are_those_of_the_person_then_those_of_the_system(config: Path) -> None:
    config.write_text(
        'Host a\n UserKnownHostsFile "~/my hosts" ~/%n.known\n GlobalKnownHostsFile /g/1 "/g 2" # all\n'
        "Host b\n UserKnownHostsFile none\n GlobalKnownHostsFile none\n"
    )
    assert hop_to("a").known_hosts_files == (
        home() / "my hosts",
        home() / "a.known",
        Path("/g/1"),
        Path("/g 2"),
    )
    assert hop_to("b").known_hosts_files == ()


def test_the_home_is_that_of_the_account_if_home_has_no_ssh_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `sudo` and the container jobs of GitHub leave it: ssh ignores $HOME, the shell's `~` does not."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert home() == Path(pwd.getpwuid(os.getuid()).pw_dir)
    (tmp_path / ".ssh").mkdir()
    assert home() == tmp_path


# --- jump hosts ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("jump", "hops"),
    [
        ("none", ["prod"]),
        ("one", ["one", "prod"]),
        ("one # the bastion", ["one", "prod"]),
        ("one,two,three", ["one", "two", "three", "prod"]),
        ("ssh://deploy@one:2200", ["one", "prod"]),
        ("deploy@[::1]:2200", ["::1", "prod"]),
        ("10.0.0.1,[::1]", ["10.0.0.1", "::1", "prod"]),
        ("%h-bastion", ["prod-bastion", "prod"]),
    ],
)
def test_jump_hosts_come_in_the_order_they_are_written(config: Path, jump: str, hops: list[str]) -> None:
    config.write_text(f"Host prod\n ProxyJump {jump}\n")
    assert names("prod") == hops


def test_a_jump_host_may_name_user_and_port(config: Path) -> None:
    config.write_text("Host prod\n ProxyJump deploy@one:2200\nHost one\n User other\n HostName 10.0.0.1\n")
    assert (route("prod")[0].user, route("prod")[0].port) == ("deploy", 2200)
    assert route("prod")[0].hostname == "10.0.0.1"


def test_only_the_first_jump_host_is_reached_over_its_own(config: Path) -> None:
    config.write_text(
        "Host prod\n ProxyJump one,two\nHost one\n ProxyJump zero\nHost two\n ProxyJump nowhere\n"
    )
    assert names("prod") == ["zero", "one", "two", "prod"]


def test_a_jump_host_for_all_but_itself_is_the_way_to_the_others(config: Path) -> None:
    config.write_text("Host * !bastion\n ProxyJump bastion\n")
    assert names("prod") == ["bastion", "prod"]
    assert names("bastion") == ["bastion"]


@pytest.mark.parametrize(
    "text",
    [
        "Host *\n ProxyJump bastion\n",
        "Host prod\n ProxyJump bastion\nHost bastion\n ProxyJump prod\n",
        "Host prod\n ProxyJump a\nHost a\n ProxyJump b\nHost b\n ProxyJump a\n",
    ],
)
def test_jump_hosts_in_a_circle_are_refused(config: Path, text: str) -> None:
    config.write_text(text)
    assert rejected("prod").exit_code == 5
    assert "loop" in str(rejected("prod")) or "leads back to itself" in str(rejected("prod"))


def test_whichever_proxy_is_written_first_counts(config: Path) -> None:
    config.write_text(
        "Host a\n ProxyCommand nc %h %p\nHost b\n ProxyJump one\nHost *\n ProxyCommand x\n ProxyJump y\n"
        "Host one\n ProxyCommand none\n"
    )
    assert route("a")[0].proxy_command == "nc a 22"
    assert names("b")[-2:] == ["one", "b"]


def test_tokens_know_what_the_login_says(config: Path) -> None:
    config.write_text("Host a\n HostName %h.example\n Port 1\n User x\n ProxyCommand p %h %p %r %n 100%%\n")
    assert route("a", port=2200, user="deploy")[0].proxy_command == "p a.example 2200 deploy a 100%"


# --- what cannot be read ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line", ["Port many", "Nonsense 1", "ConnectTimeout soon", "IdentityFile", "Include"]
)
def test_an_invalid_line_is_named_with_its_file_and_number(config: Path, line: str) -> None:
    config.write_text(f"# comment\n{line}\n")
    error = rejected("a")
    assert (error.exit_code, error.message) == (5, "ssh_config cannot be used")
    assert any(str(config) in why and "line 2" in why for why in error.why)


def test_a_name_that_looks_like_an_option_is_not_one(config: Path, tmp_path: Path) -> None:
    assert rejected(f"-oProxyCommand=touch {tmp_path}/ran").exit_code == 5
    assert not (tmp_path / "ran").exists()


def test_without_ssh_an_ssh_config_is_refused_and_its_defaults_are_used_where_there_is_none(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert shutil.which("ssh") is None
    hop = hop_to("shop")
    assert (hop.hostname, hop.port, hop.user) == ("shop", 22, getpass.getuser())
    assert config.parent / "id_ed25519" in hop.identity_files
    assert hop.known_hosts_files[0] == config.parent / "known_hosts"
    assert not hop.identities_named
    (hop,) = route("shop", port=2200, user="kim")
    assert (hop.port, hop.user) == (2200, "kim")
    config.write_text("Host shop\n HostName 203.0.113.7\n")
    error = rejected("shop")
    assert error.exit_code == 5
    assert str(config) in error.message
    assert error.remedy
    assert "openssh-client" in error.remedy
