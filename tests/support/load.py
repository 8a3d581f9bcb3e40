"""Load for the tests and the benchmarks: clients that never retry, in a process of their own.

    python -m tests.support.load http://127.0.0.1:8080 --clients 64

It asks GET /version and POST /echo in turn until its input ends, then prints what came of it as JSON. A line
of input is the version that every answer must come from that is asked for from then on, `*` for any; it is
answered by the same line once that holds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

from scripts.traffic import Tally, WrongAnswer, version_of

CLIENTS = 64
# From one answer to the next request of a client: 64 of them send some 600 requests a second.
PAUSE_S = 0.1
ANSWER_TIMEOUT_S = 30
LARGEST_BODY = 32768
# As long as a new JVM is slow, if it was not warmed.
AFTER_S = 2
ANY = "*"


@dataclass
class LoadTally(Tally):
    """What was sent under load, and what came of it.

    Args:
        stale: good answers from another version than the one that had been switched to.
        last: the same, of an old worker of nginx that ended the connection with it.
        after: by version, ms that its answers to GETs took, from its first answer on for two seconds.
    """

    stale: Counter[str] = field(default_factory=Counter)
    last: Counter[str] = field(default_factory=Counter)
    after: dict[str, list[float]] = field(default_factory=dict)


class Load:
    """The process with the clients, for as long as the block lasts; `tally` is there after it."""

    def __init__(
        self, url: str, *, clients: int = CLIENTS, keep_alive: bool = True, pause_s: float = PAUSE_S
    ) -> None:
        command = [sys.executable, "-m", "tests.support.load", url, "--clients", str(clients)]
        command += ["--pause-s", str(pause_s)]
        self._process = subprocess.Popen(
            [*command, *([] if keep_alive else ["--connection-per-request"])],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.tally = LoadTally()

    def expect(self, version: str) -> None:
        """From now on every answer must come from that version, or from any (`*`)."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{version}\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == f"{version}\n"

    def __enter__(self) -> Load:
        self.expect(ANY)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        out, _ = self._process.communicate(timeout=2 * ANSWER_TIMEOUT_S)
        report = json.loads(out)
        counters = {name: Counter(report[name]) for name in ("answered", "failed", "stale", "last")}
        self.tally = LoadTally(report["sent"], **counters, after=report["after"])


def require_nothing_lost(tally: LoadTally, *, reloaded: bool = False) -> None:
    """Fails unless every request was answered well, by the version that was due.

    Args:
        reloaded: old workers of nginx may answer one more request of each connection that they have open.
    """
    assert tally.sent
    assert not tally.failed, tally
    assert not tally.stale, tally
    assert reloaded or not tally.last, tally
    assert tally.answered.total() == tally.sent, tally


@contextmanager
def wrk(url: str) -> Iterator[None]:
    """wrk asks from the block's begin to its end, and must see neither an error nor another status."""
    process = subprocess.Popen(
        ["wrk", "-t1", "-c32", "-d1h", "--timeout", "10s", url], stdout=subprocess.PIPE, text=True
    )
    try:
        yield
    finally:
        # It ends at once, and tells what it saw.
        process.send_signal(signal.SIGINT)
        report, _ = process.communicate(timeout=60)
    assert re.search(r"[1-9]\d* requests in ", report), report
    assert "Socket errors" not in report
    assert "Non-2xx" not in report


# --- the process -------------------------------------------------------------------------------------------


