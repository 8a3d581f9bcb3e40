"""Switching: both methods, drift, what is put back, the watch, and the command `switch`."""

from __future__ import annotations

import json
import re
import subprocess

import pytest

from tests.support.box import Box
from tests.support.on_host import (
    first_line,
    journal,
    last_entry,
    line_to,
    live_pid,
    markers,
    pid_of,
    release_of,
    versions,
    whole,
)
from tests.support.processes import alive, free_port
from tests.support.sites import nginx, workers
from tests.support.under_traffic import nothing_lost
from tests.support.waiting import wait_for


def plain(box: Box, slot: str) -> str:
    """The include as the old scripts write it."""
    return f"set $service_url http://127.0.0.1:{box.sandbox.slots[slot]};\n"


def route(box: Box) -> tuple[bytes, list[str]]:
    """All that decides where nginx sends requests."""
    return box.include.read_bytes(), markers(box)


# --- the two methods --------------------------------------------------------------------------------------


def test_p2_the_marker_moves_running_traffic_without_a_reload_and_no_request_is_lost(box: Box) -> None:
    box.deployed("1")
    with nothing_lost(box) as traffic:
        ran = box.deployed("2")
        wait_for(lambda: traffic.answered["2"] > 0, "the new version answers")
    assert "without a reload; it answers through nginx" in ran.out
    assert set(traffic.answered) == {"1", "2"}


def test_a_plain_include_is_turned_into_the_one_with_markers_by_a_single_reload(box: Box) -> None:
    box.deployed("1")
    box.include.write_text(plain(box, "prod2"))
    for marker in box.runtime.iterdir():
        marker.unlink()
    nginx(box, "-s", "reload")
    ran = box.deployed("2")
    announced, _, done = ran.out.partition("✓ converted")
    assert "one reload of nginx" in announced
    assert "later switches need no reload" in announced
    assert "with a reload of nginx (the include was not yet made for method instant)" in done
    assert "by method instant, one rename without a reload" in done
    address = f"http://127.0.0.1:{box.sandbox.slots['prod1']}"
    assert first_line(box) == f"set $service_url {address};", "addresses stay addresses"
    assert box.served() == "2"
    assert "without a reload" in box.deployed("3").out
    assert box.served() == "3"


def test_method_reload_keeps_the_plain_line(box: Box) -> None:
    box.configure(switch={"method": "reload"})
    for version, slot in (("1", "prod2"), ("2", "prod1")):
        ran = box.deployed(version)
        why = "by method reload, with a reload of nginx (switch.method is reload)"
        assert f"{why}; it answers through nginx" in ran.out
        assert "! a reload of nginx" in ran.out
        assert "switch.method: instant reloads once and never again" in ran.out
        assert box.include.read_text() == f"{line_to(slot)}\n"
        assert markers(box) == []
        assert box.served() == version
    assert box.machine()["nginx"]["method"] == "reload"


def test_p6_a_marker_that_a_file_cache_hides_is_seen_and_a_reload_moves_the_traffic(box: Box) -> None:
    box.deployed("1")
    # One worker, as each has a cache of its own.
    one_worker = box.include.parents[1] / "nginx.conf"
    one_worker.write_text(one_worker.read_text().replace("worker_processes 2;", "worker_processes 1;"))
    site = box.include.parent / "site.conf"
    cached = "open_file_cache max=100; open_file_cache_valid 1h;"
    site.write_text(site.read_text().replace("open_file_cache off;", cached))
    nginx(box, "-s", "reload")
    wait_for(lambda: len(workers(box)) == 1, "the one worker alone")
    assert box.served() == "1"
    ran = box.deployed("2")
    assert "by method instant, with a reload of nginx (nginx did not see the marker" in ran.out
    assert "open_file_cache off;" in ran.out
    assert "reloads once" not in ran.out
    assert box.served() == "2"


