"""Types of settings that are paths: of the application's pages, of files on the host, of local files."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Annotated
from urllib.parse import quote

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WithJsonSchema

from bluegreen.config.messages import Kind, did_you_mean, mistakes, sentence, shown

# The application's pages


def _require_path_only(text: str) -> None:
    if url := re.fullmatch(r"(?:https?://[^/\s]+|[a-zA-Z0-9.-]+:\d+|localhost)(/\S*)", text):
        raise ValueError(f"{shown(text)} is more than a path; write the path only: {url[1]}")


def _require_leading_slash(text: str) -> None:
    if not text.startswith("/") and (words := text.split()):
        raise ValueError(f"{shown(text)} is not a path, which begins with '/'; write /{words[0]}")


def _require_percent_encoded(text: str) -> None:
    if (encoded := quote(text, safe="/._~!$&'()*+,;=:@%?-")) != text:
        raise ValueError(f"{shown(text)} contains characters that a path percent-encodes; write {encoded}")


def _require_null_for_none(value: object) -> object:
    if value is False or value in ("none", "off", "no", "None", "nil", ""):
        raise ValueError(f"{shown(value)} is not a path; write null for no verification, or /api/v1/profiles")
    return value


UrlPath = Annotated[
    str,
    StringConstraints(strict=True, pattern=r"^/[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*$"),
    mistakes(_require_path_only, _require_leading_slash, _require_percent_encoded),
    Kind("a path", "/actuator/health", "it begins with '/'"),
]
UrlPaths = Annotated[tuple[UrlPath, ...], Kind("a list of paths", "[/api/v1/profiles]")]
VerifyPath = Annotated[UrlPath | None, BeforeValidator(_require_null_for_none)]


# Files and folders on the host


def require_one_line(text: str) -> None:
    """Raises ValueError for a text that contains a newline, a tab or another control character."""
    if control := re.search(r"[\x00-\x1f\x7f]", text):
        named = {"\n": "a newline", "\t": "a tab"}
        name = named.get(control[0], f"the control character {control[0]!r}")
        raise ValueError(f"{shown(text)} contains {name}; write it in one line")


def _absolute(example: str) -> Callable[[str], None]:
    def check(text: str) -> None:
        if text.startswith("~"):
            why = "begins with '~', which only a shell expands"
        elif not text.startswith("/"):
            why = "is a path on the host, so it begins with '/'"
        else:
            return
        raise ValueError(f"{shown(text)} {why}; write the whole path, such as {example}")

    return check


def _require_no_dots(text: str) -> None:
    if ".." in PurePosixPath(text).parts:
        raise ValueError(f"{shown(text)} contains '..'; write {os.path.normpath(text)}")


def _require_not_root(text: str) -> None:
    if _normalized(text) == "/":
        raise ValueError(
            f"{shown(text)} is the root of the host; write the app's folder, such as /home/ubuntu/taggle"
        )


_PLACEHOLDERS = ("<user>", "<app>")


def _require_known_placeholders(text: str) -> None:
    for placeholder in re.findall(r"<[^/>]*>?|>", text):
        if placeholder not in _PLACEHOLDERS:
            raise ValueError(
                f"{shown(text)} contains '{placeholder}', which is not a placeholder"
                f"{did_you_mean(placeholder, _PLACEHOLDERS)}; write {' or '.join(_PLACEHOLDERS)}"
            )


def _require_not_conf(text: str) -> None:
    if text.endswith(".conf"):
        raise ValueError(
            f"nginx itself reads {shown(text)}, at http level, where `set` is an error; name it "
            f"{text.removesuffix('.conf')}.inc, and include that in the server block"
        )


def _normalized(text: str) -> str:
    return str(PurePosixPath("/", text.lstrip("/")))


ReleasesPath = Annotated[
    str,
    StringConstraints(strict=True, pattern=r"""^/([^\s'"\\$%<>]|<user>|<app>)*$"""),
    AfterValidator(_normalized),
    mistakes(
        require_one_line,
        _absolute("/home/ubuntu/taggle"),
        _require_no_dots,
        _require_not_root,
        _require_known_placeholders,
    ),
    Kind(
        "a folder for releases",
        "/home/ubuntu/taggle",
        "an absolute path without spaces, quotes, '\\', '$' and '%', which systemd and shells read as syntax",
    ),
]
WorkdirPath = Annotated[
    str,
    StringConstraints(strict=True, pattern=r"""^/([^\s'"\\$%<>]|<user>|<app>)*$"""),
    AfterValidator(_normalized),
    mistakes(
        require_one_line,
        _absolute("/home/ubuntu/taggle/shared"),
        _require_no_dots,
        _require_known_placeholders,
    ),
    Kind(
        "a working directory",
        "/home/ubuntu/taggle/shared",
        "an absolute path without spaces, quotes, '\\', '$' and '%', which systemd and shells read as syntax",
    ),
]
IncludePath = Annotated[
    str,
    StringConstraints(strict=True, pattern=r"""^/[^\s;{}$'"*?\[\]\\]*$"""),
    Field(json_schema_extra={"not": {"pattern": r"\.conf$"}}),
    AfterValidator(_normalized),
    mistakes(
        require_one_line,
        _absolute("/etc/nginx/conf.d/service-url.inc"),
        _require_no_dots,
        _require_not_root,
        _require_not_conf,
    ),
    Kind(
        "a path that nginx can include",
        "/etc/nginx/conf.d/service-url.inc",
        "an absolute path without spaces, quotes and any of \\ ; $ * ? { } [ ], which are syntax",
    ),
]


# Local files


def _require_path_of_private_key(text: str) -> None:
    if "PRIVATE KEY" in text:
        raise ValueError(
            "this is the text of a private key; never commit it: "
            "put it into BLUEGREEN_SSH_KEY, or write the path of its file"
        )
    if text.endswith(".pub"):
        raise ValueError(
            f"{shown(text)} is the public half; write the private key's path: {text.removesuffix('.pub')}"
        )


def _require_a_value(value: object) -> object:
    if value is None:
        raise ValueError(sentence("string_type", value, example="~/.ssh/id_ed25519"))
    return value


_Line = Annotated[str, StringConstraints(strict=True, min_length=1)]

JarPattern = Annotated[_Line, mistakes(require_one_line), Kind("a path or pattern", "build/libs/*.jar")]
KeyPath = Annotated[
    _Line,
    mistakes(_require_path_of_private_key, require_one_line),
    Kind("a path", "~/.ssh/id_ed25519"),
]
Identity = Annotated[KeyPath | None, BeforeValidator(_require_a_value), WithJsonSchema({"type": "string"})]
