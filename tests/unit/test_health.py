"""Judging a health answer (P1)."""

from __future__ import annotations

import pytest

from bluegreen.parts.health import Answer


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