def test_p2_what_each_reload_costs_is_told_where_the_site_has_no_keepalive_min_timeout(
    newer_nginx: Box,
) -> None:
    box = newer_nginx
    box.configure(switch={"method": "reload"})
    assert "! a reload of nginx" not in box.deployed("1").out
    assert method_found(box) == "ok", "our own site has it"
    head = f"server {{ listen 127.0.0.1:{box.sandbox.http_port};"
    rest = f"include {box.include}; location / {{ proxy_pass $service_url; }} }}"
    site = box.include.parent / "site.conf"
    site.write_text(f"{head} {rest}")
    box.include.write_text(plain(box, "prod2"))
    nginx(box, "-s", "reload")
    assert method_found(box) == "warning"
    assert re.search(r"! a reload of nginx [\d.]+ can cost clients on keep-alive", box.deployed("2").out)
    site.write_text(f"keepalive_min_timeout 10s; {head} {rest}")
    nginx(box, "-s", "reload")
    assert method_found(box) == "ok"


def method_found(box: Box) -> str:
    """The level of what `check` finds of the method of switching."""
    findings = json.loads(box.run("check", "--json").out)["machines"][0]["findings"]
    (found,) = [finding for finding in findings if finding["name"] == "method"]
    assert found["level"] == "ok" or "keepalive_min_timeout 10s;" in found["remedy"]
    return str(found["level"])


def test_the_method_can_be_changed_both_ways_between_two_deploys(box: Box) -> None:
    box.deployed("1")
    box.configure(switch={"method": "reload"})
    box.deployed("2")
    assert route(box) == (f"{line_to('prod1')}\n".encode(), [])
    assert box.served() == "2"
    box.configure(switch={"method": "instant"})
    assert "converted" in box.deployed("3").out
    assert (first_line(box), markers(box)) == (line_to("prod2"), ["prod2"])
    assert box.served() == "3"
    assert "without a reload" in box.deployed("4").out


# --- drift (P3) -------------------------------------------------------------------------------------------


def test_p3_an_include_edited_without_a_reload_is_told_and_mended(box: Box) -> None:
    box.deployed("1")
    box.deployed("2")
    box.include.write_text(plain(box, "prod2"))
    machine = box.machine()
    assert machine["live"] == "prod1", "what answers is live"
    assert any("nginx answers from prod1, but the include names prod2" in each for each in machine["drift"])
    before = live_pid(box, "prod1")
    ran = box.deployed("3")
    assert "! nginx answers from prod1, but the include names prod2" in ran.out
    assert live_pid(box, "prod1") == before
    assert box.served() == "3"
    assert box.machine()["drift"] == []


def test_p6_a_slot_that_nginx_does_not_let_through_is_not_switched_to_and_the_include_is_repaired(
    box: Box,
) -> None:
    box.deployed("1")
    box.deployed("2")
    before = live_pid(box, "prod1")
    refused = f'if ($service_url ~ "prod2|:{box.sandbox.slots["prod2"]}") {{ return 500; }}'
    site = box.include.parent / "site.conf"
    location = f"location = /api/v1/profiles {{ {refused} proxy_pass $service_url; }}\n    location / {{"
    site.write_text(site.read_text().replace("location / {", location))
    nginx(box, "-s", "reload")
    box.include.write_text(plain(box, "prod2"))
    # Not under traffic: the repair needs a reload, which costs requests on an nginx before 1.27.4.
    ran = box.deploy("3")
    assert ran.code == 1, ran.all
    assert "through nginx: HTTP 500" in ran.out
    assert "on the port of prod2: HTTP 200 prod2" in ran.out
    assert "live now: prod1, version 2 (untouched)" in ran.out
    assert box.served() == "2"
    assert live_pid(box, "prod1") == before
    assert pid_of(box, "prod2") is None
    assert box.machine()["drift"] == []


def test_p3_a_first_line_edited_by_hand_is_told_and_mended(box: Box) -> None:
    box.deployed("1")
    text = box.include.read_text().splitlines(keepends=True)
    box.include.write_text("".join([f"{line_to('prod1')}\n", *text[1:]]))
    machine = box.machine()
    assert machine["live"] == "prod2"
    assert any("after a restart it would route to prod1" in each for each in machine["drift"])
    box.deployed("2")
    assert box.machine()["drift"] == []


def test_p3_without_markers_as_after_a_boot_the_first_line_decides(box: Box) -> None:
    box.deployed("1")
    box.deployed("2")
    for marker in box.runtime.iterdir():
        marker.unlink()
    box.runtime.rmdir()
    assert box.served() == "2"
    assert box.machine()["live"] == "prod1"
    assert box.machine()["drift"] == []
    box.deployed("3")
    assert (first_line(box), markers(box)) == (line_to("prod2"), ["prod2"])
    assert box.served() == "3"


