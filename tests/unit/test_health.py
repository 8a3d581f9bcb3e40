"""The judgement of a health answer (P1), and of consecutive ones."""

from __future__ import annotations

import pytest

from bluegreen.host.answer import Answer
from bluegreen.host.health import Consecutive
from bluegreen.remote import limits


@pytest.mark.parametrize(
    ("code", "body"),
    [
        pytest.param(200, '{"status":"UP"}', id="the shortest"),
        pytest.param(200, '{"status": "UP", "groups": ["liveness", "readiness"]}', id="with groups"),
        pytest.param(200, '{"components":{"db":{"status":"UNKNOWN"}},"status":"UP"}', id="a part unknown"),
    ],
)
def test_p1_up_is_up(code: int, body: str) -> None:
    assert Answer(code, body).up


@pytest.mark.parametrize(
    ("code", "body", "status"),
    [
        pytest.param(
            503, '{"status":"DOWN","components":{"ping":{"status":"UP"}}}', "DOWN", id="DOWN with a part UP"
        ),
        pytest.param(200, '{"status":"DOWN","details":"UP"}', "DOWN", id="DOWN answered with 200"),
        pytest.param(200, '{"status":"up"}', "up", id="another spelling"),
        pytest.param(503, '{"status":"UP"}', "UP", id="UP answered with 503"),
        pytest.param(503, '{"status":"OUT_OF_SERVICE"}', "OUT_OF_SERVICE", id="out of service"),
        pytest.param(200, "<html>UP</html>", "no JSON (HTTP 200)", id="a web page that says UP"),
        pytest.param(200, '"UP"', "no status (HTTP 200)", id="a bare text"),
        pytest.param(
            200, '{"status":{"status":"UP"}}', "no status (HTTP 200)", id="a status that is an object"
        ),
        pytest.param(200, '["UP"]', "no status (HTTP 200)", id="a list"),
        pytest.param(200, '{"status":"UP"', "no JSON (HTTP 200)", id="cut short"),
        pytest.param(200, "", "no JSON (HTTP 200)", id="empty"),
        pytest.param(0, "", "no answer", id="no answer"),
    ],
)
def test_p1_anything_else_is_not_up(code: int, body: str, status: str) -> None:
    answer = Answer(code, body)
    assert not answer.up
    assert answer.status == status


@pytest.mark.parametrize(
    ("looks", "ends_at"),
    [
        pytest.param("bad good bad good bad good", None, id="now and then one fails"),
        pytest.param("good bad bad good", 3, id="two in a row"),
        pytest.param("bad good bad bad", 4, id="one, and later two in a row"),
    ],
)
def test_only_failures_in_a_row_end_a_watch(looks: str, ends_at: int | None) -> None:
    assert _reached_at(limits.WATCH_FAILURES_IN_A_ROW, [look == "bad" for look in looks.split()]) == ends_at


@pytest.mark.parametrize(
    ("answers", "ends_at"),
    [
        pytest.param("UP UP DOWN UP UP", None, id="DOWN resets the count"),
        pytest.param("DOWN UP UP UP", 4, id="three in a row"),
    ],
)
def test_p1_only_ups_in_a_row_count(answers: str, ends_at: int | None) -> None:
    seen = [Answer(200, f'{{"status":"{status}"}}') for status in answers.split()]
    assert _reached_at(3, [answer.up for answer in seen]) == ends_at


def _reached_at(enough: int, seen: list[bool]) -> int | None:
    """The number of the look at which there were enough consecutive hits."""
    hits = Consecutive(enough)
    return next((number for number, hit in enumerate(seen, start=1) if hits.reached_by(hit)), None)
