"""The programs that a sandbox needs, as installed on this machine."""

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
# Debian installs servers in folders that are only on root's PATH.
_SBIN = "/usr/local/sbin:/usr/sbin:/sbin"


@dataclass(frozen=True)
class Programs:
    """Absolute paths: sshd starts itself again for each connection, and needs one for that."""

    nginx: str
    sshd: str
    ssh_keygen: str


def found() -> Programs:
    """Finds the programs.

    Raises:
        Failed: some are missing, with the packages to install; or this is not Linux.
    """
    if sys.platform != "linux":
        raise Failed(
            "the sandbox needs Linux",
            why=["the scripts for a machine read /proc and use GNU tools"],
            remedy="run `bluegreen sandbox` in a Linux virtual machine or container",
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
    """The version that the program prints with this flag, such as (1, 22, 1); empty if it prints none."""
    # Both servers print to stderr. sshd before 9.3 has no -V and prints its version with the usage error.
    ran = subprocess.run([program, flag], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    number = re.search(rb"(?:nginx/|OpenSSH_)(\d+(?:\.\d+)*)", ran.stderr)
    return tuple(int(part) for part in number[1].split(b".")) if number else ()
