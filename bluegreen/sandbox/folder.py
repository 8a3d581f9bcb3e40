"""The folder of a sandbox, and the files in it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bluegreen.errors import WrongUsage

# In nginx.conf `$` begins a variable and `*?[` a pattern, and neither can be escaped.
_NOT_IN_A_CONFIGURATION = re.compile(r"""[\x00-\x1f\x7f"$*?\[\]\\]""")


@dataclass(frozen=True)
class Folder:
    """The folder of a sandbox, as an absolute path without links, as in /proc."""

    path: Path

    @classmethod
    def at(cls, path: Path) -> Folder:
        """The sandbox's folder at this path, which need not exist yet.

        Raises:
            WrongUsage: nginx cannot have the path in its configuration.
        """
        whole = path.resolve()
        if wrong := _NOT_IN_A_CONFIGURATION.search(str(whole)):
            raise WrongUsage(
                f"the sandbox cannot be in {str(whole)!r}",
                why=[f"nginx does not accept a path with {wrong[0]!r} in its configuration"],
                remedy="move the checkout to a folder whose path does not contain it",
            )
        return cls(whole)

    @property
    def state(self) -> Path:
        return self.path / "sandbox.json"

    @property
    def ssh(self) -> Path:
        return self.path / "ssh"

    @property
    def nginx(self) -> Path:
        return self.path / "nginx"

    @property
    def include(self) -> Path:
        return self.nginx / "conf.d" / "service-url.inc"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    def runtime(self, app: str) -> Path:
        """The folder that is /run/bluegreen/<app> on a real machine."""
        return self.run / app

    @property
    def run(self) -> Path:
        return self.path / "run"

    def releases(self, app: str) -> Path:
        """The folder that is /home/<user>/<app> on a real machine."""
        return self.path / "host" / app

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the lock of this sandbox: only one process at a time starts or stops it, the others wait."""
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / ".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def replace(file: Path, text: str) -> None:
    """Replaces the file by rename: a reader sees either the old text or the new one."""
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(file)
