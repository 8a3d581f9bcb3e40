"""The embedded host, with its real sshd and nginx. Needs: nginx, sshd, curl; as root unshare, setpriv."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest

from bluegreen import config
from bluegreen.config import Settings
from bluegreen.errors import Failed, WrongUsage
from bluegreen.host.files import site
from bluegreen.host.files.include import Form, render
from bluegreen.host.files.site import SLOT_PATH
from bluegreen.sandbox import embedded, processes
from bluegreen.sandbox.embedded import Sandbox
from bluegreen.ssh.connection import Connection, Login
from tests.support.processes import alive, free_port, listens
from tests.support.servers import sh
from tests.support.waiting import wait_for

Start = Callable[..., Sandbox]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "shop" / ".sandbox"


@pytest.fixture
def start(folder: Path) -> Iterator[Start]:
    """Starts the sandbox of these settings; whatever it was, it is stopped in the end."""
    chosen = settings(folder.parent)

    def begin(these: Settings | None = None) -> Sandbox:
        return embedded.start(these or chosen, folder)

    yield begin
    embedded.stop(folder)


def settings(folder: Path, **wanted: int | str) -> Settings:
    """The settings of a config.yml with free ports, unless the ports are given."""
    given = {name: str(value) for name, value in wanted.items()}
    port = {name: given.get(name) or str(free_port()) for name in ("ssh", "http", "prod1", "prod2")}
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "config.yml"
    file.write_text(
        f"""
app: {given.get("app", "my-shop")}
slots: {{prod1: {port["prod1"]}, prod2: {port["prod2"]}}}
switch: {{method: {given.get("method", "instant")}}}
site:
  listen: {port["http"]}
  proxies: [{given.get("proxies", "")}]
hosts: {{sandbox: {{sandbox: true}}}}
"""
    )
    # No config.yml can say it, as a person has no reason to.
    return config.load(file).host("sandbox").model_copy(update={"port": int(port["ssh"])})


def said_over_ssh(sandbox: Sandbox, command: str) -> str:
    with logged_in(sandbox) as host:
        result = host.run(sh(command))
    assert result.exit_code == 0, result.stderr
    return result.stdout.strip()


def logged_in(sandbox: Sandbox) -> Connection:
    login = Login("127.0.0.1", sandbox.ssh_port, sandbox.user, (sandbox.host_key,), sandbox.identity)
    return Connection(login, environ={})


def get(
    sandbox: Sandbox, path: str, headers: dict[str, str] | None = None, method: str = "GET"
) -> tuple[int, str]:
    """Status and body of an answer through nginx."""
    connection = http.client.HTTPConnection("127.0.0.1", sandbox.http_port, timeout=10)
    try:
        connection.request(method, path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


@contextmanager
def slot_on(port: int) -> Iterator[None]:
    """A slot that answers each request with the headers that it got."""

    class Echo(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = json.dumps({name.lower(): value for name, value in self.headers.items()}).encode()
            if self.headers.get("Upgrade") == "websocket":
                self.send_response(101)
                self.send_header("Upgrade", "websocket")
                self.send_header("Connection", "upgrade")
                self.end_headers()
                self.wfile.write(b"frames")
                self.close_connection = True
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 as http.server has it
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Echo)
    server.daemon_threads = True
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        serving.join()


def headers_at_slot(sandbox: Sandbox, sent: dict[str, str] | None = None) -> dict[str, str]:
    with slot_on(sandbox.slots["prod1"]):
        code, body = get(sandbox, "/", sent)
    assert code == 200, body
    data: dict[str, str] = json.loads(body)
    return data


def running_in(folder: Path) -> list[str]:
    """Every process whose command line, environment, folder or open files name the sandbox's folder."""
    name = str(folder.resolve())
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        text = ""
        for file in ("cmdline", "environ"):
            with suppress(OSError):
                text += (entry / file).read_bytes().replace(b"\0", b" ").decode(errors="replace")
        with suppress(OSError):
            text += " ".join(str(link.readlink()) for link in [entry / "cwd", *(entry / "fd").iterdir()])
        if f"{name}/" in text or f"{name} " in text:
            found.append(f"{entry.name} {text[:200]}")
    return found


