"""A real sshd on a loopback port for each file of tests, and a home without anybody's ssh files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bluegreen.ssh.connection import Connection
from tests.support.servers import Relay, Sshd


@pytest.fixture(scope="session", autouse=True)
def _room_for_sshd() -> None:
    if os.geteuid() == 0:  # sshd's privilege separation wants the folder, also where no system sshd ever ran
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """For tests that leave it as it is."""
    sshd = Sshd(tmp_path_factory.mktemp("sshd"))
    yield sshd
    sshd.stop()


@pytest.fixture
def sshd_with(tmp_path: Path) -> Iterator[Callable[..., Sshd]]:
    """Starts one with these lines in its sshd_config."""
    started: list[Sshd] = []

    def start(settings: str = "") -> Sshd:
        started.append(Sshd(tmp_path / f"sshd{len(started)}", settings))
        return started[-1]

    yield start
    for sshd in started:
        sshd.stop()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where ~/.ssh is looked for; no agent, no key in the environment."""
    folder = tmp_path / "home"
    (folder / ".ssh").mkdir(parents=True, mode=0o700)
    monkeypatch.setenv("HOME", str(folder))
    for name in ("SSH_AUTH_SOCK", "BLUEGREEN_SSH_KEY", "BLUEGREEN_SSH_KEY_PASSPHRASE"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def host(shared: Sshd) -> Iterator[Connection]:
    """A connected one."""
    with Connection(shared.login()) as connected:
        yield connected


@pytest.fixture
def relay_to() -> Iterator[Callable[..., Relay]]:
    relays: list[Relay] = []

    def start(port: int, delay_s: float = 0) -> Relay:
        relays.append(Relay(port, delay_s))
        return relays[-1]

    yield start
    for relay in relays:
        relay.close()
