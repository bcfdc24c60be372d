"""A process that is killed while it writes has lost nothing that it had written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mdf_magics.state.sqlite import SQLiteStore

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize("lines", [1, 7, 40])
def test_what_was_acknowledged_is_there_and_nothing_is_torn(tmp_path: Path, lines: int):
    file = tmp_path / "state.db"
    command = [sys.executable, "-m", "tests.state.write_until_killed", str(file)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        acknowledged = [int(process.stdout.readline()) for _ in range(lines)]
        process.kill()

    store = SQLiteStore(file, project="flights", target="prod")
    written = [row.operation_id for row in store.journal()]

    assert written == sorted(written, key=int)
    assert set(map(str, acknowledged)) <= set(written)
    assert all(written.count(number) == 2 for number in written)
    assert store.snapshot().seq == len(written)
    holder = store.holder()
    assert holder
    assert holder.deployed_by == "killed"
