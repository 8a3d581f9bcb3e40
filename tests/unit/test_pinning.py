"""Pinning host keys: only this value of the file changes (P10)."""

from __future__ import annotations

from pathlib import Path

import pytest

from bluegreen.config import load
from bluegreen.config.pinning import pinned
from bluegreen.errors import WrongUsage

ED = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJqM8nO1BqSmVqS2uTLsQqMUxDqJfJ8BqRk0lY5e5o3d"
OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGNYc1l1fJ8BqRk0lY5e5o3dJqM8nO1BqSmVqS2uTLsQ"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(
            "app: t  # x\nhosts:\n  prod:  # EC2\n    address: a.example  # eu\n    user: ubuntu\n# end\n",
            f"app: t  # x\nhosts:\n  prod:  # EC2\n    host_key: {ED}\n    address: a.example  # eu\n"
            "    user: ubuntu\n# end\n",
            id="a block entry without a key",
        ),
        pytest.param(
            "app: taggle\nhosts:\n  prod: {address: a.example, user: ubuntu}  # EC2\n",
            f"app: taggle\nhosts:\n  prod: {{address: a.example, user: ubuntu, host_key: {ED}}}  # EC2\n",
            id="a flow entry without a key",
        ),
        pytest.param(
            f"app: t\nhosts:\n  prod:\n    address: a\n    host_key: {OTHER}  # old\n    user: ubuntu\n",
            f"app: t\nhosts:\n  prod:\n    address: a\n    host_key: {ED}  # old\n    user: ubuntu\n",
            id="an entry with another key",
        ),
        pytest.param(
            f"app: taggle\nhosts:\n  prod: {{host_key: {OTHER}, address: a.example}}\n",
            f"app: taggle\nhosts:\n  prod: {{host_key: {ED}, address: a.example}}\n",
            id="a flow entry with another key",
        ),
        pytest.param(
            f"app: taggle\nhosts:\n  prod:\n    host_key:\n      - {OTHER}\n    address: a.example\n",
            f"app: taggle\nhosts:\n  prod:\n    host_key: {ED}\n    address: a.example\n",
            id="an entry with a list of keys",
        ),
        pytest.param(
            "app: t\nhosts:\n  dev: {address: d.example}\n  prod: {address: a}\n  x: {address: x.example}\n",
            f"app: t\nhosts:\n  dev: {{address: d.example}}\n  prod: {{address: a, host_key: {ED}}}\n"
            "  x: {address: x.example}\n",
            id="a host among others",
        ),
        pytest.param(
            "app: t\r\nhosts:\r\n  prod:\r\n    address: a.example\r\n",
            f"app: t\r\nhosts:\r\n  prod:\r\n    host_key: {ED}\r\n    address: a.example\r\n",
            id="Windows line ends",
        ),
    ],
)
def test_p10_only_the_key_of_the_host_is_written(tmp_path: Path, before: str, after: str) -> None:
    assert pinned(before, "prod", [ED]) == after
    config = tmp_path / "config.yml"
    config.write_bytes(after.encode())
    assert load(config).host("prod").host_keys == (ED,)


def test_p10_several_machines_have_a_key_each(tmp_path: Path) -> None:
    config = tmp_path / "config.yml"
    config.write_text(
        pinned("app: t\nhosts: {prod: {address: [a.example, b.example]}}\n", "prod", [ED, OTHER])
    )
    assert load(config).host("prod").host_keys == (ED, OTHER)


def test_an_entry_without_keys_of_its_own_is_not_edited() -> None:
    with pytest.raises(WrongUsage, match=r"hosts\.prod cannot be edited"):
        pinned("app: t\nhosts:\n  prod:\n", "prod", [ED])
