"""The longest names that config.yml accepts, with the real nginx, whose default is room for 46 characters."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bluegreen.config import Settings
from bluegreen.host import nginx_config
from bluegreen.host.files import site
from bluegreen.host.sites import names_bucket
from tests.support.box import box_in
from tests.support.states import settings_of

TEMP = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
LONG_APP = "a-name-for-an-app-as-long-as-31"
LONG_SLOTS = ("a-name-for-a-slot-as-long-as-31", "another-name-of-31-characters-x")


def name_of(length: int) -> str:
    """A server name of so many characters, in labels of 60 at most."""
    text = "x" * (length - len(".example"))
    return (
        ".".join(text[n : n + 60] for n in range(0, len(text), 61)) + "." * (len(text) % 61 == 0) + ".example"
    )


@pytest.mark.parametrize("length", [46, 47, 100, 240])
def test_an_app_and_a_server_with_long_names_are_deployed_to_and_back(tmp_path: Path, length: int) -> None:
    name = name_of(length)
    assert len(LONG_APP) == 31
    assert len(name) == length
    with box_in(tmp_path / "box", app=LONG_APP, site={"server_name": name}) as box:
        box.deployed("1")
        box.deployed("2")
        assert box.get("/version", {"Host": name}) == (200, "2")
        assert box.run("rollback").code == 0
        assert box.get("/version", {"Host": name}) == (200, "1")
        ran = box.run("check")
        assert "names_hash" not in ran.all


@pytest.mark.parametrize("app_length", range(27, 32))
def test_nginx_takes_the_site_of_an_app_with_a_long_name_behind_proxies(
    tmp_path: Path, app_length: int
) -> None:
    settings = settings_of(tmp_path, server_name="taggle.example").model_copy(
        update={"app": "a" * app_length, "slots": dict(zip(LONG_SLOTS, (8081, 8082), strict=True))}
    )
    settings = settings.model_copy(
        update={"site": settings.site.model_copy(update={"proxies": ("10.0.0.0/16",)})}
    )
    assert fault(tmp_path, settings, site.render(settings), "") == ""


@pytest.mark.parametrize("length", [46, 47, 54, 55, 110, 111, 240])
@pytest.mark.parametrize("pattern", ["{}", ".{}", "*.{}", "short.example {}"])
def test_nginx_takes_the_site_whether_or_not_the_setting_exists(
    tmp_path: Path, length: int, pattern: str
) -> None:
    settings = settings_of(tmp_path, server_name=repr(pattern.format(name_of(length))))
    needed = site.names_bucket_bytes(settings.site.server_name)
    assert fault(tmp_path, settings, site.render(settings), "") == ""
    # With the setting in nginx.conf, a second one would be a duplicate.
    text = site.render(settings, names_fit=True)
    assert fault(tmp_path, settings, text, f"server_names_hash_bucket_size {needed};") == ""
    if needed > 64:
        own = site.render(settings)
        assert "duplicate" in fault(tmp_path, settings, own, f"server_names_hash_bucket_size {needed};")
        assert "server_names_hash" in fault(tmp_path, settings, text, "server_names_hash_bucket_size 64;")


def test_the_setting_of_another_file_is_found_and_that_of_our_own_site_is_not_another_ones(
    tmp_path: Path,
) -> None:
    settings = settings_of(tmp_path, server_name=name_of(100))
    elsewhere = (
        "# configuration file /etc/nginx/nginx.conf:\nhttp { include conf.d/*.conf; }\n"
        "# configuration file /etc/nginx/conf.d/names.conf:\nserver_names_hash_bucket_size 1k;\n"
    )
    config = nginx_config.parse(elsewhere, settings.switch.include)
    assert names_bucket(config, settings) == (1024, "/etc/nginx/conf.d/names.conf")
    ours = elsewhere.replace("conf.d/names.conf", "conf.d/taggle.conf")
    assert names_bucket(nginx_config.parse(ours, settings.switch.include), settings) is None


def fault(folder: Path, settings: Settings, text: str, setting: str) -> str:
    """What `nginx -t` finds wrong with a site beside another one, empty if nothing."""
    include = folder / "url.inc"
    include.write_text("set $service_url http://127.0.0.1:8081;\n")
    (folder / "site.conf").write_text(text.replace(settings.switch.include, str(include)))
    temp = "".join(f"{kind}_temp_path {folder}/t; " for kind in TEMP)
    (folder / "nginx.conf").write_text(
        f"pid {folder}/pid; error_log stderr; events {{}} http {{ access_log off; {temp} {setting} "
        f"include {folder}/site.conf; server {{ listen 80; server_name other.example; }} }}\n"
    )
    ran = subprocess.run(
        ["nginx", "-t", "-q", "-p", str(folder), "-c", str(folder / "nginx.conf")],
        capture_output=True,
        text=True,
        check=False,
    )
    return ran.stderr if ran.returncode else ""
