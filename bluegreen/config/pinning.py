"""Pin host keys in a config.yml: one value is written, every other character stays as it is."""

from __future__ import annotations

from collections.abc import Sequence

import yaml

from bluegreen.errors import WrongUsage


def pinned(text: str, host: str, keys: Sequence[str]) -> str:
    """The text of a config.yml with `hosts.<host>.host_key` set to these keys.

    Args:
        text: a valid config.yml.
        host: an entry of `hosts:`.
        keys: `type base64` each; at least one.

    Raises:
        WrongUsage: the entry cannot be edited: it is an alias, or has only a merge key.
    """
    entry = _value_of(_value_of(yaml.compose(text, Loader=yaml.SafeLoader), "hosts"), host)
    if not isinstance(entry, yaml.MappingNode) or not entry.value:
        raise WrongUsage(
            f"hosts.{host} cannot be edited: it has no keys of its own",
            remedy=f"add this line to it: host_key: {_value(keys)}",
        )
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
    first_key = entry.value[0][0]
    if entry.flow_style:
        last = entry.value[-1][1].end_mark.index
        return f"{text[:last]}, host_key: {_value(keys)}{text[last:]}"
    # Before the first key of the entry: after the last value there may be a comment.
    at = first_key.start_mark.index
    newline = "\r\n" if "\r\n" in text else "\n"
    return f"{text[:at]}host_key: {_value(keys)}{newline}{' ' * first_key.start_mark.column}{text[at:]}"


def _is_block_list(node: yaml.Node) -> bool:
    return isinstance(node, yaml.SequenceNode) and not node.flow_style


def _value(keys: Sequence[str]) -> str:
    return keys[0] if len(keys) == 1 else f"[{', '.join(keys)}]"


def _value_of(node: yaml.Node | None, key: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for name, value in node.value if getattr(name, "value", None) == key), None)
