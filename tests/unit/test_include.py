"""The include as people have it: which line decides, its form for the other slot, and what of it is ours.

Needs: sh, busybox, awk, nginx.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bluegreen.config import Settings, load
from bluegreen.host.files.include import Form, Include, block, block_for, other_slots, parse, render
from bluegreen.remote.script import text_of

GROUPS = {"blue": 8081, "green": 8082, "blog": 9000}

# The target as its owner wrote it for prod1, and as it must be for prod2.
FORMS = {
    "scheme and address": ("http://127.0.0.1:8081", "http://127.0.0.1:8082"),
    "without a scheme": ("127.0.0.1:8081", "127.0.0.1:8082"),
    "trailing slash": ("http://127.0.0.1:8081/", "http://127.0.0.1:8082/"),
    "a path": ("127.0.0.1:8081/shop", "127.0.0.1:8082/shop"),
    "IPv6": ("http://[::1]:8081", "http://[::1]:8082"),
    "a host name, which nginx cannot resolve": ("http://localhost:8081", "http://127.0.0.1:8082"),
    "a group": ("blue", "green"),
    "a group with a scheme": ("http://blue/", "http://green/"),
}
MORE = """\
# Our own notes, {do not} touch
set $admin_url http://127.0.0.1:9000; # the admin
  set  $service_url\t"http://127.0.0.1:8081" ; # live
