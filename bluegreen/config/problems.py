"""What is wrong in a config.yml: all of it at once, each with a message that says what would be right."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ValidationError

from bluegreen.config import conflicts
from bluegreen.config.messages import did_you_mean, sentence
from bluegreen.config.settings import ConfigFile, HostEntry, Sections
from bluegreen.config.yaml_source import Key, Plain, Problem, Source


def found(source: Source, data: dict[str, Plain], entries: Mapping[str, dict[str, Plain]]) -> list[Problem]:
    """All problems: from reading the file, with single values, and with values together.

    Args:
        source: the file, for its lines.
        data: the content of the file.
        entries: each entry of `hosts:`, merged over the top level.
    """
    problems = [*source.problems, *_wrong_values(source, data)]
    if data.get("hosts") == {}:
        text = "has no entry; write one, such as prod: {address: …, user: ubuntu}"
        problems.append(Problem(source.line(("hosts",)), ("hosts",), text))
    for host, entry in (entries or {"": data}).items():
        problems += conflicts.found(source, host, entry)
    return problems


def _wrong_values(source: Source, data: dict[str, Plain]) -> list[Problem]:
    try:
        ConfigFile.model_validate(data, by_alias=True, by_name=False)
    except ValidationError as error:
        return [
            _problem(source, wrong["loc"], wrong["type"], wrong["input"], wrong.get("ctx", {}).get("error"))
            for wrong in error.errors(include_url=False)
        ]
    return []


def _problem(source: Source, key: Key, error_type: str, value: object, error: ValueError | None) -> Problem:
    if key[-1] == "[key]":
        key = key[:-1]
    if isinstance(key[-1], int) and key not in source.lines:
        # A single value where a list is allowed, as in `address:`, is not an item in the file.
        key = key[:-1]
    if error is not None:
        text = str(error)
    elif error_type == "extra_forbidden":
        text = f"unknown key '{key[-1]}'{_where_it_belongs(key)}"
    elif error_type == "missing":
        example = "app: taggle" if key == ("app",) else "hosts: {prod: {address: …, user: ubuntu}}"
        text = sentence(error_type, value, example=example)
    else:
        text = sentence("model_type", value, example=_keys_to_write(key, value))
    return Problem(source.line(key), key, text)


def _keys_to_write(key: Key, value: object) -> str:
    """What to write where keys with values belong: an entry of `hosts:`, or the keys of a section."""
    model = _model_of(key)
    if model is None:
        return "an entry, such as prod: {address: …, user: ubuntu}"
    if model is HostEntry:
        return f"{{address: {value if isinstance(value, str) else '…'}}}, or {{sandbox: true}}"
    return f"its keys with values ({', '.join(_keys(model))}), or delete it"


_HINTS = {
    "password": "bluegreen logs in with SSH keys; write identity: PATH, or set BLUEGREEN_SSH_KEY",
    "key": "write identity: PATH for the SSH key, host_key: for the host's",
    "servers": "write hosts:",
    "host": "write hosts: {prod: {address: …}}, and in an entry address:",
    "profiles": "write slots: {prod1: 8081, prod2: 8082}, whose names are the profiles",
    "ports": "write slots: {prod1: 8081, prod2: 8082}",
    "target": "write slots: {prod1: 8081, prod2: 8082}; the target is 127.0.0.1 at that port",
    "nginx": "write switch: {include: …} and site: {…}",
}


def _where_it_belongs(key: Key) -> str:
    name = str(key[-1])
    model = _model_of(key[:-1]) or ConfigFile
    if near := did_you_mean(name, _keys(model)):
        known = _keys(model)
        # A host and the whole file have too many keys for a message.
        return f"{near} ({', '.join(known)})" if len(known) < 10 else near
    owners = [
        f"{section}:" for section, info in Sections.model_fields.items() if name in _keys(info.annotation)
    ]
    if name in _keys(Sections) or name in ("app", "hosts"):
        owners.append("the top level of the file")
    elif name in _keys(HostEntry):
        owners.append("an entry of hosts:")
    if owners:
        return f"; it belongs to {' or '.join(owners)}"
    if name in _HINTS:
        return f"; {_HINTS[name]}"
    return f"; the keys are {', '.join(_keys(model))}"


def _model_of(key: Key) -> type[BaseModel] | None:
    """The model of the file, an entry of `hosts:` or a section, if the key is one of these."""
    if not key:
        return ConfigFile
    if key[0] == "hosts":
        return HostEntry if len(key) == 2 else _model_of(key[2:]) if len(key) > 2 else None
    info = Sections.model_fields.get(str(key[0]))
    annotation = info.annotation if info else None
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _keys(model: object) -> list[str]:
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return []
    return [info.alias or name for name, info in model.model_fields.items()]
