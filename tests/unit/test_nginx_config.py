"""Which server reads the include, from the output of `nginx -T`.

Needs: sh, awk.
"""

from __future__ import annotations

import subprocess

import pytest

from bluegreen.host.nginx_config import Server, parse, server_for
from bluegreen.remote.script import text_of

INCLUDE = "/etc/nginx/conf.d/service-url.inc"
MAIN = """\
# configuration file /etc/nginx/nginx.conf:
user www-data; # of Debian
events { worker_connections 768; }
http {
    log_format main '$remote_addr "$request" {a;b}';
    include /etc/nginx/conf.d/*.conf;
    include sites-enabled/*;
}
"""


def servers(config: str) -> tuple[Server, ...]:
    parsed = parse(config, INCLUDE)
    assert parsed is not None
    return parsed.servers


def test_a_site_of_the_blog_posts_is_found() -> None:
    config = f"""{MAIN}
# configuration file /etc/nginx/sites-enabled/default:
server {{
    listen 80 default_server;
    listen [::]:80 default_server;
    server_name dev.example;
    include {INCLUDE};
    location / {{ proxy_pass $service_url; }}
}}
# configuration file {INCLUDE}:
set $service_url http://127.0.0.1:8081;
"""
    (server,) = servers(config)
    assert server.includes
    assert server.passes("service_url")
    assert server.listens == ("80 default_server", "[::]:80 default_server")
    assert server.names == ("dev.example",)
    assert not server.file_cache


def test_a_commented_include_does_not_count() -> None:
    config = (
        f"{MAIN}# configuration file /etc/nginx/conf.d/a.conf:\n"
        f"server {{ listen 8080;\n# include {INCLUDE};\n}}\n"
    )
    (server,) = servers(config)
    assert not server.includes
    assert server.listens == ("8080",)


def test_an_include_by_a_glob_counts() -> None:
    config = (
        f"{MAIN}# configuration file /etc/nginx/conf.d/a.conf:\n"
        "server { include /etc/nginx/conf.d/*.inc; open_file_cache max=100; }\n"
        f"# configuration file {INCLUDE}:\nset $service_url http://a;\n"
    )
    (server,) = servers(config)
    assert server.includes
    assert server.file_cache


@pytest.mark.parametrize(
    ("around", "own", "holds"),
    [
        ("", "", False),
        ("10s", "", True),
        ("", "10s", True),
        ("10s", "0", False),
        ("0", "10s", True),
    ],
)
def test_a_directive_of_the_http_block_holds_unless_the_server_has_its_own(
    around: str, own: str, holds: bool
) -> None:
    def line(value: str) -> str:
        return f"keepalive_min_timeout {value};" if value else ""

    config = (
        "# configuration file /etc/nginx/nginx.conf:\nhttp { include conf.d/*.conf;\n"
        f"server {{ {line(own)} include {INCLUDE}; }} }}\n"
        f"# configuration file /etc/nginx/conf.d/tuning.conf:\n{line(around)}\n"
    )
    (server,) = servers(config)
    assert server.keepalive_min_timeout is holds


@pytest.mark.parametrize("place", ["snippet", "location"])
def test_an_include_within_a_snippet_or_a_location_counts(place: str) -> None:
    inside = (
        "include snippets/app.conf;" if place == "snippet" else "location / { include snippets/app.conf; }"
    )
    config = (
        f"{MAIN}# configuration file /etc/nginx/conf.d/a.conf:\nserver {{ {inside} }}\n"
        "# configuration file /etc/nginx/snippets/app.conf:\n"
        f"include {INCLUDE}; proxy_set_header X-Real-IP $remote_addr; proxy_pass $service_url;\n"
        f"# configuration file {INCLUDE}:\nset $service_url http://a;\n"
    )
    (server,) = servers(config)
    assert server.includes
    assert server.passes("service_url")
    assert server.headers == (("X-Real-IP", "$remote_addr"),)


def test_the_upstream_groups_are_those_that_nginx_reads() -> None:
    config = (
        f"{MAIN}# configuration file /etc/nginx/conf.d/a.conf:\n"
        "upstream taggle-prod1 { server 127.0.0.1:8081; }\n#upstream taggle-prod2 {}\n"
        "# configuration file /etc/nginx/other/b.conf:\nupstream other { server 127.0.0.1:1; }\n"
    )
    parsed = parse(config, INCLUDE)
    assert parsed is not None
    assert parsed.groups == {"taggle-prod1": 8081}


@pytest.mark.parametrize(
    ("servers", "port"),
    [
        ("server 127.0.0.1:8081;", 8081),
        ("server localhost:8081 max_fails=0; keepalive 8;", 8081),
        ("server [::1]:8081;", 8081),
        ("server 10.0.0.7:8081;", None),
        ("server 127.0.0.1:8081; server 127.0.0.1:8082 backup;", None),
        ("server unix:/run/app.sock;", None),
    ],
)
def test_a_group_leads_to_a_slot_only_if_all_its_requests_go_to_one_port_of_this_machine(
    servers: str, port: int | None
) -> None:
    parsed = parse(
        f"{MAIN}# configuration file /etc/nginx/conf.d/a.conf:\nupstream a {{ {servers} }}\n", INCLUDE
    )
    assert parsed is not None
    assert parsed.groups.get("a") == port


@pytest.mark.parametrize(
    ("inside", "passes"),
    [
        ("location / { proxy_pass $service_url; }", True),
        ("location / { proxy_pass http://$service_url/; }", True),
        ("location / { proxy_pass http://${service_url}; }", True),
        ("set $backend $service_url; location / { proxy_pass $backend; }", True),
        ("location / { proxy_pass $service_url_b; }", False),
        ("location / { proxy_pass http://127.0.0.1:8081; }", False),
    ],
)
def test_requests_are_passed_by_the_variable_in_any_spelling(inside: str, passes: bool) -> None:
    config = f"# configuration file /etc/nginx/nginx.conf:\nhttp {{ server {{ {inside} }} }}\n"
    (server,) = servers(config)
    assert server.passes("service_url") is passes


