"""The tools of machines that are not GNU, as a folder to be first in PATH.

Needs: busybox, and coreutils of uutils.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Literal

Userland = Literal["busybox", "uutils"]
USERLANDS: tuple[Userland, ...] = ("busybox", "uutils")

# Where Debian and Ubuntu have the tools of uutils under their usual names.
UUTILS = Path("/usr/lib/cargo/bin/coreutils")
# What 0.0.17 does wrong and later versions do as GNU: its dd reads ahead, and its mv -T follows a link to a
# folder.
FIXED_SINCE = {"dd", "mv"}
# uutils 0.8 (Ubuntu 26.04) ignores a width before N and drops its leading zeros. Debian 12 has uutils 0.0.17,
# which rejects it. uutils/coreutils #12001.
DATE_OF_UUTILS_0_8 = """\
#!/bin/sh
case "$*" in
*%3N*) printf '%s%s\\n' "$(/usr/bin/date +%s)" "$(/usr/bin/date +%N | sed 's/^0*//')" ;;
*) exec /usr/bin/date "$@" ;;
esac
"""


def tools(folder: Path, userland: Userland) -> Path:
    """A folder with a link for each tool of the userland; with busybox `sh` is its ash."""
    place = folder / userland
    place.mkdir(parents=True)
    if userland == "busybox":
        listed = subprocess.run(["busybox", "--list"], capture_output=True, text=True, check=True)
        for tool in listed.stdout.split():
            (place / tool).symlink_to("/usr/bin/busybox")
        return place
    for file in UUTILS.iterdir():
        if file.name not in FIXED_SINCE:
            (place / file.name).symlink_to(file)
    date = place / "date"
    date.unlink()
    date.write_text(DATE_OF_UUTILS_0_8)
    date.chmod(0o755)
    return place
