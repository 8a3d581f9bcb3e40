"""The kinds of values that config.yml holds: each is checked by us and refused in our words.

A check gets what the YAML file says, gives the value, or raises ValueError with the wrong value, why it is
wrong, and a right one. Pydantic then sees only what is right, so its own messages never reach a person.
"""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

import yaml
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from bluegreen.config import duration, public_key


@dataclass(frozen=True, eq=False)
class Rule:
    """What a setting's value must be: to stand in `Annotated`.

    Args:
        check: gets what the file says, gives the value or raises ValueError.
        schema: the same for editors, as JSON schema; without it, the schema of the annotated type.
    """

    check: Callable[[Any], Any]
    schema: dict[str, Any] | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return dict(self.schema) if self.schema is not None else handler(core)


def shown(value: object) -> str:
    """A value as a message names it, in one line, shortened."""
    if isinstance(value, str):
        text = repr(value)
    elif isinstance(value, bool):
        text = "true" if value else "false"
    elif value is None:
        text = "nothing"
    else:
        text = yaml.safe_dump(value, default_flow_style=True, width=1000, sort_keys=False).split("\n")[0]
    return text if len(text) <= 90 else f"{text[:80]}…"


def did_you_mean(wrong: str, right: Iterable[str]) -> str:
    """`; did you mean 'instant'?`, or nothing where none is near."""
    near = difflib.get_close_matches(wrong, list(right), n=1)
    return f"; did you mean '{near[0]}'?" if near else ""


def checked_text(value: object, example: str) -> str:
    """A text in one line.

    Raises:
        ValueError: it is of another kind, is empty, or holds control characters.
    """
    if value is None or value == "":
        raise ValueError(f"is empty; write {example}, or delete the key")
    if isinstance(value, (list, dict)):
        raise ValueError(f"{shown(value)} is {_kind(value)}; write one text, such as {example}")
    if not isinstance(value, str):
        raise ValueError(f"{shown(value)} is {_kind(value)}; for a text put it in quotes: '{shown(value)}'")
    if control := re.search(r"[\x00-\x1f\x7f]", value):
        raise ValueError(
            f"{shown(value)} holds {_name_of_control(control[0])}; write it in one line, such as {example}"
        )
    return value


def _name_of_control(character: str) -> str:
    return {"\n": "a newline", "\t": "a tab"}.get(character, f"the control character {character!r}")


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "a truth value"
    return {int: "a number", float: "a number", list: "a list", dict: "a mapping", str: "a text"}[type(value)]


def matching(pattern: str, what: str, rule: str, example: str) -> Callable[[object], str]:
    """A check: a text that matches as a whole. `rule` says what may stand in it."""

    def check(value: object) -> str:
        is_text_in_quotes = isinstance(value, (int, float)) and re.fullmatch(pattern, shown(value))
        if isinstance(value, (int, float)) and not is_text_in_quotes:
            raise ValueError(f"{shown(value)} is not {what}: {rule}; write {example}")
        text = checked_text(value, example)
        if not re.fullmatch(pattern, text):
            raise ValueError(f"{shown(text)} is not {what}: {rule}; write {example}")
        return text

    return check


def choice(what: str, *right: str) -> Rule:
    """A check: one of these words."""

    def check(value: object) -> str:
        if value in right:
            return str(value)
        near = did_you_mean(value, right) if isinstance(value, str) else ""
        words = " or ".join(right)
        raise ValueError(
            f"{shown(value)} is not a {what}{f'{near} ({words})' if near else f'; write {words}'}"
        )

    return Rule(check)


def whole(what: str, low: int, high: int, example: int) -> Callable[[object], int]:
    """A check: a whole number from low to high."""

    def check(value: object) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        right = f"write a number from {low} to {high}, such as {example}"
        if (
            isinstance(value, str)
            and re.fullmatch(r"0{0,9}[1-9][0-9]{0,9}", value)
            and low <= int(value) <= high
        ):
            why = "leading zeros" if value.startswith("0") else "quotes"
            right = f"write {int(value)}, without {why}"
        raise ValueError(f"{shown(value)} is no {what}; {right}")

    return check


_port = whole("port", 1, 65535, 8081)


def slot_port(value: object) -> int:
    """A port number; whoever gives a host with it learns why the number alone is right."""
    if isinstance(value, str) and (target := re.fullmatch(_TARGET, value)):
        raise ValueError(
            f"{shown(value)} names a host; give the port number alone, {target['port'] or 8081}: nginx asks "
            '127.0.0.1, and to a host name such as localhost it answers 502 ("no resolver")'
        )
    return _port(value)


