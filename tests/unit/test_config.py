"""A valid config.yml: defaults, overrides of a host, the choice of a host, secrets, the schema."""

from __future__ import annotations

import getpass
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, ValidationError

from bluegreen import config
from bluegreen.commands.config import resolved
from bluegreen.config import Config, ConfigError, schema
from bluegreen.config.settings import ConfigFile, HostEntry, Sections
from bluegreen.errors import WrongUsage

CHECKOUT = Path(__file__).parents[2]
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHwmnr7vR/bAe6lXoRPBUZ5zMOg5yIWMiRqHMHKFvQTp"
MINIMAL = "app: taggle\nhosts:\n  prod: {address: 10.0.0.5, user: ubuntu}\n"


def loaded(folder: Path, text: str) -> Config:
    path = folder / "config.yml"
    path.write_text(text, encoding="utf-8")
    return config.load(path)


# Defaults


def test_a_minimal_config_has_every_default_of_the_design(tmp_path: Path) -> None:
    settings = loaded(tmp_path, MINIMAL).host("prod")

    assert settings.model_dump() == {
        "host": "prod",
        "app": "taggle",
        "jar": "build/libs/*.jar",
        "slots": {"prod1": 8081, "prod2": 8082},
        "java": {
            "version": 17,
            "bin": "java",
            "options": (),
            "args": (),
            "profiles": None,
            "workdir": None,
        },
        "env": {},
        "secrets": (),
        "health": {
            "path": "/actuator/health",
            "ports": {},
            "every_s": 0.5,
            "timeout_s": 120,
            "ups": 1,
            "smoke": (),
            "warm": 5,
        },
        "switch": {
            "method": "instant",
            "include": "/etc/nginx/conf.d/service-url.inc",
            "verify": "/api/v1/profiles",
            "probe": None,
            "watch_s": 10,
        },
        "old_slot": {"after_switch": "keep", "drain_s": 30, "keep_for_s": None, "stop_timeout_s": 30},
        "releases": {"path": "/home/ubuntu/taggle", "keep": 5},
        "supervisor": "systemd",
        "site": {"server_name": "_", "listen": 80, "proxies": ()},
        "addresses": ("10.0.0.5",),
        "port": None,
        "user": "ubuntu",
        "host_keys": (),
        "identity": None,
        "sandbox": False,
        "nginx": {"command": ("nginx",), "sudo": True, "runtime": "/run/bluegreen/taggle"},
    }


def test_root_has_its_releases_in_its_own_home(tmp_path: Path) -> None:
    settings = loaded(tmp_path, "app: taggle\nhosts: {prod: {address: h, user: root}}").host(None)

    assert settings.releases.path == "/root/taggle"


def test_a_given_path_of_releases_is_taken_as_it_is(tmp_path: Path) -> None:
    settings = loaded(tmp_path, MINIMAL + "releases: {path: /srv/taggle/}\n").host(None)

    assert settings.releases.path == "/srv/taggle"


def test_without_a_user_releases_are_in_the_home_of_the_login_user(tmp_path: Path) -> None:
    read = loaded(tmp_path, "app: taggle\nhosts: {prod: {address: box}}")

    settings = read.host(None, lambda address: f"deploy-{address}")
    assert (settings.user, settings.releases.path) == (None, "/home/deploy-box/taggle")
    assert read.host(None).releases.path == f"{home()}/taggle"


def test_commands_ask_ssh_config_for_the_login_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "config").write_text("Host box\n  User kim\n")
    file = tmp_path / "config.yml"
    file.write_text("app: taggle\nhosts: {prod: {address: box}}")
    assert resolved(file, None).releases.path == "/home/kim/taggle"


def home() -> str:
    return "/root" if getpass.getuser() == "root" else f"/home/{getpass.getuser()}"


def test_the_sandbox_needs_no_address_and_no_systemd(tmp_path: Path) -> None:
    read = loaded(tmp_path, "app: taggle\nsupervisor: systemd\nhosts: {box: {sandbox: true}}")

    settings = read.host(None, lambda address: "nobody")
    assert (settings.sandbox, settings.addresses, settings.supervisor) == (True, (), "process")
    assert settings.releases.path == f"{home()}/taggle"


# Values


def test_times_are_seconds_in_python(tmp_path: Path) -> None:
    text = MINIMAL + "health: {every: 250ms, timeout: 1.5m}\nswitch: {watch: 0}\nold_slot: {drain: 5}\n"
    settings = loaded(tmp_path, text).host(None)

    assert (settings.health.every_s, settings.health.timeout_s) == (0.25, 90)
    assert (settings.switch.watch_s, settings.old_slot.drain_s) == (0, 5)


