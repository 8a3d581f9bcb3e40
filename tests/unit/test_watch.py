"""How the watch judges an answer through nginx that the slot's own port does not give."""

from __future__ import annotations

from pathlib import Path

import pytest

from bluegreen.console.terminal import Console
from bluegreen.host.answer import Answer
from bluegreen.host.health import Look
from bluegreen.host.machine import Machine
from bluegreen.host.probe import Asked
from bluegreen.host.watch import Judge, Through
from bluegreen.ssh.connection import Connection, Login
from tests.support.states import settings_of

UP = Answer(200, '{"status":"UP"}')


@pytest.mark.parametrize(
    ("code", "own", "kept"),
    [
        (503, 200, True),
        (429, 200, True),
        (403, 200, True),
        (403, 403, False),
        (503, 404, True),
        (401, 401, False),
        (500, 200, False),
        (502, 200, False),
    ],
)
def test_what_the_slot_answers_itself_is_not_the_fault_of_nginx(
    tmp_path: Path, code: int, own: int, kept: bool
) -> None:
    machine = Machine(settings_of(tmp_path), Connection(Login("192.0.2.1")), Console())
    asked = tuple(Asked(1000 + 100 * number, code, 1, None) for number in range(10))
    through = Through("/shop", lambda: asked, began_ms=1000, strict=True)
    judge = Judge(machine, "prod2", "/shop", through)
    assert (judge.failure(Look(UP, own)) == "") == kept