_TARGET = r"(?:https?://[^:/]+|localhost|[^:/]*[A-Za-z.\]][^:/]*(?=:)|\[.*\]|[0-9.]*\.[0-9.]*)(?::(?P<port>\d+))?(?:/.*)?"


def seconds_from(low_s: float, example: str) -> Callable[[object], float]:
    """A check: a time of at least so many seconds."""

    def check(value: object) -> float:
        try:
            wanted_s = duration.seconds(value)
        except ValueError:
            raise ValueError(
                f"{shown(value)} is no time; write seconds, or a text with ms, s, m or h, such as {example}"
            ) from None
        if wanted_s < low_s:
            raise ValueError(
                f"{shown(value)} is too short; write {duration.text(low_s)} or more, such as {example}"
            )
        return wanted_s

    return check


def flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    right = "false" if str(value).lower() in ("no", "off", "n", "0") else "true"
    raise ValueError(f"{shown(value)} is neither true nor false; write {right}")


def listed(example: str) -> Callable[[object], object]:
    """A check: a list. A single value gets told how to write it as one."""

    def check(value: object) -> object:
        if isinstance(value, (list, tuple)):
            return tuple(value)
        if value is None:
            raise ValueError(f"is empty; write a list, such as {example}, or [] for none")
        if isinstance(value, str):
            right = yaml.safe_dump([value], default_flow_style=True, width=1000).strip()
            raise ValueError(f"{shown(value)} is a text; write a list: {right}")
        raise ValueError(f"{shown(value)} is {_kind(value)}; write a list, such as {example}")

    return check


def one_or_more(value: object) -> object:
    return tuple(value) if isinstance(value, (list, tuple)) else (value,)


def mapping(example: str) -> Callable[[object], object]:
    """A check: keys with values."""

    def check(value: object) -> object:
        if isinstance(value, dict):
            return value
        if value is None:
            raise ValueError(f"is empty; write {example}, or delete the key")
        raise ValueError(f"{shown(value)} is {_kind(value)}; write keys with values, such as {example}")

    return check


def java_version(value: object) -> int:
    if value in (1.8, "1.8"):
        raise ValueError("1.8 is Java's old way to say 8; write 8")
    return whole("version of Java", 8, 99, 17)(value)


def java_bin(value: object) -> str:
    text = checked_text(value, "java")
    if text != "java" and ("/" in text or " " in text) and not re.fullmatch(r"/[^\s]+", text):
        raise ValueError(
            f"{shown(text)} is not a command; write java, or a whole path such as /opt/java-17/bin/java"
        )
    return text


def java_option(value: object) -> str:
    text = checked_text(value, "-Xmx512m")
    if text in ("-jar", "-cp", "-classpath"):
        raise ValueError(f"'{text}' comes from bluegreen, which starts the release's app.jar; delete it")
    if not text.startswith("-"):
        raise ValueError(
            f"{shown(text)} is not an option of the JVM, which begin with '-'; "
            "what is meant for the application goes into java.args"
        )
    if re.match(r"-[^\s=]+\s+-", text):
        apart = ", ".join(text.split())
        raise ValueError(f"{shown(text)} holds several options in one; write each for itself: [{apart}]")
    _refuse_what_slots_say(text, "-D")
    return text


def java_arg(value: object) -> str:
    text = checked_text(value, "--spring.main.banner-mode=off")
    _refuse_what_slots_say(text, "--")
    return text


def _refuse_what_slots_say(text: str, begin: str) -> None:
    if text.startswith(f"{begin}server.port"):
        raise ValueError(f"{shown(text)} would give both slots one port; delete it, slots: says the ports")
    if text.startswith(f"{begin}spring.profiles.active"):
        raise ValueError(
            f"{shown(text)} would hide the slot's own profile, which is its name; delete it, and for further "
            "profiles write --spring.profiles.include=NAME in java.args"
        )


def env_value(value: object) -> str:
    if value is None:
        raise ValueError("has no value; write '' for an empty one")
    if not isinstance(value, str):
        raise ValueError(f"{shown(value)} is {_kind(value)}; an environment variable holds one text")
    if "\n" in value or "\r" in value:
        raise ValueError(
            f"the value holds {len(value.splitlines())} lines; systemd reads environment files line by line, "
            "so write it in one line, for instance in base64"
        )
    if control := re.search(r"[\x00-\x08\x0b-\x1f\x7f]", value):
        raise ValueError(f"the value holds {_name_of_control(control[0])}; delete it")
    return value