def server_pid(sandbox: Sandbox, server: str) -> int:
    return int((sandbox.folder / {"nginx": "nginx", "sshd": "ssh"}[server] / f"{server}.pid").read_text())


def kill(pid: int) -> None:
    """SIGKILL, and sees it gone."""
    handle = os.pidfd_open(pid)
    signal.pidfd_send_signal(handle, signal.SIGKILL)
    os.close(handle)
    wait_for(lambda: not alive(pid), "its end")


# --- a host ------------------------------------------------------------------------------------------


def test_it_lets_in_its_own_key_and_runs_what_it_is_sent(start: Start) -> None:
    sandbox = start()

    assert said_over_ssh(sandbox, "id -u") == str(os.getuid())


def test_its_sessions_find_the_programs_that_its_user_finds(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = tmp_path / 'my "tools'
    tools.mkdir()
    (tools / "jaba").write_text("#!/bin/sh\necho found\n")
    (tools / "jaba").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")

    assert said_over_ssh(start(), "jaba") == "found"


def test_a_thirtyfold_of_sessions_is_served(start: Start) -> None:
    with logged_in(start()) as host:
        sessions = [host.start(sh("read -r word; echo $word")) for _ in range(30)]
        for session in sessions:
            session.write(b"hello\n")
        said = {session.wait(timeout_s=20).stdout for session in sessions}
    assert said == {"hello\n"}


def test_keys_are_readable_by_their_user_alone(start: Start) -> None:
    sandbox = start()

    for key in (sandbox.identity, sandbox.folder / "ssh" / "host_ed25519"):
        assert key.stat().st_mode & 0o777 == 0o600


def test_it_answers_502_while_no_slot_runs_and_200_as_soon_as_one_does(start: Start) -> None:
    sandbox = start()

    assert [get(sandbox, "/")[0] for _ in range(5)] == [502] * 5
    with slot_on(sandbox.slots["prod1"]):
        assert get(sandbox, "/")[0] == 200


def test_the_marker_of_the_other_slot_moves_traffic_at_once(start: Start) -> None:
    sandbox = start()

    (sandbox.folder / "run" / "my-shop" / "prod2").touch()

    assert get(sandbox, SLOT_PATH) == (200, "http://my-shop-prod2")


def test_its_resolved_settings_are_those_of_a_host(start: Start, folder: Path) -> None:
    wanted = settings(folder.parent)
    sandbox = start(wanted)

    resolved = embedded.resolve(wanted, sandbox)

    assert resolved.addresses == ("127.0.0.1",)
    assert (resolved.port, resolved.user) == (sandbox.ssh_port, sandbox.user)
    assert resolved.slots == sandbox.slots
    assert resolved.supervisor == "process"
    assert resolved.releases.path == str(sandbox.folder / "host" / "my-shop")
    assert Path(resolved.switch.include).read_text() == (
        render(resolved, "prod1", form=Form.INSTANT, groups=True) + "\n"
    )
    assert not resolved.nginx.sudo
    subprocess.run([*resolved.nginx.command, "-t"], check=True)
    subprocess.run([*resolved.nginx.command, "-s", "reload"], check=True)


def test_with_method_reload_the_include_is_the_plain_line(start: Start, folder: Path) -> None:
    sandbox = start(settings(folder.parent, method="reload"))

    include = (sandbox.folder / "nginx/conf.d/service-url.inc").read_text()

    assert include == "set $service_url http://my-shop-prod1;\n"


# --- the headers that reach a slot -------------------------------------------------------------------


def test_a_slot_gets_the_client_and_the_host_with_its_port(start: Start) -> None:
    sandbox = start()

    headers = headers_at_slot(sandbox)

    assert headers["host"] == f"127.0.0.1:{sandbox.http_port}"
    assert headers["x-real-ip"] == "127.0.0.1"
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["x-forwarded-proto"] == "http"
    assert "connection" not in headers, "the connection to the slot is kept"


def test_what_a_client_claims_to_be_is_not_passed_on(start: Start) -> None:
    claims = {
        "X-Forwarded-For": "6.6.6.6",
        "X-Forwarded-Proto": "https",
        "X-Real-IP": "6.6.6.6",
        "X-Forwarded-Host": "evil",
        "X-Forwarded-Port": "1",
        "X-Forwarded-Prefix": "/evil",
        "Forwarded": "for=6.6.6.6",
    }

    headers = headers_at_slot(start(), claims)

    assert {headers.get(name.lower()) for name in claims} == {"127.0.0.1", "http", None}


def test_a_trusted_proxy_is_believed_but_not_what_its_client_claimed(start: Start, folder: Path) -> None:
    sandbox = start(settings(folder.parent, proxies="127.0.0.0/8, 10.0.0.0/8"))

    headers = headers_at_slot(
        sandbox, {"X-Forwarded-For": "6.6.6.6, 203.0.113.9, 10.0.0.2", "X-Forwarded-Proto": "https"}
    )

    assert headers["x-forwarded-for"] == "203.0.113.9"
    assert headers["x-real-ip"] == "203.0.113.9"
    assert headers["x-forwarded-proto"] == "https"


def test_another_than_a_trusted_proxy_is_not_believed(start: Start, folder: Path) -> None:
    sandbox = start(settings(folder.parent, proxies="10.0.0.0/8"))

    headers = headers_at_slot(sandbox, {"X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "https"})

    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["x-forwarded-proto"] == "http"


def test_a_client_of_http_1_0_without_a_host_is_served(start: Start) -> None:
    sandbox = start()

    with (
        slot_on(sandbox.slots["prod1"]),
        socket.create_connection(("127.0.0.1", sandbox.http_port), 10) as client,
    ):
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        answer = client.makefile("rb").read()

    assert answer.startswith(b"HTTP/1.1 200")
    assert b'"host": ' in answer


def test_a_websocket_is_let_through(start: Start) -> None:
    sandbox = start()
    asked = (
        b"GET /chat HTTP/1.1\r\nHost: shop\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )

    with (
        slot_on(sandbox.slots["prod1"]),
        socket.create_connection(("127.0.0.1", sandbox.http_port), 10) as client,
    ):
        client.sendall(asked)
        answer = client.makefile("rb").read()

    assert answer.startswith(b"HTTP/1.1 101")
    assert answer.endswith(b"frames")


def test_the_machine_itself_can_ask_for_the_live_slot(start: Start) -> None:
    assert get(start(), SLOT_PATH) == (200, "http://my-shop-prod1")


def test_nobody_else_can_ask_for_the_live_slot(start: Start, folder: Path) -> None:
    sandbox = start(settings(folder.parent, proxies="127.0.0.1"))

    code, body = get(sandbox, SLOT_PATH, {"X-Forwarded-For": "203.0.113.9"})

    assert code == 403
    assert "prod1" not in body


# --- the site, for every host ------------------------------------------------------------------------


@pytest.mark.parametrize("proxies", ["", "10.0.0.0/8, 2001:db8::/32"])
@pytest.mark.parametrize("name", ["_", "shop.example www.shop.example"])
@pytest.mark.parametrize("app", ["a", "my-shop"])
def test_nginx_accepts_the_site_with_every_option(tmp_path: Path, proxies: str, name: str, app: str) -> None:
    wanted = settings(tmp_path, app=app, proxies=proxies).model_copy(update={"sandbox": False})
    include = tmp_path / "service-url.inc"
    wanted = wanted.model_copy(
        update={
            "switch": wanted.switch.model_copy(update={"include": str(include)}),
            "site": wanted.site.model_copy(update={"server_name": name}),
        }
    )
    include.write_text(render(wanted, "prod2", form=Form.INSTANT, groups=True))
    (tmp_path / "site.conf").write_text(site.render(wanted))
    # Two apps on one machine: nothing of the one may collide with the other's.
    other = wanted.model_copy(update={"app": "other", "site": wanted.site.model_copy(update={"listen": 81})})
    (tmp_path / "other.conf").write_text(site.render(other))
    (tmp_path / "nginx.conf").write_text(
        "pid nginx.pid; events {} http { access_log off; include site.conf; include other.conf; }"
    )

    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    tested = subprocess.run(
        [str(nginx), "-t", "-p", str(tmp_path), "-c", "nginx.conf", "-e", "error.log"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert tested.returncode == 0, tested.stderr
    assert "[warn]" not in tested.stderr


@pytest.mark.parametrize(
    ("version", "knows"),
    [("", False), ("1.22.1", False), ("1.27.3", False), ("1.27.4", True), ("1.31.3", True), ("2.0", True)],
)
def test_a_reload_is_lossless_where_nginx_knows_how(tmp_path: Path, version: str, knows: bool) -> None:
    text = site.render(settings(tmp_path), nginx_version=version)

    assert ("keepalive_min_timeout 10s;" in text) is knows


# --- started, stopped, died --------------------------------------------------------------------------


def test_started_twice_it_is_the_same_one(start: Start) -> None:
    first = start()
    pids = server_pid(first, "nginx"), server_pid(first, "sshd")

    assert start() == first
    assert (server_pid(first, "nginx"), server_pid(first, "sshd")) == pids
    assert embedded.running(first.folder) == first


def test_two_that_start_it_at_once_get_the_same_one(start: Start) -> None:
    got: list[Sandbox] = []
    threads = [threading.Thread(target=lambda: got.append(start())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert got == [got[0]] * 3


@pytest.mark.parametrize("server", ["nginx", "sshd"])
def test_a_server_that_died_is_started_again_and_the_other_goes_on(start: Start, server: str) -> None:
    sandbox = start()
    other = {"nginx": "sshd", "sshd": "nginx"}[server]
    pid_of_other = server_pid(sandbox, other)
    marker = sandbox.folder / "run" / "my-shop" / "prod2"
    marker.touch()

    kill(server_pid(sandbox, server))
    assert embedded.running(sandbox.folder) is None

    assert start() == sandbox
    assert server_pid(sandbox, other) == pid_of_other
    assert marker.exists(), "the host was not booted"
    assert get(sandbox, SLOT_PATH)[0] == 200
    assert said_over_ssh(sandbox, "echo there") == "there"


def test_a_port_in_use_is_replaced_and_reported(start: Start, folder: Path) -> None:
    busy = [socket.create_server(("127.0.0.1", 0)) for _ in range(4)]
    names = ("ssh", "http", "prod1", "prod2")
    ports = dict(zip(names, (int(one.getsockname()[1]) for one in busy), strict=True))
    wanted = settings(folder.parent, **ports)

    sandbox = start(wanted)

    assert not set(ports.values()) & {sandbox.ssh_port, sandbox.http_port, *sandbox.slots.values()}
    assert list(sandbox.notices) == [
        f"sshd listens on port {sandbox.ssh_port}: {ports['ssh']} was in use when the sandbox was started",
        f"nginx listens on port {sandbox.http_port}: {ports['http']} was in use when the sandbox was started",
        f"slot prod1 listens on port {sandbox.slots['prod1']}: {ports['prod1']} was in use when the sandbox "
        "was started",
        f"slot prod2 listens on port {sandbox.slots['prod2']}: {ports['prod2']} was in use when the sandbox "
        "was started",
    ]
    with slot_on(sandbox.slots["prod1"]):
        assert get(sandbox, "/")[0] == 200
    for one in busy:
        one.close()
    embedded.stop(folder)
    assert start(wanted) == sandbox, "the ports are kept"


@pytest.mark.parametrize("program", ["sshd", "nginx"])
def test_a_port_that_is_taken_just_before_the_listening_gets_another_one(
    start: Start, folder: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    wanted = settings(folder.parent)
    port = wanted.port if program == "sshd" else wanted.site.listen
    real = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin")
    tools, taking, taken = folder.parent / "tools", folder.parent / "taking", folder.parent / "taken"
    tools.mkdir(parents=True)
    # What only asks for the version or the configuration goes through at once.
    (tools / program).write_text(
        f"""#!/bin/sh
case " $* " in *" -t "* | *" -V "* | *" -v "*) exec {real} "$@" ;; esac
if [ ! -e {taking} ]; then
    : >{taking}
    until [ -e {taken} ]; do sleep 0.01; done
fi
exec {real} "$@"
"""
    )
    (tools / program).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")

    def take() -> None:
        wait_for(taking.exists, "the program starts")
        with socket.create_server(("127.0.0.1", int(port or 0))):
            taken.touch()
            wait_for(over.is_set, "the sandbox runs")

    over = threading.Event()
    other = threading.Thread(target=take)
    other.start()
    sandbox = start(wanted)
    over.set()
    other.join()

    assert port not in (sandbox.ssh_port, sandbox.http_port)
    assert said_over_ssh(sandbox, "echo there") == "there"
    assert get(sandbox, SLOT_PATH)[0] == 200


def test_free_ports_are_those_of_the_config(start: Start, folder: Path) -> None:
    wanted = settings(folder.parent)

    sandbox = start(wanted)

    assert (sandbox.ssh_port, sandbox.http_port) == (wanted.port, wanted.site.listen)
    assert sandbox.slots == wanted.slots
    assert sandbox.notices == ()


def test_changed_ports_are_taken_over_while_it_runs(start: Start, folder: Path) -> None:
    before = start(settings(folder.parent))
    pid = server_pid(before, "nginx")

    after = start(settings(folder.parent))

    assert after.ssh_port != before.ssh_port
    assert said_over_ssh(after, "echo there") == "there"
    assert server_pid(after, "nginx") == pid, "reloaded, not restarted"
    wait_for(lambda: listens(after.http_port), "nginx listens")
    with slot_on(after.slots["prod1"]):
        wait_for(lambda: get(after, "/")[0] == 200, "nginx knows the new slot port")


def test_the_slots_port_of_a_running_jvm_is_kept(start: Start, folder: Path) -> None:
    sandbox = start()
    begin_jvm(sandbox, "prod1")

    kill(server_pid(sandbox, "nginx"))

    assert start().slots == sandbox.slots


def test_a_restart_keeps_the_include_and_the_releases_and_empties_run(start: Start, folder: Path) -> None:
    sandbox = start()
    include = sandbox.folder / "nginx/conf.d/service-url.inc"
    include.write_text(include.read_text().replace("prod1;", "prod2;", 1))
    kept = include.read_text()
    release = sandbox.folder / "host" / "my-shop" / "release"
    release.touch()
    marker = sandbox.folder / "run" / "my-shop" / "prod1"
    marker.touch()

    embedded.stop(folder)
    start()

    assert include.read_text() == kept
    assert release.exists()
    assert not marker.exists()
    assert marker.parent.is_dir()


def test_another_app_gets_an_include_of_its_own(start: Start, folder: Path) -> None:
    start()

    sandbox = start(settings(folder.parent, app="renamed"))

    # nginx was reloaded, to listen on another port too.
    wait_for(lambda: listens(sandbox.http_port), "nginx listens")
    wait_for(lambda: get(sandbox, SLOT_PATH) == (200, "http://renamed-prod1"), "nginx reads the new include")


def begin_jvm(sandbox: Sandbox, slot: str) -> int:
    """Something that listens on the slot's port, started as remote/process_steps.sh starts a JVM."""
    base = sandbox.folder / "host" / "my-shop"
    listen = (
        f"import http.server as h; h.HTTPServer(('127.0.0.1', {sandbox.slots[slot]}),"
        "h.SimpleHTTPRequestHandler).serve_forever()"
    )
    with logged_in(sandbox) as host:
        script = sh(f"slot_start {slot} '{base}' '' '{sys.executable}' -c \"{listen}\"").body
        remote = Path(embedded.__file__).parents[1] / "remote"
        names = ("lib", "process", "process_steps")
        text = "".join((remote / f"{name}.sh").read_text() for name in names)
        result = host.run(sh(f"base='{base}'\nworkdir='{base}'\nnonce=\n{text}\n{script}"))
    assert result.exit_code == 0, result.stderr
    wait_for(lambda: listens(sandbox.slots[slot]), "the slot listens")
    return int(result.stdout)


def test_stop_leaves_nothing_running_and_reports_what_it_stopped(start: Start, folder: Path) -> None:
    sandbox = start()
    jvm = begin_jvm(sandbox, "prod1")
    host = logged_in(sandbox)
    host.connect()
    # As lock.sh: deaf to a lost connection, and it has not ended when its sshd does.
    lock = host.start(sh("trap '' HUP PIPE INT TERM; echo held; while :; do sleep 60; done"))
    assert next(lock.lines(timeout_s=10)) == "held"
    idle = socket.create_connection(("127.0.0.1", sandbox.ssh_port), 10)
    assert len(running_in(folder)) >= 5

    stopped = embedded.stop(folder)

    assert running_in(folder) == []
    assert not listens(sandbox.http_port)
    assert not listens(sandbox.ssh_port)
    assert not listens(sandbox.slots["prod1"])
    assert f"stopped slot prod1 (pid {jvm})" in stopped
    assert {line.split()[1] for line in stopped} >= {"slot", "nginx", "sshd"}
    assert any("started over SSH" in line for line in stopped)
    assert embedded.running(folder) is None
    assert embedded.stop(folder) == []
    idle.close()
    host.close()


def test_stop_also_ends_what_outlived_a_server_that_was_killed(start: Start, folder: Path) -> None:
    sandbox = start()
    with logged_in(sandbox) as host:
        host.run(sh("true"))
        kill(server_pid(sandbox, "nginx"))
        kill(server_pid(sandbox, "sshd"))
        assert running_in(folder), "workers and sessions live on"

        stopped = embedded.stop(folder)

    assert running_in(folder) == []
    assert {line.split(" of ")[-1] for line in stopped} >= {"nginx", "sshd"}


def test_stop_spares_a_process_that_only_has_the_pid_of_a_slot(start: Start, folder: Path) -> None:
    sandbox = start()
    bystander = subprocess.Popen(["sleep", "60"])
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        run = sandbox.folder / "host" / "my-shop" / "run"
        run.mkdir()
        (run / "prod1.pid").write_text(f"{bystander.pid} 1 {boot}\n")
        (sandbox.folder / "nginx" / "other.pid").write_text(f"{bystander.pid}\n")

        stopped = embedded.stop(folder)

        assert bystander.poll() is None
        assert not any("slot" in line for line in stopped)
    finally:
        bystander.kill()
        bystander.wait()


def test_stop_does_not_wait_for_a_zombie_that_nobody_reaps() -> None:
    """In a container PID 1 may reap no process; here this test is a parent that does not."""
    child = subprocess.Popen(["sleep", "60"])
    try:
        process = psutil.Process(child.pid)
        began = time.monotonic()
        processes.end([process], timeout_s=30)
        assert time.monotonic() - began < 15
        assert process.status() == psutil.STATUS_ZOMBIE
    finally:
        child.kill()
        child.wait()


def test_stop_of_what_never_ran_does_nothing(tmp_path: Path) -> None:
    assert embedded.stop(tmp_path / "none") == []
    assert not (tmp_path / "none").exists()


def test_another_sandbox_beside_it_is_left_alone(start: Start, folder: Path) -> None:
    sandbox = start()
    beside = folder.with_name(".sandbox2")
    other = embedded.start(settings(folder.parent), beside)
    try:
        embedded.stop(folder)

        assert embedded.running(beside) == other
        assert embedded.running(folder) is None
        assert not listens(sandbox.ssh_port)
    finally:
        embedded.stop(beside)


def test_it_outlives_the_command_and_its_terminal(folder: Path) -> None:
    wanted = settings(folder.parent)
    program = (
        "import sys; from pathlib import Path; from bluegreen import config; "
        "from bluegreen.sandbox import embedded; "
        "wanted = config.load(Path(sys.argv[1])).host(None).model_copy(update={'port': int(sys.argv[3])}); "
        "embedded.start(wanted, Path(sys.argv[2]))"
    )
    leader, terminal = os.openpty()
    arguments = [
        sys.executable,
        "-c",
        program,
        str(folder.parent / "config.yml"),
        str(folder),
        str(wanted.port),
    ]
    try:
        # The leader of a session with a terminal of its own: closing that one is a SIGHUP for all of it.
        child = subprocess.Popen(
            ["setsid", "--ctty", "--wait", *arguments], stdin=terminal, stdout=terminal, stderr=terminal
        )
        os.close(terminal)
        # Ends only when nobody has the terminal open any more: the servers do not.
        with suppress(OSError):
            while os.read(leader, 4096):
                pass
        assert child.wait(30) == 0
        os.close(leader)

        sandbox = embedded.running(folder)

        assert sandbox is not None
        assert sandbox.slots == wanted.slots
        assert said_over_ssh(sandbox, "echo there") == "there"
        assert get(sandbox, SLOT_PATH)[0] == 200
    finally:
        embedded.stop(folder)


# --- wherever it is, whoever runs it -----------------------------------------------------------------


@pytest.mark.parametrize("name", ["a b", "100% (mine); it's #1 {x}", "für uns"])
def test_the_folder_may_have_any_ordinary_name(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name / ".sandbox"
    wanted = settings(folder.parent)
    try:
        sandbox = embedded.start(wanted, folder)
        (sandbox.folder / "run" / "my-shop" / "prod2").touch()

        assert said_over_ssh(sandbox, "echo there") == "there"
        assert get(sandbox, SLOT_PATH) == (200, "http://my-shop-prod2")
        assert embedded.start(wanted, folder) == sandbox
        assert any("nginx" in line for line in embedded.stop(folder))
        assert running_in(folder) == []
    finally:
        embedded.stop(folder)


@pytest.mark.parametrize("name", ["$HOME", 'a"b', "a[1]", "what?", "back\\slash", "new\nline"])
def test_a_folder_that_nginx_cannot_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(WrongUsage, match="the sandbox cannot be in"):
        embedded.start(settings(tmp_path), tmp_path / name)
    assert not (tmp_path / name).exists()


def test_a_folder_reached_by_a_link_is_the_same_sandbox(start: Start, folder: Path, tmp_path: Path) -> None:
    sandbox = start()
    (tmp_path / "link").symlink_to(folder.parent)

    assert embedded.running(tmp_path / "link" / ".sandbox") == sandbox


def test_a_missing_program_is_named_with_its_package(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only_curl = folder.parent / "bin"
    only_curl.mkdir(parents=True)
    (only_curl / "curl").symlink_to(str(shutil.which("curl")))
    monkeypatch.setenv("PATH", str(only_curl))
    which = shutil.which
    # As on a machine that has nothing where only root's PATH looks.
    monkeypatch.setattr(shutil, "which", lambda program, path: which(program, path=str(only_curl)))

    with pytest.raises(Failed) as failed:
        embedded.start(settings(folder.parent), folder)

    assert (
        failed.value.message
        == "the sandbox needs nginx, sshd, ssh-keygen, flock, which this machine does not have"
    )
    assert failed.value.remedy == "sudo apt-get install -y nginx openssh-server openssh-client util-linux"


def test_a_broken_include_is_reported_with_the_output_of_nginx(start: Start, folder: Path) -> None:
    include = start().folder / "nginx/conf.d/service-url.inc"
    embedded.stop(folder)
    include.write_text("nonsense;\n")

    with pytest.raises(Failed) as failed:
        start()

    assert failed.value.message == "the sandbox's nginx did not start"
    assert any('unknown directive "nonsense"' in line for line in failed.value.why)


def test_a_user_without_root_can_run_it() -> None:
    """Run by root, it becomes a user made up in a mount namespace: nothing of the machine changes."""
    home = Path(tempfile.mkdtemp(prefix="bluegreen-"))
    try:
        home.chmod(0o755)
        said = _as_user(home)
        assert said["uid"] != 0
        assert said["ssh"] == f"{said['uid']}"
        assert said["slot"] == "http://my-shop-prod1"
        assert said["stopped"] == ["nginx", "sshd"]
        assert said["left"] is None
        assert running_in(home) == []
    finally:
        embedded.stop(home / "shop" / ".sandbox")
        shutil.rmtree(home)


_STORY = """
import json, os, sys, urllib.request
from pathlib import Path
from bluegreen import config
from bluegreen.ssh.connection import Connection, Login
from bluegreen.host.files.site import SLOT_PATH
from bluegreen.sandbox import embedded
from tests.support.servers import sh
file = Path(sys.argv[1])
folder = embedded.folder_of(file)
wanted = config.load(file).host(None).model_copy(update={"port": int(sys.argv[2])})
box = embedded.start(wanted, folder)
assert embedded.start(wanted, folder) == box
login = Login("127.0.0.1", box.ssh_port, box.user, (box.host_key,), box.identity)
with Connection(login, environ={}) as there:
    uid = there.run(sh("id -u")).stdout.strip()
slot = urllib.request.urlopen(box.url + SLOT_PATH).read().decode()
names = [line.split()[1] for line in embedded.stop(folder) if "(pid" in line]
left = embedded.running(folder)
print(json.dumps({"uid": os.getuid(), "ssh": uid, "slot": slot, "stopped": names, "left": left}))
"""

_NOBODY_ELSE = 64923


def _as_user(home: Path) -> dict[str, object]:
    """What `_STORY` tells as a user without root."""
    settings(home / "shop")
    (home / "story.py").write_text(_STORY)
    arguments = ["story.py", "shop/config.yml", str(free_port())]
    packages = sysconfig.get_path("purelib")
    checkout = Path(__file__).parents[2]
    if os.geteuid() != 0:
        command = [sys.executable, *arguments]
        environment = {"PYTHONPATH": str(checkout)}
    else:
        # Bound to where that user may read them: Python and checkout may lie in /root.
        for name in ("python", "packages", "checkout"):
            (home / name).mkdir()
        (home / "passwd").write_text(
            f"{Path('/etc/passwd').read_text().rstrip()}\n"
            f"bluegreen-test:x:{_NOBODY_ELSE}:{_NOBODY_ELSE}::{home / 'shop'}:/bin/sh\n"
        )
        for place in (home, home / "shop", home / "shop" / "config.yml"):
            os.chown(place, _NOBODY_ELSE, _NOBODY_ELSE)
        python = Path(sys.executable).resolve().relative_to(Path(sys.base_prefix).resolve())
        become = f"""
            mount --bind '{Path(sys.base_prefix).resolve()}' python
            mount --bind '{packages}' packages
            mount --bind '{checkout}' checkout
            mount --bind passwd /etc/passwd
            exec setpriv --reuid={_NOBODY_ELSE} --regid={_NOBODY_ELSE} --clear-groups "$@"
        """
        command = ["unshare", "--mount", "sh", "-ec", become, "sh", str(home / "python" / python), *arguments]
        environment = {
            "PYTHONPATH": f"{home / 'checkout'}:{home / 'packages'}",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
    done = subprocess.run(
        command,
        cwd=home,
        env={"PATH": os.environ["PATH"], "HOME": str(home / "shop"), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    data: dict[str, object] = json.loads(done.stdout)
    return data
