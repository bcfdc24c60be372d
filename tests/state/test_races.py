"""Several processes, each with a Sail server of its own, on one Delta table.

Faults 12 to 14: leases never overlap, a stale one writes nothing, a killed one ends.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mdf_magics.engines.embedded import EmbeddedEngine
from mdf_magics.state.delta import DeltaStore
from mdf_magics.state.session import SessionStatements

ROOT = Path(__file__).parents[2]


def started(
    warehouse: Path, schema: str, name: str, leases: int
) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.state.write_to_delta"]
    return subprocess.Popen(
        [*command, str(warehouse), schema, name, str(leases)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def check(warehouse: Path, schema: str, written: set[int]) -> None:
    """Rows are numbered without a gap, and each lease's stand together."""
    engine = EmbeddedEngine(warehouse, "main")
    statements = SessionStatements(lambda: engine, f"main.{schema}")
    store = DeltaStore(statements, project="flights", target="prod")
    try:
        rows, snapshot = store.journal(), store.snapshot()
    finally:
        engine.close()

    assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
    assert [row.fence for row in rows] == sorted(row.fence for row in rows)
    assert len({(row.operation_id, row.phase) for row in rows}) == len(rows)
    assert all(row.operation_id.endswith(f"-{row.fence}") for row in rows)
    done = {row.fence for row in rows if row.phase == "done"}
    assert written <= done
    assert snapshot.seq == len(rows)


def race(warehouse: Path, processes: int, leases: int, *, kill: bool) -> int:
    """Let them race until each has written so many; how many were written."""
    running = [
        started(warehouse, "race", f"p{number}", leases) for number in range(processes)
    ]
    for process in running:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    if kill:
        assert running[0].stdout
        running[0].stdout.readline()
        running[0].kill()
    taken: list[set[int]] = []
    written: set[int] = set()
    for process in running:
        assert process.stdout
        lines = [line.split() for line in process.stdout if line.count(" ") == 1]
        taken.append({int(fence) for word, fence in lines if word == "taken"})
        written |= {int(fence) for word, fence in lines if word == "written"}
        process.wait()
        process.stdout.close()

    assert sum(map(len, taken)) == len(set().union(*taken))  # no fence twice
    check(warehouse, "race", written)
    return len(written)


def test_leases_of_several_processes_never_overlap(tmp_path: Path):
    assert race(tmp_path / "warehouse", 2, 3, kill=False) >= 6


def test_a_killed_holder_keeps_nobody_out_for_long(tmp_path: Path):
    assert race(tmp_path / "warehouse", 2, 3, kill=True) >= 3


@pytest.mark.full
@pytest.mark.parametrize("kill", [False, True])
def test_many_of_them(tmp_path: Path, kill: bool):
    assert race(tmp_path / "warehouse", 6, 5, kill=kill) >= 25
