"""A host that was made by hand as the blog posts say: nginx, an include, a JVM under nohup."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from tests.support.guest import Guest
from tests.support.hosts import INCLUDE, Rented, rented
from tests.support.jvm import QUICK_JAVA
from tests.support.waiting import wait_for

PLAIN = "set $service_url http://127.0.0.1:{port};\n"
SITE_BY_HAND = f"""\
server {{
    listen 80 default_server;
    server_name taggle.example;
    include {INCLUDE};
    location / {{
        proxy_pass $service_url;
        proxy_set_header X-Real_IP $remote_addr;
        proxy_set_header X-Forwarded_For $proxy_add_x_forwarded_for;
        proxy_set_header Host $http_host;
    }}
}}
"""


def by_hand(
    guest: Guest,
    folder: Path,
    jar: Path,
    *,
    user: str = "ubuntu",
    profile: str = "prod1",
    port: int = 8081,
    nginx: Mapping[str, str] = MappingProxyType({"/etc/nginx/sites-enabled/default": SITE_BY_HAND}),
    name: str = "",
    https: bool = False,
    folder_there: str = "",
    options: Sequence[str] = (),
) -> Rented:
    """A machine whose owner followed such a post: nginx, include, jar, a JVM under nohup.

    Args:
        nginx: its configuration, by file.
        name: the name under which users know the site, empty for any.
        https: whether they see it over TLS.
        folder_there: the working directory of the JVM, below the user's home.
        options: further options of the JVM.
    """
    (guest.root / "etc/nginx/sites-enabled/default").unlink()
    for path, text in nginx.items():
        (guest.root / path.lstrip("/")).write_text(text)
    (guest.root / INCLUDE.lstrip("/")).write_text(PLAIN.format(port=port))
    guest.run("nginx -t && systemctl reload nginx")
    host = rented(folder, guest, user=user)
    host.name, host.https = name, https
    there = f"{host.home}/taggle/deploy/temp"
    host.as_user(f"mkdir -p {there}")
    shutil.copyfile(jar, guest.root / there.lstrip("/") / "taggle-web-0.0.1.jar")
    slot = f"-Dspring.profiles.active={profile} -Dserver.port={port}"
    java = f"java {' '.join([*QUICK_JAVA, *options])} -jar {slot} {there}/prod1-taggle-web-.jar"
    host.as_user(
        f"ln -Tfs {there}/taggle-web-0.0.1.jar {there}/prod1-taggle-web-.jar; "
        f"mkdir -p ~/{folder_there}; cd ~/{folder_there}; nohup {java} >nohup.out 2>&1 </dev/null &"
    )
    wait_for(
        lambda: host.get("/api/v1/profiles") == (200, profile.split(",")[-1]), "the JVM started by hand", 60
    )
    return host


def nohup_pid(host: Rented) -> str:
    """The pid of that JVM, empty once it has ended."""
    return host.guest.run(
        "pgrep -f '[j]ava.*-jar -Dspring.profiles.active=prod1'", check=False
    ).stdout.strip()
