"""The name that requests to a site use, whatever its server_name is."""

from __future__ import annotations

import pytest

from bluegreen.host.server_names import match, of_users, to_ask


@pytest.mark.parametrize(
    ("server_name", "users", "asked"),
    [
        ("_", "", ""),
        ("taggle.example", "taggle.example", "taggle.example"),
        ("_ taggle.example", "taggle.example", "taggle.example"),
        ("*.taggle.example taggle.example", "taggle.example", "taggle.example"),
        (".taggle.example", "taggle.example", "taggle.example"),
        ("*.taggle.example", "", "bluegreen.taggle.example"),
        ("www.taggle.*", "", "www.taggle.test"),
        ("~^a$ *.taggle.example", "", "bluegreen.taggle.example"),
    ],
)
def test_a_request_uses_a_name_that_the_server_takes(server_name: str, users: str, asked: str) -> None:
    assert of_users(server_name) == users
    assert to_ask(server_name) == asked
    assert not asked or any(match(pattern, asked) for pattern in server_name.split())