class _Clients:
    def __init__(self, url: str, *, keep_alive: bool, pause_s: float) -> None:
        address = urlsplit(url)
        self._host, self._port = address.hostname or "", address.port or 80
        self._keep_alive, self._pause_s = keep_alive, pause_s
        self._tally = LoadTally()
        self._expected = ANY
        self._first: dict[str, float] = {}
        self.over = asyncio.Event()

    def expect(self, version: str) -> None:
        self._expected = version

    async def run(self, number: int) -> LoadTally:
        await asyncio.gather(*(self._client(each) for each in range(number)))
        return self._tally

    async def _client(self, number: int) -> None:
        numbers = random.Random(number)  # noqa: S311 not for secrets
        connection: _Connection | None = None
        asks = 0
        while not self.over.is_set():
            await asyncio.sleep(numbers.uniform(0, 2 * self._pause_s))
            asks += 1
            body = numbers.randbytes(numbers.randint(1, LARGEST_BODY)) if (asks + number) % 2 else b""
            if connection is None or connection.ended:
                # Closed by the other side before anything was sent: every client begins a new one.
                connection = None
            expected, at = self._expected, time.monotonic()
            self._tally.sent += 1
            what = "POST" if body else "GET"
            try:
                if connection is None:
                    connection = await _Connection.to(self._host, self._port)
                asked = connection.ask(body, keep_alive=self._keep_alive)
                version = await asyncio.wait_for(asked, ANSWER_TIMEOUT_S)
            except (OSError, EOFError, asyncio.TimeoutError, WrongAnswer) as error:
                self._tally.failed[f"{what}: {type(error).__name__}: {error}"] += 1
                if connection:
                    connection.close()
                connection = None
                continue
            self._tally.answered[version] += 1
            took_s = time.monotonic() - at
            # From the switch itself, not from when it is said: the first answers are the slow ones.
            first = self._first.setdefault(version, at + took_s)
            if not body and at + took_s - first < AFTER_S:
                self._tally.after.setdefault(version, []).append(round(took_s * 1000, 2))
            if expected not in (ANY, version):
                count = self._tally.last if self._keep_alive and connection.ended else self._tally.stale
                count[f"{version} instead of {expected}"] += 1
            if not self._keep_alive:
                connection.close()
        if connection:
            connection.close()


class _Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def to(cls, host: str, port: int) -> _Connection:
        return cls(*await asyncio.open_connection(host, port))

    @property
    def ended(self) -> bool:
        return self._reader.at_eof() or self._writer.is_closing()

    def close(self) -> None:
        self._writer.close()

    async def ask(self, body: bytes, *, keep_alive: bool) -> str:
        """Sends one request, and gives the version that answered it."""
        line = "POST /echo" if body else "GET /version"
        head = f"{line} HTTP/1.1\r\nHost: load\r\nConnection: {'keep-alive' if keep_alive else 'close'}\r\n"
        if body:
            head += f"Content-Type: application/octet-stream\r\nContent-Length: {len(body)}\r\n"
        self._writer.write(f"{head}\r\n".encode() + body)
        await self._writer.drain()
        status, headers = await self._head()
        received = await self._body(headers)
        if headers.get("connection", "").lower() == "close":
            self._writer.close()
        return version_of(int(status), headers.get("x-version", ""), received, body)

    async def _head(self) -> tuple[str, dict[str, str]]:
        lines = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        pairs = (line.partition(":") for line in lines[1:] if line)
        return lines[0].split()[1], {name.lower(): value.strip() for name, _, value in pairs}

    async def _body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding") != "chunked":
            return await self._reader.readexactly(int(headers["content-length"]))
        body = b""
        while size := int(await self._reader.readline(), 16):
            body += (await self._reader.readexactly(size + 2))[:-2]
        await self._reader.readline()
        return body


async def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--clients", type=int, default=CLIENTS)
    parser.add_argument("--connection-per-request", action="store_true")
    parser.add_argument("--pause-s", type=float, default=PAUSE_S)
    wanted = parser.parse_args()
    clients = _Clients(wanted.url, keep_alive=not wanted.connection_per_request, pause_s=wanted.pause_s)
    loop = asyncio.get_running_loop()

    def listen() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(_expect, clients, line.strip())
        loop.call_soon_threadsafe(clients.over.set)

    threading.Thread(target=listen, daemon=True).start()
    _say(json.dumps(vars(await clients.run(wanted.clients))))


def _expect(clients: _Clients, version: str) -> None:
    clients.expect(version)
    _say(version)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_main())
