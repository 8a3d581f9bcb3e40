"""The behaviour of a stand-in, chosen when its jar is built."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Profile = Literal["text", "json", "port", "elsewhere"]
Used = Literal["serve", "die", "hang", "fail"]
Health = Literal[
    "up",
    "never-up",
    "part-up",
    "part-up-200",
    "unknown",
    "not-json",
    "no-status",
    "hang",
    "no-answer",
    "elsewhere",
    "login",
    "https-only",
    "https-always",
    "400",
    "401",
    "403",
    "404",
    "405",
    "406",
    "410",
    "500",
]


@dataclass(frozen=True)
class Behaviour:
    """The behaviour of a stand-in; the defaults are a healthy application.

    The `help` of a field is the help of the command line option of the same name.
    """

    version: str = field(default="1", metadata={"help": "the answer of /version and the header X-Version"})
    start_s: float = field(default=0.0, metadata={"help": "seconds until it listens"})
    health: Health = field(
        default="up",
        metadata={
            "help": "never-up: 503 OUT_OF_SERVICE; part-up: 503 DOWN with a component UP; part-up-200: the "
            "same with 200; unknown: 200 UNKNOWN; not-json: 200 with a web page; no-status: 200 with JSON "
            "without a status; hang: never answers; no-answer: closes the connection; elsewhere: UP at "
            "/manage/health alone; login: 302 to /login; https-only: every path answers 301 to https, unless "
            "X-Forwarded-Proto is https; https-always: the same, and the header is ignored; a number: "
            "that HTTP status"
        },
    )
    up_after_s: float | None = field(
        default=None,
        metadata={"help": "health is UP this many seconds after it listens, whatever --health is"},
    )
    profile: Profile = field(
        default="text",
        metadata={
            "help": "the answer of /api/v1/profiles: text: the profile; json: JSON with it; port: the port; "
            "elsewhere: 404, as only /profile answers the profile"
        },
    )
    log_requests: bool = field(
        default=False, metadata={"help": "log the Host and X-Forwarded-Proto of each request"}
    )
    log_lines: int = field(default=0, metadata={"help": "number of lines to log once it listens"})
    die_starting: bool = field(
        default=False, metadata={"help": "die with a stack trace 0.3 s after start_s, before it listens"}
    )
    die_after_s: float | None = field(
        default=None, metadata={"help": "exit with 1 this many seconds after it listens"}
    )
    down_after_s: float | None = field(
        default=None, metadata={"help": "health is DOWN this many seconds after it listens"}
    )
    fail_after_s: float | None = field(
        default=None,
        metadata={"help": "every path but health answers 500 this many seconds after it listens"},
    )
    hang_after_s: float | None = field(
        default=None,
        metadata={
            "help": "accepts connections but answers nothing this many seconds after it listens; "
            "a management port of its own still answers"
        },
    )
    once_used: Used = field(
        default="serve",
        metadata={
            "help": "after its first answer of /version, which only users ask for: serve; die: exit with 1 "
            "after 5 ms; hang: answer nothing any more; fail: every path but health answers 500"
        },
    )
    ignores_term: bool = field(default=False, metadata={"help": "ignore SIGTERM; only SIGKILL ends it"})
    padding_bytes: int = field(
        default=0, metadata={"help": "incompressible bytes to add, for a jar as large as a real one"}
    )
    implementation_version: bool = field(default=True, metadata={"help": "put the version into the manifest"})


HEALTHY = Behaviour()
