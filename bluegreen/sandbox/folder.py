"""Where everything of a sandbox lies, below one folder."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bluegreen.errors import WrongUsage

# In nginx.conf `$` begins a variable and `*?[` a pattern, and nothing takes that back.
_NOT_IN_A_CONFIGURATION = re.compile(r"""[\x00-\x1f\x7f"$*?\[\]\\]""")


@dataclass(frozen=True)
class Folder:
    """The folder of a sandbox, as a whole path without links: /proc names files that way."""

    path: Path

    @classmethod
    def at(cls, path: Path) -> Folder:
        """The sandbox's folder at this path, which need not exist yet.

        Raises:
            WrongUsage: the path cannot stand in a configuration of nginx.
        """
        whole = path.resolve()
        if wrong := _NOT_IN_A_CONFIGURATION.search(str(whole)):
            raise WrongUsage(
                f"the sandbox cannot be in {str(whole)!r}",
                why=[f"nginx takes no path with {wrong[0]!r} in its configuration"],
                remedy="put the checkout into a folder without it",
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
        """What is /run/bluegreen/<app> on a host."""
        return self.run / app

    @property
    def run(self) -> Path:
        return self.path / "run"

    def releases(self, app: str) -> Path:
        """What is /home/<user>/<app> on a host."""
        return self.path / "host" / app

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """One at a time starts or stops this sandbox; the next one waits."""
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / ".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def replace(file: Path, text: str) -> None:
    """Writes the file whole or not at all: whoever reads it meanwhile sees the old text."""
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(file)
