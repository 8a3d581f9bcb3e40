"""The list of all findings. `check` shows all of them; preflight raises the first that stops a rollout.

A new finding is a function from `Evidence` to findings, added to `FINDINGS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bluegreen.check import application, files, nginx, resources, routing, startup
from bluegreen.check.evidence import Evidence
from bluegreen.check.finding import Finding

# In the order in which they are shown, and raised.
FINDINGS: tuple[Callable[[Evidence], Iterator[Finding]], ...] = (
    resources.clock,
    resources.java,
    resources.folder,
    resources.sudo,
    resources.unit,
    resources.memory,
    resources.disk,
    nginx.answers,
    nginx.configuration,
    nginx.start_at_boot,
    nginx.owner,
    nginx.target,
    nginx.readers,
    files.exposed,
    routing.live,
    routing.drift,
    routing.visible,
    routing.method,
    routing.site,
    startup.working_directory,
    startup.profiles,
    startup.options,
    application.ports,
    application.health,
    application.jar,
    application.management_port,
    application.health_path,
    application.graceful_shutdown,
    files.as_setup_writes_them,
    resources.lock,
)


def findings(evidence: Evidence) -> Iterator[Finding]:
    """Yields every finding of one machine. A finding whose facts were not read is left out."""
    for find in FINDINGS:
        yield from find(evidence)
