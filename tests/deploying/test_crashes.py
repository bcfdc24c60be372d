"""A deploy may die anywhere: the next one finishes it, and nothing is there twice."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    "scenario",
    [
        "first",
        "moves",
        pytest.param("change", marks=pytest.mark.full),
        pytest.param("rebuild", marks=pytest.mark.full),
        pytest.param("hundred", marks=pytest.mark.full),
    ],
)
def test_killed_at_each_call(
    tmp_path: Path, scenario: str, when: str, capsys: pytest.CaptureFixture[str]
):
    """`kill -9` around every call to the workspace and every write of the state.

    `hundred` has a hundred tables: parts that are made, changed, renamed and deleted,
    and tables that move between them.
    """
    command = [sys.executable, "-m", "tests.deploying.kill_each_call"]

    done = subprocess.run(
        [*command, str(tmp_path), scenario, when],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    with capsys.disabled():
        print(f"\n{scenario}, {when} each call: {done.stdout.strip()}")
    assert int(done.stdout.split()[1]) >= 16
