"""The sandbox's nginx: a prefix of its own, which its configuration names nothing outside of."""

from __future__ import annotations

import os
import resource
import subprocess
from pathlib import Path

from bluegreen.config import Settings
from bluegreen.errors import Failed
from bluegreen.host.files import site
from bluegreen.sandbox import processes
from bluegreen.sandbox.folder import Folder, replace
from bluegreen.sandbox.ports import PortTaken
from bluegreen.sandbox.processes import Process
from bluegreen.sandbox.programs import Programs, version

_TEMP = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
_FILES = 16384


def running(folder: Folder) -> Process | None:
    """Its master process, None if it does not run."""
    return processes.main_process(_pid_file(folder), processes.servers(folder, "nginx"))


def command(folder: Folder, programs: Programs) -> tuple[str, ...]:
    """What every order to it begins with."""
    begin = (programs.nginx, "-p", str(folder.nginx), "-c", str(_config_file(folder)))
    # Before 1.19.5 it always tries the log of the system's nginx first, and warns if that is not allowed.
    if version(programs.nginx, "-v") < (1, 19, 5):
        return begin
    return (*begin, "-e", str(folder.logs / "nginx-error.log"))


def configure(folder: Folder, programs: Programs, settings: Settings) -> bool:
    """Writes its configuration and the site of these settings; tells whether anything changed.

    The include must be there already.
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


def start(order: tuple[str, ...]) -> None:
    """Starts it, and returns once it listens. It outlives this process and its terminal.

    Raises:
        PortTaken: somebody listens on its port by now.
        Failed: it does not start; its own words are the cause.
    """
    _call(order, "did not start")


def reload(order: tuple[str, ...]) -> None:
    """Has it take what was configured.

    Raises:
        Failed: it refuses; it goes on with what it had.
    """
    _call((*order, "-t"), "refuses its configuration")
    _call((*order, "-s", "reload"), "did not reload")


def _call(order: tuple[str, ...], trouble: str) -> None:
    # It becomes a daemon by itself: it listens, then lets go of these streams and of the terminal.
    done = subprocess.run(order, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        error = PortTaken if "bind() to " in done.stderr else Failed
        raise error(f"the sandbox's nginx {trouble}", why=done.stderr.splitlines()[-10:])


def _config() -> str:
    # Root's workers would be nobody's, who cannot see the markers in a folder that is root's alone.
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
    # A load test keeps its connections as long as it wants.
    keepalive_requests 1000000;
    keepalive_timeout 1h;
    include conf.d/site.conf;
}}
"""


def _config_file(folder: Folder) -> Path:
    return folder.nginx / "nginx.conf"


def _pid_file(folder: Folder) -> Path:
    return folder.nginx / "nginx.pid"
