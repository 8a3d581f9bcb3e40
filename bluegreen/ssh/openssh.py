"""ssh_config as OpenSSH itself reads it: the answer of `ssh -G`.

`-G` (OpenSSH 6.8 and later) evaluates Host, Match, Include, CanonicalizeHostname, comments, quotes and times,
and prints one line `keyword value` for each setting. It connects to nothing.
"""

from __future__ import annotations

import getpass
import os
import pwd
import shutil
import signal
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen, TimeoutExpired

from bluegreen.remote import limits
from bluegreen.ssh import refusals
from bluegreen.ssh.hops import DEFAULT_PORT

Settings = Mapping[str, tuple[str, ...]]
"""The values of each setting by its keyword in lower case; a keyword that may repeat has several."""


def home() -> Path:
    """The folder of `~`: $HOME if it has a folder .ssh, else the home of the account.

    ssh ignores $HOME. The container jobs of GitHub set it to another folder than the account's, and there a
    workflow writes its ~/.ssh.
    """
    named, account = Path.home(), account_home()
    if account is None or ((named / ".ssh").is_dir() and named.resolve() != account.resolve()):
        return named
    return account


def account_home() -> Path | None:
    """The home in passwd, which ssh takes for `~`; None if the user id has no account."""
    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        return None


def without_our_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for ssh and for the commands that ssh_config names: BLUEGREEN_… is ours alone (P10)."""
    return {name: value for name, value in environ.items() if not name.startswith("BLUEGREEN_")}


def settings_for(name: str, *, port: int | None = None, user: str | None = None) -> Settings:
    """What ssh would use to connect to a host.

    Args:
        name: a name, an IP address or a Host of ssh_config.
        port: overrides ssh_config.
        user: overrides ssh_config.

    Raises:
        CannotConnect: ssh rejects ssh_config or the name, or is not there to read an ssh_config that is.
    """
    # ssh refuses to run for a user id without an account.
    if shutil.which("ssh") is None or account_home() is None:
        return _settings_without_ssh(name, port, user)
    # ERROR: else ssh reports that it has no terminal. `--`: a name that begins with `-` is no option.
    command = ["ssh", "-G", "-o", "LogLevel=ERROR", *_config_file()]
    command += [] if port is None else ["-p", str(port)]
    command += [] if user is None else ["-l", user]
    settings: dict[str, tuple[str, ...]] = defaultdict(tuple)
    for line in _output([*command, "--", name]).split("\n"):
        keyword, _, value = line.partition(" ")
        settings[keyword.lower()] += (value,)
    return settings


def _config_file() -> list[str]:
    if home() == account_home():
        return []
    config = home() / ".ssh" / "config"
    return ["-F", str(config if config.is_file() else os.devnull)]


def _output(command: list[str]) -> str:
    with tempfile.TemporaryFile() as errors:
        # A session of its own: `Match exec` may start processes, which must end with ssh at the limit.
        with Popen(
            command,
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=errors,
            env=without_our_secrets(os.environ),
            start_new_session=True,
        ) as process:
            try:
                output, _ = process.communicate(timeout=limits.SSH_CONFIG_S)
            except BaseException as error:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                if isinstance(error, TimeoutExpired):
                    why = f"`{' '.join(command)}` did not end within {limits.SSH_CONFIG_S:g} s"
                    raise refusals.bad_client_config(
                        why, "a command of Match exec, or a name server that CanonicalizeHostname asks, hangs"
                    ) from None
                raise
        if process.returncode != 0:
            errors.seek(0)
            lines = errors.read(10_000).decode(errors="replace").strip().split("\n")
            raise refusals.bad_client_config(*(line.strip() for line in lines))
    return output.decode(errors="replace").rstrip("\n")


def _settings_without_ssh(name: str, port: int | None, user: str | None) -> Settings:
    """The defaults of ssh, for a slim container that has neither ssh nor an ssh_config."""
    config = home() / ".ssh" / "config"
    if config.exists():
        raise refusals.no_ssh_to_read(config)
    ssh = "~/.ssh"
    return {
        "hostname": (name,),
        "port": (str(port or DEFAULT_PORT),),
        "user": (user or getpass.getuser(),),
        "identityfile": tuple(f"{ssh}/{key}" for key in ("id_rsa", "id_ecdsa", "id_ed25519")),
        "userknownhostsfile": (f"{ssh}/known_hosts {ssh}/known_hosts2",),
        "globalknownhostsfile": ("/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2",),
    }