def test_p3_with_both_markers_what_answers_is_live_and_the_next_deploy_leaves_one(box: Box) -> None:
    box.deployed("1")
    box.deployed("2")
    (box.runtime / "prod2").touch()
    assert box.served() == "1"
    assert box.machine()["live"] == "prod2"
    box.deployed("3")
    assert markers(box) == ["prod1"]
    assert box.served() == "3"


def test_p3_an_include_that_names_neither_slot_is_unclear_and_named(box: Box) -> None:
    box.deployed("1")
    box.include.write_text(f"set $service_url http://127.0.0.1:{free_port()};\n")
    for marker in box.runtime.iterdir():
        marker.unlink()
    nginx(box, "-s", "reload")
    wait_for(lambda: box.get("/version")[0] == 502, "nginx has taken the include")
    running = live_pid(box, "prod2")
    for command in (["deploy", "--jar", str(box.jar("2"))], ["switch"], ["rollback"], ["stop"]):
        ran = box.run(*command)
        assert ran.code == 6, (command, ran.all)
        assert str(box.include) in ran.out
        assert "nothing was changed" in ran.out
    assert box.machine()["live"] is None
    assert alive(running)
    assert versions(box) == ["1"]


# --- nginx in trouble (P5) --------------------------------------------------------------------------------


def test_p5_an_nginx_that_does_not_answer_refuses_the_deploy_before_the_upload(box: Box) -> None:
    box.deployed("1")
    site = box.include.parent / "site.conf"
    listening = f"listen 127.0.0.1:{box.sandbox.http_port};"
    assert listening in site.read_text()
    site.write_text(site.read_text().replace(listening, f"listen 127.0.0.1:{free_port()};"))
    nginx(box, "-s", "reload")
    wait_for(lambda: box.get("/version")[0] == 0, "nothing listens where the site is said to be")
    ran = box.deploy("2")
    assert ran.code == 1, ran.all
    assert f"✗ 127.0.0.1: nothing answers on port {box.sandbox.http_port}" in ran.out
    assert "uploaded" not in ran.out
    assert versions(box) == ["1"]
    assert pid_of(box, "prod1") is None


def test_p5_a_configuration_that_nginx_refuses_is_not_switched_into(box: Box) -> None:
    box.deployed("1")
    before, pid = route(box), live_pid(box, "prod2")
    site = box.include.parent / "site.conf"
    sound = site.read_text()
    site.write_text(f"{sound}\nsomebody_elses_mistake on;\n")
    with nothing_lost(box) as traffic:
        ran = box.deploy("2")
    assert ran.code == 1, ran.all
    assert "somebody_elses_mistake" in ran.out
    assert "what to do: fix it, then: sudo nginx -t" in ran.out
    assert "uploaded" not in ran.out
    assert set(traffic.answered) == {"1"}
    assert (route(box), live_pid(box, "prod2")) == (before, pid)
    assert not [path.name for path in box.include.parent.iterdir() if path.name.startswith(".")]
    site.write_text(sound)
    box.deployed("3")
    assert box.served() == "3"


def test_p2_a_release_that_is_up_and_does_not_answer_its_name_is_not_switched_to(box: Box) -> None:
    box.deployed("1")
    before, pid = route(box), live_pid(box, "prod2")
    with nothing_lost(box) as traffic:
        ran = box.deploy("2", fail_after_s=0)
    assert ran.code == 1, ran.all
    _, _, cause = ran.out.partition("✗ prod1 is UP, but a switch to it could not be verified")
    assert "on the port of prod1: HTTP 500 Internal Server Error" in cause
    assert "StandIn started on port" in cause
    assert "live now: prod2, version 1 (untouched)" in cause
    assert set(traffic.answered) == {"1"}
    assert (route(box), live_pid(box, "prod2"), pid_of(box, "prod1")) == (before, pid, None)
    assert last_entry(box)["outcome"] == "failed"