_variable_name = matching(
    "[A-Za-z_][A-Za-z0-9_]*",
    "a name of an environment variable",
    "letters, digits and '_', no digit first",
    "for instance DB_PASSWORD",
)


def secret_names(value: object) -> object:
    """A list of names. Whoever gave values too is told so, without showing them (P10)."""
    if isinstance(value, dict):
        raise ValueError(_values_given(value))
    if isinstance(value, str):
        secret_name(value)
    return listed("[DB_PASSWORD]")(value)


def secret_name(value: object) -> str:
    if isinstance(value, dict):
        raise ValueError(_values_given(value))
    if isinstance(value, str) and (given := re.match(r"([A-Za-z_][A-Za-z0-9_]*)\s*[=:]", value)):
        raise ValueError(_values_given([given[1]]))
    return _variable_name(value)


def _values_given(names: Iterable[str]) -> str:
    listed_names = ", ".join(names)
    return (
        "values of secrets never stand in this file; write the names alone, "
        f"[{listed_names}]: the values come from the deployer's environment"
    )


_URL_PATH = r"/[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*"


def url_path(value: object) -> str:
    text = checked_text(value, "/actuator/health")
    if re.fullmatch(_URL_PATH, text):
        return text
    if url := re.fullmatch(r"(?:https?://[^/\s]+|[a-zA-Z0-9.-]+:\d+|localhost)(/\S*)", text):
        raise ValueError(f"{shown(text)} is more than a path; write the path alone: {url[1]}")
    if not text.startswith("/"):
        raise ValueError(f"{shown(text)} is not a path, which begins with '/'; write /{text.split()[0]}")
    wrong = re.sub(r"[A-Za-z0-9._~!$&'()*+,;=:@%/?-]", "", text)[0]
    name = "a space" if wrong == " " else repr(wrong)
    raise ValueError(f"{shown(text)} holds {name}, which no path holds as it is; percent-encode it")


def verify_path(value: object) -> str | None:
    if value is None:
        return None
    if value is False or value in ("none", "off", "no", "None", "nil", ""):
        raise ValueError(f"{shown(value)} is not a path; write null for no verification, or /api/v1/profiles")
    return url_path(value)


def probe_path(value: object) -> str | None:
    return None if value is None else url_path(value)


def keep_for(value: object) -> float | None:
    return None if value is None else seconds_from(1, "10m")(value)


def host_path(value: object, example: str = "/home/ubuntu/taggle") -> str:
    """A folder or file on the host."""
    text = checked_text(value, example)
    if text.startswith("~"):
        raise ValueError(
            f"{shown(text)} begins with '~', which only a shell knows; write it whole, as {example}"
        )
    if not text.startswith("/"):
        raise ValueError(
            f"{shown(text)} is used on the host, so it begins with '/'; write it whole, as {example}"
        )
    if ".." in PurePosixPath(text).parts:
        raise ValueError(f"{shown(text)} holds '..'; write {os.path.normpath(text)}")
    path = str(PurePosixPath("/", text.lstrip("/")))
    if path == "/":
        raise ValueError("'/' is the root of the host; write the app's folder, such as /home/ubuntu/taggle")
    return path


_FILLED_IN = ("<user>", "<app>")


def releases_path(value: object) -> str:
    text = host_path(value)
    if syntax := re.search(r"[\s'\"\\$%]", text):
        name = "a blank" if syntax[0].isspace() else repr(syntax[0])
        raise ValueError(
            f"{shown(text)} holds {name}, which systemd and shells read as syntax; write letters, digits, "
            "'.', '_', '-', such as /home/ubuntu/taggle"
        )
    for placeholder in re.findall(r"<[^/>]*>?|>", text):
        if placeholder not in _FILLED_IN:
            near = did_you_mean(placeholder, _FILLED_IN)
            raise ValueError(
                f"{shown(text)}: nothing is filled in for '{placeholder}'{near or '; there are'} "
                f"({' and '.join(_FILLED_IN)})"
            )
    return text


def include_path(value: object) -> str:
    text = host_path(value, "/etc/nginx/conf.d/service-url.inc")
    if text.endswith(".conf"):
        raise ValueError(
            f"{shown(text)} would be read by nginx itself, at http level, where `set` is an error; name it "
            f"{text.removesuffix('.conf')}.inc, and include that in the server block"
        )
    if re.search(r"[\s;{}$'\"*?\[\]\\]", text):
        raise ValueError(
            f"{shown(text)} holds what nginx reads as syntax; write letters, digits, '.', '_', '-', "
            "such as /etc/nginx/conf.d/service-url.inc"
        )
    return text


