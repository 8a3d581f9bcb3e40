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
            f"app: taggle\nhosts:\n  prod: {{host_key: {ED}, address: a.example, user: ubuntu}}  # EC2\n",
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
            f"app: t\nhosts:\n  dev: {{address: d.example}}\n  prod: {{host_key: {ED}, address: a}}\n"
            "  x: {address: x.example}\n",
            id="a host among others",
        ),
        pytest.param(
            "app: t\r\nhosts:\r\n  prod:\r\n    address: a.example\r\n",
            f"app: t\r\nhosts:\r\n  prod:\r\n    host_key: {ED}\r\n    address: a.example\r\n",
            id="Windows line ends",
        ),
        pytest.param(
            "app: t\nhosts:\n  dev: &dev\n    user: kim\n    address: d\n  prod:\n    <<: *dev\n"
            "    address: a\n",
            f"app: t\nhosts:\n  dev: &dev\n    user: kim\n    address: d\n  prod:\n    host_key: {ED}\n"
            "    <<: *dev\n    address: a\n",
            id="an entry with a merge key",
        ),
        pytest.param(
            "app: t\nhosts:\n  dev: &dev {user: kim, address: d}\n  prod: {address: a, <<: *dev}\n",
            f"app: t\nhosts:\n  dev: &dev {{user: kim, address: d}}\n  prod: {{host_key: {ED}, address: a, "
            "<<: *dev}\n",
            id="a flow entry that ends with a merge key",
        ),
        pytest.param(
            "app: t\nhosts:\n  dev: {user: &kim kim, address: d}\n  prod: {address: a, user: *kim}\n",
            f"app: t\nhosts:\n  dev: {{user: &kim kim, address: d}}\n  prod: {{host_key: {ED}, address: a, "
            "user: *kim}\n",
            id="a flow entry that ends with an alias",
        ),
        pytest.param(
            f"app: t\nhosts:\n  dev: &dev {{address: d, host_key: {OTHER}}}\n"
            "  prod: {<<: *dev, address: a}\n",
            f"app: t\nhosts:\n  dev: &dev {{address: d, host_key: {OTHER}}}\n  prod: {{host_key: {ED}, "
            "<<: *dev, address: a}\n",
            id="an entry that has the key of another one by a merge key",
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


@pytest.mark.parametrize(
    "hosts",
    [
        pytest.param("\n  prod:", id="an entry without keys"),
        pytest.param("\n  dev: &dev {address: d}\n  prod: *dev", id="an alias"),
        pytest.param("\n  dev: &dev\n    address: d\n  prod: *dev", id="an alias of a block"),
        pytest.param("\n  prod: &prod {address: d}\n  dev: *prod", id="a host with an alias"),
        pytest.param(
            "\n  prod: &prod\n    address: d\n  dev:\n    <<: *prod\n    address: e",
            id="a host that another one merges",
        ),
        pytest.param("\n  <<: &all {prod: {address: d}}", id="a host in a merge key of hosts"),
        pytest.param(
            f"\n  dev: {{address: d, host_key: &key {OTHER}}}\n  prod: {{address: a, host_key: *key}}",
            id="a key that is an alias",
        ),
        pytest.param(
            f"\n  prod: {{address: d, host_key: &key {OTHER}}}\n  dev: {{address: a, host_key: *key}}",
            id="a key that another one is an alias of",
        ),
    ],
)
def test_p10_a_key_that_would_be_that_of_another_host_is_not_written(hosts: str) -> None:
    with pytest.raises(WrongUsage, match=r"hosts\.prod cannot be edited") as refused:
        pinned(f"app: t\nhosts:{hosts}\n", "prod", [ED])
    assert f"host_key: {ED}" in str(refused.value.remedy)


def test_p10_hosts_that_are_an_alias_as_a_whole_are_edited_where_they_are_written(tmp_path: Path) -> None:
    """Only `hosts` has meaning there, so that the anchor is nobody else's."""
    config = tmp_path / "config.yml"
    before = "app: &app t\nhosts: &hosts {prod: {address: a}}\n"
    config.write_text(pinned(before, "prod", [ED]))
    assert load(config).host("prod").host_keys == (ED,)
    with pytest.raises(WrongUsage):
        pinned("app: t\nx: &hosts {prod: {address: a}}\nhosts: *hosts\n", "prod", [ED])
