"""A replacement of Gradle and Maven: compiles the same sources and packs them into a real fat jar.

`python -m tests.support.builder FOLDER …` runs in a project's folder and writes the jar to FOLDER.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from tests.support import springboot


def main(arguments: list[str]) -> int:
    """Builds the project in the current folder if a build was asked for."""
    folder, *asked = arguments
    if asked[-1:] in (["build"], ["verify"]):
        version = _version(Path.cwd())
        jar = springboot.fat_jar(
            Path(folder, f"taggle-{version}.jar"), version=version, sources=Path("src", "main")
        )
        # As Gradle does by default.
        jar.with_name(f"taggle-{version}-plain.jar").write_bytes(b"")
    return 0


def _version(project: Path) -> str:
    for name, pattern in (("gradle.properties", r"^version=(.+)$"), ("pom.xml", r"<version>(.+)</version>")):
        if (project / name).is_file():
            found = re.findall(pattern, (project / name).read_text(), re.MULTILINE)
            # In a pom.xml the parent's version comes first.
            return str(found[-1])
    return "0.0.1-SNAPSHOT"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
