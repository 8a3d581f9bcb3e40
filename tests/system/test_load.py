"""P2 with the genuine article: systemd, and a Spring Boot jar, under clients that never retry."""

from __future__ import annotations

from pathlib import Path

from bluegreen import config
from tests.support import springboot
from tests.support.guest import Guest
from tests.support.hosts import rented
from tests.support.load import ANY, Load, require_nothing_lost, wrk
from tests.support.series import Series

CLIENTS = 64


def test_p2_spring_boot_loses_no_request_in_deploys_and_rollbacks(guest: Guest, tmp_path: Path) -> None:
    host = rented(tmp_path, guest, health={"smoke": ["/version"], "every": "200ms"})
    host.set_up()
    settings = config.load(tmp_path / "config.yml").host(None)
    jars = {
        version: springboot.fat_jar(tmp_path / f"taggle-{version}.jar", version=version)
        for version in ("1", "2", "3")
    }
    first = Series(settings, settled=lambda version: None, moving=lambda: None)
    first.deploy(jars["1"], "1")
    with Load(f"http://{guest.address}", clients=CLIENTS) as load:
        series = Series(settings, settled=load.expect, moving=lambda: load.expect(ANY))
        for version, before in (("2", "1"), ("3", "2")):
            series.deploy(jars[version], version)
            for _ in range(4):
                series.back_to(before)
                series.back_to(version)
    require_nothing_lost(load.tally)
    assert set(load.tally.answered) == {"1", "2", "3"}
    assert len(series.said) == 18
    with wrk(f"http://{guest.address}/version"):
        for version in ("2", "3"):
            first.back_to(version)
