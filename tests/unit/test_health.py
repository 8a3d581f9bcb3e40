"""The judgement of a health answer (P1), and of consecutive ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from bluegreen.host import never_up
from bluegreen.host.answer import Answer
from bluegreen.host.health import Consecutive
from bluegreen.host.machine import server_name
from bluegreen.remote import limits
from tests.support.states import settings_of


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


# --- answers that cannot become UP ---------------------------------------------------------------------

SHOP = "https://shop.example"


@pytest.mark.parametrize(
    ("answer", "kind", "remedy"),
    [
        (Answer(401, ""), "401", 'requestMatchers("/actuator/health").permitAll()'),
        (Answer(401, '{"status":"UNAUTHORIZED"}'), "401", "permitAll()"),
        (Answer(403, '{"status":403,"error":"Forbidden"}'), "403", "permitAll()"),
        (Answer(404, '{"status":404}'), "404", "management.endpoints.web.exposure.include: health"),
        (Answer(404, '{"status":404}'), "404", "health.path"),
        (Answer(404, '{"status":404}'), "404", "health: {ports: {prod1: 9081, prod2: 9082}}"),
        (Answer(405, ""), "405", "health.path"),
        (Answer(406, ""), "406", "health.path"),
        (Answer(410, ""), "410", "health.path"),
        (Answer(0, "", tls=True), "tls", "server.ssl.enabled: false"),
        (Answer(400, "<h1>Bad Request</h1>"), "400", "site.server_name"),
        (Answer(200, "<!doctype html><form>"), "page", "permitAll()"),
        (Answer(200, "\n <html>"), "page", "exposure.include"),
        (Answer(200, "OK"), "no status", "health.path"),
        (Answer(200, "{}"), "no status", "health.path"),
        (Answer(204, ""), "no status", "health.path"),
        (Answer(200, '{"status":"UNKNOWN"}'), "UNKNOWN", "management.health.ping.enabled: true"),
        (Answer(0, "", closed=True), "closed", "management.server.port to 8081 for prod1"),
        (
            Answer(301, "", redirect=f"{SHOP}/actuator/health"),
            "https",
            "server.forward-headers-strategy: framework",
        ),
        (
            Answer(308, "", redirect="https://127.0.0.1:8443/actuator/health"),
            "https",
            "forward-headers-strategy",
        ),
        (
            Answer(301, "", redirect="https://www.shop.example/actuator/health"),
            "name",
            "site.server_name: www.shop.example",
        ),
        (Answer(302, "", redirect="http://127.0.0.1:8081/login"), "login", "permitAll()"),
        (Answer(302, "", redirect="https://id.example/authorize?state=1"), "login", "permitAll()"),
        (
            Answer(302, "", redirect="http://127.0.0.1:8081/shop/actuator/health"),
            "path",
            "health.path: /shop/actuator/health",
        ),
        (Answer(302, "", redirect="http://127.0.0.1:8081/welcome"), "redirect", "health.path"),
        (Answer(302, "", redirect="http://["), "redirect", "health.path"),
        (Answer(302, ""), "redirect", "health.path"),
    ],
)
def test_an_answer_that_waiting_does_not_change_has_its_kind_and_its_line(
    tmp_path: Path, answer: Answer, kind: str, remedy: str
) -> None:
    found = never_up.reason(answer, settings_of(tmp_path, server_name="shop.example"), "prod1")
    assert found is not None
    assert found.kind == kind
    assert remedy in found.remedy
    assert found.waits is (kind == "UNKNOWN")


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, '{"status":"UP"}'),
        Answer(503, '{"status":"OUT_OF_SERVICE"}'),
        Answer(503, '{"status":"DOWN"}'),
        Answer(200, '{"status":"DOWN"}'),
        # With management.endpoint.health.status.http-mapping.
        Answer(404, '{"status":"DOWN"}'),
        Answer(200, '{"status":"STARTING"}'),
        Answer(0, ""),
        Answer(408, ""),
        Answer(429, ""),
        Answer(500, "<h1>Whitelabel Error Page</h1>"),
        Answer(502, ""),
        Answer(503, "<html>starting</html>"),
    ],
    ids=str,
)
def test_p1_an_answer_that_may_become_up_is_waited_for(tmp_path: Path, answer: Answer) -> None:
    assert never_up.reason(answer, settings_of(tmp_path), "prod1") is None


def test_what_the_application_sends_is_shown_in_part_and_without_control_characters(tmp_path: Path) -> None:
    url = f"http://127.0.0.1/\x1b[31m\n{'a' * 5000}"
    found = never_up.reason(Answer(302, "", redirect=url), settings_of(tmp_path), "prod1")
    assert found is not None
    assert found.text.isprintable()
    assert len(found.text) < 400


@pytest.mark.parametrize(
    ("looks", "ends_at"),
    [
        pytest.param("404@0 404@5 404@15", 3, id="unchanged for as long"),
        pytest.param("404@0 404@14", None, id="not yet"),
        pytest.param("404@0 503@14 404@15 404@29", None, id="another answer begins it anew"),
        pytest.param("404@0 401@14 401@28", None, id="another of these answers, too"),
        pytest.param("503@0 503@60 404@61 404@75 404@76", 5, id="from the first of them"),
        pytest.param("503@0 503@100", None, id="never for one that may become UP"),
        pytest.param("200@0 200@100", None, id="nor for UNKNOWN"),
    ],
)
def test_an_answer_is_given_up_when_it_has_not_changed_for_that_long(
    tmp_path: Path, looks: str, ends_at: int | None
) -> None:
    settings, unchanged = settings_of(tmp_path), never_up.Unchanged(limits.NEVER_UP_S)
    ended = None
    for number, look in enumerate(looks.split(), start=1):
        code, at_s = look.split("@")
        answer = Answer(int(code), '{"status":"UNKNOWN"}' if code == "200" else "")
        if unchanged.reached_by(never_up.reason(answer, settings, "prod1"), int(at_s) * 1000):
            ended = number
            break
    assert ended == ends_at


@pytest.mark.parametrize(
    ("names", "host"),
    [
        ("_", ""),
        ("shop.example www.shop.example", "shop.example"),
        ("'*.shop.example www.shop.example'", "www.shop.example"),
        (".shop.example", "shop.example"),
    ],
)
def test_a_request_of_ours_has_a_whole_name_as_its_host(tmp_path: Path, names: str, host: str) -> None:
    # Tomcat answers 400 to a Host such as *.shop.example.
    assert server_name(settings_of(tmp_path, server_name=names)) == host
