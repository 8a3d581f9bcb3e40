"""The sandbox's sshd: on loopback, with keys of its own, for the current user only."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import psutil

from bluegreen.errors import Failed
from bluegreen.remote import limits
from bluegreen.sandbox import processes
from bluegreen.sandbox.folder import Folder, replace
from bluegreen.sandbox.ports import PortTaken
from bluegreen.sandbox.programs import Programs, version


def running(folder: Folder) -> psutil.Process | None:
    """The listening process of sshd, None if it does not run."""
    return processes.main_process(_pid_file(folder), processes.servers(folder, "sshd"))


def host_key(folder: Folder) -> str:
    """The public host key to pin, as type and base64."""
    return " ".join(Path(f"{_host_key(folder)}.pub").read_text().split()[:2])


def identity(folder: Folder) -> Path:
    """The private key that sshd accepts."""
    return folder.ssh / "id_ed25519"


def start(folder: Folder, programs: Programs, port: int) -> None:
    """Starts sshd and returns once it listens. It outlives this process and its terminal.

    Raises:
        PortTaken: another process listens on that port.
        Failed: it does not start; its output is the cause.
    """
    folder.ssh.mkdir(mode=0o700, exist_ok=True)
    for key in (_host_key(folder), identity(folder)):
        _make_key(key, programs)
    config = folder.ssh / "sshd_config"
    replace(config, _config(folder, port, version(programs.sshd, "-V")))
    _pid_file(folder).unlink(missing_ok=True)
    if os.geteuid() == 0:
        # The folder for sshd's privilege separation; only a system that runs sshd creates it at boot.
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    _call([programs.sshd, "-t", "-f", str(config)])
    log = _log(folder)
    log_began = log.stat().st_size if log.exists() else 0
    _call([programs.sshd, "-f", str(config), "-E", str(log)])
    until = time.monotonic() + limits.SANDBOX_START_S
    # sshd listens after it went into the background; it writes the pid file last.
    while not _pid_file(folder).exists():
        lines = log.read_bytes()[log_began:].decode(errors="replace").splitlines()
        taken = any("Cannot bind any address" in line for line in lines)
        if taken or time.monotonic() > until:
            raise (PortTaken if taken else Failed)(
                "the sandbox's sshd did not start", why=lines[-10:], remedy=f"see {log}"
            )
        time.sleep(0.005)


def _call(command: list[str]) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failed("the sandbox's sshd did not start", why=(done.stderr or done.stdout).splitlines()[-10:])


def _make_key(file: Path, programs: Programs) -> None:
    public = Path(f"{file}.pub")
    if file.exists() and public.exists():
        return
    # An interrupted start leaves half a pair: ssh-keygen would ask whether to overwrite it.
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
        "# The user's key pair is in the checkout, whose folders may be writable by a group.",
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
        "# Each running script has a session, and tests run many deployers at the same time.",
        "MaxSessions 100",
        "MaxStartups 200",
        "# The sandbox recognizes its processes by the mark. The PATH contains the user's java.",
        f'SetEnv "{processes.MARK}={folder.path}" "PATH={_escaped(path)}" "SHLVL=1"',
    ]
    if openssh >= (9, 8):
        lines.append("# sshd would count killed deployers as an attack and block their address.")
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