def test_env_values_become_text_as_they_are_written(tmp_path: Path) -> None:
    env = "{A: 1.10, B: on, C: true, D: 22:33, E: 007, F: 2026-11-23, G: '', H: 1e3}"
    settings = loaded(tmp_path, MINIMAL + f"env: {env}\n").host(None)

    assert settings.env == {
        "A": "1.10",
        "B": "on",
        "C": "true",
        "D": "22:33",
        "E": "007",
        "F": "2026-11-23",
        "G": "",
        "H": "1e3",
    }


def test_one_address_or_several_and_one_host_key_or_several(tmp_path: Path) -> None:
    text = f"""
app: taggle
hosts:
  one: {{address: a, user: u, host_key: {KEY} root@a}}
  two: {{address: [a, 'fe80::1'], user: u, host_key: [{KEY}, {KEY}], port: 2222}}
"""
    read = loaded(tmp_path, text)

    assert (read.host("one").addresses, read.host("one").host_keys) == (("a",), (KEY,))
    assert (read.host("two").addresses, read.host("two").host_keys) == (("a", "fe80::1"), (KEY, KEY))
    assert read.host("two").port == 2222


def test_an_identity_is_found_from_home_and_from_the_folder_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    text = """
app: taggle
hosts:
  home: {address: a, user: u, identity: ~/.ssh/id}
  here: {address: a, user: u, identity: keys/id}
"""
    read = loaded(tmp_path, text)

    assert read.host("home").identity == Path("/home/me/.ssh/id")
    assert read.host("here").identity == tmp_path / "keys/id"


def test_verify_may_be_null(tmp_path: Path) -> None:
    assert loaded(tmp_path, MINIMAL + "switch: {verify: null}\n").host(None).switch.verify is None


def test_yaml_anchors_and_merges_are_read(tmp_path: Path) -> None:
    text = """
app: taggle
hosts:
  prod: &prod {address: a, user: u, releases: {keep: 9}}
  next: {<<: *prod, address: b}
"""
    settings = loaded(tmp_path, text).host("next")

    assert (settings.addresses, settings.user, settings.releases.keep) == (("b",), "u", 9)


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    text = "\ufeff" + MINIMAL.replace("\n", "\r\n")

    assert loaded(tmp_path, text).app == "taggle"


def test_settings_cannot_be_changed(tmp_path: Path) -> None:
    settings = loaded(tmp_path, MINIMAL).host(None)

    with pytest.raises(ValidationError):
        settings.health.ups = 2  # type: ignore[misc]


# Overrides


def test_a_host_overrides_single_keys_of_a_section_and_keeps_the_others(tmp_path: Path) -> None:
    text = """
app: taggle
switch: {method: reload, watch: 20s}
env: {TZ: Asia/Seoul, LEVEL: info}
java: {options: [-Xmx512m]}
hosts:
  prod: {address: a, user: u}
  staging:
    address: b
    user: u
    switch: {watch: 0}
    env: {LEVEL: 1.0}
    java: {options: []}
    jar: staging.jar
"""
    read = loaded(tmp_path, text)
    prod, staging = read.host("prod"), read.host("staging")

    assert (prod.switch.method, prod.switch.watch_s) == ("reload", 20)
    assert (staging.switch.method, staging.switch.watch_s) == ("reload", 0)
    assert staging.env == {"TZ": "Asia/Seoul", "LEVEL": "1.0"}
    assert (prod.java.options, staging.java.options) == (("-Xmx512m",), ())
    assert (prod.jar, staging.jar) == ("build/libs/*.jar", "staging.jar")


def test_slots_and_management_ports_of_a_host_replace_those_of_the_top_level(tmp_path: Path) -> None:
    text = """
app: taggle
slots: {prod1: 8081, prod2: 8082}
health: {ports: {prod1: 9081, prod2: 9082}, ups: 3}
hosts:
  test: {address: a, user: u, slots: {green: 7002, blue: 7001}, health: {ports: {blue: 9001}}}
"""
    settings = loaded(tmp_path, text).host(None)

    assert list(settings.slots.items()) == [("green", 7002), ("blue", 7001)]
    assert (settings.health.ports, settings.health.ups) == ({"blue": 9001}, 3)


def test_what_is_wrong_at_the_top_is_right_where_every_host_overrides_it(tmp_path: Path) -> None:
    text = "app: taggle\nsite: {listen: 8081}\nhosts: {prod: {address: a, user: u, site: {listen: 8080}}}\n"

    assert loaded(tmp_path, text).host(None).site.listen == 8080


# Slots


