"""A group that moves from job to pipeline and back, by the user's commands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from mdf_magics.cli import main
from tests.running.test_local_pipeline import CONTENTS, PROJECT, describe

BEGIN_ANEW = ("silver.history", "silver.kept", "silver.newest")
"""What wants its name said: append, merge and scd2."""


def mdf(folder: Path, *words: str, code: int = 0) -> str:
    done = CliRunner().invoke(main, ["-C", str(folder), *words])
    assert done.exit_code == code, done.output
    return done.output


def contents(folder: Path) -> dict[str, list[list[object]]]:
    """The rows that a user is shown of each table, all of which are built."""
    shown = {}
    for table in CONTENTS:
        said = json.loads(mdf(folder, "preview", table, "--json"))
        shown[table] = sorted(said["rows"], key=repr)
    return shown


def left_out(folder: Path, table: str) -> tuple[int, int]:
    """How many rows the status says were dropped and quarantined."""
    tables = json.loads(mdf(folder, "status", "--json"))["tables"]
    (found,) = [one for one in tables if one["name"] == table]
    assert "2 dropped, 1 quarantined" in mdf(folder, "status")
    return found["dropped"], found["quarantined"]


@pytest.mark.full
def test_tables_hold_the_same_rows_wherever_they_are(tmp_path: Path) -> None:
    """One project over time: what ran on a job, then a pipeline, then a job again."""
    describe(tmp_path)
    settings = tmp_path / "definitions" / "mdf.yml"
    settings.write_text(PROJECT.format(home="job"))
    mdf(tmp_path, "deploy")
    mdf(tmp_path, "run")
    on_job = contents(tmp_path)

    for home in ("pipeline", "job"):
        settings.write_text(PROJECT.format(home=home))
        refused = mdf(tmp_path, "deploy", code=1)
        consent = ["--rebuild", ",".join(BEGIN_ANEW)]
        assert " ".join(consent) in refused
        mdf(tmp_path, "deploy", "--yes", *consent)
        mdf(tmp_path, "run")

        assert contents(tmp_path) == on_job
        assert json.loads(mdf(tmp_path, "plan", "--json"))["changes"] == 0
    assert left_out(tmp_path, "silver.kept") == (2, 1)
    assert [len(rows) for rows in on_job.values()] == [4, 1, 2, 5, 2, 2, 1]
