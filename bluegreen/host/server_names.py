"""The names of a server of nginx: exact, with a wildcard, or a regular expression.

Source: nginx documentation, "Server names".
"""

from __future__ import annotations

import re


def match(pattern: str, name: str) -> tuple[int, int] | None:
    """How well a server_name matches a name, None if it does not: its kind, then its length."""
    if pattern == name or pattern == f".{name}":
        return (4, len(pattern))
    if pattern.startswith("*.") and name.endswith(pattern[1:]):
        return (3, len(pattern))
    if pattern.startswith(".") and name.endswith(pattern):
        return (3, len(pattern) + 1)
    if pattern.endswith(".*") and name.startswith(pattern[:-1]):
        return (2, len(pattern))
    if pattern.startswith("~"):
        try:
            # A named group of PCRE in Python's spelling.
            found = re.search(re.sub(r"\(\?<(?![=!])", "(?P<", pattern[1:]), name, re.IGNORECASE)
        except re.error:
            return None
        return (1, 0) if found else None
    return None


def of_users(server_name: str) -> str:
    """The name under which users find the site, empty if the directive `server_name` has patterns only."""
    for name in server_name.split():
        # `.taggle.example` is `taggle.example` and its subdomains.
        plain = name.removeprefix(".")
        if plain not in ("", "_") and not plain.startswith("~") and "*" not in plain:
            return plain
    return ""


def to_ask(server_name: str) -> str:
    """A name that the server with this `server_name` takes, for our own requests; empty for any name.

    Of a wildcard alone it is a name that hardly another server has.
    """
    wildcards = (name for name in server_name.split() if "*" in name and not name.startswith("~"))
    made_up = (name.replace("*", "bluegreen" if name.startswith("*") else "test") for name in wildcards)
    return of_users(server_name) or next(made_up, "")
