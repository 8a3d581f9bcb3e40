"""Every way to get config.yml wrong: each is told with file, line, key, the wrong value and a right one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from bluegreen import config
from bluegreen.errors import WrongUsage

KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIHwmnr7vR/bAe6lXoRPBUZ5zMOg5yIWMiRqHMHKFvQTp"
HOSTS = "hosts: {prod: {address: h, user: u}}\n"


@dataclass(frozen=True)
class Wrong:
    """A config.yml that is wrong in one way, and the whole error."""

    what: str
    file: str
    error: str


def top(lines: str) -> str:
    """A right file with these lines from line 2 on."""
    return f"app: taggle\n{lines}\n{HOSTS}"


def host(lines: str) -> str:
    """A right file with these lines in a host's entry, from line 5 on."""
    return f"app: taggle\nhosts:\n  prod:\n    address: h\n    {lines}\n"


def key(host_key: str) -> str:
    return host(f"host_key: {host_key}")


WRONG = [
    Wrong("an app is missing", HOSTS, "config.yml:1: app: is missing; write app: taggle"),
    Wrong(
        "hosts are missing",
        "app: taggle\n",
        "config.yml:1: hosts: is missing; write hosts: {prod: {address: …, user: ubuntu}}",
    ),
    Wrong(
        "there is no host at all",
        "app: taggle\nhosts: {}\n",
        "config.yml:2: hosts: has no entry; write one, such as prod: {address: …, user: ubuntu}",
    ),
    Wrong(
        "hosts stand empty",
        "app: taggle\nhosts:\n",
        "config.yml:2: hosts: is empty; write an entry, such as prod: {address: …, user: ubuntu}",
    ),
    Wrong(
        "hosts are a list",
        "app: taggle\nhosts: [prod]\n",
        (
            "config.yml:2: hosts: [prod] does not hold keys; write an entry, such as prod: {address: …, "
            "user: ubuntu}"
        ),
    ),
    Wrong(
        "a host without an address",
        "app: taggle\nhosts:\n  prod: {user: ubuntu}\n",
        (
            "config.yml:3: hosts.prod: has no address; write address: ADDRESS, or sandbox: true for the "
            "embedded host"
        ),
    ),
    Wrong(
        "a host that is an address alone",
        "app: taggle\nhosts:\n  prod: 10.0.0.5\n",
        (
            "config.yml:3: hosts.prod: '10.0.0.5' does not hold keys; write {address: 10.0.0.5}, or "
            "{sandbox: true}"
        ),
    ),
    Wrong(
        "a host that stands empty",
        "app: taggle\nhosts:\n  prod:\n",
        "config.yml:3: hosts.prod: is empty; write {address: …}, or {sandbox: true}",
    ),
    Wrong(
        "a host whose name holds a space",
        "app: taggle\nhosts:\n  my host: {address: h}\n",
        (
            "config.yml:3: hosts.my host: 'my host' is not a name for a host: letters, digits, '.', '_' and "
            "'-'; write for instance prod"
        ),
    ),
    Wrong(
        "an app in capitals",
        "app: Taggle\n" + HOSTS,
        (
            "config.yml:1: app: 'Taggle' is not a name for an app: it names a systemd unit and nginx "
            "upstreams, so up to 31 of a-z, 0-9 and '-', a letter first; write for instance taggle"
        ),
    ),
    Wrong(
        "an app with a space",
        "app: my app\n" + HOSTS,
        (
            "config.yml:1: app: 'my app' is not a name for an app: it names a systemd unit and nginx "
            "upstreams, so up to 31 of a-z, 0-9 and '-', a letter first; write for instance taggle"
        ),
    ),
    Wrong(
        "an app of 32 letters",
        "app: " + "a" * 32 + "\n" + HOSTS,
        (
            "config.yml:1: app: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' is not a name for an app: it names a "
            "systemd unit and nginx upstreams, so up to 31 of a-z, 0-9 and '-', a letter first; write for "
            "instance taggle"
        ),
    ),
    Wrong(
        "an app that is a number",
        "app: 12\n" + HOSTS,
        (
            "config.yml:1: app: 12 is not a name for an app: it names a systemd unit and nginx upstreams, so"
            " up to 31 of a-z, 0-9 and '-', a letter first; write for instance taggle"
        ),
    ),
    Wrong(
        "an app that is true",
        "app: true\n" + HOSTS,
        "config.yml:1: app: true is a truth value; for a text put it in quotes: 'true'",
    ),
    Wrong(
        "a key spelt wrongly at the top",
        top("jarr: a.jar"),
        "config.yml:2: jarr: unknown key 'jarr'; did you mean 'jar'?",
    ),
    Wrong(
        "a key spelt wrongly in a section",
        top("health: {timout: 1m}"),
        (
            "config.yml:2: health.timout: unknown key 'timout'; did you mean 'timeout'? (path, ports, every,"
            " timeout, ups, smoke, warm)"
        ),
    ),
    Wrong(
        "a key spelt wrongly in a host",
        host("adress: x"),
        "config.yml:5: hosts.prod.adress: unknown key 'adress'; did you mean 'address'?",
    ),
    Wrong(
        "a key with its unit as in Python",
        top("switch: {watch_s: 10}"),
        (
            "config.yml:2: switch.watch_s: unknown key 'watch_s'; did you mean 'watch'? (method, include, "
            "verify, probe, watch)"
        ),
    ),
    Wrong(
        "a time to keep what is stopped",
        top("old_slot: {after_switch: stop, keep_for: 10m}"),
        (
            "config.yml:2: old_slot.keep_for: is for after_switch: keep, and here it is stop; delete one of "
            "the two"
        ),
    ),
    Wrong(
        "a time to keep that is none",
        top("old_slot: {keep_for: forever}"),
        (
            "config.yml:2: old_slot.keep_for: 'forever' is no time; write seconds, or a text with ms, s, m "
            "or h, such as 10m"
        ),
    ),
    Wrong(
        "a probe that is no path",
        top("switch: {probe: profiles}"),
        "config.yml:2: switch.probe: 'profiles' is not a path, which begins with '/'; write /profiles",
    ),
    Wrong(
        "a key of a section at the top",
        top("method: reload"),
        "config.yml:2: method: unknown key 'method'; it belongs to switch:",
    ),
    Wrong(
        "a key of a host at the top",
        top("user: ubuntu"),
        "config.yml:2: user: unknown key 'user'; it belongs to an entry of hosts:",
    ),
    Wrong(
        "a key of the top in a host",
        host("app: other"),
        "config.yml:5: hosts.prod.app: unknown key 'app'; it belongs to the top level of the file",
    ),
    Wrong(
        "a key of another section",
        top("health: {drain: 3s}"),
        "config.yml:2: health.drain: unknown key 'drain'; it belongs to old_slot:",
    ),
    Wrong(
        "a password",
        host("password: hunter2"),
        (
            "config.yml:5: hosts.prod.password: unknown key 'password'; bluegreen signs in with SSH keys; "
            "write identity: PATH, or set BLUEGREEN_SSH_KEY"
        ),
    ),
    Wrong(
        "a key that nothing is like",
        top("qqq: 1"),
        (
            "config.yml:2: qqq: unknown key 'qqq'; there are jar, slots, java, env, secrets, health, switch,"
            " old_slot, releases, supervisor, site, app, hosts"
        ),
    ),
    Wrong(
        "a section that is a text",
        top("health: /actuator/health"),
        (
            "config.yml:2: health: '/actuator/health' does not hold keys; write its keys, each with a value "
            "(path, ports, every, timeout, ups, smoke, warm), or delete it"
        ),
    ),
    Wrong(
        "a section that is a list",
        top("switch: [instant]"),
        (
            "config.yml:2: switch: [instant] does not hold keys; write its keys, each with a value (method, "
            "include, verify, probe, watch), or delete it"
        ),
    ),
    Wrong(
        "a section that stands empty",
        top("health:"),
        (
            "config.yml:2: health: is empty; write its keys, each with a value (path, ports, every, timeout,"
            " ups, smoke, warm), or delete it"
        ),
    ),
    Wrong(
        "a method spelt wrongly in a host",
        host("switch: {method: instnat}"),
        (
            "config.yml:5: hosts.prod.switch.method: 'instnat' is not a method; did you mean 'instant'? "
            "(instant or reload)"
        ),
    ),
    Wrong(
        "a method that is nothing like one",
        top("switch: {method: true}"),
        "config.yml:2: switch.method: true is not a method; write instant or reload",
    ),
    Wrong(
        "a wrong supervisor",
        top("supervisor: systemctl"),
        (
            "config.yml:2: supervisor: 'systemctl' is not a supervisor; did you mean 'systemd'? (systemd or "
            "process)"
        ),
    ),
    Wrong(
        "a wrong end of the old slot",
        top("old_slot: {after_switch: kill}"),
        "config.yml:2: old_slot.after_switch: 'kill' is not a way to treat it; write keep or stop",
    ),
    Wrong(
        "one slot only",
        top("slots: {prod1: 8081}"),
        "config.yml:2: slots: holds 1 slot (prod1); write exactly two, as {prod1: 8081, prod2: 8082}",
    ),
    Wrong(
        "three slots",
        top("slots: {a: 8081, b: 8082, c: 8083}"),
        "config.yml:2: slots: holds 3 slots (a, b, c); write exactly two, as {prod1: 8081, prod2: 8082}",
    ),
    Wrong(
        "slots as a list",
        top("slots: [prod1, prod2]"),
        (
            "config.yml:2: slots: [prod1, prod2] is a list; write keys with values, such as {prod1: 8081, "
            "prod2: 8082}"
        ),
    ),
    Wrong(
        "slots with equal ports",
        top("slots: {prod1: 8081, prod2: 8081}"),
        (
            "config.yml:2: slots.prod2: 8081 is the port of slots.prod1 already; write another one, such as "
            "8082"
        ),
    ),
    Wrong(
        "a slot whose name has a dot",
        top("slots: {prod.1: 8081, prod2: 8082}"),
        (
            "config.yml:2: slots.prod.1: 'prod.1' is not a name for a slot: it names a Spring profile and a "
            "systemd unit, so up to 31 of a-z, 0-9, '_' and '-', a letter first; write for instance prod1"
        ),
    ),
    Wrong(
        "a port of 0",
        top("slots: {prod1: 0, prod2: 8082}"),
        "config.yml:2: slots.prod1: 0 is no port; write a number from 1 to 65535, such as 8081",
    ),
    Wrong(
        "a port of 65536",
        top("slots: {prod1: 8081, prod2: 65536}"),
        "config.yml:2: slots.prod2: 65536 is no port; write a number from 1 to 65535, such as 8081",
    ),
    Wrong(
        "a port that is negative",
        top("slots: {prod1: -1, prod2: 8082}"),
        "config.yml:2: slots.prod1: -1 is no port; write a number from 1 to 65535, such as 8081",
    ),
    Wrong(
        "a port with a leading zero",
        top("slots: {prod1: 08081, prod2: 8082}"),
        "config.yml:2: slots.prod1: '08081' is no port; write 8081, without leading zeros",
    ),
    Wrong(
        "a port in quotes",
        top("slots: {prod1: '8081', prod2: 8082}"),
        "config.yml:2: slots.prod1: '8081' is no port; write 8081, without quotes",
    ),
    Wrong(
        "a port with a fraction",
        top("slots: {prod1: 8081.5, prod2: 8082}"),
        "config.yml:2: slots.prod1: 8081.5 is no port; write a number from 1 to 65535, such as 8081",
    ),
    Wrong(
        "a port that YAML 1.1 takes for base 60",
        top("slots: {prod1: 22:33, prod2: 8082}"),
        "config.yml:2: slots.prod1: '22:33' is no port; write a number from 1 to 65535, such as 8081",
    ),
    Wrong(
        "a port that is yes",
        top("slots: {prod1: yes, prod2: 8082}"),
        "config.yml:2: slots.prod1: 'yes' is no port; write a number from 1 to 65535, such as 8081",
    ),
    Wrong(
        "a port that is true",
        top("slots: {prod1: true, prod2: 8082}"),
        "config.yml:2: slots.prod1: true is no port; write a number from 1 to 65535, such as 8081",
    ),
    Wrong(
        "a slot with localhost",
        top("slots: {prod1: localhost:8081, prod2: 8082}"),
        (
            "config.yml:2: slots.prod1: 'localhost:8081' names a host; give the port number alone, 8081: "
            'nginx asks 127.0.0.1, and to a host name such as localhost it answers 502 ("no resolver")'
        ),
    ),
    Wrong(
        "a slot with a URL",
        top("slots: {prod1: 'http://localhost:8081', prod2: 8082}"),
        (
            "config.yml:2: slots.prod1: 'http://localhost:8081' names a host; give the port number alone, "
            '8081: nginx asks 127.0.0.1, and to a host name such as localhost it answers 502 ("no resolver")'
        ),
    ),
    Wrong(
        "a slot with an IP address",
        top("slots: {prod1: 127.0.0.1:8081, prod2: 8082}"),
        (
            "config.yml:2: slots.prod1: '127.0.0.1:8081' names a host; give the port number alone, 8081: "
            'nginx asks 127.0.0.1, and to a host name such as localhost it answers 502 ("no resolver")'
        ),
    ),
    Wrong(
        "a slot on the port of nginx",
        top("slots: {prod1: 80, prod2: 8082}"),
        ("config.yml:2: slots.prod1: 80 is the port of site.listen already; write another one, such as 8081"),
    ),
    Wrong(
        "a site on the port of a slot by default",
        top("site: {listen: 8082}"),
        (
            "config.yml:2: site.listen: 8082 is the port of slots.prod2 already; write another one, such as "
            "8083"
        ),
    ),
    Wrong(
        "a host's site on the port of a slot",
        host("site: {listen: 8081}"),
        (
            "config.yml:5: hosts.prod.site.listen: 8081 is the port of slots.prod1 already; write another "
            "one, such as 8083"
        ),
    ),
    Wrong(
        "management ports that are equal",
        top("health: {ports: {prod1: 9081, prod2: 9081}}"),
        (
            "config.yml:2: health.ports.prod2: 9081 is the port of health.ports.prod1 already; write another"
            " one, such as 9082"
        ),
    ),
    Wrong(
        "a management port that is the other slot's",
        top("health: {ports: {prod1: 8082}}"),
        (
            "config.yml:2: health.ports.prod1: 8082 is the port of slots.prod2 already; write another one, "
            "such as 8083"
        ),
    ),
    Wrong(
        "a management port that is the slot's own",
        top("health: {ports: {prod1: 8081}}"),
        (
            "config.yml:2: health.ports.prod1: 8081 is the slot's own port, at which health is asked anyway;"
            " delete the key"
        ),
    ),
    Wrong(
        "a management port of no slot",
        top("health: {ports: {prod3: 9081}}"),
        ("config.yml:2: health.ports.prod3: 'prod3' is not a slot; did you mean 'prod2'? (prod1 and prod2)"),
    ),
    Wrong(
        "a management port with localhost",
        top("health: {ports: {prod1: localhost:9081}}"),
        (
            "config.yml:2: health.ports.prod1: 'localhost:9081' names a host; give the port number alone, "
            '9081: nginx asks 127.0.0.1, and to a host name such as localhost it answers 502 ("no resolver")'
        ),
    ),
    Wrong(
        "an SSH port out of range",
        host("port: 70000"),
        "config.yml:5: hosts.prod.port: 70000 is no port; write a number from 1 to 65535, such as 22",
    ),
    Wrong(
        "a health path without its slash",
        top("health: {path: actuator/health}"),
        (
            "config.yml:2: health.path: 'actuator/health' is not a path, which begins with '/'; write "
            "/actuator/health"
        ),
    ),
    Wrong(
        "a health path that is a URL",
        top("health: {path: 'http://localhost:8081/actuator/health'}"),
        (
            "config.yml:2: health.path: 'http://localhost:8081/actuator/health' is more than a path; write "
            "the path alone: /actuator/health"
        ),
    ),
    Wrong(
        "a health path with a space",
        top("health: {path: /actuator/my health}"),
        (
            "config.yml:2: health.path: '/actuator/my health' holds a space, which no path holds as it is; "
            "percent-encode it"
        ),
    ),
    Wrong(
        "a smoke path without its slash",
        top("health:\n  smoke:\n    - /ok\n    - tags"),
        "config.yml:5: health.smoke[1]: 'tags' is not a path, which begins with '/'; write /tags",
    ),
    Wrong(
        "a single smoke path",
        top("health: {smoke: /tags}"),
        "config.yml:2: health.smoke: '/tags' is a text; write a list: [/tags]",
    ),
    Wrong(
        "a verify path that is none",
        top("switch: {verify: none}"),
        (
            "config.yml:2: switch.verify: 'none' is not a path; write null for no verification, or "
            "/api/v1/profiles"
        ),
    ),
    Wrong(
        "a verify path without its slash",
        top("switch: {verify: profiles}"),
        "config.yml:2: switch.verify: 'profiles' is not a path, which begins with '/'; write /profiles",
    ),
    Wrong(
        "a time that is no time",
        top("health: {timeout: soon}"),
        (
            "config.yml:2: health.timeout: 'soon' is no time; write seconds, or a text with ms, s, m or h, "
            "such as 2m"
        ),
    ),
    Wrong(
        "a time in words",
        top("health: {timeout: 2 minutes}"),
        (
            "config.yml:2: health.timeout: '2 minutes' is no time; write seconds, or a text with ms, s, m or"
            " h, such as 2m"
        ),
    ),
    Wrong(
        "a time below zero",
        top("switch: {watch: -1}"),
        (
            "config.yml:2: switch.watch: -1 is no time; write seconds, or a text with ms, s, m or h, such as"
            " 10s"
        ),
    ),
    Wrong(
        "a time that is true",
        top("switch: {watch: on}"),
        (
            "config.yml:2: switch.watch: 'on' is no time; write seconds, or a text with ms, s, m or h, such "
            "as 10s"
        ),
    ),
    Wrong(
        "a pause too short",
        top("health: {every: 1ms}"),
        "config.yml:2: health.every: '1ms' is too short; write 50ms or more, such as 500ms",
    ),
    Wrong(
        "a time without end",
        top("health: {timeout: .inf}"),
        (
            "config.yml:2: health.timeout: .inf is no time; write seconds, or a text with ms, s, m or h, "
            "such as 2m"
        ),
    ),
    Wrong(
        "a count of UPs of zero",
        top("health: {ups: 0}"),
        "config.yml:2: health.ups: 0 is no number of answers; write a number from 1 to 1000, such as 1",
    ),
    Wrong(
        "a count that is a text",
        top("releases: {keep: many}"),
        (
            "config.yml:2: releases.keep: 'many' is no number of releases; write a number from 1 to 1000, "
            "such as 5"
        ),
    ),
    Wrong(
        "an include named .conf",
        top("switch: {include: /etc/nginx/conf.d/service-url.conf}"),
        (
            "config.yml:2: switch.include: '/etc/nginx/conf.d/service-url.conf' would be read by nginx "
            "itself, at http level, where `set` is an error; name it /etc/nginx/conf.d/service-url.inc, and "
            "include that in the server block"
        ),
    ),
    Wrong(
        "an include that is relative",
        top("switch: {include: conf.d/service-url.inc}"),
        (
            "config.yml:2: switch.include: 'conf.d/service-url.inc' is used on the host, so it begins with "
            "'/'; write it whole, as /etc/nginx/conf.d/service-url.inc"
        ),
    ),
    Wrong(
        "an include with a semicolon",
        top("switch: {include: '/etc/nginx/a;b.inc'}"),
        (
            "config.yml:2: switch.include: '/etc/nginx/a;b.inc' holds what nginx reads as syntax; write "
            "letters, digits, '.', '_', '-', such as /etc/nginx/conf.d/service-url.inc"
        ),
    ),
    Wrong(
        "two slots on the highest port",
        top("slots: {prod1: 65535, prod2: 65535}"),
        (
            "config.yml:2: slots.prod2: 65535 is the port of slots.prod1 already; write another one, such as "
            "65534"
        ),
    ),
    Wrong(
        "a number of more digits than are read",
        top(f"releases: {{keep: {'7' * 5000}}}"),
        (
            f"config.yml:2: releases.keep: '{'7' * 79}… is no number of releases; write a number from 1 to "
            "1000, such as 5"
        ),
    ),
    Wrong(
        "a time of more digits than are read",
        top(f"health: {{timeout: {'7' * 5000}}}"),
        (
            f"config.yml:2: health.timeout: '{'7' * 79}… is no time; write seconds, or a text with ms, s, m "
            "or h, such as 2m"
        ),
    ),
    Wrong(
        "releases in a relative folder",
        top("releases: {path: taggle}"),
        (
            "config.yml:2: releases.path: 'taggle' is used on the host, so it begins with '/'; write it "
            "whole, as /home/ubuntu/taggle"
        ),
    ),
    Wrong(
        "releases in the home of a shell",
        top("releases: {path: ~/taggle}"),
        (
            "config.yml:2: releases.path: '~/taggle' begins with '~', which only a shell knows; write it "
            "whole, as /home/ubuntu/taggle"
        ),
    ),
    Wrong(
        "releases in the root",
        top("releases: {path: /}"),
        (
            "config.yml:2: releases.path: '/' is the root of the host; write the app's folder, such as "
            "/home/ubuntu/taggle"
        ),
    ),
    Wrong(
        "releases in a folder with dots",
        top("releases: {path: /home/../taggle}"),
        "config.yml:2: releases.path: '/home/../taggle' holds '..'; write /taggle",
    ),
    *(
        Wrong(
            f"releases in a folder with {told}",
            top(f'releases: {{path: "/home/u/{written}"}}'),
            (
                f"config.yml:2: releases.path: {shown} holds {told}, which systemd and shells read as "
                "syntax; write letters, digits, '.', '_', '-', such as /home/ubuntu/taggle"
            ),
        )
        for written, shown, told in [
            ("my app", "'/home/u/my app'", "a blank"),
            ("it's", '"/home/u/it\'s"', '"\'"'),
            ('\\"x\\"', "'/home/u/\"x\"'", "'\"'"),
            ("100%", "'/home/u/100%'", "'%'"),
            ("$HOME", "'/home/u/$HOME'", "'$'"),
            ("a\\\\b", "'/home/u/a\\\\b'", "'\\\\'"),
        ]
    ),
    Wrong(
        "releases in the home of a placeholder that is mistyped",
        top("releases: {path: /home/<usr>/<app>}"),
        (
            "config.yml:2: releases.path: '/home/<usr>/<app>': nothing is filled in for '<usr>'; did you "
            "mean '<user>'? (<user> and <app>)"
        ),
    ),
    Wrong(
        "releases in a folder of a placeholder that there is not",
        top("releases: {path: /srv/<version>}"),
        (
            "config.yml:2: releases.path: '/srv/<version>': nothing is filled in for '<version>'; there are "
            "(<user> and <app>)"
        ),
    ),
    Wrong(
        "releases in a folder with a newline",
        top('releases: {path: "/home/u\\n/x"}'),
        (
            "config.yml:2: releases.path: '/home/u\\n/x' holds a newline; write it in one line, such as "
            "/home/ubuntu/taggle"
        ),
    ),
    Wrong(
        "a Java of the old way",
        top("java: {version: 1.8}"),
        "config.yml:2: java.version: 1.8 is Java's old way to say 8; write 8",
    ),
    Wrong(
        "a Java that is too old",
        top("java: {version: 7}"),
        "config.yml:2: java.version: 7 is no version of Java; write a number from 8 to 99, such as 17",
    ),
    Wrong(
        "a Java in quotes",
        top("java: {version: '21'}"),
        "config.yml:2: java.version: '21' is no version of Java; write 21, without quotes",
    ),
    Wrong(
        "a java command that is relative",
        top("java: {bin: ./java}"),
        (
            "config.yml:2: java.bin: './java' is not a command; write java, or a whole path such as "
            "/opt/java-17/bin/java"
        ),
    ),
    Wrong(
        "options as one text",
        top("java: {options: -Xmx512m}"),
        "config.yml:2: java.options: '-Xmx512m' is a text; write a list: [-Xmx512m]",
    ),
    Wrong(
        "several options in one",
        top("java: {options: [-Xmx512m -Xms256m]}"),
        (
            "config.yml:2: java.options[0]: '-Xmx512m -Xms256m' holds several options in one; write each for"
            " itself: [-Xmx512m, -Xms256m]"
        ),
    ),
    Wrong(
        "an option without its dash",
        top("java: {options: [Xmx512m]}"),
        (
            "config.yml:2: java.options[0]: 'Xmx512m' is not an option of the JVM, which begin with '-'; "
            "what is meant for the application goes into java.args"
        ),
    ),
    Wrong(
        "an option -jar",
        top("java: {options: [-jar]}"),
        (
            "config.yml:2: java.options[0]: '-jar' comes from bluegreen, which starts the release's app.jar;"
            " delete it"
        ),
    ),
    Wrong(
        "an argument that sets the port",
        top("java: {args: [--server.port=8081]}"),
        (
            "config.yml:2: java.args[0]: '--server.port=8081' would give both slots one port; delete it, "
            "slots: says the ports"
        ),
    ),
    Wrong(
        "an option that sets the profile",
        top("java: {options: [-Dspring.profiles.active=prod1]}"),
        (
            "config.yml:2: java.options[0]: '-Dspring.profiles.active=prod1' would hide the slot's own "
            "profile, which is its name; delete it, and for further profiles write "
            "--spring.profiles.include=NAME in java.args"
        ),
    ),
    Wrong(
        "an argument that is a number",
        top("java: {args: [5]}"),
        "config.yml:2: java.args[0]: 5 is a number; for a text put it in quotes: '5'",
    ),
    Wrong(
        "an env name with a dash",
        top("env: {MY-NAME: x}"),
        (
            "config.yml:2: env.MY-NAME: 'MY-NAME' is not a name of an environment variable: letters, digits "
            "and '_', no digit first; write for instance DB_PASSWORD"
        ),
    ),
    Wrong(
        "an env value of two lines",
        top('env: {CERT: "a\\nb"}'),
        (
            "config.yml:2: env.CERT: the value holds 2 lines; systemd reads environment files line by line, "
            "so write it in one line, for instance in base64"
        ),
    ),
    Wrong(
        "an env value that is a list",
        top("env: {A: [1, 2]}"),
        "config.yml:2: env.A: [1, 2] is a list; an environment variable holds one text",
    ),
    Wrong(
        "an env value that is missing",
        top("env: {A: }"),
        "config.yml:2: env.A: has no value; write '' for an empty one",
    ),
    Wrong(
        "env as a list",
        top("env: [A=1]"),
        "config.yml:2: env: [A=1] is a list; write keys with values, such as {TZ: Asia/Seoul}",
    ),
    Wrong(
        "a secret with a digit first",
        top("secrets: [1PASSWORD]"),
        (
            "config.yml:2: secrets[0]: '1PASSWORD' is not a name of an environment variable: letters, digits"
            " and '_', no digit first; write for instance DB_PASSWORD"
        ),
    ),
    Wrong(
        "a secret with its value",
        top("secrets: {DB_PASSWORD: hunter2}"),
        (
            "config.yml:2: secrets: values of secrets never stand in this file; write the names alone, "
            "[DB_PASSWORD]: the values come from the deployer's environment"
        ),
    ),
    Wrong(
        "a secret as a text",
        top("secrets: DB_PASSWORD"),
        "config.yml:2: secrets: 'DB_PASSWORD' is a text; write a list: [DB_PASSWORD]",
    ),
    Wrong(
        "a secret that stands in env too",
        top("env: {DB_PASSWORD: x}\nsecrets: [DB_PASSWORD]"),
        (
            "config.yml:3: secrets[0]: 'DB_PASSWORD' stands in env too; keep it here, and delete it from "
            "env, if it is secret"
        ),
    ),
    Wrong(
        "a secret that stands twice",
        top("secrets: [A, A]"),
        "config.yml:2: secrets[1]: 'A' stands twice; keep one of the two",
    ),
    Wrong(
        "a proxy that is no network",
        top("site: {proxies: [proxy.example]}"),
        (
            "config.yml:2: site.proxies[0]: 'proxy.example' is no network; write a network such as "
            "10.0.0.0/16, or an address"
        ),
    ),
    Wrong(
        "a proxy with host bits",
        top("site: {proxies: [10.0.0.1/8]}"),
        "config.yml:2: site.proxies[0]: '10.0.0.1/8' is no network; write 10.0.0.0/8",
    ),
    Wrong(
        "proxies that are everybody",
        top("site: {proxies: [0.0.0.0/0]}"),
        (
            "config.yml:2: site.proxies[0]: '0.0.0.0/0' is everybody: any client could then claim any "
            "address; write the proxies' own network, such as 10.0.0.0/16"
        ),
    ),
    Wrong(
        "a server_name with https",
        top("site: {server_name: 'https://taggle.example'}"),
        (
            "config.yml:2: site.server_name: 'https://taggle.example' is not a server_name of nginx: names "
            "alone, without https:// and port, a space between two; write for instance taggle.example"
        ),
    ),
    Wrong(
        "an address with its user",
        "app: taggle\nhosts:\n  prod: {address: ubuntu@10.0.0.5}\n",
        (
            "config.yml:3: hosts.prod.address: 'ubuntu@10.0.0.5' holds the user; write address: 10.0.0.5 and"
            " user: ubuntu"
        ),
    ),
    Wrong(
        "an address with its port",
        "app: taggle\nhosts:\n  prod: {address: 10.0.0.5:2222}\n",
        (
            "config.yml:3: hosts.prod.address: '10.0.0.5:2222' holds the port; write address: 10.0.0.5 and "
            "port: 2222"
        ),
    ),
    Wrong(
        "an address that is a URL",
        "app: taggle\nhosts:\n  prod: {address: 'ssh://10.0.0.5'}\n",
        "config.yml:3: hosts.prod.address: 'ssh://10.0.0.5' is a URL; write the name alone: 10.0.0.5",
    ),
    Wrong(
        "two addresses in one text",
        "app: taggle\nhosts:\n  prod: {address: '10.0.0.5, 10.0.0.6'}\n",
        (
            "config.yml:3: hosts.prod.address: '10.0.0.5, 10.0.0.6' is no address; give several as a list, "
            "such as [10.0.0.5, 10.0.0.6]"
        ),
    ),
    Wrong(
        "an address that would be an option of ssh",
        "app: taggle\nhosts:\n  prod: {address: -oProxyCommand=x}\n",
        ("config.yml:3: hosts.prod.address: '-oProxyCommand=x' is no address; write a name or an IP address"),
    ),
    Wrong(
        "an address that stands twice",
        "app: taggle\nhosts:\n  prod:\n    address:\n      - a\n      - b\n      - a\n",
        "config.yml:7: hosts.prod.address[2]: 'a' stands twice; keep one of the two",
    ),
    Wrong(
        "no address in the list",
        "app: taggle\nhosts:\n  prod: {address: []}\n",
        "config.yml:3: hosts.prod.address: [] is no address; write one, or a list of several",
    ),
    Wrong(
        "a user with a space",
        host("user: my user"),
        (
            "config.yml:5: hosts.prod.user: 'my user' is not a user of Linux: letters, digits, '.', '_' and "
            "'-'; write for instance ubuntu"
        ),
    ),
    Wrong(
        "an identity that is the public half",
        host("identity: ~/.ssh/id_ed25519.pub"),
        (
            "config.yml:5: hosts.prod.identity: '~/.ssh/id_ed25519.pub' is the public half; write the "
            "private key's path: ~/.ssh/id_ed25519"
        ),
    ),
    Wrong(
        "an identity that is the key itself",
        host('identity: "-----BEGIN OPENSSH PRIVATE KEY-----"'),
        (
            "config.yml:5: hosts.prod.identity: this is a private key itself, which must not stand in a file"
            " that is committed; put it into BLUEGREEN_SSH_KEY, or write the path of its file"
        ),
    ),
    Wrong(
        "a host key that is a fingerprint",
        key("SHA256:abcdef"),
        (
            "config.yml:5: hosts.prod.host_key: 'SHA256:abcdef' is a fingerprint, and a key cannot be told "
            "from it; `invoke trust` pins the key itself, `ssh-keyscan -t ed25519 ADDRESS` shows it"
        ),
    ),
    Wrong(
        "a host key without its type",
        key(KEY),
        (
            "config.yml:5: hosts.prod.host_key: the key's type is missing; write 'ssh-ed25519 "
            "AAAAC3NzaC1lZDI1NTE5…'"
        ),
    ),
    Wrong(
        "a host key that is its type alone",
        key("ssh-ed25519"),
        (
            "config.yml:5: hosts.prod.host_key: 'ssh-ed25519' is the type alone; write type and base64, as "
            "in 'ssh-ed25519 AAAAC3Nza…'"
        ),
    ),
    Wrong(
        "a host key that is a line of known_hosts",
        key("10.0.0.5 ssh-ed25519 " + KEY),
        (
            "config.yml:5: hosts.prod.host_key: this is a whole line of known_hosts; leave its first word "
            "away: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5…'"
        ),
    ),
    Wrong(
        "a host key with another type",
        key("ssh-rsa " + KEY),
        (
            "config.yml:5: hosts.prod.host_key: says ssh-rsa, but the key itself is ssh-ed25519; write "
            "'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5…'"
        ),
    ),
    Wrong(
        "a host key of the example",
        key("ssh-ed25519 AAAA..."),
        (
            "config.yml:5: hosts.prod.host_key: 'AAAA...' is no base64 of a key, or was cut off; paste it "
            "again, in one line"
        ),
    ),
    Wrong(
        "a host key that was cut off",
        key("ssh-ed25519 " + KEY[:-8]),
        (
            "config.yml:5: hosts.prod.host_key: 'AAAAC3NzaC1lZDI1NTE5…' is not a whole ssh-ed25519 key; "
            "paste it again, in one line"
        ),
    ),
    Wrong(
        "a host key that is private",
        key('"-----BEGIN OPENSSH PRIVATE KEY-----"'),
        (
            "config.yml:5: hosts.prod.host_key: this is a private key, which belongs to nobody else; pin the"
            " host's public one"
        ),
    ),
    Wrong(
        "a host key of an unknown type",
        key("ssh-dss AAAA"),
        (
            "config.yml:5: hosts.prod.host_key: 'ssh-dss' is no type of host key (ssh-ed25519, "
            "ecdsa-sha2-nistp256, ecdsa-sha2-nistp384, ecdsa-sha2-nistp521, ssh-rsa); write type and base64,"
            " as in 'ssh-ed25519 AAAAC3Nza…'"
        ),
    ),
    Wrong(
        "a sandbox with an address",
        "app: taggle\nhosts:\n  sandbox: {sandbox: true, address: h}\n",
        (
            "config.yml:3: hosts.sandbox.address: a sandbox has its own, made by `invoke sandbox`; delete "
            "the key"
        ),
    ),
    Wrong(
        "a sandbox under systemd",
        "app: taggle\nhosts:\n  sandbox: {sandbox: true, supervisor: systemd}\n",
        (
            "config.yml:3: hosts.sandbox.supervisor: 'systemd' is not asked in a sandbox, which runs without"
            " root; write process"
        ),
    ),
    Wrong(
        "a sandbox that is yes",
        "app: taggle\nhosts:\n  sandbox: {sandbox: yes}\n",
        "config.yml:3: hosts.sandbox.sandbox: 'yes' is neither true nor false; write true",
    ),
    Wrong(
        "a key that stands twice",
        top("jar: a.jar\njar: b.jar"),
        "config.yml:3: jar: stands twice, first in line 2; keep one of the two",
    ),
    Wrong(
        "a host that stands twice",
        "app: taggle\nhosts:\n  prod: {address: a}\n  prod: {address: b}\n",
        "config.yml:4: hosts.prod: stands twice, first in line 3; keep one of the two",
    ),
    Wrong(
        "a jar that is a list",
        top("jar: [a.jar, b.jar]"),
        "config.yml:2: jar: [a.jar, b.jar] is a list; write one text, such as build/libs/*.jar",
    ),
    Wrong(
        "a jar that stands empty",
        top("jar:"),
        "config.yml:2: jar: is empty; write build/libs/*.jar, or delete the key",
    ),
    Wrong(
        "a tab",
        top("health:\n\tpath: /x"),
        "config.yml:3: 'path: /x' is no YAML: a tab stands here; YAML is indented with spaces only",
    ),
    Wrong(
        "two colons in a line",
        top("jar: a: b"),
        (
            "config.yml:2: 'jar: a: b' is no YAML: a second ': ' in one line, or a wrong indent; put a text "
            "that holds ': ' in quotes"
        ),
    ),
    Wrong(
        "a brace that is not closed",
        top("slots: {prod1: 8081, prod2: 8082"),
        (
            "config.yml:2: 'slots: {prod1: 8081, prod2: 8082' is no YAML: a '{' is not closed, or a ',' is "
            "missing; write {one: 1, two: 2}"
        ),
    ),
    Wrong(
        "a quote that is not closed",
        top("jar: 'build/libs"),
        'config.yml:2: "jar: \'build/libs" is no YAML: a quote is opened and not closed',
    ),
    Wrong(
        "an indent that does not fit",
        "app: taggle\n  jar: x\n" + HOSTS,
        (
            "config.yml:2: 'jar: x' is no YAML: a second ': ' in one line, or a wrong indent; put a text "
            "that holds ': ' in quotes"
        ),
    ),
    Wrong(
        "an item among keys",
        "app: taggle\n- jar\n" + HOSTS,
        (
            "config.yml:2: '- jar' is no YAML: the indent is not that of the lines above; keys of one "
            "section stand in line"
        ),
    ),
    Wrong(
        "a text that begins with @",
        top("jar: @x"),
        "config.yml:2: 'jar: @x' is no YAML: a text must not begin with this character; put it in quotes",
    ),
    Wrong(
        "an alias without anchor",
        top("jar: *.jar"),
        (
            "config.yml:2: 'jar: *.jar' is no YAML: an alias (*name) without its anchor (&name); put a text "
            "with * first in quotes"
        ),
    ),
    Wrong(
        "a merge conflict",
        "app: taggle\n<<<<<<< HEAD\njar: a\n=======\njar: b\n>>>>>>> x\n" + HOSTS,
        "config.yml:2: a merge conflict is left in the file: '<<<<<<< HEAD'; resolve it",
    ),
    Wrong(
        "two documents",
        "app: taggle\n" + HOSTS + "---\napp: other\n",
        "config.yml:3: '---' is no YAML: a second document begins (---); one file holds one config",
    ),
    Wrong("an empty file", "", "config.yml:1: the file is empty; `app: NAME` and `hosts:` are required"),
    Wrong(
        "a file of comments only",
        "# nothing\n",
        "config.yml:1: the file is empty; `app: NAME` and `hosts:` are required",
    ),
    Wrong(
        "a file that is a list",
        "- app: taggle\n",
        "config.yml:1: the file holds a list; it must hold keys, such as `app: taggle`",
    ),
    Wrong(
        "a file that is a text",
        "taggle\n",
        "config.yml:1: the file holds a text; it must hold keys, such as `app: taggle`",
    ),
    Wrong(
        "a tag",
        top("jar: !!python/name:os.system x"),
        ("config.yml:2: jar: the tag 'tag:yaml.org,2002:python/name:os.system' is not used here; delete it"),
    ),
    Wrong(
        "a control character",
        top("jar: a\x01b"),
        "config.yml:2: holds the control character '\\x01'; delete it",
    ),
    Wrong(
        "a secret with its value in the list",
        top("secrets: [DB_PASSWORD=hunter2]"),
        (
            "config.yml:2: secrets[0]: values of secrets never stand in this file; write the names alone, "
            "[DB_PASSWORD]: the values come from the deployer's environment"
        ),
    ),
    Wrong(
        "a secret as an item with its value",
        top("secrets:\n  - DB_PASSWORD: hunter2"),
        (
            "config.yml:3: secrets[0]: values of secrets never stand in this file; write the names alone, "
            "[DB_PASSWORD]: the values come from the deployer's environment"
        ),
    ),
    Wrong(
        "a slot on localhost",
        top("slots: {prod1: localhost, prod2: 8082}"),
        (
            "config.yml:2: slots.prod1: 'localhost' names a host; give the port number alone, 8081: nginx "
            'asks 127.0.0.1, and to a host name such as localhost it answers 502 ("no resolver")'
        ),
    ),
    Wrong(
        "a list within a list",
        top("java: {options: [[-Xmx512m]]}"),
        "config.yml:2: java.options[0]: [-Xmx512m] is a list; write one text, such as -Xmx512m",
    ),
    Wrong(
        "a folder of the host that is a number",
        top("releases: {path: 5}"),
        "config.yml:2: releases.path: 5 is a number; for a text put it in quotes: '5'",
    ),
]


@pytest.mark.parametrize("wrong", WRONG, ids=[wrong.what for wrong in WRONG])
def test_is_refused_with_line_key_value_and_a_right_one(
    wrong: Wrong, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("config.yml").write_text(wrong.file, encoding="utf-8")

    with pytest.raises(WrongUsage) as raised:
        config.load(Path("config.yml"))

    assert str(raised.value) == wrong.error
    assert raised.value.exit_code == 2
