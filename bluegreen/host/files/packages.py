"""The packages that contain the tools a machine lacks, as its package manager names them."""

from __future__ import annotations

from collections.abc import Iterable

# Packages by manager and tool; {version} is java.version. Any other tool has a package of its own name.
PACKAGES = {
    "apt-get": {
        "java": "openjdk-{version}-jre-headless",
        "flock": "util-linux",
        "setsid": "util-linux",
        "awk": "gawk",
        "find": "findutils",
        **dict.fromkeys(("sha256sum", "timeout", "base64", "dd"), "coreutils"),
    },
    "dnf": {
        "java": "java-{version}-amazon-corretto-headless",
        "curl": "curl-minimal",
        "flock": "util-linux-core",
        "setsid": "util-linux",
        "awk": "gawk",
        "find": "findutils",
        **dict.fromkeys(("sha256sum", "timeout", "base64", "dd"), "coreutils"),
    },
}


def named(manager: str, tools: Iterable[str], *, java_version: int) -> tuple[str, ...]:
    """The packages that contain the tools, each once.

    Args:
        manager: apt-get or dnf; for any other the names are those of apt-get.
    """
    names = PACKAGES.get(manager, PACKAGES["apt-get"])
    return tuple(dict.fromkeys(names.get(tool, tool).format(version=java_version) for tool in tools))


def installing(manager: str, tools: Iterable[str], *, java_version: int) -> str:
    """The command for a person that installs the tools on the machine."""
    return f"sudo {manager or 'apt-get'} install {' '.join(named(manager, tools, java_version=java_version))}"
