"""Messages about wrong values, from pydantic's error types: the wrong value, the reason, and a right one.

All sentences are in `_SENTENCES`. The names and examples that fill them in are in the types of the settings.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

import yaml
from pydantic import BeforeValidator, GetCoreSchemaHandler, ValidationError, WrapValidator

from bluegreen.config import duration

_SENTENCES: Mapping[str, tuple[str, str]] = {
    # pydantic's error type: (what is wrong, what would be right)
    "missing": ("is missing", "write {example}"),
    "model_type": ("is not a section", "write {example}"),
    "dict_type": ("is {type}", "write keys with values, such as {example}"),
    "tuple_type": ("is {type}", "write a list, such as {example}"),
    "string_type": ("is {type}", "write a text, such as {example}"),
    "string_too_short": ("is empty", "write {example}"),
    "string_pattern_mismatch": ("is not {what}: {rule}", "write, for example, {example}"),
    "literal_error": ("is not {what}", "write {choices}"),
    "bool_type": ("is neither true nor false", "write true or false"),
    "int_type": ("is not {what}", "write a whole number, such as {example}"),
    "float_type": ("is not {what}", "use 10, 500ms or 2m"),
    "finite_number": ("is not {what}", "use 10, 500ms or 2m"),
    "greater_than_equal": ("is below the minimum for {what}", "write {ge} or more, such as {example}"),
    "less_than_equal": ("is above the maximum for {what}", "write {le} or less, such as {example}"),
}


def sentence(error_type: str, value: object, *, repair: str = "", **fields: str) -> str:
    """The message about a wrong value: `70000 is above the maximum for a port; write 65535 or less, …`

    Args:
        error_type: pydantic's, a key of `_SENTENCES`.
        value: the wrong one.
        repair: what to write, if it is more precise than the table.
        fields: what the sentence needs besides the value and its type.
    """
    wrong, right = _SENTENCES[error_type]
    right = repair or right.format(**fields)
    if error_type == "missing":
        return f"{wrong}; {right}"
    if value is None or value == "":
        delete = "" if error_type == "model_type" else ", or delete the key"
        return f"is empty; write {fields['example']}{delete}"
    return f"{shown(value)} {wrong.format(type=type_of(value), **fields)}; {right}"


@dataclass(frozen=True, eq=False)
class Kind:
    """The name and an example of a setting's type, for messages: the last item of its `Annotated`.

    Args:
        what: with its article, as in "70000 is not a port".
        example: a right value as it is written in YAML.
        rule: which texts are right, for a type with a pattern.
    """

    what: str
    example: str
    rule: str = ""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> Any:
        choices = get_args(source)

        def validated(value: object, inner: Callable[[object], object]) -> object:
            try:
                return inner(value)
            except ValidationError as error:
                found = error.errors(include_url=False)[0]
                if found["loc"] or found["type"] not in _SENTENCES:
                    raise
                fields = {name: _written(limit) for name, limit in found.get("ctx", {}).items()}
                fields |= {"choices": " or ".join(map(str, choices))}
                text = self._sentence(found["type"], value, inner, choices, fields)
                raise ValueError(text) from None

        return WrapValidator(validated).__get_pydantic_core_schema__(source, handler)

    def _sentence(
        self,
        error_type: str,
        value: object,
        validate: Callable[[object], object],
        choices: tuple[str, ...],
        fields: dict[str, str],
    ) -> str:
        if error_type == "string_type" and self.rule and _is_scalar(value):
            # Quotes alone do not make 12 a name.
            error_type = "string_type" if _accepts(validate, shown(value)) else "string_pattern_mismatch"
        return sentence(
            error_type,
            value,
            what=self.what,
            example=self.example,
            rule=self.rule,
            repair=_repair(error_type, value, validate, choices),
            **fields,
        )


def mistakes(*checks: Callable[[str], None]) -> BeforeValidator:
    """Runs these checks on a text before pydantic's own: each is one mistake that people make.

    A check raises ValueError with a message that is more precise than the type's own.
    """

    def checked(value: object) -> object:
        if isinstance(value, str) and value:
            for check in checks:
                check(value)
        return value

    return BeforeValidator(checked)


def _repair(
    error_type: str, value: object, validate: Callable[[object], object], choices: Iterable[str]
) -> str:
    """How to write the value that was meant, if that is plain and would be accepted; else empty."""
    if error_type == "int_type" and isinstance(value, str) and re.fullmatch(r"[0-9]{1,20}", value):
        superfluous = "leading zeros" if value.startswith("0") else "quotes"
        return f"write {int(value)}, without {superfluous}" if _accepts(validate, int(value)) else ""
    if error_type == "tuple_type" and isinstance(value, str) and _accepts(validate, [value]):
        return f"write a list: {shown([value])}"
    if error_type == "string_type" and _is_scalar(value) and _accepts(validate, shown(value)):
        return f"write it in quotes: '{shown(value)}'"
    if error_type == "bool_type" and str(value).lower() in _BOOLEANS:
        return f"write {_BOOLEANS[str(value).lower()]}"
    if error_type == "literal_error" and (near := _nearest(value, choices)):
        return f"did you mean '{near}'? ({' or '.join(choices)})"
    return ""


def _is_scalar(value: object) -> bool:
    return isinstance(value, (bool, int, float))


_BOOLEANS = {
    **dict.fromkeys(("yes", "on", "y", "1"), "true"),
    **dict.fromkeys(("no", "off", "n", "0"), "false"),
}
"""What YAML 1.1 reads as a boolean, and 1.2 does not."""


def _accepts(validate: Callable[[object], object], value: object) -> bool:
    try:
        validate(value)
    except ValueError:
        return False
    return True


def _written(limit: object) -> str:
    """A limit as a config has it: whole numbers count something, others are durations in seconds."""
    return duration.text(limit) if isinstance(limit, float) else str(limit)


def shown(value: object) -> str:
    """A value as a message shows it: as YAML, in one line of at most 90 characters."""
    if isinstance(value, str):
        text = repr(value)
    elif isinstance(value, bool):
        text = "true" if value else "false"
    elif value is None:
        text = "nothing"
    else:
        text = yaml.safe_dump(value, default_flow_style=True, width=1000, sort_keys=False).split("\n")[0]
    return text if len(text) <= 90 else f"{text[:80]}…"


def type_of(value: object) -> str:
    """What a value of a YAML file is, with its article: `a list`."""
    if isinstance(value, bool):
        return "a boolean"
    names = {int: "a number", float: "a number", list: "a list", dict: "a mapping", str: "a text"}
    return names[type(value)]


def did_you_mean(wrong: object, right: Iterable[str]) -> str:
    """`; did you mean 'instant'?`, or an empty text if no right word is like the wrong one."""
    near = _nearest(wrong, right)
    return f"; did you mean '{near}'?" if near else ""


def _nearest(wrong: object, right: Iterable[str]) -> str | None:
    near = difflib.get_close_matches(wrong, list(right), n=1) if isinstance(wrong, str) else []
    return near[0] if near else None
