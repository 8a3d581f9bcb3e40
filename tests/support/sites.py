"""Sites as people have them, in front of a sandbox's slots instead of ours."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.support.box import Box
from tests.support.load import Load
from tests.support.waiting import wait_for

# What most people have: the include in the server, and one location.
PLAIN_SERVER = """
server {{
    listen 127.0.0.1:{listen};
    include {include};
    location / {{ proxy_pass $service_url; proxy_set_header Host $http_host; }}
}}
"""
PLAIN_INCLUDE = "set $service_url http://127.0.0.1:{prod1};\n"


@dataclass(frozen=True)
class Site:
    """A site and its include. Both may name {listen}, {include}, {folder}, and the ports {prod1}, {prod2}.

    Args:
        include: as its owner wrote it, for prod1.
    """

    server: str = PLAIN_SERVER
    include: str = PLAIN_INCLUDE

    def text(self, box: Box, text: str) -> str:
        return text.format(
            listen=box.sandbox.http_port,
            include=box.include,
            folder=box.folder,
            **box.sandbox.slots,
        )


def nginx(box: Box, *order: str) -> None:
    """Gives the sandbox's nginx an order, as somebody logged in on the host."""
    subprocess.run([*box.sandbox.nginx_command, *order], check=True, capture_output=True)


def reload(box: Box) -> None:
    """Reloads the sandbox's nginx, and returns when its old workers have ended."""
    before = workers(box)
    nginx(box, "-s", "reload")
    wait_for(lambda: not set(before) & set(workers(box)), "the end of the old workers")


def workers(box: Box) -> list[str]:
    """The pids of the sandbox's nginx besides its master."""
    master = (box.include.parents[1] / "nginx.pid").read_text().strip()
    return Path(f"/proc/{master}/task/{master}/children").read_text().split()


def site_file(box: Box) -> Path:
    return box.include.parent / "site.conf"


def install(box: Box, site: Site) -> None:
    """Puts the site and its include in place of ours; prod1 must serve."""
    box.include.write_bytes(site.text(box, site.include).encode())
    site_file(box).write_text(site.text(box, site.server))
    for marker in box.runtime.iterdir():
        with suppress(FileNotFoundError):
            marker.unlink()
    nginx(box, "-t")
    nginx(box, "-s", "reload")


def serving(box: Box, site: Site, **behaviour: str) -> None:
    """Version 1 serves from prod1 behind that site; version 0 still runs in prod2."""
    box.deployed("0", **behaviour)
    box.deployed("1", **behaviour)
    install(box, site)


@contextmanager
def only_versions(box: Box, *versions: str) -> Iterator[None]:
    """Clients with a connection for each request, of which a reload loses none: they get these versions only.

    Clients on keep-alive connections would lose some to the one reload of a conversion, which is announced.
    """
    with Load(box.sandbox.url, clients=8, keep_alive=False, pause_s=0.02) as load:
        yield
    assert not load.tally.failed, load.tally.failed
    assert load.tally.answered.total() > 0
    assert set(load.tally.answered) <= set(versions), load.tally.answered


def until(box: Box, version: str) -> None:
    wait_for(lambda: box.get("/version") == (200, version), f"version {version} serves")
