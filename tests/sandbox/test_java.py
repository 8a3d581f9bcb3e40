"""The supervisor `process` finds java on the PATH of its script, or on the one under env: in config.yml."""

from __future__ import annotations

import shutil

from tests.support.box import Box
from tests.support.on_host import versions


def test_p12_a_path_under_env_that_has_no_java_is_named_before_the_upload(box: Box) -> None:
    box.configure(env={"PATH": "/nowhere"})
    ran = box.deploy("1")
    assert ran.code == 1, ran.all
    assert "the command java was not found on the PATH that env: in config.yml sets (/nowhere)" in ran.out
    assert "write into config.yml: java: {bin: /" in ran.out, "where it is, though"
    assert versions(box) == []


def test_the_java_on_the_path_under_env_is_the_one_that_is_started(box: Box) -> None:
    java = shutil.which("java")
    assert java is not None
    tools = box.folder / "tools"
    tools.mkdir()
    (tools / "java").write_text(f'#!/bin/sh\necho "started by the tools"\nexec {java} "$@"\n')
    (tools / "java").chmod(0o755)
    box.configure(env={"PATH": f"{tools}:/usr/bin:/bin"})
    assert f"✓ java: {tools}/java is Java" in box.run("check").out
    box.deployed("1")
    assert "started by the tools" in (box.base / "logs" / "prod2.log").read_text()
