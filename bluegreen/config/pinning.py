"""Pin host keys in a config.yml: one value is written, every other character stays as it is."""

from __future__ import annotations

from collections.abc import Sequence

import yaml

from bluegreen.config.yaml_source import Plain, plain
from bluegreen.errors import WrongUsage


def pinned(text: str, host: str, keys: Sequence[str]) -> str:
    """The text of a config.yml with `hosts.<host>.host_key` set to these keys.

    Args:
        text: a valid config.yml.
        host: an entry of `hosts:`.
        keys: `type base64` each; at least one.

    Raises:
        WrongUsage: the entry cannot be edited alone: it is empty, or shares keys by an anchor.
    """
    edited = _edited(text, host, keys)
    if edited is None or _read(edited) != _with_keys(text, host, keys):
        raise WrongUsage(
            f"hosts.{host} cannot be edited: it has no keys, or shares them by an anchor (&, *, <<)",
            why=["the key would be that of another host as well, or of no host; nothing was written"],
            remedy=f"write it by hand: `host_key: {_value(keys)}` into hosts.{host}; where that is an alias: "
            f"`{host}: {{<<: *NAME, host_key: {_value(keys)}}}`; where other hosts take their keys from it, "
            "give each of them a host_key, too",
        )
    return edited


def _edited(text: str, host: str, keys: Sequence[str]) -> str | None:
    """The text with the keys, as if no anchor were involved; None if the entry has no keys."""
    entry = _value_of(_value_of(yaml.compose(text, Loader=yaml.SafeLoader), "hosts"), host)
    if not isinstance(entry, yaml.MappingNode) or not entry.value:
        return None
    present = _value_of(entry, "host_key")
    if present is not None:
        # A block list ends where the next key begins: what is between them stays.
        end = present.start_mark.index + len(text[present.start_mark.index : present.end_mark.index].rstrip())
        # A list in block style begins on the line after its key.
        begin = text.rindex(":", 0, present.start_mark.index) + 1
        if not _is_block_list(present):
            begin = present.start_mark.index
            return text[:begin] + _value(keys) + text[end:]
        return f"{text[:begin]} {_value(keys)}{text[end:]}"
    # Before the first key: after the last value there may be a comment, and that of an alias is elsewhere.
    first = entry.value[0][0].start_mark
    newline = "\r\n" if "\r\n" in text else "\n"
    between = ", " if entry.flow_style else newline + " " * first.column
    return f"{text[: first.index]}host_key: {_value(keys)}{between}{text[first.index :]}"


def _read(text: str) -> Plain:
    try:
        return plain(text)
    except yaml.YAMLError:
        return None


def _with_keys(text: str, host: str, keys: Sequence[str]) -> Plain:
    """The data of the text in which this host alone has other keys."""
    data = plain(text)
    hosts = data.get("hosts")
    entry = hosts.get(host) if isinstance(hosts, dict) else None
    if not isinstance(hosts, dict) or not isinstance(entry, dict):
        return None
    value: Plain = keys[0] if len(keys) == 1 else list(keys)
    return {**data, "hosts": {**hosts, host: {**entry, "host_key": value}}}


def _is_block_list(node: yaml.Node) -> bool:
    return isinstance(node, yaml.SequenceNode) and not node.flow_style


def _value(keys: Sequence[str]) -> str:
    return keys[0] if len(keys) == 1 else f"[{', '.join(keys)}]"


def _value_of(node: yaml.Node | None, key: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for name, value in node.value if getattr(name, "value", None) == key), None)