def network(value: object) -> str:
    text = checked_text(value, "10.0.0.0/16")
    try:
        parsed = ipaddress.ip_network(text)
    except ValueError:
        try:
            right = str(ipaddress.ip_network(text, strict=False))
        except ValueError:
            right = "a network such as 10.0.0.0/16, or an address"
        raise ValueError(f"{shown(text)} is no network; write {right}") from None
    if parsed.prefixlen == 0:
        raise ValueError(
            f"{shown(text)} is everybody: any client could then claim any address; write the proxies' own "
            "network, such as 10.0.0.0/16"
        )
    return text


def address(value: object) -> str:
    text = checked_text(value, "ec2-1-2-3-4.compute.amazonaws.com")
    if url := re.fullmatch(r"(?:ssh|https?)://([^/]+)/?", text):
        raise ValueError(f"{shown(text)} is a URL; write the name alone: {url[1]}")
    if login := re.fullmatch(r"([^@\s]+)@([^@\s]+)", text):
        raise ValueError(f"{shown(text)} holds the user; write address: {login[2]} and user: {login[1]}")
    if port := re.fullmatch(r"([^:\s]+):(\d+)", text):
        raise ValueError(f"{shown(text)} holds the port; write address: {port[1]} and port: {port[2]}")
    if not re.fullmatch(r"[A-Za-z0-9_.:%][A-Za-z0-9_.:%-]*", text):
        why = "give several as a list, such as [10.0.0.5, 10.0.0.6]" if re.search(r"[\s,]", text) else ""
        raise ValueError(f"{shown(text)} is no address; {why or 'write a name or an IP address'}")
    return text


def identity(value: object) -> Path:
    if isinstance(value, str) and "PRIVATE KEY" in value:
        raise ValueError(
            "this is a private key itself, which must not stand in a file that is committed; "
            "put it into BLUEGREEN_SSH_KEY, or write the path of its file"
        )
    if isinstance(value, Path):
        return value
    text = checked_text(value, "~/.ssh/id_ed25519")
    if text.endswith(".pub"):
        raise ValueError(
            f"{shown(text)} is the public half; write the private key's path: {text.removesuffix('.pub')}"
        )
    return Path(text).expanduser()


def host_key(value: object) -> str:
    if isinstance(value, str):
        return public_key.checked(value)
    return checked_text(value, "ssh-ed25519 AAAAC3Nza…")


def _named(pattern: str, what: str, rule: str, example: str) -> Rule:
    return Rule(
        matching(pattern, what, rule, f"for instance {example}"),
        {"type": "string", "pattern": f"^{pattern}$"},
    )


def _number(what: str, low: int, high: int, example: int) -> Rule:
    schema = {"type": "integer", "minimum": low, "maximum": high}
    return Rule(whole(what, low, high, example), schema)


def _time(low_s: float, example: str) -> Rule:
    return Rule(seconds_from(low_s, example), {"anyOf": _times(low_s)})


def _times(low_s: float) -> list[dict[str, Any]]:
    return [{"type": "number", "minimum": low_s}, {"type": "string", "pattern": duration.PATTERN}]


def _one_or_more_of(item: dict[str, Any]) -> Rule:
    return Rule(one_or_more, {"anyOf": [item, {"type": "array", "items": item, "minItems": 1}]})


_TEXT = {"type": "string"}
_PORT = {"type": "integer", "minimum": 1, "maximum": 65535}
_PATH = {"type": "string", "pattern": "^/"}

