"""A deploy may die anywhere: the next one finishes it, and nothing is there twice."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.workspace import WorkspaceServer

ROOT = Path(__file__).parent.parent.parent


def killed(module: str, *words: str) -> str:
    """What a process says that kills deploys and checks what is left."""
    done = subprocess.run(
        [sys.executable, "-m", f"tests.deploying.{module}", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


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
    said = killed("kill_each_call", str(tmp_path), scenario, when)

    with capsys.disabled():
        print(f"\n{scenario}, {when} each call: {said}")
    assert int(said.split()[1]) >= 16


@pytest.mark.full
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_each_request_to_a_workspace(
    tmp_path: Path,
    server: WorkspaceServer,
    when: str,
    capsys: pytest.CaptureFixture[str],
):
    """Twelve tables: jobs that are changed, renamed and deleted, and a new pipeline."""
    said = killed("kill_each_request", str(tmp_path), when)

    with capsys.disabled():
        print(f"\n{when} each request: {said}")
    targets = int(said.split()[1]) + 1  # and the one that lived
    assert targets >= 16
    assert len(server.jobs.jobs) == 3 * targets
    assert len(server.pipelines.pipelines) == targets
