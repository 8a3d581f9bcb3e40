"""A jar that runs on this machine, for tests that look at the application alone."""

from __future__ import annotations

import http.client
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.processes import free_port, listens
from tests.support.waiting import wait_for

# What makes a JVM of the tests start quickly; nothing of it changes what is tested.
QUICK_JAVA = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto", "-Xmx128m"]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass(frozen=True)
class Jvm:
    process: subprocess.Popen[bytes]
    port: int
    output: Path

    def ask(self, path: str, *, port: int | None = None, timeout_s: float = 20) -> Answer:
        connection = self.connect(port=port, timeout_s=timeout_s)
        try:
            connection.request("GET", path)
            return answer(connection)
        finally:
            connection.close()

    def connect(self, *, port: int | None = None, timeout_s: float = 20) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=timeout_s)

    def listens(self) -> bool:
        return listens(self.port)

    def printed(self) -> str:
        return self.output.read_text()

    def wait_until_it_listens(self) -> Jvm:
        wait_for(lambda: self.listens() or self.process.poll() is not None, "the JVM listens", 90)
        assert self.process.poll() is None, self.printed()
        return self

    def exit_code(self, within_s: float = 20) -> int:
        return self.process.wait(within_s)


@contextmanager
def running(
    jar: Path, *, slot: str = "prod1", port: int | None = None, properties: Mapping[str, str] | None = None
) -> Iterator[Jvm]:
    """Start a jar in a slot, and kill it at the end if it still runs.

    Args:
        port: where it is to listen; a free one if not given.
        properties: further system properties.
    """
    port = free_port() if port is None else port
    all_properties = {"spring.profiles.active": slot, "server.port": str(port), **(properties or {})}
    options = [f"-D{name}={value}" for name, value in all_properties.items()]
    output = jar.with_name(f"{jar.stem}-{port}.log")
    with output.open("wb") as log:
        process = subprocess.Popen(
            ["java", *QUICK_JAVA, *options, "-jar", str(jar)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Jvm(process, port, output)
    finally:
        process.kill()
        process.wait()


def answer(connection: http.client.HTTPConnection) -> Answer:
    response = connection.getresponse()
    return Answer(response.status, dict(response.headers), response.read())
