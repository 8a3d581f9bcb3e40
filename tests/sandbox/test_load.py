"""P2 under load: deploys and rollbacks in a row, and no request of anybody is lost."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.box import Box
from tests.support.incidents import settings_of
from tests.support.load import ANY, Load, require_nothing_lost, wrk
from tests.support.series import Series

ROUNDS = 50


@contextmanager
def under_load(box: Box, *, keep_alive: bool = True) -> Iterator[Series]:
    """Deploys and rollbacks while clients ask; no request may be lost, or be answered by the past."""
    settings = settings_of(box)
    with Load(box.sandbox.url, keep_alive=keep_alive) as load:
        yield Series(settings, settled=load.expect, moving=lambda: load.expect(ANY))
    require_nothing_lost(load.tally, reloaded=keep_alive and settings.switch.method == "reload")


def in_a_row(box: Box, series: Series, rounds: int = ROUNDS) -> None:
    """A deploy in five, else a rollback; each of them moves the traffic."""
    for number in range(rounds):
        if number % 5 == 0:
            live, before = f"v{number}", box.served()
            series.deploy(box.jar(live), live)
        else:
            live, before = before, live
            series.back_to(live)
    assert len(series.said) == rounds


def test_p2_instant_loses_no_request_in_fifty_deploys_and_rollbacks(box: Box) -> None:
    box.deployed("v")
    with under_load(box) as series:
        in_a_row(box, series)
    assert not [output for output in series.said if "reload" in output.replace("without a reload", "")]


def test_p2_reload_of_a_newer_nginx_loses_no_request_in_fifty_deploys_and_rollbacks(newer_nginx: Box) -> None:
    box = newer_nginx
    box.configure(switch={"method": "reload"})
    version = tuple(int(part) for part in box.machine()["nginx"]["version"].split("."))
    assert version >= (1, 27, 4)
    box.deployed("v")
    with under_load(box) as series:
        in_a_row(box, series)
    assert all("with a reload of nginx (switch.method is reload)" in output for output in series.said)


def test_p2_reload_loses_no_request_of_clients_with_a_connection_for_each(box: Box) -> None:
    box.configure(switch={"method": "reload"})
    box.deployed("v")
    with under_load(box, keep_alive=False) as series:
        in_a_row(box, series, 10)


def test_p2_wrk_sees_neither_an_error_nor_another_status(box: Box) -> None:
    box.deployed("1")
    series = Series(settings_of(box), settled=lambda version: None, moving=lambda: None)
    jar = box.jar("2")
    with wrk(f"{box.sandbox.url}/version"):
        series.deploy(jar, "2")
        series.back_to("1")


def test_a_site_of_the_old_scripts_is_turned_to_instant_by_one_reload_and_loses_nothing_from_then_on(
    box: Box,
) -> None:
    ports = box.sandbox.slots
    (box.folder / ".sandbox/nginx/conf.d/site.conf").write_text(
        f"""
server {{
    listen 127.0.0.1:{box.sandbox.http_port};
    include {box.include};
    location / {{
        proxy_pass $service_url;
        proxy_set_header Host $http_host;
    }}
}}
"""
    )
    box.include.write_text(f"set $service_url http://127.0.0.1:{ports['prod1']};\n")
    subprocess.run([*box.sandbox.nginx_command, "-s", "reload"], check=True)
    first = box.deployed("1")
    assert "with a reload of nginx (the include was not yet" in first.out
    with under_load(box) as series:
        in_a_row(box, series, 10)
    assert all("without a reload" in output for output in series.said)
