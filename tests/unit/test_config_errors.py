"""Every way to get config.yml wrong: an error has its line, its key, the wrong value and a right one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from bluegreen import config
from bluegreen.config import ConfigError
from bluegreen.config.yaml_source import dotted

KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIHwmnr7vR/bAe6lXoRPBUZ5zMOg5yIWMiRqHMHKFvQTp"
HOSTS = "hosts: {prod: {address: h, user: u}}\n"


@dataclass(frozen=True)
class Wrong:
    """A config.yml with one error.

    Args:
        what: the name of the case.
        file: the content of the file.
        line: of the error, from 1.
        key: of the error, as in `hosts.prod.address[1]`; empty where the file is not YAML.
        wrong: what the message says is wrong, such as the value.
        right: what the message says would be right, after it.
    """

    what: str
    file: str
    line: int
    key: str
    wrong: str
    right: str


def top(what: str, lines: str, key: str, wrong: str, right: str, line: int = 2) -> Wrong:
    """A file with these lines at its top level, from line 2 on."""
    return Wrong(what, f"app: taggle\n{lines}\n{HOSTS}", line, key, wrong, right)


def host(what: str, lines: str, key: str, wrong: str, right: str) -> Wrong:
    """A file with these lines in the entry of a host, from line 5 on."""
    file = f"app: taggle\nhosts:\n  prod:\n    address: h\n    {lines}\n"
    return Wrong(what, file, 5, f"hosts.prod.{key}", wrong, right)


def key(what: str, host_key: str, wrong: str, right: str) -> Wrong:
    return host(what, f"host_key: {host_key}", "host_key", wrong, right)


# fmt: off
# The app, and the entries of hosts

APP_AND_HOSTS = [
    Wrong("an app is missing", HOSTS, 1, "app", "is missing", "app: taggle"),
    Wrong("hosts are missing", "app: taggle\n",
        1, "hosts", "is missing", "hosts: {prod: {address: …, user: ubuntu}}"),
    Wrong("no host at all", "app: taggle\nhosts: {}\n",
        2, "hosts", "has no entry", "prod: {address: …, user: ubuntu}"),
    Wrong("hosts that are empty", "app: taggle\nhosts:\n",
        2, "hosts", "is empty", "prod: {address: …, user: ubuntu}"),
    Wrong("hosts are a list", "app: taggle\nhosts: [prod]\n",
        2, "hosts", "[prod]", "prod: {address: …, user: ubuntu}"),
    Wrong("a host without an address", "app: taggle\nhosts:\n  prod: {user: ubuntu}\n",
        3, "hosts.prod", "has no address", "address: ADDRESS, or sandbox: true"),
    Wrong("a host that is only an address", "app: taggle\nhosts:\n  prod: 10.0.0.5\n",
        3, "hosts.prod", "'10.0.0.5'", "{address: 10.0.0.5}, or {sandbox: true}"),
    Wrong("a host that is empty", "app: taggle\nhosts:\n  prod:\n",
        3, "hosts.prod", "is empty", "{address: …}, or {sandbox: true}"),
    Wrong("a host whose name has a space", "app: taggle\nhosts:\n  my host: {address: h}\n",
        3, "hosts.my host", "'my host'", "prod"),
    Wrong("an app in capitals", "app: Taggle\n" + HOSTS, 1, "app", "'Taggle'", "taggle"),
    Wrong("an app with a space", "app: my app\n" + HOSTS, 1, "app", "'my app'", "taggle"),
    Wrong("an app of 32 letters", "app: " + "a" * 32 + "\n" + HOSTS,
        1, "app", "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'", "at most 31"),
    Wrong("an app that is a number", "app: 12\n" + HOSTS, 1, "app", "12 is not a name", "taggle"),
    Wrong("an app that is true", "app: true\n" + HOSTS, 1, "app", "true is a boolean", "'true'"),
]

# YAML

YAML = [
    top("a duplicate key", "jar: a.jar\njar: b.jar",
        "jar", "duplicate key, first on line 2", "delete one", line=3),
    Wrong("a duplicate host", "app: taggle\nhosts:\n  prod: {address: a}\n  prod: {address: b}\n",
        4, "hosts.prod", "duplicate key, first on line 3", "delete one"),
    top("a tab", "health:\n\tpath: /x", "", "'path: /x' is not YAML: a tab", "spaces", line=3),
    top("two colons in a line", "jar: a: b", "", "'jar: a: b'", "in quotes"),
    top("a brace that is not closed", "slots: {prod1: 8081, prod2: 8082",
        "", "'slots: {prod1: 8081, prod2: 8082'", "{one: 1, two: 2}"),
    top("a quote that is not closed", "jar: 'build/libs",
        "", "\"jar: 'build/libs\"", "a quote is not closed"),
    Wrong("an indent that does not fit", "app: taggle\n  jar: x\n" + HOSTS,
        2, "", "'jar: x'", "a wrong indent"),
    Wrong("an item among keys", "app: taggle\n- jar\n" + HOSTS, 2, "", "'- jar'", "indent"),
    top("a text that begins with @", "jar: @x", "", "'jar: @x'", "in quotes"),
    top("an alias without anchor", "jar: *.jar", "", "'jar: *.jar'", "in quotes"),
    Wrong("a merge conflict", "app: taggle\n<<<<<<< HEAD\njar: a\n=======\njar: b\n>>>>>>> x\n" + HOSTS,
        2, "", "'<<<<<<< HEAD'", "resolve it"),
    Wrong("two documents", "app: taggle\n" + HOSTS + "---\napp: other\n", 3, "", "'---'", "delete it"),
    Wrong("an empty file", "", 1, "", "is empty", "`app: NAME` and `hosts:`"),
    Wrong("a file of comments only", "# nothing\n", 1, "", "is empty", "`app: NAME` and `hosts:`"),
    Wrong("a file that is a list", "- app: taggle\n", 1, "", "is a list", "app: taggle"),
    Wrong("a file that is a text", "taggle\n", 1, "", "is a text", "app: taggle"),
    top("a tag", "jar: !!python/name:os.system x", "jar", "python/name:os.system", "delete it"),
    top("a control character", "jar: a\x01b", "", "'\\x01'", "delete it"),
]

# Unknown keys, and sections

KEYS = [
    top("a misspelt key at the top", "jarr: a.jar", "jarr", "unknown key 'jarr'", "'jar'"),
    top("a misspelt key in a section", "health: {timout: 1m}", "health.timout",
        "unknown key 'timout'", "'timeout'? (path, ports, every, timeout, ups, smoke, warm)"),
    host("a misspelt key in a host", "adress: x", "adress", "unknown key 'adress'", "'address'"),
    top("a key with its unit as in Python", "switch: {watch_s: 10}",
        "switch.watch_s", "unknown key 'watch_s'", "'watch'"),
    top("a key of a section at the top", "method: reload", "method", "unknown key 'method'", "switch:"),
    top("a key of a host at the top", "user: ubuntu", "user", "unknown key 'user'", "an entry of hosts:"),
    host("a key of the top in a host", "app: other", "app", "unknown key 'app'", "the top level of the file"),
    top("a key of another section", "health: {drain: 3s}",
        "health.drain", "unknown key 'drain'", "old_slot:"),
    host("a password", "password: hunter2",
        "password", "unknown key 'password'", "identity: PATH, or set BLUEGREEN_SSH_KEY"),
    top("a key that is like no other", "qqq: 1", "qqq", "unknown key 'qqq'",
        "jar, slots, java, env, secrets, health, switch, old_slot, releases, supervisor, site, app, hosts"),
    top("a section that is a text", "health: /actuator/health",
        "health", "'/actuator/health'", "(path, ports, every, timeout, ups, smoke, warm)"),
    top("a section that is a list", "switch: [instant]",
        "switch", "[instant]", "(method, include, verify, probe, watch)"),
    top("a section that is empty", "health:",
        "health", "is empty", "(path, ports, every, timeout, ups, smoke, warm)"),
]

# Choices and flags

CHOICES = [
    host("a misspelt method in a host", "switch: {method: instnat}",
        "switch.method", "'instnat'", "'instant'? (instant or reload)"),
    top("a method that is true", "switch: {method: true}",
        "switch.method", "true is not a method", "instant or reload"),
    top("a wrong supervisor", "supervisor: systemctl",
        "supervisor", "'systemctl'", "'systemd'? (systemd or process)"),
    top("a wrong end of the old slot", "old_slot: {after_switch: kill}",
        "old_slot.after_switch", "'kill'", "keep or stop"),
    Wrong("a sandbox with an address", "app: taggle\nhosts:\n  sandbox: {sandbox: true, address: h}\n",
        3, "hosts.sandbox.address", "a sandbox has its own", "delete"),
    Wrong("a sandbox under systemd", "app: taggle\nhosts:\n  sandbox: {sandbox: true, supervisor: systemd}\n",
        3, "hosts.sandbox.supervisor", "'systemd'", "write process"),
    Wrong("a sandbox that is yes", "app: taggle\nhosts:\n  sandbox: {sandbox: yes}\n",
        3, "hosts.sandbox.sandbox", "'yes'", "write true"),
]

# Slots and ports

PORTS = [
    top("only one slot", "slots: {prod1: 8081}", "slots", "1 slot (prod1)", "{prod1: 8081, prod2: 8082}"),
    top("three slots", "slots: {a: 8081, b: 8082, c: 8083}",
        "slots", "3 slots (a, b, c)", "{prod1: 8081, prod2: 8082}"),
    top("slots as a list", "slots: [prod1, prod2]", "slots", "[prod1, prod2]", "{prod1: 8081, prod2: 8082}"),
    top("slots with equal ports", "slots: {prod1: 8081, prod2: 8081}",
        "slots.prod2", "8081 is already the port of slots.prod1", "8082"),
    top("a slot whose name has a dot", "slots: {prod.1: 8081, prod2: 8082}",
        "slots.prod.1", "'prod.1'", "prod1"),
    top("a port of 0", "slots: {prod1: 0, prod2: 8082}",
        "slots.prod1", "0 is below the minimum", "1 or more"),
    top("a port of 65536", "slots: {prod1: 8081, prod2: 65536}",
        "slots.prod2", "65536 is above the maximum", "65535 or less"),
    top("a port that is negative", "slots: {prod1: -1, prod2: 8082}",
        "slots.prod1", "-1 is below", "1 or more"),
    top("a port with a leading zero", "slots: {prod1: 08081, prod2: 8082}",
        "slots.prod1", "'08081'", "8081, without leading zeros"),
    top("a port in quotes", "slots: {prod1: '8081', prod2: 8082}",
        "slots.prod1", "'8081'", "8081, without quotes"),
    top("a port with a fraction", "slots: {prod1: 8081.5, prod2: 8082}",
        "slots.prod1", "8081.5 is not a port", "a whole number, such as 8081"),
    top("a port that YAML 1.1 reads as base 60", "slots: {prod1: 22:33, prod2: 8082}",
        "slots.prod1", "'22:33' is not a port", "a whole number, such as 8081"),
    top("a port that is yes", "slots: {prod1: yes, prod2: 8082}",
        "slots.prod1", "'yes' is not a port", "a whole number, such as 8081"),
    top("a port that is true", "slots: {prod1: true, prod2: 8082}",
        "slots.prod1", "true is not a port", "a whole number, such as 8081"),
    top("a slot with localhost", "slots: {prod1: localhost:8081, prod2: 8082}",
        "slots.prod1", "'localhost:8081' names a host", "8081"),
    top("a slot with a URL", "slots: {prod1: 'http://localhost:8081', prod2: 8082}",
        "slots.prod1", "'http://localhost:8081' names a host", "8081"),
    top("a slot with an IP address", "slots: {prod1: 127.0.0.1:8081, prod2: 8082}",
        "slots.prod1", "'127.0.0.1:8081' names a host", "8081"),
    top("a slot on the port of nginx", "slots: {prod1: 80, prod2: 8082}",
        "slots.prod1", "80 is already the port of site.listen", "8081"),
    top("a site on the port of a slot by default", "site: {listen: 8082}",
        "site.listen", "8082 is already the port of slots.prod2", "8083"),
    host("a host's site on the port of a slot", "site: {listen: 8081}",
        "site.listen", "8081 is already the port of slots.prod1", "8083"),
    top("management ports that are equal", "health: {ports: {prod1: 9081, prod2: 9081}}",
        "health.ports.prod2", "9081 is already the port of health.ports.prod1", "9082"),
    top("a management port that is the other slot's", "health: {ports: {prod1: 8082}}",
        "health.ports.prod1", "8082 is already the port of slots.prod2", "8083"),
    top("a management port that is the slot's own", "health: {ports: {prod1: 8081}}",
        "health.ports.prod1", "8081 is the slot's own", "delete the key"),
    top("a management port of an unknown slot", "health: {ports: {prod3: 9081}}",
        "health.ports.prod3", "'prod3'", "'prod2'"),
    top("a management port with localhost", "health: {ports: {prod1: localhost:9081}}",
        "health.ports.prod1", "'localhost:9081' names a host", "9081"),
    host("an SSH port out of range", "port: 70000", "port", "70000 is above", "65535 or less"),
    top("two slots on the highest port", "slots: {prod1: 65535, prod2: 65535}",
        "slots.prod2", "65535 is already the port of slots.prod1", "65534"),
    top("a slot on localhost", "slots: {prod1: localhost, prod2: 8082}",
        "slots.prod1", "'localhost' names a host", "8081"),
]

# Paths of the application

PATHS = [
    top("a probe that is not a path", "switch: {probe: profiles}", "switch.probe", "'profiles'", "/profiles"),
    top("a health path without its slash", "health: {path: actuator/health}",
        "health.path", "'actuator/health'", "/actuator/health"),
    top("a health path that is a URL", "health: {path: 'http://localhost:8081/actuator/health'}",
        "health.path", "'http://localhost:8081/actuator/health'", "the path only: /actuator/health"),
    top("a health path with a space", "health: {path: /actuator/my health}",
        "health.path", "'/actuator/my health'", "/actuator/my%20health"),
    top("a smoke path without its slash", "health:\n  smoke:\n    - /ok\n    - tags",
        "health.smoke[1]", "'tags'", "/tags", line=5),
    top("a single smoke path", "health: {smoke: /tags}", "health.smoke", "'/tags'", "[/tags]"),
    top("a verify path that is the word none", "switch: {verify: none}", "switch.verify", "'none'", "null"),
    top("a verify path without its slash", "switch: {verify: profiles}",
        "switch.verify", "'profiles'", "/profiles"),
]

# Durations and counts

NUMBERS = [
    top("a time to keep a slot that is stopped", "old_slot: {after_switch: stop, keep_for: 10m}",
        "old_slot.keep_for", "after_switch: keep", "delete one"),
    top("a time to keep that is not a duration", "old_slot: {keep_for: forever}",
        "old_slot.keep_for", "'forever'", "10, 500ms or 2m"),
    top("a time that is a word", "health: {timeout: soon}", "health.timeout", "'soon'", "10, 500ms or 2m"),
    top("a time in words", "health: {timeout: 2 minutes}",
        "health.timeout", "'2 minutes'", "10, 500ms or 2m"),
    top("a time below zero", "switch: {watch: -1}", "switch.watch", "-1 is below", "0s or more"),
    top("a time that is the word on", "switch: {watch: on}", "switch.watch", "'on'", "10, 500ms or 2m"),
    top("a pause too short", "health: {every: 1ms}", "health.every", "'1ms' is below", "50ms or more"),
    top("a time that is infinite", "health: {timeout: .inf}", "health.timeout", ".inf", "10, 500ms or 2m"),
    top("a count of UPs of zero", "health: {ups: 0}", "health.ups", "0 is below", "1 or more"),
    top("a count that is a text", "releases: {keep: many}",
        "releases.keep", "'many' is not a number of releases", "a whole number, such as 5"),
    top("a number of more digits than are read", f"releases: {{keep: {'7' * 5000}}}",
        "releases.keep", "'7777777", "a whole number, such as 5"),
    top("a time of more digits than are read", f"health: {{timeout: {'7' * 5000}}}",
        "health.timeout", "'7777777", "10, 500ms or 2m"),
    top("a time that is true", "switch: {watch: true}",
        "switch.watch", "true is not a duration", "10, 500ms or 2m"),
    top("a time that is a list", "switch: {watch: [1]}",
        "switch.watch", "[1] is not a duration", "10, 500ms or 2m"),
    top("a time that is empty", "switch: {watch: }", "switch.watch", "is empty", "10s"),
    top("a time that is not a number", "switch: {watch: .nan}",
        "switch.watch", ".nan is not a duration", "10, 500ms or 2m"),
    top("a time with a wrong unit", "switch: {watch: 1d}",
        "switch.watch", "'1d' is not a duration", "10, 500ms or 2m"),
]

# Files on the host, and the jar

FILES = [
    top("an include named .conf", "switch: {include: /etc/nginx/conf.d/service-url.conf}",
        "switch.include", "'/etc/nginx/conf.d/service-url.conf'", "/etc/nginx/conf.d/service-url.inc"),
    top("an include that is relative", "switch: {include: conf.d/service-url.inc}",
        "switch.include", "'conf.d/service-url.inc'", "/etc/nginx/conf.d/service-url.inc"),
    top("an include with a semicolon", "switch: {include: '/etc/nginx/a;b.inc'}",
        "switch.include", "'/etc/nginx/a;b.inc'", "/etc/nginx/conf.d/service-url.inc"),
    top("releases in a relative folder", "releases: {path: taggle}",
        "releases.path", "'taggle'", "/home/ubuntu/taggle"),
    top("releases in the home of a shell", "releases: {path: ~/taggle}",
        "releases.path", "'~/taggle'", "/home/ubuntu/taggle"),
    top("releases in the root", "releases: {path: /}", "releases.path", "'/'", "/home/ubuntu/taggle"),
    top("releases in a folder with dots", "releases: {path: /home/../taggle}",
        "releases.path", "'/home/../taggle'", "write /taggle"),
    top("releases in the home of a placeholder that is mistyped", "releases: {path: /home/<usr>/<app>}",
        "releases.path", "'/home/<usr>/<app>'", "'<user>'"),
    top("releases in a folder of a placeholder that there is not", "releases: {path: /srv/<version>}",
        "releases.path", "'/srv/<version>'", "<user> or <app>"),
    top("releases in a folder with a newline", 'releases: {path: "/home/u\\n/x"}',
        "releases.path", "'/home/u\\n/x' contains a newline", "one line"),
    top("a jar that is a list", "jar: [a.jar, b.jar]", "jar", "[a.jar, b.jar]", "build/libs/*.jar"),
    top("a jar that is empty", "jar:", "jar", "is empty", "build/libs/*.jar"),
    top("releases in a folder that is a number", "releases: {path: 5}",
        "releases.path", "5 is not a folder", "/home/ubuntu/taggle"),
    *(
        top(f"releases in a folder with {name}", f'releases: {{path: "/home/u/{written}"}}',
            "releases.path", f"{shown} is not a folder for releases", "/home/ubuntu/taggle")
        for name, written, shown in [
            ("a space", "my app", "'/home/u/my app'"),
            ("a quote", "it's", '"/home/u/it\'s"'),
            ("a double quote", '\\"x\\"', "'/home/u/\"x\"'"),
            ("a percent sign", "100%", "'/home/u/100%'"),
            ("a dollar sign", "$HOME", "'/home/u/$HOME'"),
            ("a backslash", "a\\\\b", "'/home/u/a\\\\b'"),
        ]
    ),
]

# Java

JAVA = [
    top("a Java by its old name", "java: {version: 1.8}", "java.version", "1.8", "write 8"),
    top("a Java that is too old", "java: {version: 7}", "java.version", "7 is below", "8 or more"),
    top("a Java in quotes", "java: {version: '21'}", "java.version", "'21'", "21, without quotes"),
    top("a java command that is relative", "java: {bin: ./java}",
        "java.bin", "'./java'", "/opt/java-17/bin/java"),
    top("options as one text", "java: {options: -Xmx512m}", "java.options", "'-Xmx512m'", "[-Xmx512m]"),
    top("several options in one", "java: {options: [-Xmx512m -Xms256m]}",
        "java.options[0]", "'-Xmx512m -Xms256m'", "[-Xmx512m, -Xms256m]"),
    top("an option without its dash", "java: {options: [Xmx512m]}",
        "java.options[0]", "'Xmx512m'", "java.args"),
    top("an option -jar", "java: {options: [-jar]}", "java.options[0]", "'-jar'", "delete it"),
    top("an argument that sets the port", "java: {args: [--server.port=8081]}",
        "java.args[0]", "'--server.port=8081'", "set slots"),
    top("an option that sets the profile", "java: {options: [-Dspring.profiles.active=prod1]}",
        "java.options[0]", "'-Dspring.profiles.active=prod1'", "java.profiles: [prod]"),
    top("a profile in the environment", "env: {SPRING_PROFILES_ACTIVE: prod}",
        "env", "SPRING_PROFILES_ACTIVE", "java.profiles: [prod]"),
    top("a profile in the environment as Spring also reads it", "env: {spring_profiles_active: prod}",
        "env", "spring_profiles_active", "java.profiles: [prod]"),
    top("a profile among the secrets", "secrets: [SPRING_PROFILES_ACTIVE]",
        "secrets", "SPRING_PROFILES_ACTIVE", "java.profiles: [prod]"),
    top("included profiles among the secrets", "secrets: [spring_profiles_include]",
        "secrets[0]", "spring_profiles_include", "java.profiles: [prod]"),
    top("a port in the environment", "env: {SERVER_PORT: '8080'}", "env", "SERVER_PORT", "set slots"),
    top("a profile that is not one", "java: {profiles: ['prod,dev']}",
        "java.profiles[0]", "'prod,dev' is not a Spring profile", "prod"),
    top("a JMX port", "java: {options: [-Dcom.sun.management.jmxremote.port=9010]}",
        "java.options[0]", "the same port 9010", "-Dcom.sun.management.jmxremote.port=1{port}"),
    top("a JMX port of RMI", "java: {options: [-Dcom.sun.management.jmxremote.rmi.port=9010]}",
        "java.options[0]", "the same port 9010", "-Dcom.sun.management.jmxremote.rmi.port=1{port}"),
    top("a port of the debugger", "java: {options: ['-agentlib:jdwp=server=y,address=*:5005']}",
        "java.options[0]", "the same port 5005", "address=*:1{port}"),
    top("an old debugger", "java: {options: ['-Xrunjdwp:server=y,address=5005,suspend=n']}",
        "java.options[0]", "the same port 5005", "address=1{port},suspend=n"),
    top("a port of an agent", "java: {options: ['-javaagent:/opt/jmx.jar=12345:/opt/jmx.yml']}",
        "java.options[0]", "the same port 12345", "-javaagent:/opt/jmx.jar=1{port}:/opt/jmx.yml"),
    top("a port of an agent there", "java: {options: ['-javaagent:/opt/jmx.jar=127.0.0.1:9404:/x']}",
        "java.options[0]", "the same port 9404", "127.0.0.1:1{port}:/x"),
    top("a port in the options of the environment",
        "env: {JAVA_TOOL_OPTIONS: '-Xmx1g -Dcom.sun.management.jmxremote.port=9010'}",
        "env", "JAVA_TOOL_OPTIONS", "in java.options"),
    top("a port of Jolokia", "java: {options: ['-javaagent:/opt/jolokia.jar=port=8778,host=0.0.0.0']}",
        "java.options[0]", "the same port 8778", "-javaagent:/opt/jolokia.jar=port=1{port},host=0.0.0.0"),
    top("a port of Jolokia after its host", "java: {options: ['-javaagent:/{slot}.jar=host=h,port=8778']}",
        "java.options[0]", "the same port 8778", "host=h,port=1{port}"),
    top("a port of a profiler", "java: {options: ['-agentpath:/opt/libjprofilerti.so=port=8849,nowait']}",
        "java.options[0]", "the same port 8849", "-agentpath:/opt/libjprofilerti.so=port=1{port},nowait"),
    top("a debugger by its path",
        "java: {options: ['-agentpath:/opt/libjdwp.so=transport=dt_socket,server=y,address=5005']}",
        "java.options[0]", "the same port 5005", "address=1{port}"),
    top("a port of JaCoCo",
        "java: {options: ['-javaagent:/opt/jacoco.jar=output=tcpserver,address=*,port=6300']}",
        "java.options[0]", "the same port 6300", "address=*,port=1{port}"),
    top("the port that JaCoCo has without one", "java: {options: ['-javaagent:/j.jar=output=tcpserver']}",
        "java.options[0]", "the same port 6300", "output=tcpserver,port=1{port}"),
    top("a management port as an option", "java: {options: [-Dmanagement.server.port=9090]}",
        "java.options[0]", "the same port 9090", "health: {ports: {prod1: 9081, prod2: 9082}}"),
    top("a management port as an argument", "java: {args: [--management.server.port=9090]}",
        "java.args[0]", "the same port 9090", "health: {ports: {prod1: 9081, prod2: 9082}}"),
    top("a management port in the environment", "env: {MANAGEMENT_SERVER_PORT: '9090'}",
        "env", "MANAGEMENT_SERVER_PORT", "health: {ports: {prod1: 9081, prod2: 9082}}"),
    top("a management port as Spring also reads it", "env: {management_server_port: '9090'}",
        "env", "management_server_port", "health: {ports: {prod1: 9081, prod2: 9082}}"),
    top("a management port among the secrets", "secrets: [MANAGEMENT_SERVER_PORT]",
        "secrets", "MANAGEMENT_SERVER_PORT", "health: {ports: {prod1: 9081, prod2: 9082}}"),
    top("a management port in the options of the environment",
        "env: {JDK_JAVA_OPTIONS: '-Xmx1g -Dmanagement.server.port=9090'}",
        "env", "JDK_JAVA_OPTIONS", "health: {ports: {prod1: 9081, prod2: 9082}}"),
    top("a port of gRPC", "java: {args: [--grpc.server.port=9090]}",
        "java.args[0]", "the same port 9090", "--grpc.server.port=1{port}"),
    top("a port of gRPC in the environment", "env: {GRPC_SERVER_PORT: '9090'}",
        "env", "GRPC_SERVER_PORT", "--grpc.server.port=1{port}"),
    top("a port that outranks the slot's", "env: {_JAVA_OPTIONS: -Dserver.port=8080}",
        "env", "_JAVA_OPTIONS", "set slots"),
    top("an item of the profiles in the environment", "env: {SPRING_PROFILES_ACTIVE_0: prod}",
        "env", "SPRING_PROFILES_ACTIVE_0", "java.profiles: [prod]"),
    top("a placeholder in capitals", "java: {options: ['-Dname={SLOT}']}",
        "java.options[0]", "{SLOT}", "write {slot}"),
    top("a working directory that is not a whole path", "java: {workdir: shared}",
        "java.workdir", "'shared' is a path on the host", "/home/ubuntu/taggle/shared"),
    top("a working directory among the releases", "java: {workdir: /home/<user>/<app>/releases}",
        "java.workdir", "a folder of bluegreen's", "/shared"),
    top("an argument that is a number", "java: {args: [5]}", "java.args[0]", "5 is a number", "'5'"),
    top("a list within a list", "java: {options: [[-Xmx512m]]}",
        "java.options[0]", "[-Xmx512m] is a list", "-Xmx512m"),
]

# Environment and secrets

ENVIRONMENT = [
    top("an env name with a dash", "env: {MY-NAME: x}", "env.MY-NAME", "'MY-NAME'", "DB_PASSWORD"),
    top("an env value of two lines", 'env: {CERT: "a\\nb"}', "env.CERT", "2 lines", "base64"),
    top("an env value that is a list", "env: {A: [1, 2]}", "env.A", "[1, 2]", "Asia/Seoul"),
    top("an env value that is missing", "env: {A: }", "env.A", "has no value", "write ''"),
    top("env as a list", "env: [A=1]", "env", "[A=1]", "{TZ: Asia/Seoul}"),
    top("a secret with a digit first", "secrets: [1PASSWORD]", "secrets[0]", "'1PASSWORD'", "DB_PASSWORD"),
    top("a secret with its value", "secrets: {DB_PASSWORD: hunter2}",
        "secrets", "values of secrets", "[DB_PASSWORD]"),
    top("a secret as a text", "secrets: DB_PASSWORD", "secrets", "'DB_PASSWORD'", "[DB_PASSWORD]"),
    top("a secret that is in env too", "env: {DB_PASSWORD: x}\nsecrets: [DB_PASSWORD]",
        "secrets[0]", "'DB_PASSWORD' is in env", "delete it there", line=3),
    top("a secret that is a duplicate", "secrets: [A, A]", "secrets[1]", "'A' is a duplicate", "delete one"),
    top("a secret with its value in the list", "secrets: [DB_PASSWORD=hunter2]",
        "secrets[0]", "values of secrets", "[DB_PASSWORD]"),
    top("a secret as an item with its value", "secrets:\n  - DB_PASSWORD: hunter2",
        "secrets[0]", "values of secrets", "[DB_PASSWORD]", line=3),
]

# The nginx site

SITE = [
    top("a proxy that is not a network", "site: {proxies: [proxy.example]}",
        "site.proxies[0]", "'proxy.example'", "10.0.0.0/16"),
    top("a proxy with host bits", "site: {proxies: [10.0.0.1/8]}",
        "site.proxies[0]", "'10.0.0.1/8'", "10.0.0.0/8"),
    top("proxies that are every address", "site: {proxies: [0.0.0.0/0]}",
        "site.proxies[0]", "'0.0.0.0/0'", "10.0.0.0/16"),
    top("a server_name that is a regular expression", "site: {server_name: 'taggle.example ~^www'}",
        "site.server_name", "a regular expression", "www.taggle.example"),
    top("a server_name with a wildcard within", "site: {server_name: 'www.*.example'}",
        "site.server_name", "'www.*.example'", "'*.taggle.example'"),
    top("a server_name with https", "site: {server_name: 'https://taggle.example'}",
        "site.server_name", "'https://taggle.example'", "taggle.example"),
]

# Addresses, users and SSH keys

LOGIN = [
    Wrong("an address with its user", "app: taggle\nhosts:\n  prod: {address: ubuntu@10.0.0.5}\n",
        3, "hosts.prod.address", "'ubuntu@10.0.0.5'", "address: 10.0.0.5 and user: ubuntu"),
    Wrong("an address with its port", "app: taggle\nhosts:\n  prod: {address: 10.0.0.5:2222}\n",
        3, "hosts.prod.address", "'10.0.0.5:2222'", "address: 10.0.0.5 and port: 2222"),
    Wrong("an address that is a URL", "app: taggle\nhosts:\n  prod: {address: 'ssh://10.0.0.5'}\n",
        3, "hosts.prod.address", "'ssh://10.0.0.5'", "10.0.0.5"),
    Wrong("two addresses in one text", "app: taggle\nhosts:\n  prod: {address: '10.0.0.5, 10.0.0.6'}\n",
        3, "hosts.prod.address", "'10.0.0.5, 10.0.0.6'", "[10.0.0.5, 10.0.0.6]"),
    Wrong("an address that would be an option of ssh",
        "app: taggle\nhosts:\n  prod: {address: -oProxyCommand=x}\n",
        3, "hosts.prod.address", "'-oProxyCommand=x'", "a name or an IP address"),
    Wrong("an address that is a duplicate",
        "app: taggle\nhosts:\n  prod:\n    address:\n      - a\n      - b\n      - a\n",
        7, "hosts.prod.address[2]", "'a' is a duplicate", "delete one"),
    Wrong("an empty list of addresses", "app: taggle\nhosts:\n  prod: {address: []}\n",
        3, "hosts.prod.address", "[]", "a list of several"),
    host("a user with a space", "user: my user", "user", "'my user'", "ubuntu"),
    host("an identity that is the public half", "identity: ~/.ssh/id_ed25519.pub",
        "identity", "'~/.ssh/id_ed25519.pub'", "path: ~/.ssh/id_ed25519"),
    host("an identity that is the key itself", 'identity: "-----BEGIN OPENSSH PRIVATE KEY-----"',
        "identity", "the text of a private key", "BLUEGREEN_SSH_KEY"),
    key("a host key that is a fingerprint", "SHA256:abcdef",
        "'SHA256:abcdef' is a fingerprint", "ssh-keyscan -t ed25519"),
    key("a host key without its type", KEY, "type is missing", "'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5…'"),
    key("a host key that is only its type", "ssh-ed25519", "'ssh-ed25519'", "'ssh-ed25519 AAAAC3Nza…'"),
    key("a host key that is a line of known_hosts", "10.0.0.5 ssh-ed25519 " + KEY,
        "a line of known_hosts", "omit the host name: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5…'"),
    key("a host key with another type", "ssh-rsa " + KEY,
        "is ssh-rsa, but the key is ssh-ed25519", "'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5…'"),
    key("a host key of the example", "ssh-ed25519 AAAA...", "'AAAA...'", "paste it again"),
    key("a host key that was cut off", "ssh-ed25519 " + KEY[:-8],
        "'AAAAC3NzaC1lZDI1NTE5…'", "paste it again"),
    key("a host key that is private", '"-----BEGIN OPENSSH PRIVATE KEY-----"',
        "a private key", "public key of the host"),
    key("a host key of an unknown type", "ssh-dss AAAA", "'ssh-dss'", "'ssh-ed25519 AAAAC3Nza…'"),
    key("a host key with bytes left over", "ssh-ed25519 " + KEY + "AAAA",
        "'AAAAC3NzaC1lZDI1NTE5…'", "paste it again"),
]
# fmt: on

CASES = [
    *APP_AND_HOSTS,
    *YAML,
    *KEYS,
    *CHOICES,
    *PORTS,
    *PATHS,
    *NUMBERS,
    *FILES,
    *JAVA,
    *ENVIRONMENT,
    *SITE,
    *LOGIN,
]


@pytest.mark.parametrize("case", CASES, ids=[case.what for case in CASES])
def test_is_refused_with_line_key_wrong_value_and_a_right_one(
    case: Wrong, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("config.yml").write_text(case.file, encoding="utf-8")

    with pytest.raises(ConfigError) as raised:
        config.load(Path("config.yml"))

    [problem] = raised.value.problems
    assert (problem.line, dotted(problem.key)) == (case.line, case.key)
    place = f"config.yml:{case.line}: {case.key}: " if case.key else f"config.yml:{case.line}: "
    assert str(raised.value) == place + problem.text
    assert case.wrong in problem.text
    assert case.right in problem.text.partition(case.wrong)[2]
    assert "hunter2" not in str(raised.value)
    assert raised.value.exit_code == 2
