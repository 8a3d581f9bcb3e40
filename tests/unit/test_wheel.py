"""The wheel: what people install, where every other test runs the checkout."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


def test_the_wheel_carries_every_file_of_the_package_and_its_command(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path)]
    subprocess.run([*pip, str(CHECKOUT)], stdin=subprocess.DEVNULL, check=True)
    (wheel,) = tmp_path.glob("bluegreen_deploy-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        carried = set(archive.namelist())
        (commands,) = (archive.read(name).decode() for name in carried if name.endswith("/entry_points.txt"))
    package = {
        str(path.relative_to(CHECKOUT))
        for path in (CHECKOUT / "bluegreen").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {each for each in carried if each.startswith("bluegreen/")} == package
    for name in ("remote/lib.sh", "sandbox/standin/StandIn.java", "config.schema.json", "py.typed"):
        assert f"bluegreen/{name}" in carried
    assert "bluegreen = bluegreen.__main__:program.run" in commands.splitlines()