def test_the_other_slot_and_the_port_of_health(tmp_path: Path) -> None:
    settings = loaded(tmp_path, MINIMAL + "health: {ports: {prod2: 9082}}\n").host(None)

    assert (settings.other("prod1"), settings.other("prod2")) == ("prod2", "prod1")
    assert (settings.health_port("prod1"), settings.health_port("prod2")) == (8081, 9082)


def test_an_unknown_slot_is_refused_with_those_there_are(tmp_path: Path) -> None:
    settings = loaded(tmp_path, MINIMAL).host(None)

    with pytest.raises(WrongUsage) as raised:
        settings.other("prod3")

    assert "'prod3' is not a slot of prod; did you mean 'prod2'?" in str(raised.value)


# The choice of a host

SEVERAL = "app: taggle\nhosts:\n  prod: {address: a, user: u}\n  staging: {address: b, user: u}\n"


def test_the_only_host_need_not_be_named(tmp_path: Path) -> None:
    assert loaded(tmp_path, MINIMAL).host(None).host == "prod"


def test_of_several_hosts_one_must_be_named(tmp_path: Path) -> None:
    read = loaded(tmp_path, SEVERAL)

    with pytest.raises(WrongUsage) as raised:
        read.host(None)

    assert read.host_names == ("prod", "staging")
    assert raised.value.exit_code == 2
    assert raised.value.message == f"{read.path} has several hosts: prod, staging"
    assert "--host prod" in str(raised.value.remedy)


def test_an_unknown_host_is_refused_with_the_nearest_and_all(tmp_path: Path) -> None:
    read = loaded(tmp_path, SEVERAL)

    with pytest.raises(WrongUsage) as raised:
        read.host("stagin")

    assert raised.value.exit_code == 2
    assert raised.value.message == f"--host stagin: {read.path} has no host 'stagin'; did you mean 'staging'?"
    assert "prod, staging" in str(raised.value.remedy)


# The file itself


def test_a_missing_file_is_named_with_the_folder_and_how_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(WrongUsage) as raised:
        config.load(Path("config.yml"))

    assert raised.value.exit_code == 2
    assert raised.value.message == f"config.yml: there is no such file in {tmp_path}"
    assert "`bluegreen init`" in str(raised.value.remedy)


def test_a_folder_is_not_a_config(tmp_path: Path) -> None:
    with pytest.raises(WrongUsage) as raised:
        config.load(tmp_path)

    assert raised.value.message == f"{tmp_path}: is a folder"
    assert raised.value.remedy == f"--config {tmp_path}/config.yml"


def test_a_file_that_is_not_utf_8_is_an_error_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "config.yml"
    path.write_bytes(b"app: taggle\n# caf\xe9\n")

    with pytest.raises(ConfigError) as raised:
        config.load(path)

    assert str(raised.value) == f"{path}:2: byte 0xe9 is not UTF-8; save it as UTF-8"


def test_a_mapping_that_contains_itself_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        loaded(tmp_path, MINIMAL + "health: &loop {ports: *loop}\n")

    assert "config.yml:4: health.ports: an alias (*name)" in str(raised.value)


def test_all_errors_of_a_file_are_reported_at_once_by_line(tmp_path: Path) -> None:
    text = """app: Taggle
slots: {prod1: 8081, prod2: 8081, prod3: no}
switch:
  method: instnat
  method: reload
hosts:
  prod: {adress: a, site: {listen: 8081}}
"""
    with pytest.raises(ConfigError) as raised:
        loaded(tmp_path, text)

    places = [(problem.line, ".".join(map(str, problem.key))) for problem in raised.value.problems]
    assert raised.value.message == f"{tmp_path}/config.yml has {len(places)} errors:"
    assert all(line.startswith(f"{tmp_path}/config.yml:") for line in raised.value.why)
    assert sorted(places) == [
        (1, "app"),
        (2, "slots"),
        (2, "slots.prod2"),
        (2, "slots.prod3"),
        (4, "switch.method"),
        (5, "switch.method"),
        (7, "hosts.prod"),
        (7, "hosts.prod.adress"),
        (7, "hosts.prod.site.listen"),
    ]
    assert [line for line, _ in places] == sorted(line for line, _ in places)


