"""Traffic for the demo: clients on keep-alive connections that never retry, and a count of every answer."""

from __future__ import annotations

import http.client
import itertools
import random
import threading
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import urlsplit

CLIENTS = 8
# So many of them ask for what takes its time: something is in flight at every switch.
SLOW_CLIENTS = 2
SLOW_MS = 300
PAUSE_S = 0.01
ANSWER_TIMEOUT_S = 10


class WrongAnswer(Exception):
    """An answer came, and it is not the one to this request."""


@dataclass
class Tally:
    """What was sent in one phase, and what came of it: answers by version, failures by their cause."""

    sent: int = 0
    answered: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)


class Traffic:
    """Clients that ask from `start` to `close`, GET and POST in turn.

    Args:
        url: of a stand-in, through nginx.
    """

    def __init__(self, url: str) -> None:
        self._address = urlsplit(url).netloc
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._client, args=(each,)) for each in range(CLIENTS)]
        self._phase = Tally()

    def phase(self) -> Tally:
        """Begins a phase: what is sent from now on is counted in the tally that this gives."""
        self._phase = Tally()
        return self._phase

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Returns once every request has its answer."""
        self._stopping.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()

    def _client(self, number: int) -> None:
        connection = http.client.HTTPConnection(self._address, timeout=ANSWER_TIMEOUT_S)
        numbers = random.Random(number)  # noqa: S311 not for secrets
        slow = f"?ms={SLOW_MS}" if number < SLOW_CLIENTS else ""
        asking = itertools.cycle([("GET", f"/version{slow}"), ("POST", f"/echo{slow}")])
        while not self._stopping.wait(PAUSE_S):
            method, path = next(asking)
            body = numbers.randbytes(numbers.randint(1, 65536)) if method == "POST" else b""
            phase = self._phase
            with self._lock:
                phase.sent += 1
            try:
                version = ask(connection, method, path, body)
            except (OSError, http.client.HTTPException, WrongAnswer) as error:
                connection.close()
                with self._lock:
                    phase.failed[f"{method} {path}: {type(error).__name__}: {error}"] += 1
            else:
                with self._lock:
                    phase.answered[version] += 1
        connection.close()


def ask(connection: http.client.HTTPConnection, method: str, path: str, body: bytes = b"") -> str:
    """Sends one request; returns the version that answered it.

    Raises:
        WrongAnswer: not a 200, or not the body that was due.
        OSError, http.client.HTTPException: no answer, or not the whole of it.
    """
    connection.request(method, path, body or None)
    answer = connection.getresponse()
    received = answer.read()
    return version_of(answer.status, answer.headers.get("X-Version", ""), received, body)


def version_of(status: int, version: str, received: bytes, sent: bytes) -> str:
    """The version of a stand-in that gave an answer.

    Args:
        version: the header X-Version.
        sent: the body of the request: an answer to a POST has it, one to a GET has the version.

    Raises:
        WrongAnswer: not a 200, or not the body that was due.
    """
    if status != 200:
        raise WrongAnswer(f"status {status}")
    if received != (sent or version.encode()):
        raise WrongAnswer(f"{len(received)} bytes that are not what was asked for")
    return version
