"""The observer on the machine, against servers that are not an application.

Needs: sh, curl, openssl.
"""

from __future__ import annotations

import itertools
import os
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from bluegreen.host.facts import marked, pair
from bluegreen.remote.script import Script, Value, variables


@contextmanager
def server(certificate: Path | None = None) -> Iterator[int]:
    """A server of files; with a certificate it closes a plain connection without an answer, as Netty does."""
    with ThreadingHTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler) as listening:
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            listening.socket = context.wrap_socket(listening.socket, server_side=True)
        Thread(target=listening.serve_forever, daemon=True).start()
        yield listening.server_port
        listening.shutdown()


@contextmanager
def observed(port: int, path: str = "") -> Iterator[subprocess.Popen[bytes]]:
    """An observer of this process for a minute."""
    values: dict[str, Value] = {
        **dict.fromkeys(variables("observe", "process"), ""),
        "slot": "prod1",
        "pid": os.getpid(),
        "port": port,
        "health_port": port,
        "health_path": "/no-such-file",
        "for_ms": 60_000,
        "every_ms": 50,
        "answer_s": 5,
        "path": path,
        "log_lines": 0,
        "nonce": "n",
    }
    text = Script("observe", values, "process").text()
    with subprocess.Popen(["sh", "-c", text], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as observer:
        yield observer
        observer.kill()


def facts(observer: subprocess.Popen[bytes]) -> Iterator[tuple[str, str]]:
    assert observer.stdout is not None
    return map(pair, marked((line.decode().rstrip("\n") for line in observer.stdout), "n"))


@pytest.mark.parametrize("path", ["", "/"])
def test_each_look_has_the_answer_and_when_it_came(path: str) -> None:
    with server() as port, observed(port, path) as observer:
        answers = (value.split(" ", 3) for key, value in facts(observer) if key == "answer")
        seen = list(itertools.islice(answers, 3))
    assert [code for code, *_ in seen] == ["404"] * 3
    times = [int(at_ms) for _, _, at_ms, _ in seen]
    assert times == sorted(set(times))


@pytest.mark.parametrize("path", ["", "/"])
def test_the_observer_ends_with_its_reader(path: str) -> None:
    with server() as port, observed(port, path) as observer:
        assert next(facts(observer))
        assert observer.stdout is not None
        observer.stdout.close()
        observer.wait(30)


def test_a_port_that_speaks_https_alone_is_known_by_it(tmp_path: Path) -> None:
    certificate = tmp_path / "both.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"),
            *("-keyout", certificate, "-out", tmp_path / "cert.pem"),
        ],
        check=True,
        capture_output=True,
    )
    certificate.write_text(certificate.read_text() + (tmp_path / "cert.pem").read_text())
    with server(certificate) as port, observed(port) as observer:
        assert next(key for key, _ in facts(observer)) == "tls"