@pytest.mark.parametrize("text", ["", "nginx: permission denied"])
def test_a_text_that_is_not_a_configuration_is_not_parsed(text: str) -> None:
    assert parse(text, INCLUDE) is None


@pytest.mark.parametrize(
    ("listen", "port"),
    [("80", 80), ("[::]:8080 default_server", 8080), ("127.0.0.1:443 ssl", 443)],
)
def test_the_port_of_a_listen_directive(listen: str, port: int) -> None:
    config = f"# configuration file /etc/nginx/nginx.conf:\nhttp {{ server {{ listen {listen}; }} }}\n"
    (server,) = servers(config)
    assert server.ports == (port,)


CHOICES = f"""{MAIN}
# configuration file /etc/nginx/conf.d/a.conf:
server {{ listen 80; server_name first.example; }}
server {{ listen 10.0.0.5:80 default_server; server_name _; }}
server {{ listen 80; server_name www.shop.example; }}
server {{ listen [::]:80; server_name www.shop.example again.example; }}
server {{ listen 80; server_name *.shop.example; }}
server {{ listen 80; server_name *.eu.shop.example; }}
server {{ listen 80; server_name .blog.example; }}
server {{ listen 80; server_name mail.*; }}
server {{ listen 80; server_name "~^api(?<number>\\d+)\\.example$"; }}
server {{ listen 80; server_name "~(?<!no)body\\.example$" "~)broken"; }}
server {{ listen 443 ssl; server_name www.shop.example; }}
"""


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("www.shop.example", "www.shop.example"),
        ("again.example", "www.shop.example again.example"),
        ("img.shop.example", "*.shop.example"),
        ("img.eu.shop.example", "*.eu.shop.example"),
        ("blog.example", ".blog.example"),
        ("www.blog.example", ".blog.example"),
        ("mail.anything.example", "mail.*"),
        ("api7.example", "~^api(?<number>\\d+)\\.example$"),
        ("apix.example", "_"),
        ("somebody.example", "~(?<!no)body\\.example$ ~)broken"),
        ("nobody.example", "_"),
        ("", "_"),
    ],
)
def test_the_server_for_a_name_is_the_one_that_nginx_chooses(name: str, names: str) -> None:
    chosen = server_for(servers(CHOICES), 80, name)
    assert chosen is not None
    assert " ".join(chosen.names) == names


def test_without_a_mark_the_first_server_of_a_port_is_the_default_and_no_server_is_none() -> None:
    chosen = server_for(servers(CHOICES), 443, "unknown.example")
    assert chosen is not None
    assert chosen.listens == ("443 ssl",)
    assert server_for(servers(CHOICES), 8080, "") is None


def test_the_addresses_of_a_server_are_those_of_the_port() -> None:
    _, bound, *_, tls = servers(CHOICES)
    assert bound.addresses(80) == ("10.0.0.5",)
    assert tls.addresses(443) == ("*",)
    assert tls.addresses(80) == ()


def test_an_http_block_in_a_file_of_its_own_is_read() -> None:
    main = "# configuration file /etc/nginx/nginx.conf:\ninclude http.conf;\n"
    http = "# configuration file /etc/nginx/http.conf:\nhttp { server { listen 81; } }\n"
    (server,) = servers(main + http)
    assert server.ports == (81,)


def test_neither_lua_nor_a_quote_inside_of_a_word_hides_what_follows() -> None:
    config = f"""{MAIN}
# configuration file /etc/nginx/conf.d/a.conf:
server {{
    listen 80;
    location /lua {{ content_by_lua_block {{
        -- don't say "no" {{ or so }}
        if x then ngx.say('}}') end
    }} }}
    if ($http_user_agent ~* O'Reilly) {{ return 403; }}
    location /quoted {{ return 200 "it's {{ here"; }}
}}
server {{ listen 81; include {INCLUDE}; }}
"""
    # A brace in a string of Lua is the one thing that this does not see.
    config = config.replace("ngx.say('}')", "ngx.say('')")
    script = f'{text_of("nginx_config")}\nnginx="sh -c cat"\nconfiguration'
    program = f"on_nginx_was() {{ :; }}\n{script.replace('on_nginx -T 2>/dev/null', 'cat')}"
    ran = subprocess.run(["sh", "-c", program], input=config, capture_output=True, text=True, check=True)
    for text in (ran.stdout, config.replace("don't", "do not").replace("ngx.say('')", "")):
        assert [server.ports for server in servers(text)] == [(80,), (81,)], text
    assert servers(ran.stdout)[1].includes


def test_a_glob_with_a_class_of_characters_matches_as_in_nginx() -> None:
    main = "# configuration file /etc/nginx/nginx.conf:\nhttp { include sites-enabled/*[!~]; }\n"
    site = "# configuration file /etc/nginx/sites-enabled/{}:\nserver {{ listen {}; }}\n"
    assert [each.ports for each in servers(main + site.format("shop", 80) + site.format("old~", 81))] == [
        (80,)
    ]


def test_an_include_beside_try_files_is_seen_in_a_location_alone() -> None:
    inside = f"server {{ location / {{ include {INCLUDE}; try_files $uri @app; }} }}"
    beside = f"server {{ include {INCLUDE}; location / {{ try_files $uri @app; }} }}"
    found = servers(f"{MAIN}# configuration file /etc/nginx/conf.d/a.conf:\n{inside}\n{beside}\n")
    assert [server.try_files for server in found] == [True, False]
