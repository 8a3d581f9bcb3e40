"""`trust`: what the host shows, and what is pinned (P10)."""

from __future__ import annotations

from tests.support.box import Box


def as_a_real_host(box: Box) -> str:
    """Names the sandbox's sshd as a host of its own, without its key; gives the key it has."""
    sandbox = box.sandbox
    address = {
        "address": "127.0.0.1",
        "port": sandbox.ssh_port,
        "user": sandbox.user,
        "identity": str(sandbox.identity),
    }
    box.configure(supervisor="process", hosts={"prod": address})
    return sandbox.host_key


def test_p10_an_unknown_host_is_refused_until_it_is_trusted(box: Box) -> None:
    key = as_a_real_host(box)
    config = box.folder / "config.yml"
    # As an editor on Windows leaves it.
    config.write_bytes(config.read_bytes().replace(b"\n", b"\r\n"))
    before = config.read_bytes()
    refused = box.run("history", "--host", "prod")
    assert refused.code == 5
    assert f"host_key: {key}" in refused.all

    unasked = box.run("trust", "--host", "prod")
    assert unasked.code == 2
    assert "SHA256:" in unasked.all
    assert config.read_bytes() == before

    trusted = box.run("trust", "--host", "prod", "--yes")
    assert trusted.code == 0, trusted.all
    assert f"host_key: {key}" in config.read_text()
    assert b"\n" not in config.read_bytes().replace(b"\r\n", b"")
    assert box.run("history", "--host", "prod").code == 0


def test_on_a_terminal_it_asks_and_in_ci_it_neither_asks_nor_draws(box: Box) -> None:
    key = as_a_real_host(box)
    in_ci = box.run_on_terminal("trust", "--host", "prod", environ={"CI": "true"}, typed="y\n")
    assert in_ci.code == 2, in_ci.out
    assert "pin it?" not in in_ci.out
    assert "\x1b" not in in_ci.out
    assert f"host_key: {key}" not in (box.folder / "config.yml").read_text()
    assert "\x1b" not in box.run_on_terminal("status", "--host", "prod", environ={"CI": "true"}).out

    asked = box.run_on_terminal("trust", "--host", "prod", typed="y\n")
    assert asked.code == 0, asked.out
    assert "pin it? [y/N]" in asked.out
    assert f"host_key: {key}" in (box.folder / "config.yml").read_text()
    assert "\x1b" in box.run_on_terminal("status", "--host", "prod").out


def test_p10_a_key_that_is_pinned_already_is_said_and_left(box: Box) -> None:
    key = as_a_real_host(box)
    box.configure(hosts={"prod": {**box.settings["hosts"]["prod"], "host_key": key}})
    before = (box.folder / "config.yml").read_text()
    ran = box.run("trust", "--host", "prod")
    assert ran.code == 0, ran.all
    assert "pinned already" in ran.out
    assert (box.folder / "config.yml").read_text() == before
