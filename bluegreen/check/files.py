"""Findings about the files that `setup` writes: as it would write them, and writable by root alone."""

from __future__ import annotations

from collections.abc import Iterator

from bluegreen.check.evidence import Evidence
from bluegreen.check.finding import Finding, failure, ok, warning


def exposed(evidence: Evidence) -> Iterator[Finding]:
    """Whether the user who deploys could replace what root runs, reads or writes."""
    if evidence.diagnosis is None or not evidence.settings.nginx.sudo:
        return
    for file, path in evidence.diagnosis.exposed:
        yield failure(
            "root's files",
            f"{evidence.user} may write {path}, and so replace root's {file.path} ({file.what})",
            file.closed_by(path),
        )


def as_setup_writes_them(evidence: Evidence) -> Iterator[Finding]:
    """Whether unit, site, sudoers file and the rest are as `setup` would write them."""
    diagnosis, user = evidence.diagnosis, evidence.user
    if diagnosis is None or not evidence.settings.nginx.sudo:
        return
    for change in diagnosis.changes:
        state = "does not exist" if change.before is None else "differs from what `setup` writes"
        yield warning(
            change.file.what,
            f"{change.file.path} {state}",
            f"{evidence.setup} (to see the difference: {evidence.setup} --dry-run)",
        )
    if not diagnosis.may_sudo_all:
        config = "" if diagnosis.nginx_config else "nginx's configuration and "
        yield warning(
            "not examined",
            f"as {user} may not sudo, bluegreen cannot read {config}the sudoers file",
            f"with a user who may sudo: {evidence.setup} --dry-run --login USER",
        )
    elif not diagnosis.changes:
        yield ok("setup", "all files are as `setup` writes them")
