"""The scripts as values: every value arrives as it is, every variable is declared, a cut text runs nothing.

Needs: sh, dash, bash, busybox.
"""

from __future__ import annotations

import ast
import re
import shlex
import shutil
import subprocess
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

import bluegreen
from bluegreen.config import load
from bluegreen.console.terminal import Console
from bluegreen.host.facts import Facts, marked
from bluegreen.host.machine import Machine
from bluegreen.remote import script
from bluegreen.remote.exit_codes import ExitCode
from bluegreen.remote.script import Script, Value, declared, parts, variables
from bluegreen.ssh.connection import Connection, Login
from tests.support.userlands import USERLANDS, Userland, tools

NASTY = [
    "",
    " ",
    "'",
    '"',
    "it's",
    "a b",
    "$(touch pwned)",
    "`touch pwned`",
    "'; touch pwned; '",
    "'\"'\"'; touch pwned #",
    "$HOME ${HOME}",
    "\\",
    "\\n",
    "line\nbreak",
    "line\n}\ntouch pwned\nbluegreen_main() {",
    "trailing\\",
    "*",
    "~",
    "!!",
    "-n",
    "#",
    "한국어",
    "tab\there",
    "&& touch pwned",
    "\r\n",
]

FILES = {file.stem: file.read_text() for file in sorted(Path(script.__file__).parent.glob("*.sh"))}
SUPERVISORS = ("systemd", "process")
SHELLS = {"dash": ["dash"], "sh": ["sh"], "bash": ["bash"], "ash": ["busybox", "ash"]}
# What other files use is a part; the others are scripts.
PARTS = {part for name in FILES for supervisor in SUPERVISORS for part in parts(name, supervisor)}
PROGRAMS = [name for name in FILES if name not in PARTS]


def _sh(text: str, folder: Path, shell: str = "sh") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*SHELLS[shell], "-c", text],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=20,
    )


def _script(name: str, supervisor: str = "process", **values: Value) -> Script:
    """A script of ours with an empty text for each variable that is not given."""
    return Script(name, {**dict.fromkeys(variables(name, supervisor), ""), **values}, supervisor)