if (-f /var/www/maintenance) { set $service_url http://127.0.0.1:9000; }
proxy_set_header X-Env "prod; {x}";
"""
OF_0_1 = """\
set $service_url http://taggle-prod1;
if (-e /run/bluegreen/taggle/prod1) { set $service_url http://taggle-prod1; }
if (-e /run/bluegreen/taggle/prod2) { set $service_url http://taggle-prod2; }
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    config = tmp_path / "config.yml"
    config.write_text("app: taggle\nhosts: {prod: {address: 192.0.2.1, user: ubuntu}}\n")
    return load(config).host(None)


@pytest.mark.parametrize(("first", "second"), FORMS.values(), ids=FORMS.keys())
@pytest.mark.parametrize("quote", ["", '"', "'"])
def test_the_form_of_the_target_is_kept_for_the_other_slot(
    settings: Settings, first: str, second: str, quote: str
) -> None:
    found = parse(f"set $service_url {quote}{first}{quote};\n", settings, GROUPS)
    assert (found.target, found.slot, found.targets["prod2"]) == (first, "prod1", second)
    assert f"set $service_url {quote}{second}{quote};" in rewritten(settings, found, "prod2")


@pytest.mark.parametrize("groups", [{"blue": 8081}, {}, {"blue": 8081, "green": 9999}])
def test_a_group_that_nginx_does_not_have_is_no_target(settings: Settings, groups: dict[str, int]) -> None:
    assert "prod2" not in parse("set $service_url blue;", settings, groups).targets


@pytest.mark.parametrize(
    ("text", "variable", "target"),
    [
        ("set $service_url http://127.0.0.1:8082;", "service_url", "http://127.0.0.1:8082"),
        ("set $backend 127.0.0.1:8082;", "backend", "127.0.0.1:8082"),
        ("set $admin 127.0.0.1:9000;\nset $backend 127.0.0.1:8082;", "backend", "127.0.0.1:8082"),
        ("set $backend 127.0.0.1:8082;\nset $admin 127.0.0.1:9000;", "backend", "127.0.0.1:8082"),
        ("set $x http://127.0.0.1:8082; set $service_url blue;", "service_url", "blue"),
        ("# set $service_url a;\nset $service_url blue; # was green", "service_url", "blue"),
        ("set $service_url green;\nset $service_url blue;", "service_url", "blue"),
        ("set $service_url blue;\nif ($a) { set $service_url green; }", "service_url", "blue"),
        ("set $service_url blue;\nif ($a) {\n  set $service_url green;\n}\n", "service_url", "blue"),
        ("set $backend http://127.0.0.1:8080;", "backend", "http://127.0.0.1:8080"),
        ('set $csp "a; set $service_url green; {";\nset $service_url blue;', "service_url", "blue"),
        ("proxy_set_header X-Env prod;", "service_url", ""),
        ("", "service_url", ""),
    ],
)
def test_the_last_line_outside_of_a_block_that_names_a_slot_decides(
    settings: Settings, text: str, variable: str, target: str
) -> None:
    found = parse(text, settings, GROUPS)
    assert (found.variable, found.target) == (variable, target)


@pytest.mark.parametrize("text", [MORE, MORE.replace("\n", "\r\n"), MORE.rstrip()], ids=["", "CRLF", "cut"])
def test_all_other_lines_stay_in_their_order_through_every_rewriting(settings: Settings, text: str) -> None:
    once = rewritten(settings, parse(text, settings, GROUPS), "prod2")
    again = parse(once, settings, None)
    assert (again.form, again.slot) == (Form.INSTANT, "prod2")
    twice = rewritten(settings, again, "prod1")
    ours = f"{block_for(settings, 'service_url', again.targets)}\n"
    assert twice.replace(ours, "").rstrip("\n") == text.rstrip("\n")
    assert once == twice.replace('"http://127.0.0.1:8081" ;', '"http://127.0.0.1:8082" ;')
    assert rewritten(settings, again, "prod1", method="reload").rstrip("\n") == text.rstrip("\n")


def test_our_lines_follow_the_line_that_decides_so_that_later_ones_of_the_owner_hold(
    settings: Settings,
) -> None:
    lines = rewritten(settings, parse(MORE, settings, GROUPS), "prod1").splitlines()
    ours = next(number for number, line in enumerate(lines) if line.startswith("# bluegreen: begin"))
    assert "$service_url" in lines[ours - 1]
    assert lines.index("# bluegreen: end") < next(n for n, line in enumerate(lines) if "maintenance" in line)


def test_the_lines_of_bluegreen_0_1_are_replaced(settings: Settings) -> None:
    found = parse(OF_0_1, settings, None)
    assert (found.form, found.slot) == (Form.MARKERS, "prod1")
    new = rewritten(settings, found, "prod1")
    assert new == render(settings, "prod1", form=Form.INSTANT, groups=True) + "\n"


def test_a_way_back_keeps_the_lines_of_bluegreen_0_1_that_nginx_has_loaded(settings: Settings) -> None:
    found = parse(OF_0_1, settings, None)
    new = rewritten(settings, found, "prod2", method="markers")
    assert new == OF_0_1.replace(
        "set $service_url http://taggle-prod1;", "set $service_url http://taggle-prod2;", 1
    )


@pytest.mark.parametrize("text", ["", "# nothing here\n"])
def test_an_include_without_the_line_gets_it_as_its_first(settings: Settings, text: str) -> None:
    found = parse(text, settings, {"taggle-prod1": 8081, "taggle-prod2": 8082})
    new = rewritten(settings, found, "prod2")
    assert new == render(settings, "prod2", form=Form.INSTANT, groups=True) + "\n" + text


def test_the_first_line_is_what_the_old_scripts_read(settings: Settings) -> None:
    text = render(settings, "prod2", form=Form.INSTANT, groups=False)
    assert text.splitlines()[0] == "set $service_url http://127.0.0.1:8082;"
    assert render(settings, "prod2", form=Form.PLAIN, groups=False) == text.splitlines()[0]


def test_the_groups_of_a_converted_include_are_known_without_the_configuration_of_nginx(
    settings: Settings,
) -> None:
    converted = rewritten(settings, parse("set $service_url blue;", settings, GROUPS), "prod2")
    found = parse(converted, settings, None)
    assert (found.form, found.slot) == (Form.INSTANT, "prod2")
    assert found.targets == {"prod1": "blue", "prod2": "green"}


@pytest.mark.parametrize("quote", ["", '"'])
def test_an_include_that_reads_the_markers_of_another_app_is_not_ours(settings: Settings, quote: str) -> None:
    shop = f"if (-e {quote}/run/bluegreen/shop/prod1{quote}) {{ set $service_url http://127.0.0.1:8081; }}"
    assert parse(f"set $service_url http://127.0.0.1:8081;\n{shop}", settings, None).stranger == "shop"
    ours = render(settings, "prod1", form=Form.INSTANT, groups=True)
    assert parse(ours, settings, None).stranger == ""


def test_where_another_port_serves_the_slots_that_fit_are_proposed(settings: Settings) -> None:
    found = parse("set $service_url http://127.0.0.1:8080;", settings, None)
    assert found.slot is None
    assert "slots: {prod1: 8080, prod2: 8081}" in other_slots(found, settings)


@pytest.mark.parametrize("awk", ["awk", "busybox awk"])
@pytest.mark.parametrize(("first", "second"), FORMS.values(), ids=FORMS.keys())
def test_the_host_reads_the_slot_of_the_include_as_we_do(
    settings: Settings, first: str, second: str, awk: str
) -> None:
    for text in (
        f"set $service_url {first};\n",
        f'# set $service_url {second};\n  set $service_url "{first}" ;\n',
    ):
        found = parse(text, settings, GROUPS)
        # A plain include does not tell which group is which slot.
        expected = "" if "blue" in first else "prod1"
        assert slot_of_include(settings, text, awk) == expected
        assert slot_of_include(settings, rewritten(settings, found, "prod2"), awk) == "prod2"


def test_busybox_writes_the_same_include(settings: Settings) -> None:
    found = parse(MORE, settings, GROUPS)
    assert rewritten(settings, found, "prod2", awk="busybox awk") == rewritten(settings, found, "prod2")


def test_nginx_accepts_the_include_in_a_server_and_in_a_location(settings: Settings, tmp_path: Path) -> None:
    include = tmp_path / "service-url.inc"
    include.write_text(render(settings, "prod1", form=Form.INSTANT, groups=False))
    inside = f"include {include}; proxy_pass $service_url;"
    (tmp_path / "nginx.conf").write_text(f"""
pid {tmp_path}/nginx.pid;
error_log {tmp_path}/error.log;
events {{}}
http {{
    access_log off;
    server {{ listen 127.0.0.1:8080; include {include}; location / {{ proxy_pass $service_url; }} }}
    server {{ listen 127.0.0.1:8080; server_name b; location / {{ {inside} }} }}
}}
""")
    command = ["nginx", "-t", "-c", f"{tmp_path}/nginx.conf"]
    tested = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert tested.returncode == 0, tested.stderr


def rewritten(
    settings: Settings, found: Include, to: str, *, method: str = "instant", awk: str = "awk"
) -> str:
    """The text that the host would write."""
    program = f'{text_of("include")}\ninclude_for "$@"'
    targets = [found.targets[slot] for slot in settings.slots]
    return run(settings, program, found.text, method, found.variable, found.targets[to], *targets, awk=awk)


def slot_of_include(settings: Settings, text: str, awk: str) -> str:
    """The slot that the host takes the include to name."""
    return run(settings, f"{text_of('route')}\nslot_of_include", text, awk=awk).strip()


def run(settings: Settings, program: str, text: str, *arguments: str, awk: str) -> str:
    other = f'awk() {{ command {awk} "$@"; }}\n' if awk != "awk" else ""
    environment = {
        "app": settings.app,
        "slots": " ".join(f"{slot}:{port}:{port}" for slot, port in settings.slots.items()),
        "runtime": settings.nginx.runtime,
        "include": "/dev/stdin",
        "block": block(settings),
        "PATH": "/usr/bin:/bin",
    }
    ran = subprocess.run(
        ["sh", "-euc", f"{other}say() {{ printf '%s\\n' \"$*\"; }}\n{program}", "sh", *arguments],
        env=environment,
        input=text.encode(),
        capture_output=True,
        timeout=20,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.decode()


def test_of_two_applications_in_an_include_none_is_chosen_by_chance(settings: Settings) -> None:
    found = parse("set $backend http://127.0.0.1:8080;\nset $admin http://127.0.0.1:9000;\n", settings, {})
    assert (found.variable, found.target) == ("service_url", "")
    assert not other_slots(found, settings)
