"""`--no-skips`, on which CI relies."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
SKIPS = """\
import pytest

def test_passes():
    pass

def test_skips():
    pytest.skip("no nginx here")

@pytest.mark.skipif(True, reason="not today")
def test_is_skipped_by_a_mark():
    pass

@pytest.mark.xfail(reason="is known")
def test_is_expected_to_fail():
    assert False
"""


def test_what_skips_itself_is_a_failure_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "test_skips.py").write_text(SKIPS)
    (tmp_path / "test_skips_whole.py").write_text(
        "import pytest\n\npytest.skip('not on this machine', allow_module_level=True)\n"
    )
    assert _ran(tmp_path).returncode == 0
    ran = _ran(tmp_path, "--no-skips", "--continue-on-collection-errors")
    assert ran.returncode == 1, ran.stdout
    reasons = set(re.findall(r"^--no-skips: \S+ Skipped: (.*)$", ran.stdout, re.M))
    assert reasons == {"no nginx here", "not today", "not on this machine"}
    # What a mark skips never began: an error.
    assert re.search(r"= 1 failed, 1 passed, 1 xfailed, 2 errors in ", ran.stdout)


def _ran(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    # The folder's own ini: ours would look for tests in the checkout.
    (folder / "pytest.ini").write_text("[pytest]\n")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.conftest", *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(CHECKOUT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