AppName = Annotated[
    str,
    _named(
        "[a-z][a-z0-9-]{0,30}",
        "a name for an app",
        "it names a systemd unit and nginx upstreams, so up to 31 of a-z, 0-9 and '-', a letter first",
        "taggle",
    ),
]
SlotName = Annotated[
    str,
    _named(
        "[a-z][a-z0-9_-]{0,30}",
        "a name for a slot",
        "it names a Spring profile and a systemd unit, so up to 31 of a-z, 0-9, '_' and '-', a letter first",
        "prod1",
    ),
]
HostName = Annotated[
    str,
    _named(
        "[A-Za-z0-9_][A-Za-z0-9._-]{0,62}", "a name for a host", "letters, digits, '.', '_' and '-'", "prod"
    ),
]
VariableName = Annotated[str, Rule(_variable_name, {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"})]
UserName = Annotated[
    str,
    _named("[A-Za-z_][A-Za-z0-9._-]*", "a user of Linux", "letters, digits, '.', '_' and '-'", "ubuntu"),
]
ServerName = Annotated[
    str,
    _named(
        r"[A-Za-z0-9._*~-]+( [A-Za-z0-9._*~-]+)*",
        "a server_name of nginx",
        "names alone, without https:// and port, a space between two",
        "taggle.example",
    ),
]
JarPattern = Annotated[str, Rule(lambda value: checked_text(value, "build/libs/*.jar"), _TEXT)]
SlotPort = Annotated[int, Rule(slot_port, _PORT)]
SshPort = Annotated[int, Rule(whole("port", 1, 65535, 22), _PORT)]
ListenPort = Annotated[int, Rule(whole("port", 1, 65535, 80), _PORT)]
JavaVersion = Annotated[int, Rule(java_version, {"type": "integer", "minimum": 8, "maximum": 99})]
JavaBin = Annotated[str, Rule(java_bin, _TEXT)]
JavaOption = Annotated[str, Rule(java_option, {"type": "string", "pattern": "^-"})]
JavaArg = Annotated[str, Rule(java_arg, _TEXT)]
EnvValue = Annotated[str, Rule(env_value, {"type": ["string", "number", "boolean"]})]
UrlPath = Annotated[str, Rule(url_path, _PATH)]
VerifyPath = Annotated[str | None, Rule(verify_path, {"type": ["string", "null"], "pattern": "^/"})]
ProbePath = Annotated[str | None, Rule(probe_path, {"type": ["string", "null"], "pattern": "^/"})]
ReleasesPath = Annotated[
    str,
    Rule(releases_path, {"type": "string", "pattern": r"""^/([^\s'"\\$%<>]|<user>|<app>)*$"""}),
]
IncludePath = Annotated[
    str, Rule(include_path, {"type": "string", "pattern": "^/", "not": {"pattern": "\\.conf$"}})
]
Network = Annotated[str, Rule(network, _TEXT)]
Address = Annotated[str, Rule(address, _TEXT)]
HostKey = Annotated[str, Rule(host_key, _TEXT)]
Identity = Annotated[Path | None, Rule(identity, _TEXT)]
Flag = Annotated[bool, Rule(flag, {"type": "boolean"})]
Every = Annotated[float, _time(0.05, "500ms")]
Timeout = Annotated[float, _time(1, "2m")]
Wait = Annotated[float, _time(0, "10s")]
KeepFor = Annotated[
    float | None,
    Rule(keep_for, {"anyOf": [*_times(1), {"type": "null"}]}),
]
Ups = Annotated[int, _number("number of answers", 1, 1000, 1)]
Warm = Annotated[int, _number("number of requests", 0, 10000, 5)]
Keep = Annotated[int, _number("number of releases", 1, 1000, 5)]
Method = Annotated[Literal["instant", "reload"], choice("method", "instant", "reload")]
AfterSwitch = Annotated[Literal["keep", "stop"], choice("way to treat it", "keep", "stop")]
Supervisor = Annotated[Literal["systemd", "process"], choice("supervisor", "systemd", "process")]

Slots = Annotated[
    dict[SlotName, SlotPort],
    Rule(
        mapping("{prod1: 8081, prod2: 8082}"),
        {"type": "object", "additionalProperties": _PORT, "minProperties": 2, "maxProperties": 2},
    ),
]
HealthPorts = Annotated[
    dict[SlotName, SlotPort],
    Rule(mapping("{prod1: 9081, prod2: 9082}"), {"type": "object", "additionalProperties": _PORT}),
]
Env = Annotated[dict[VariableName, EnvValue], Rule(mapping("{TZ: Asia/Seoul}"))]
SecretName = Annotated[str, Rule(secret_name, {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"})]
Secrets = Annotated[tuple[SecretName, ...], Rule(secret_names)]
JavaOptions = Annotated[tuple[JavaOption, ...], Rule(listed("[-Xmx512m]"))]
JavaArgs = Annotated[tuple[JavaArg, ...], Rule(listed("[--spring.main.banner-mode=off]"))]
UrlPaths = Annotated[tuple[UrlPath, ...], Rule(listed("[/api/v1/profiles]"))]
Networks = Annotated[tuple[Network, ...], Rule(listed("[10.0.0.0/16]"))]
Addresses = Annotated[tuple[Address, ...], _one_or_more_of(_TEXT)]
HostKeys = Annotated[tuple[HostKey, ...], _one_or_more_of(_TEXT)]
