"""Errors are values: nothing on their way up changes one."""

from __future__ import annotations

import pytest

from bluegreen.errors import Failed


@pytest.mark.parametrize("field", ["message", "why", "live", "remedy"])
def test_an_error_cannot_be_changed(field: str) -> None:
    error = Failed("broken")
    with pytest.raises(AttributeError):
        setattr(error, field, "another")


def test_extended_makes_another_error_and_adds_only_what_this_one_does_not_have() -> None:
    error = Failed("broken", why=["first"], remedy="repair it")
    extended = error.extended(why=["second"], live="prod1", remedy="another")
    assert (error.why, error.live) == (("first",), None)
    assert type(extended) is Failed
    assert str(extended).splitlines() == [
        "broken",
        "  first",
        "  second",
        "  live now: prod1",
        "  what to do: repair it",
    ]
