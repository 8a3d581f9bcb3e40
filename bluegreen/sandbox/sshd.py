"""The sandbox's sshd: on loopback, with keys of its own, for the current user alone."""

from __future__ import annotations

import os
import select
import subprocess
import time
from pathlib import Path

from bluegreen.errors import Failed
from bluegreen.sandbox import processes
from bluegreen.sandbox.folder import Folder, replace
from bluegreen.sandbox.ports import PortTaken
from bluegreen.sandbox.processes import Process
from bluegreen.sandbox.programs import Programs, version

_STARTS_WITHIN_S = 10


def running(folder: Folder) -> Process | None:
    """The one that listens, None if it does not run."""
    return processes.main_process(_pid_file(folder), processes.servers(folder, "sshd"))


def host_key(folder: Folder) -> str:
    """What a client pins: type and base64."""
    return " ".join(Path(f"{_host_key(folder)}.pub").read_text().split()[:2])


def identity(folder: Folder) -> Path:
    """The private key that it lets in."""
    return folder.ssh / "id_ed25519"


def start(folder: Folder, programs: Programs, port: int) -> None:
    """Starts it, and returns once it listens. It outlives this process and its terminal.

    Raises:
        PortTaken: somebody listens on that port by now.
        Failed: it does not start; its own words are the cause.
    """
    folder.ssh.mkdir(mode=0o700, exist_ok=True)
    for key in (_host_key(folder), identity(folder)):
        _make_key(key, programs)
    config = folder.ssh / "sshd_config"
    replace(config, _config(folder, port, version(programs.sshd, "-V")))
    _pid_file(folder).unlink(missing_ok=True)
    if os.geteuid() == 0:
        # Where root's sshd locks itself up before the login; made at boot where a system's sshd runs.
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    _call([programs.sshd, "-t", "-f", str(config)])
    log = _log(folder)
    log_began = log.stat().st_size if log.exists() else 0
    _call([programs.sshd, "-f", str(config), "-E", str(log)])
    until = time.monotonic() + _STARTS_WITHIN_S
    # It goes into the background first and listens then, so that only its pid file tells.
    while not _pid_file(folder).exists():
        said = log.read_bytes()[log_began:].decode(errors="replace").splitlines()
        taken = any("Cannot bind any address" in line for line in said)
        if taken or time.monotonic() > until:
            raise (PortTaken if taken else Failed)(
                "the sandbox's sshd did not start", why=said[-10:], remedy=f"see {log}"
            )
        select.select([], [], [], 0.005)


def _call(command: list[str]) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failed("the sandbox's sshd did not start", why=(done.stderr or done.stdout).splitlines()[-10:])


def _make_key(file: Path, programs: Programs) -> None:
    public = Path(f"{file}.pub")
    if file.exists() and public.exists():
        return
    # Half a pair, of a start that was cut short: ssh-keygen would ask whether to overwrite it.
    file.unlink(missing_ok=True)
    public.unlink(missing_ok=True)
    _call([programs.ssh_keygen, "-q", "-t", "ed25519", "-N", "", "-C", "bluegreen sandbox", "-f", str(file)])


def _config(folder: Folder, port: int, openssh: tuple[int, ...]) -> str:
    authorized = str(Path(f"{identity(folder)}.pub")).replace("%", "%%")
    path = os.environ.get("PATH", os.defpath)
    lines = [
        "# The sshd of bluegreen's sandbox, written at each start.",
        f"ListenAddress 127.0.0.1:{port}",
        f'HostKey "{_host_key(folder)}"',
        f'PidFile "{_pid_file(folder)}"',
        "# The user's key pair lies in the checkout: its folders may be writable by a group.",
        "StrictModes no",
        f'AuthorizedKeysFile "{authorized}"',
        "AuthenticationMethods publickey",
        "PermitRootLogin prohibit-password",
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        "UsePAM no",
        "UseDNS no",
        "X11Forwarding no",
        "PrintMotd no",
        "LogLevel VERBOSE",
        "Subsystem sftp internal-sftp",
        "# A session for each script that runs, and many deployers at once in tests.",
        "MaxSessions 100",
        "MaxStartups 200",
        "# By the mark the sandbox knows what was started here. The PATH has the java that its user has.",
        f'SetEnv "{processes.MARK}={folder.path}" "PATH={_escaped(path)}" "SHLVL=1"',
    ]
    if openssh >= (9, 8):
        lines.append("# Deployers that are killed would count as an attack, and their address be shut out.")
        lines.append("PerSourcePenalties no")
    return "\n".join([*lines, ""])


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _host_key(folder: Folder) -> Path:
    return folder.ssh / "host_ed25519"


def _pid_file(folder: Folder) -> Path:
    return folder.ssh / "sshd.pid"


def _log(folder: Folder) -> Path:
    return folder.logs / "sshd.log"
