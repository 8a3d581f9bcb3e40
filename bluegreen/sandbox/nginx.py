"""The sandbox's nginx, with a prefix of its own; its configuration names no file outside the sandbox."""

from __future__ import annotations

import os
import resource
import subprocess
from pathlib import Path

import psutil

from bluegreen.config import Settings
from bluegreen.errors import Failed
from bluegreen.host.files import site
from bluegreen.sandbox import processes
from bluegreen.sandbox.folder import Folder, replace
from bluegreen.sandbox.ports import PortTaken
from bluegreen.sandbox.programs import Programs, version

_TEMP = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
_FILES = 16384


def running(folder: Folder) -> psutil.Process | None:
    """The master process of nginx, None if it does not run."""
    return processes.main_process(_pid_file(folder), processes.servers(folder, "nginx"))


def command(folder: Folder, programs: Programs) -> tuple[str, ...]:
    """The first words of every nginx command line for this sandbox."""
    begin = (programs.nginx, "-p", str(folder.nginx), "-c", str(_config_file(folder)))
    # Before 1.19.5 nginx opens the system's error log first, and warns if it may not.
    if version(programs.nginx, "-v") < (1, 19, 5):
        return begin
    return (*begin, "-e", str(folder.logs / "nginx-error.log"))


def configure(folder: Folder, programs: Programs, settings: Settings) -> bool:
    """Writes nginx.conf and the site of these settings; returns whether a file changed.

    The include must exist already.
    """
    (folder.nginx / "temp").mkdir(exist_ok=True)
    nginx_version = ".".join(str(number) for number in version(programs.nginx, "-v"))
    texts = {
        _config_file(folder): _config(),
        folder.nginx / "conf.d" / "site.conf": site.render(settings, nginx_version=nginx_version),
    }
    changed = {file: text for file, text in texts.items() if not file.exists() or file.read_text() != text}
    for file, text in changed.items():
        replace(file, text)
    return bool(changed)


def start(nginx: tuple[str, ...]) -> None:
    """Starts nginx and returns once it listens. It outlives this process and its terminal.

    Args:
        nginx: the result of `command`.

    Raises:
        PortTaken: another process listens on its port.
        Failed: it does not start; its output is the cause.
    """
    _call(nginx, "did not start")


def reload(nginx: tuple[str, ...]) -> None:
    """Makes nginx load the written configuration.

    Args:
        nginx: the result of `command`.

    Raises:
        Failed: it rejects the configuration, and continues with the previous one.
    """
    _call((*nginx, "-t"), "rejects its configuration")
    _call((*nginx, "-s", "reload"), "did not reload")


def _call(command: tuple[str, ...], failure: str) -> None:
    # nginx becomes a daemon after it listens, and closes these streams then.
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        error = PortTaken if "bind() to " in done.stderr else Failed
        raise error(f"the sandbox's nginx {failure}", why=done.stderr.splitlines()[-10:])


def _config() -> str:
    # As root, nginx would run its workers as nobody, who cannot read a folder that only root may enter.
    user = "user root;\n" if os.geteuid() == 0 else ""
    _, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = _FILES if most_files == resource.RLIM_INFINITY else min(_FILES, most_files)
    temp = "\n".join(f"    {kind}_temp_path temp/{kind};" for kind in _TEMP)
    return f"""\
# The nginx of bluegreen's sandbox, written at each start. Paths are relative to its prefix.
{user}pid nginx.pid;
error_log ../logs/nginx-error.log;
worker_processes 2;
worker_rlimit_nofile {files};
events {{
    worker_connections 4096;
}}
http {{
{temp}
    access_log ../logs/nginx-access.log;
    # A load test must be able to keep its connections.
    keepalive_requests 1000000;
    keepalive_timeout 1h;
    include conf.d/site.conf;
}}
"""


def _config_file(folder: Folder) -> Path:
    return folder.nginx / "nginx.conf"


def _pid_file(folder: Folder) -> Path:
    return folder.nginx / "nginx.pid"
