"""P2: what is under way on the old slot is finished before it is stopped."""

from __future__ import annotations

import re
import signal
import socket
import threading

import pytest

from tests.support.box import Box
from tests.support.incidents import deploying, drains
from tests.support.on_host import last_entry, live_pid
from tests.support.processes import alive
from tests.support.requests import asking, under_way
from tests.support.waiting import wait_for

STOP = {"after_switch": "stop", "drain": "60s"}


# Of a reload the old workers of nginx go on with what is under way.
both_methods = pytest.mark.parametrize("method", ["instant", "reload"])


@both_methods
def test_p2_a_request_of_twenty_seconds_ends_on_the_old_version_which_is_gone_after_it(
    box: Box, method: str
) -> None:
    box.configure(old_slot=STOP, switch={"method": method})
    box.deployed("1")
    old = live_pid(box, "prod2")
    with asking(box, "/version?ms=20000") as answers:
        under_way(box, "/version")
        deployer = deploying(box, "2")
        deployer.until_said("switched to prod1")
        assert alive(old)
        assert not answers
    assert answers == [(200, "1")]
    assert deployer.ended() == 0, deployer.said
    assert not alive(old)
    assert "still open" not in deployer.said


def test_p2_a_stream_goes_on_to_its_end_before_the_old_jvm_is_stopped(box: Box) -> None:
    box.configure(old_slot=STOP)
    box.deployed("1")
    old = live_pid(box, "prod2")
    with asking(box, "/stream?ms=5000") as answers:
        under_way(box, "/stream")
        deployer = deploying(box, "2")
        deployer.until_said("switched to prod1")
        assert alive(old)
    ((code, body),) = answers
    assert code == 200
    assert body.endswith("data: 1\n\nevent: end\ndata: 1\n\n")
    assert deployer.ended() == 0, deployer.said
    assert not alive(old)


@both_methods
def test_p2_a_websocket_stays_with_the_old_version_which_is_gone_after_it(box: Box, method: str) -> None:
    box.configure(old_slot=STOP, switch={"method": method})
    box.deployed("1")
    old = live_pid(box, "prod2")
    with socket.create_connection(("127.0.0.1", box.sandbox.http_port), 30) as client:
        head = "GET /socket HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: lines\r\n\r\n"
        client.sendall(head.encode())
        lines = client.makefile()
        assert lines.readline().split()[1] == "101"
        while lines.readline().strip():
            pass
        deployer = deploying(box, "2")
        deployer.until_said("switched to prod1")
        # Longer than nginx keeps an idle connection: what says nothing is no less under way.
        threading.Event().wait(6)
        client.sendall(b"hello\n")
        assert lines.readline() == "1 hello\n"
        assert alive(old)
        lines.close()
    assert deployer.ended() == 0, deployer.said
    assert not alive(old)


def test_p2_an_upload_that_began_before_the_switch_ends_on_the_old_version(box: Box) -> None:
    box.configure(old_slot=STOP)
    box.deployed("1")
    old = live_pid(box, "prod2")
    body = b"x" * 100_000
    with socket.create_connection(("127.0.0.1", box.sandbox.http_port), 60) as client:
        head = "POST /echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 100000\r\n\r\n"
        client.sendall(head.encode())
        client.sendall(body[:10_000])
        deployer = deploying(box, "2")
        deployer.until_said("switched to prod1")
        # nginx has not asked the old slot for anything yet.
        for sent in range(10_000, 100_000, 10_000):
            assert alive(old)
            client.sendall(body[sent : sent + 10_000])
            threading.Event().wait(0.1)
        answer = b""
        while more := client.recv(65536):
            answer += more
    assert answer.startswith(b"HTTP/1.1 200 "), answer[:200]
    assert b"X-Version: 1\r\n" in answer
    assert answer.endswith(body)
    assert deployer.ended() == 0, deployer.said
    assert not alive(old)


def test_p8_an_interrupt_while_the_old_slot_is_drained_ends_a_deploy_that_is_done(box: Box) -> None:
    box.configure(old_slot=STOP)
    box.deployed("1")
    with asking(box, "/version?ms=20000") as answers:
        under_way(box, "/version")
        deployer = deploying(box, "2")
        wait_for(lambda: drains(box), "the host waits for the request", 60)
        deployer.send(signal.SIGINT)
        assert deployer.ended() == 0, deployer.said
        assert not answers, "it did not wait for the request"
    assert "interrupted while the old slot was retired: the new version serves" in deployer.said
    assert answers == [(200, "1")]
    assert box.served() == "2"
    assert last_entry(box)["outcome"] == "switched"


def test_the_requests_open_at_the_drain_timeout_are_reported(box: Box) -> None:
    box.configure(old_slot={"after_switch": "stop", "drain": "6s", "stop_timeout": "1s"})
    box.deployed("1")
    with asking(box, "/version?ms=20000") as answers:
        under_way(box, "/version")
        ran = box.deployed("2")
    assert answers[0][0] != 200, "it was cut, which is what is reported"
    assert re.search(
        r"the old slot prod2: killed after ignoring SIGTERM for \d\.\d s; .*: 1 request or websocket",
        ran.out,
    ), ran.out


def test_p2_what_is_under_way_on_a_kept_slot_ends_before_the_next_deploy_takes_it(box: Box) -> None:
    box.configure(old_slot={"drain": "60s"})
    box.deployed("1")
    old = live_pid(box, "prod2")
    with asking(box, "/version?ms=10000") as answers:
        under_way(box, "/version")
        box.deployed("2")
        given_up = deploying(box, "given up")
        given_up.until_said("uploaded")
        given_up.send(signal.SIGINT)
        assert given_up.ended() == 1, given_up.said
        assert alive(old)
        ran = box.deployed("3")
    assert answers == [(200, "1")]
    assert f"prod2: its previous JVM (pid {old}) stopped after" in ran.out
    assert "still open" not in ran.out
    assert box.served() == "3"


def test_idle_connections_of_nginx_hold_nothing_up(box: Box) -> None:
    box.configure(old_slot=STOP)
    box.deployed("1")
    assert box.get("/version") == (200, "1")
    ran = box.deployed("2")
    assert "the old slot prod2: stopped after" in ran.out
    assert "still open" not in ran.out