@pytest.mark.parametrize("method", ["instant", "reload"])
def test_p6_a_verify_path_that_names_no_slot_ends_before_a_user_is_moved(box: Box, method: str) -> None:
    box.configure(switch={"method": method})
    box.deployed("1")
    before, pid = route(box), live_pid(box, "prod2")
    box.configure(switch={"verify": "/version"})
    with nothing_lost(box) as traffic:
        ran = box.deploy("2")
    assert ran.code == 1, ran.all
    assert "/version answers HTTP 200 and does not name" in ran.out
    assert "set switch.verify in config.yml" in ran.out
    assert set(traffic.answered) == {"1"}
    assert (route(box), live_pid(box, "prod2"), pid_of(box, "prod1")) == (before, pid, None)
    assert box.served() == "1"


def test_p6_without_a_verify_path_our_own_site_tells_the_slot(box: Box) -> None:
    box.configure(switch={"verify": None})
    for version in ("1", "2"):
        assert "it answers through nginx" in box.deployed(version).out
        assert box.served() == version
    assert box.machine()["live"] == "prod1"


# --- the command ------------------------------------------------------------------------------------------


def test_a_deploy_without_the_switch_leaves_the_traffic_and_switch_moves_it(box: Box) -> None:
    box.deployed("1")
    before = route(box)
    ran = box.deployed("2", "--no-switch")
    assert route(box) == before
    assert box.served() == "1"
    waits, serves = (f"{version}, {release_of(box, version)}" for version in ("2", "1"))
    assert f"prod1 ({waits}) is UP but not live; prod2 ({serves}) is still live" in ran.out
    assert last_entry(box)["outcome"] == "staged"
    staged = live_pid(box, "prod1")
    with nothing_lost(box):
        ran = box.run("switch")
    assert ran.code == 0, ran.all
    assert box.served() == "2"
    assert live_pid(box, "prod1") == staged
    assert [entry["outcome"] for entry in journal(box)][-2:] == ["running", "switched"]
    assert last_entry(box)["command"] == "switch"
    # As any version that served: it can be gone back from, and gone back to.
    assert box.run("rollback").code == 0
    assert box.served() == "1"


def test_switch_to_an_idle_slot_that_is_stopped_changes_nothing(box: Box) -> None:
    box.deployed("1")
    before, entries = route(box), journal(box)
    ran = box.run("switch")
    assert ran.code == 1, ran.all
    assert "✗ the idle slot prod1 is not UP: it runs no JVM of ours" in ran.out
    assert "live now: prod2, version 1 (untouched)" in ran.out
    assert (route(box), journal(box)) == (before, entries)


def test_p1_switch_to_an_idle_slot_that_is_down_changes_nothing(box: Box) -> None:
    box.deployed("1", down_after_s=3)
    box.deployed("2")
    before = route(box)
    slot = box.sandbox.slots["prod2"]
    wait_for(lambda: _status(slot) == "DOWN", "the idle slot is DOWN")
    with nothing_lost(box) as traffic:
        ran = box.run("switch")
    assert ran.code == 1, ran.all
    assert set(traffic.answered) == {"2"}
    assert '✗ the idle slot prod2 is not UP: HTTP 503 {"status":"DOWN"' in ran.out
    assert route(box) == before


def _status(port: int) -> str:
    asked = subprocess.run(
        ["curl", "-s", f"http://127.0.0.1:{port}/actuator/health"], capture_output=True, check=False
    )
    return str(json.loads(asked.stdout)["status"])


def test_p4_the_live_slot_is_not_started_anew_by_any_command_that_reads(box: Box) -> None:
    box.deployed("1")
    before = whole(box)
    pid = live_pid(box, "prod2")
    for command in (["status"], ["history"], ["logs"], ["config"]):
        assert box.run(*command).code == 0
    assert live_pid(box, "prod2") == pid
    assert whole(box) == before


def test_a_site_that_sends_to_the_https_of_a_load_balancer_is_asked_as_if_it_stood_before_it(
    box: Box,
) -> None:
    box.deployed("1")
    site = box.folder / ".sandbox" / "nginx" / "conf.d" / "site.conf"
    sends = "if ($http_x_forwarded_proto != https) { return 301 https://$host:1$request_uri; }"
    site.write_text(site.read_text().replace("    server_name ", f"    {sends}\n    server_name "))
    nginx(box, "-s", "reload")
    assert "it answers through nginx" in box.deployed("2").out
    assert "it answers through nginx" in box.deployed("3").out
    machine = box.machine()
    assert (machine["live"], machine["drift"]) == ("prod2", [])