def test_an_error_of_the_top_level_is_reported_once_for_all_hosts(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        loaded(tmp_path, SEVERAL + "slots: {prod1: 8081}\n")

    assert len(raised.value.problems) == 1


# Messages are ours, never pydantic's

WRONG_VALUES = ["text with spaces", "", 5, -1, 1.5, True, None, [], [[1]], {}, {"a": {"b": 1}}, float("nan")]
PYDANTIC = ("Input should", "Field required", "Value error", "valid", "Extra inputs", "None is not")


def keys_of(model: type[BaseModel]) -> list[tuple[str, ...]]:
    keys: list[tuple[str, ...]] = []
    for name, info in model.model_fields.items():
        key = info.alias or name
        keys.append((key,))
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            keys += [(key, *below) for below in keys_of(info.annotation)]
    return keys


@pytest.mark.parametrize("key", keys_of(HostEntry), ids=".".join)
def test_no_message_about_a_wrong_value_is_pydantics_own(key: tuple[str, ...], tmp_path: Path) -> None:
    errors = [error for wrong in WRONG_VALUES if (error := error_of(key, wrong, tmp_path))]

    assert len(errors) >= 4
    for error in errors:
        assert not [words for words in PYDANTIC if words in error]
        assert f"hosts.prod.{'.'.join(key)}" in error or key == ("sandbox",)


def error_of(key: tuple[str, ...], wrong: object, folder: Path) -> str | None:
    """The error for a host with this value at the key; None if the value is accepted."""
    value: Any = wrong
    for name in reversed(key):
        value = {name: value}
    data = {"app": "taggle", "hosts": {"prod": {"address": "a", "user": "u"} | value}}
    try:
        loaded(folder, yaml.safe_dump(data))
    except ConfigError as error:
        return str(error)
    return None


# Secrets

WITH_SECRETS = MINIMAL + "secrets: [DB_PASSWORD, API_TOKEN, MAIL_KEY]\n"


def test_secrets_come_from_the_environment_and_nothing_else_is_taken(tmp_path: Path) -> None:
    settings = loaded(tmp_path, WITH_SECRETS).host(None)
    environ = {"DB_PASSWORD": "p w", "API_TOKEN": "t", "MAIL_KEY": "k", "HOME": "/root"}

    assert config.secrets_from(settings, environ) == {"DB_PASSWORD": "p w", "API_TOKEN": "t", "MAIL_KEY": "k"}


def test_all_missing_secrets_are_named_with_how_to_pass_them_and_no_value(tmp_path: Path) -> None:
    settings = loaded(tmp_path, WITH_SECRETS).host(None)

    with pytest.raises(WrongUsage) as raised:
        config.secrets_from(settings, {"DB_PASSWORD": "hunter2", "API_TOKEN": ""})

    assert raised.value.exit_code == 2
    error = raised.value
    assert error.message == "secrets missing from the environment: API_TOKEN, MAIL_KEY"
    assert [line.partition(" (")[0] for line in error.why] == ["API_TOKEN is empty", "MAIL_KEY is not set"]
    for way in (
        "`env: {API_TOKEN: ${{ secrets.API_TOKEN }}, MAIL_KEY: ${{ secrets.MAIL_KEY }}}`",
        "BLUEGREEN_SECRETS",
        "export API_TOKEN=… MAIL_KEY=…",
    ):
        assert way in str(error.remedy)
    assert "hunter2" not in str(error)


def test_secrets_may_come_as_lines_of_one_variable(tmp_path: Path) -> None:
    settings = loaded(tmp_path, WITH_SECRETS).host(None)
    bundle = "# of the shop\nDB_PASSWORD=a=b \r\n\n MAIL_KEY =k\nAPI_TOKEN=bundled\nOTHER=x"
    environ = {"BLUEGREEN_SECRETS": bundle, "API_TOKEN": "its own", "MAIL_KEY": ""}

    assert config.secrets_from(settings, environ) == {
        "DB_PASSWORD": "a=b ",
        "API_TOKEN": "its own",
        "MAIL_KEY": "k",
    }


def test_a_line_without_a_secret_is_named_by_its_number_and_not_shown(tmp_path: Path) -> None:
    settings = loaded(tmp_path, WITH_SECRETS).host(None)

    with pytest.raises(WrongUsage) as raised:
        config.secrets_from(settings, {"BLUEGREEN_SECRETS": "DB_PASSWORD=x\nhunter2"})

    assert str(raised.value).startswith("BLUEGREEN_SECRETS, line 2: ")
    assert "hunter" not in str(raised.value)


def test_a_secret_of_several_lines_is_refused_without_showing_it(tmp_path: Path) -> None:
    settings = loaded(tmp_path, MINIMAL + "secrets: [PEM]\n").host(None)

    with pytest.raises(WrongUsage) as raised:
        config.secrets_from(settings, {"PEM": "hunter2\nhunter3"})

    assert "PEM: the value has 2 lines" in str(raised.value)
    assert "hunter" not in str(raised.value)


# `bluegreen config`


def test_the_printed_settings_are_a_config_with_the_same_settings(tmp_path: Path) -> None:
    text = f"""
app: taggle
env: {{LEVEL: 1.10}}
secrets: [DB_PASSWORD]
health: {{every: 250ms, smoke: [/api/v1/tags]}}
switch: {{verify: null}}
hosts:
  prod:
    address: [a, b]
    port: 2222
    user: ubuntu
    host_key: {KEY}
    identity: /keys/id
    switch: {{watch: 0}}
  box: {{sandbox: true}}
"""
    read = loaded(tmp_path, text)

    for name in read.host_names:
        shown = yaml.safe_dump(config.printable(read.host(name)), sort_keys=False)
        assert loaded(tmp_path, shown).host(None) == read.host(name)


def test_durations_are_printed_as_text_and_secrets_as_names(tmp_path: Path) -> None:
    shown = config.printable(loaded(tmp_path, WITH_SECRETS).host(None))

    assert (shown["health"]["every"], shown["health"]["timeout"]) == ("500ms", "2m")
    assert shown["switch"]["watch"] == "10s"
    assert shown["secrets"] == ["DB_PASSWORD", "API_TOKEN", "MAIL_KEY"]


def test_the_printed_path_of_releases_has_the_user_of_ssh_config(tmp_path: Path) -> None:
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "config").write_text("Host box\n  User deploy\n")
    (tmp_path / "config.yml").write_text("app: taggle\nhosts: {prod: {address: box}}\n")

    ran = subprocess.run(
        [sys.executable, "-m", "bluegreen", "config"],
        cwd=tmp_path,
        env={**os.environ, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )

    assert yaml.safe_load(ran.stdout)["releases"]["path"] == "/home/deploy/taggle"


# The schema and the example


def test_the_schema_in_the_package_is_the_one_of_the_models() -> None:
    assert schema.PATH.read_text(encoding="utf-8") == schema.text(), "run: python -m bluegreen.config.schema"
    assert json.loads(schema.text())["$defs"]["Switch"]["properties"]["method"]["enum"] == [
        "instant",
        "reload",
    ]


def test_the_example_shows_every_key_with_its_default() -> None:
    path = CHECKOUT / "docs" / "config.example.yml"
    example = config.load(path).host("prod")

    defaults = Sections()
    for name in set(Sections.model_fields) - {"releases"}:
        assert getattr(example, name) == getattr(defaults, name)
    assert (example.releases.path, example.releases.keep) == ("/home/ubuntu/taggle", defaults.releases.keep)
    written = yaml.safe_load(path.read_text(encoding="utf-8"))
    top = {key for key in keys_of(ConfigFile) if key[0] not in ("hosts", "app")}
    assert {key for key in top if not _contains(written, key)} == set()
    of_hosts = {key for entry in written["hosts"].values() for key in entry}
    assert of_hosts == set(HostEntry.model_fields) - set(Sections.model_fields)


def _contains(data: dict[str, Any], key: tuple[str, ...]) -> bool:
    return key[0] in data and (len(key) == 1 or _contains(data[key[0]], key[1:]))


def test_every_key_of_the_example_is_in_the_schema() -> None:
    written = yaml.safe_load((CHECKOUT / "docs" / "config.example.yml").read_text(encoding="utf-8"))
    definitions = ConfigFile.model_json_schema(by_alias=True)

    unknown = _not_in_schema(written, definitions, definitions)

    assert unknown == []
    assert _not_in_schema({"jarr": 1}, definitions, definitions) == ["jarr"]


def _not_in_schema(data: dict[str, Any], part: dict[str, Any], whole: dict[str, Any]) -> list[str]:
    unknown: list[str] = []
    for key, value in data.items():
        named = list(part.get("patternProperties", {}).values()) or [part.get("additionalProperties")]
        below = part.get("properties", {}).get(key, named[0])
        if not isinstance(below, dict):
            unknown.append(key)
            continue
        if "$ref" in below:
            below = whole["$defs"][below["$ref"].rsplit("/", 1)[1]]
        if isinstance(value, dict):
            unknown += _not_in_schema(value, below, whole)
    return unknown


def test_the_checkouts_own_config_is_right_and_names_the_schema() -> None:
    path = CHECKOUT / "config.yml"
    settings = config.load(path).host(None)

    assert path.read_text().splitlines()[0] == "# yaml-language-server: $schema=bluegreen/config.schema.json"
    assert (settings.app, settings.jar) == ("taggle", ".sandbox/standin/taggle.jar")
    assert (settings.host, settings.sandbox) == ("sandbox", True)