@pytest.fixture
def printing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A script that prints its one value."""
    monkeypatch.setattr(script, "text_of", lambda name: '# Takes: value\n\nprintf "%s|" "$value"')


@pytest.mark.usefixtures("printing")
@pytest.mark.parametrize("value", NASTY)
def test_p10_a_value_comes_through_as_it_is_and_runs_nothing(value: str, tmp_path: Path) -> None:
    ran = subprocess.run(
        ["sh", "-c", Script("test", {"value": value}).text()],
        cwd=tmp_path,
        capture_output=True,
        timeout=20,
    )
    assert ran.stdout == f"{value}|".encode()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("printing")
@pytest.mark.parametrize(("value", "expected"), [(True, "yes|"), (False, "|"), (8081, "8081|"), (0, "0|")])
def test_a_bool_is_yes_or_nothing_and_a_number_its_digits(
    value: bool | int, expected: str, tmp_path: Path
) -> None:
    assert _sh(Script("test", {"value": value}).text(), tmp_path).stdout == expected


# --- variables -----------------------------------------------------------------------------------------


def test_a_script_without_one_of_its_values_is_not_made() -> None:
    values = dict.fromkeys(variables("route_step", "process") - {"route"}, "")
    with pytest.raises(ValueError, match="route"):
        Script("route_step", values, "process")


def test_a_script_with_a_value_that_it_does_not_declare_is_not_made() -> None:
    with pytest.raises(ValueError, match="colour"):
        _script("route_step", colour="red")


def test_every_call_of_a_script_passes_the_variables_that_the_script_declares(tmp_path: Path) -> None:
    config = tmp_path / "config.yml"
    config.write_text("app: taggle\nhosts: {prod: {address: 192.0.2.1, user: ubuntu}}\n")
    machine = Machine(load(config).host(None), Connection(Login("192.0.2.1")), Console(prefix=""))
    shared = {*machine.shared(), "nonce", "root_sent", "root_sha256", "root_sudo"}
    options = {"stdin", "timeout_s", "root", "sudo", "progress"}
    called = set()
    for file in Path(bluegreen.__file__).parent.rglob("*.py"):
        for call in ast.walk(ast.parse(file.read_text())):
            if not isinstance(call, ast.Call):
                continue
            named = [each.value for each in call.args if isinstance(each, ast.Constant)]
            name = next((each for each in PROGRAMS if each in named), None)
            passed = {keyword.arg for keyword in call.keywords}
            runs = isinstance(call.func, ast.Attribute) and call.func.attr == "run"
            if name is None or not (runs or passed - options):
                continue
            called.add(name)
            taken = set().union(*(variables(name, supervisor) for supervisor in SUPERVISORS))
            assert passed - options <= taken, f"{file}:{call.lineno}"
            assert taken - shared <= passed, f"{file}:{call.lineno}"
    # root.sh has its own function, which a machine calls with the same values.
    machine.root_script()
    assert called == {*PROGRAMS} - {"root"}


@pytest.mark.parametrize("name", FILES)
def test_the_header_declares_the_variables_that_the_file_reads_and_nothing_sets(name: str) -> None:
    read = {variable for supervisor in SUPERVISORS for variable in _unset(name, supervisor)}
    assert set(declared(name, "Takes")) == read


@pytest.mark.parametrize("supervisor", SUPERVISORS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_every_function_that_a_script_calls_is_in_a_part_that_it_uses(name: str, supervisor: str) -> None:
    files = (name, *parts(name, supervisor))
    ours = {function for text in FILES.values() for function in _functions(text)}
    code = "\n".join(_code(FILES[file]) for file in files)
    called = set(re.findall(r"(?:^|[\s;(|!])([a-z_]+)(?=[\s;)]|$)", code, re.MULTILINE))
    assert called & ours <= {function for file in files for function in _functions(FILES[file])}


@pytest.mark.parametrize("name", FILES)
def test_a_header_has_at_most_five_lines(name: str) -> None:
    lines = FILES[name].split("\n")
    assert next(number for number, line in enumerate(lines) if not line.startswith("#")) <= 5


def test_every_exit_code_of_a_script_has_a_name() -> None:
    codes = {
        int(code)
        for text in FILES.values()
        for code in re.findall(r"\b(?:fail|exit|restore|failed)[ =](\d+)", text)
    }
    assert codes - {0, 1} == set(ExitCode)


def _functions(text: str) -> list[str]:
    return re.findall(r"^ *(\w+)\(\) \{", text, re.MULTILINE)


def _unset(name: str, supervisor: str) -> set[str]:
    """The variables that a file reads, and neither it nor its parts set."""
    code = _code(FILES[name])
    read = set(re.findall(r"\$\{?#?([a-z_]\w*)", code))
    for arithmetic in re.findall(r"\$\(\((.*?)\)\)", code):
        read |= set(re.findall(r"(?<![\w$])[a-z_]\w*", re.sub(r"\$\(.*?\)|\$\{.*?\}", "", arithmetic)))
    found = set()
    for file in (name, *parts(name, supervisor)):
        text = _code(FILES[file])
        found |= set(re.findall(r"(?:^|(?<!-v)[\s;({!&|])([a-z_]\w*)=", text, re.MULTILINE))
        found |= set(re.findall(r"\bfor (\w+) in", text))
        for names in re.findall(r"\bread (?:-r )?([a-z_ ]+)", text):
            found |= set(names.split())
    return read - found


def _code(text: str) -> str:
    """The text of a script without comments, single-quoted texts and escaped characters."""
    kept, inside, at = "", [""], 0
    while at < len(text):
        char, quoted = text[at], inside[-1] == '"'
        if char == "\\":
            at += 1
        elif char == "'" and not quoted:
            at = text.index("'", at + 1)
        elif char == "#" and not quoted and (at == 0 or text[at - 1] in " \n"):
            at = text.index("\n", at) - 1
        else:
            kept += char
            if char == '"' and quoted:
                inside.pop()
            elif char == '"' or text.startswith("$(", at):
                inside.append('"' if char == '"' else "$(")
            elif char == "(" and inside[-1] and not quoted and text[at - 1] != "$":
                inside.append("$(")
            elif char == ")" and inside[-1] == "$(":
                inside.pop()
        at += 1
    return kept


# --- facts ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("value", [*NASTY, "U+2028: \u2028 and \u0085", "=", "bluegreen:n0nce key =forged"])
def test_a_fact_comes_through_as_it_is(value: str, shell: str, tmp_path: Path) -> None:
    lib = (
        _script("lib", nonce="n0nce")
        .text()
        .replace("\n}\nbluegreen_main", '\nfact key "$1"\n}\nbluegreen_main')
    )
    ran = subprocess.run(
        [*SHELLS[shell], "-c", lib, "sh", value], cwd=tmp_path, capture_output=True, timeout=20
    )
    assert ran.stdout.isascii()
    (fact,) = ran.stdout.decode().rstrip("\n").split("\n")
    assert Facts(marked([fact], "n0nce")).text("key") == value


def test_only_lines_with_the_nonce_of_the_run_are_facts() -> None:
    printed = [
        "Welcome! key =forged",
        "key =forged",
        "bluegreen key =forged",
        "bluegreen: key =forged",
        "bluegreen:0ther key =forged",
        "no newline after thisbluegreen:n0nce key =true",
        "bluegreen:n0nce other =bluegreen:n0nce key =forged",
    ]
    facts = Facts(marked(printed, "n0nce"))
    assert (facts.text("key"), facts.text("other")) == ("true", "bluegreen:n0nce key =forged")


def test_a_key_that_is_reported_twice_is_an_error() -> None:
    with pytest.raises(ValueError, match="route"):
        Facts(["route =one", "route =two"])


# --- texts ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("supervisor", SUPERVISORS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_every_script_is_one_that_a_posix_shell_reads(name: str, supervisor: str, shell: str) -> None:
    text = _script(name, supervisor, nonce="it's").text()
    read = subprocess.run([*SHELLS[shell], "-n"], input=text, capture_output=True, text=True, timeout=20)
    assert (read.returncode, read.stderr) == (0, "")


@pytest.mark.parametrize("name", ["lock", "start", "finish", "route_step", "upload"])
def test_p5_a_script_cut_anywhere_does_nothing(name: str, tmp_path: Path) -> None:
    given: dict[str, Value] = {
        "base": "made",
        "include": "made/include",
        "token": "t",
        "info": "i",
        "silence": 1,
        "step_lock_s": 1,
    }
    values = {key: given.get(key, "") for key in variables(name, "process")}
    text = Script(name, values, "process").text()
    for part in range(50):
        cut = text[: len(text) * part // 50]
        ran = _sh(cut, tmp_path)
        assert ran.stdout == ""
        assert list(tmp_path.iterdir()) == []
    # All of it but the call on its last line: still nothing.
    assert _sh(text[: text.rindex("\nbluegreen_main")], tmp_path).returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_a_large_page_is_an_answer_like_any_other(tmp_path: Path) -> None:
    (tmp_path / "page").write_bytes(b"a" * 600_000)

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path))) as server:
        Thread(target=server.serve_forever).start()
        url = f"http://127.0.0.1:{server.server_port}/page"
        asked = f"""{_script("lib").text()}\nfetch {url} "" 10; echo "$code ${{#body}} $redirect" """
        ran = _sh(asked, tmp_path)
        server.shutdown()
    code, length, *redirect = ran.stdout.split()
    assert (code, redirect) == ("200", [])
    assert 250_000 < int(length) < 600_000


def test_a_script_that_is_whole_runs(tmp_path: Path) -> None:
    """So that the test above could fail."""
    given = {"base": "made", "token": "t", "info": "i", "nonce": "n0nce"}
    lock = _script("lock", silence=1, step_lock_s=1, **given)
    assert _sh(lock.text(), tmp_path).stdout == "bluegreen:n0nce held =yes\n"
    assert (tmp_path / "made" / "lock").exists()


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("to", ["prod1", "prod2", "prod1,prod2"])
def test_a_marker_that_cannot_be_written_is_a_failure_that_the_switch_undoes(
    tmp_path: Path, shell: str, to: str
) -> None:
    # A failed redirection of `:` ends the whole shell (POSIX, special built-in utilities).
    setter = re.search(r"^set_marker\(\) \{.*?^\}", script.text_of("switching"), re.MULTILINE | re.DOTALL)
    assert setter is not None
    text = f"set -eu\nruntime=/no/such slot=prod1 other=prod2\n{setter.group()}\n"
    text += f"{{ true && set_marker {to}; }} 2>/dev/null || echo restored"
    assert _sh(text, tmp_path, shell).stdout == "restored\n"


# --- the clock -----------------------------------------------------------------------------------------


def _clock(uptime: str, folder: Path, shell: str) -> subprocess.CompletedProcess[str]:
    """What the scripts take for the time with that text in /proc/uptime."""
    (folder / "uptime").write_text(uptime)
    text = _script("lib").text().replace("</proc/uptime", f"<{folder}/uptime")
    return _sh(
        text.replace("\n}\nbluegreen_main", '\nclock\nsay "$now_ms"\n}\nbluegreen_main'), folder, shell
    )


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("uptime", "now_ms"),
    [
        ("350735.47 234388.90\n", "350735470"),
        ("0.08 0.01\n", "80"),
        ("9.09 1\n", "9090"),
        ("12.00 5\n", "12000"),
    ],
)
def test_the_clock_is_the_uptime_in_milliseconds(
    uptime: str, now_ms: str, shell: str, tmp_path: Path
) -> None:
    assert _clock(uptime, tmp_path, shell).stdout == f"{now_ms}\n"


@pytest.mark.parametrize(
    "uptime", ["", "\n", "12 5\n", "1x.00 5\n", "-1.00\n", ".12\n", "1.2.34\n", "1.234 5\n"]
)
def test_a_clock_that_cannot_be_right_ends_the_script(uptime: str, tmp_path: Path) -> None:
    ran = _clock(uptime, tmp_path, "sh")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "/proc/uptime" in ran.stderr


def test_a_date_that_prints_no_seconds_ends_the_script(tmp_path: Path) -> None:
    (tmp_path / "date").write_text("#!/bin/sh\necho 1795794914123456789\n")
    (tmp_path / "date").chmod(0o755)
    text = (
        _script("lib")
        .text()
        .replace("\n}\nbluegreen_main", "\nnow=$(epoch_s)\necho reached\n}\nbluegreen_main")
    )
    ran = _sh(f"PATH={tmp_path}:$PATH\n{text}", tmp_path)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "1795794914123456789" in ran.stderr


@pytest.mark.parametrize("userland", [None, *USERLANDS])
def test_reading_the_first_bytes_leaves_the_rest(userland: Userland | None, tmp_path: Path) -> None:
    path = f"{tools(tmp_path, userland)}:" if userland else ""
    text = (
        _script("lib")
        .text()
        .replace("\n}\nbluegreen_main", "\nfirst_bytes 10000 | wc -c; wc -c\n}\nbluegreen_main")
    )
    # In two parts, as a slow network brings them.
    bytes_sent = "{ head -c 4000 /dev/zero; sleep 0.1; head -c 26000 /dev/zero; }"
    ran = _sh(f"{bytes_sent} | PATH={path}$PATH sh -c {shlex.quote(text)}", tmp_path)
    assert ran.stdout.split() == ["10000", "20000"]


def test_a_port_that_docker_forwards_is_told_from_one_of_this_machine(tmp_path: Path) -> None:
    program = tmp_path / "docker-proxy"
    shutil.copyfile("/bin/dash", program)
    program.chmod(0o755)
    # As Docker starts it for a published port.
    words = [
        str(program),
        "-c",
        "read line",
        "docker-proxy",
        "-proto",
        "tcp",
        "-host-port",
        "65080",
        "-container-port",
        "80",
    ]
    with subprocess.Popen(words, stdin=subprocess.PIPE) as proxy:
        asked = {}
        for port in (65080, 6508):
            text = _script("through_nginx", listen=port).text()
            ran = _sh(text.replace("\n}\nbluegreen_main", "\nweb_server\n}\nbluegreen_main"), tmp_path)
            asked[port] = ran.stdout.strip()
        proxy.communicate(b"\n")
    assert asked[65080] == "container"
    assert asked[6508] != "container"


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("groups", "main", "unit"),
    [
        ("0::/system.slice/shop.service\n", "self", "shop.service"),
        ("0::/system.slice/shop.service/payload\n", "parent", "shop.service"),
        (
            "12:cpu:/x\n1:name=systemd:/system.slice/shop.service\n0::/system.slice/other.service\n",
            "0",
            "shop.service",
        ),
        (
            "0::/user.slice/user-1000.slice/user@1000.service/app.slice/shop.service\n",
            "0",
            "--user shop.service",
        ),
        ("0::/user.slice/user@1000.service/app.slice/a$(id) b.service\n", "0", ""),
        ("0::/user.slice/user@1000.service/app.slice/-now.service\n", "0", ""),
        ("0::shop\n", "0", ""),
        # What an agent, cron or a login left behind.
        ("0::/system.slice/codedeploy-agent.service\n", "1", ""),
        ("0::/system.slice/ssh.service\n", "1", ""),
        ("0::/user.slice/user-1000.slice/session-3.scope\n", "1", ""),
        ("0::/user.slice/user-1000.slice/user@1000.service/init.scope\n", "1", ""),
        ("0::/system.slice/system-taggle.slice/taggle@prod1.service\n", "self", ""),
        ("0::/\n", "1", ""),
    ],
)
def test_the_unit_of_a_process_is_the_one_whose_main_process_it_is(
    groups: str, main: str, unit: str, shell: str, tmp_path: Path
) -> None:
    (tmp_path / "cgroup").write_text(groups)
    systemctl = tmp_path / "systemctl"
    systemctl.write_text('#!/bin/sh\necho "MainPID=$MAIN"\n')
    systemctl.chmod(0o755)
    text = _script("ours", app="taggle").text().replace('"/proc/$1/cgroup"', f'"{tmp_path}/cgroup"')
    mains = {"self": "$$", "parent": "$PPID"}
    asked = f'MAIN={mains.get(main, main)}; export MAIN; PATH={tmp_path}:$PATH; unit_of_process "$$"'
    ran = _sh(text.replace("\n}\nbluegreen_main", f"\n{asked}\n}}\nbluegreen_main"), tmp_path, shell)
    assert (ran.stdout.strip(), ran.stderr) == (unit, "")
