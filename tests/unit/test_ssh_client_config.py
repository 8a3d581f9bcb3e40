"""What ssh_config makes of an address, without any network."""

from __future__ import annotations

import getpass
from pathlib import Path

import pytest

from bluegreen.errors import CannotConnect
from bluegreen.ssh import client_config
from bluegreen.ssh.client_config import login_user, route


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The path of ~/.ssh/config for a test to write; no other ssh_config is read."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(client_config, "SYSTEM_FILE", tmp_path / "etc" / "ssh_config")
    (tmp_path / ".ssh").mkdir()
    return tmp_path / ".ssh" / "config"


def names(address: str) -> list[str]:
    return [hop.name for hop in route(address)]


def test_without_ssh_config_an_address_is_itself(config: Path) -> None:
    (hop,) = route("Example.com")
    assert (hop.hostname, hop.port, hop.user) == ("Example.com", 22, getpass.getuser())
    assert hop.known_as == "example.com"
    assert hop.identity_files[0] == config.parent / "id_ed25519"


def test_the_login_user_is_the_one_of_ssh_config(config: Path) -> None:
    config.write_text("Host prod\n User deploy\n")
    assert login_user("prod") == "deploy"
    assert login_user("other") == getpass.getuser()


def test_a_port_is_part_of_the_name_in_known_hosts_except_with_an_alias(config: Path) -> None:
    config.write_text("Host a\n Port 2200\nHost b\n Port 2200\n HostKeyAlias Prod\n")
    assert route("a")[0].known_as == "[a]:2200"
    assert route("b")[0].known_as == "prod"
    assert route("b", port=22)[0].known_as == "prod"


@pytest.mark.parametrize(
    ("jump", "hops"),
    [
        ("none", ["prod"]),
        ("one", ["one", "prod"]),
        ("one,two,three", ["one", "two", "three", "prod"]),
        ("ssh://deploy@one:2200", ["one", "prod"]),
        ("deploy@[::1]:2200", ["::1", "prod"]),
        ("::1", ["::1", "prod"]),
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


def test_a_jump_host_for_all_is_not_reached_over_itself(config: Path) -> None:
    config.write_text("Host *\n ProxyJump bastion\n")
    assert names("prod") == ["bastion", "prod"]
    assert names("bastion") == ["bastion"]


def test_whichever_proxy_is_written_first_counts(config: Path) -> None:
    config.write_text(
        "Host a\n ProxyCommand nc %h %p\nHost b\n ProxyJump one\nHost *\n ProxyCommand x\n ProxyJump y\n"
    )
    assert route("a")[0].proxy_command == "nc a 22"
    assert names("b")[0] == "one"


def test_tokens_know_what_the_login_says(config: Path) -> None:
    config.write_text("Host a\n HostName %h.example\n Port 1\n User x\n ProxyCommand p %h %p %r %n 100%%\n")
    assert route("a", port=2200, user="deploy")[0].proxy_command == "p a.example 2200 deploy a 100%"


def test_a_tilde_in_the_middle_of_a_path_stays(config: Path) -> None:
    config.write_text("Host a\n IdentityFile /keys/id~old\n IdentityFile ~/%r.key\n User deploy\n")
    assert route("a")[0].identity_files == (Path("/keys/id~old"), Path.home() / "deploy.key")


def test_an_include_is_read_at_its_line(config: Path) -> None:
    (config.parent / "more").write_text("User first\nHost other\n User other\n")
    config.write_text("Include more none\nPort 2200\nHost *\n User last\n")
    assert (route("a")[0].user, route("a")[0].port) == ("first", 2200)


def test_an_include_in_a_block_counts_for_that_block_alone(config: Path) -> None:
    (config.parent / "more").write_text("Host *\n User deploy\n")
    config.write_text("Host prod\n Include more\n Port 2200\nHost *\n User last\n")
    assert (route("prod")[0].user, route("prod")[0].port) == ("deploy", 2200)
    assert (route("other")[0].user, route("other")[0].port) == ("last", 22)


def test_a_file_that_includes_itself_comes_to_an_end(config: Path) -> None:
    config.write_text("Include config\nUser deploy\n")
    assert login_user("a") == "deploy"


def test_the_system_file_comes_after_the_persons_own(config: Path) -> None:
    client_config.SYSTEM_FILE.parent.mkdir()
    client_config.SYSTEM_FILE.write_text("User system\nPort 2200\n")
    config.write_text("Host *\n User own\nHost other\n")
    assert (route("a")[0].user, route("a")[0].port) == ("own", 2200)


@pytest.mark.parametrize("line", ["Port many", "Nonsense", "ConnectTimeout soon"])
def test_an_invalid_value_is_named(config: Path, line: str) -> None:
    config.write_text(f"{line}\n")
    with pytest.raises(CannotConnect, match="ssh_config cannot be used"):
        route("a")
