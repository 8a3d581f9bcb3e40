"""Find the local jar that a path or pattern names."""

from __future__ import annotations

import glob
from pathlib import Path

from bluegreen.errors import WrongUsage
from bluegreen.jar.archive import BUILD

# Gradle's jar beside that of bootJar or bootWar, and what Maven and Gradle write for other programmers.
_BESIDE = ("-plain.jar", "-plain.war", "-sources.jar", "-javadoc.jar", "-tests.jar")


def find(pattern: str, base: Path) -> Path:
    """The path of the only jar that a pattern matches.

    Args:
        pattern: a path or glob pattern. It skips what builds write beside the jar: `*-plain.jar`, sources.
        base: the folder that the pattern is relative to.

    Raises:
        WrongUsage: no jar matches, or several do.
    """
    named = base / Path(pattern).expanduser()
    # Also if it is a folder: the error of `inspect` is more precise.
    if named.exists():
        return named
    matches = [Path(name) for name in sorted(_glob(base, pattern))]
    jars = [path for path in matches if path.is_file()]
    executable = [path for path in jars if not path.name.endswith(_BESIDE)]
    if len(executable) == 1:
        return executable[0]
    if executable:
        raise WrongUsage(
            f"{len(executable)} files match the jar '{pattern}' in {base}",
            why=[str(path.relative_to(base) if path.is_relative_to(base) else path) for path in executable],
            remedy=f"choose one: --jar {executable[-1]}; or narrow the pattern `jar` in config.yml; or "
            "delete the others, as a clean build does",
        )
    why = []
    if jars:
        why.append(f"skipped, because such jars cannot be started: {', '.join(path.name for path in jars)}")
    folder = _fixed_folder(named)
    if not folder.is_dir():
        why.append(f"the folder {folder} does not exist")
    raise WrongUsage(f"no file matches the jar '{pattern}' in {base}", why=why, remedy=BUILD)


def _glob(base: Path, pattern: str) -> list[str]:
    # Path.glob rejects absolute patterns, and the path of `base` may contain [ or *.
    below_base = Path(glob.escape(str(base))) / Path(pattern).expanduser()
    return glob.glob(str(below_base), recursive=True)  # noqa: PTH207


def _fixed_folder(pattern: Path) -> Path:
    """The deepest folder of the pattern above its first wildcard."""
    folder = pattern
    while glob.has_magic(folder.name) or folder == pattern:
        folder = folder.parent
    return next((upper for upper in reversed(folder.parents) if glob.has_magic(upper.name)), folder)
