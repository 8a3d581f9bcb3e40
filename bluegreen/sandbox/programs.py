"""The programs that a sandbox is made of, found as this machine has them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass

from bluegreen.errors import Failed

_PACKAGES = {
    "nginx": "nginx",
    "sshd": "openssh-server",
    "ssh-keygen": "openssh-client",
    "curl": "curl",
    "flock": "util-linux",
}
# Debian keeps servers where only root's PATH looks.
_SBIN = "/usr/local/sbin:/usr/sbin:/sbin"


@dataclass(frozen=True)
class Programs:
    """Whole paths: sshd starts itself again for each connection, and refuses to without one."""

    nginx: str
    sshd: str
    ssh_keygen: str


def found() -> Programs:
    """What is needed.

    Raises:
        Failed: some are missing; it names the packages to install.
    """
    if sys.platform != "linux":
        raise Failed(
            "the sandbox needs Linux",
            why=["the scripts for a host read /proc, and use GNU tools"],
            remedy="run it in a virtual machine or a container, or deploy to a host",
        )
    path = f"{os.environ.get('PATH', os.defpath)}:{_SBIN}"
    paths = {program: shutil.which(program, path=path) for program in _PACKAGES}
    missing = [program for program, place in paths.items() if place is None]
    if missing:
        packages = " ".join(dict.fromkeys(_PACKAGES[program] for program in missing))
        raise Failed(
            f"the sandbox needs {', '.join(missing)}, which this machine does not have",
            remedy=f"sudo apt-get install -y {packages}",
        )
    return Programs(str(paths["nginx"]), str(paths["sshd"]), str(paths["ssh-keygen"]))


def version(program: str, flag: str) -> tuple[int, ...]:
    """What it says its version is, such as (1, 22, 1); empty if it does not say."""
    # Both servers speak on stderr. sshd before 9.3 knows no -V, and tells its version in the complaint.
    told = subprocess.run([program, flag], stdin=subprocess.DEVNULL, capture_output=True, check=False).stderr
    number = re.search(rb"(?:nginx/|OpenSSH_)(\d+(?:\.\d+)*)", told)
    return tuple(int(part) for part in number[1].split(b".")) if number else ()
