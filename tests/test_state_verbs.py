"""`mdf state` and `mdf history`, as people type them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mdf_magics.cli import main
from mdf_magics.state.protocol import JournalRow
from mdf_magics.state.sqlite import SQLiteStore

PROJECT = "project: shop\ndefault_target: local\ntargets:\n  local: {engine: embedded, catalog: main}\n"
TABLES = "tables:\n  - {name: gold.ones, sql: SELECT 1 AS one}\n"

type Mdf = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "definitions/tables").mkdir(parents=True)
    (tmp_path / "definitions/mdf.yml").write_text(PROJECT)
    (tmp_path / "definitions/tables/gold.yml").write_text(TABLES)
    return tmp_path


@pytest.fixture
def mdf(folder: Path) -> Mdf:
    def run(*words: str) -> Result:
        return CliRunner().invoke(main, ["-C", str(folder), *words])

    return run


@pytest.fixture
def store(folder: Path) -> SQLiteStore:
    return SQLiteStore(folder / ".mdf/state.db", project="shop", target="local")


class TestShow:
    def test_before_anything(self, mdf: Mdf, folder: Path):
        done = mdf("state")

        assert done.output == (
            f"state of local in {folder}/.mdf/state.db\nempty: nothing was ever deployed\n"
        )

    def test_what_is_deployed(self, mdf: Mdf, store: SQLiteStore):
        mdf("deploy")

        lines = mdf("state", "show").output.splitlines()

        assert lines[1].startswith("row 2, fence 1, lineage ")
        assert lines[2] == "lock: free"
        assert lines[6].split()[:4] == ["gold", "job", "1", "1"]

    def test_who_holds_the_lock_and_what_is_unfinished(
        self, mdf: Mdf, store: SQLiteStore
    ):
        lease = store.acquire("ci@example.com on build-1")
        store.write(lease, [JournalRow("gold", "job", "create", "intent", "op-1")])

        shown = mdf("state").output
        told = json.loads(mdf("state", "--json").output)

        assert "lock: held by ci@example.com on build-1 since 20" in shown
        assert f"by force:  mdf state unlock {lease.owner}" in shown
        assert (
            "unfinished; the next deploy looks what came of it:\n  create job gold"
            in shown
        )
        assert told["lock"]["fence"] == 1
        assert [one["key"] for one in told["pending"]] == ["gold"]
        assert set(told) == {
            "target", "where", "lineage", "fence", "seq", "lock", "resources", "pending",
            "unwritten",
        }  # fmt: skip


class TestUnlock:
    def test_says_what_it_interrupts(self, mdf: Mdf, store: SQLiteStore):
        lease = store.acquire("ci@example.com on build-1")
        store.write(lease, [JournalRow("gold", "job", "create", "intent", "op-1")])

        done = mdf("state", "unlock", lease.owner)

        assert done.exit_code == 0
        assert done.output.startswith(
            "The lock of local is free. It was held by ci@example.com on build-1 (fence 1), last sign of life"
        )
        assert "  create job gold\n" in done.output
        assert "lock: free (" in mdf("state").output

    @pytest.mark.parametrize("words", [(), ("another",)])
    def test_wants_the_right_id(
        self, mdf: Mdf, store: SQLiteStore, words: tuple[str, ...]
    ):
        lease = store.acquire("ci@example.com on build-1")

        done = mdf("state", "unlock", *words)

        assert done.exit_code == 1
        assert "wrong-lock: " in done.output
        assert f"mdf state unlock {lease.owner}" in done.output
        store.renew(lease)

    def test_of_nothing(self, mdf: Mdf):
        assert "not-locked: local isn't locked" in mdf("state", "unlock", "x").output


class TestExport:
    def test_is_json_of_every_row(self, mdf: Mdf):
        mdf("deploy")

        told = json.loads(mdf("state", "export").output)

        assert (told["project"], told["target"]) == ("shop", "local")
        assert [row["phase"] for row in told["rows"]] == ["lock", "intent", "done"]
        assert told["rows"][2]["remote_id"] == "1"

    def test_works_on_every_version(self, mdf: Mdf, store: SQLiteStore):
        """Fault 27: what this version refuses can be taken out all the same."""
        mdf("deploy")
        with closing(sqlite3.connect(store.where)) as database:
            database.execute("ALTER TABLE mdf_journal ADD COLUMN mood TEXT")
            database.execute("UPDATE mdf_journal SET version = 9, mood = 'good'")
            database.execute("PRAGMA user_version = 9")
            database.commit()

        refused = mdf("plan")
        told = json.loads(mdf("state", "export").output)

        assert refused.exit_code == 1
        assert "written by a version of mdf_magics that is newer" in refused.output
        assert "pip install --upgrade mdf_magics" in refused.output
        assert {row["mood"] for row in told["rows"]} == {"good"}


class TestRebuild:
    def test_restores_what_the_marks_say(self, mdf: Mdf, folder: Path):
        """Fault 25: the state was dropped, its resources are there."""
        mdf("deploy")
        for file in (folder / ".mdf").glob("state.db*"):
            file.unlink()

        refused = mdf("deploy")
        rebuilt = mdf("state", "rebuild")

        assert "state-lost: there is no state of local" in refused.output
        assert rebuilt.output == (
            "1 resource restored from their marks, to be sent once more: gold\n"
            "Look at  mdf plan , then deploy.\n"
        )
        assert mdf("deploy").output.startswith("update  job gold (1)")

    def test_finds_nothing(self, mdf: Mdf):
        done = mdf("state", "rebuild", "--json")

        assert json.loads(done.output) == {
            "target": "local", "restored": [], "known": [], "forgotten": [], "left": [],
        }  # fmt: skip


class TestHistory:
    def test_newest_first_and_why_it_failed(self, mdf: Mdf, store: SQLiteStore):
        mdf("deploy")
        lease = store.acquire("me")
        row = JournalRow("gold", "job", "update", "failed", "op-2", error="no right")
        store.write(lease, [row])

        lines = mdf("history").output.splitlines()

        assert lines[2].split()[3:6] == ["update", "gold", "job"]
        assert lines[3].split()[3:8] == ["create", "gold", "job", "1", "done"]
        assert lines[-1].endswith(": no right")

    def test_of_one_resource_and_so_many(self, mdf: Mdf, store: SQLiteStore):
        lease = store.acquire("me")
        for number in range(3):
            for key in ("gold", "all"):
                done = JournalRow(key, "job", "update", "done", f"{key}-{number}")
                store.write(lease, [done])

        told = json.loads(mdf("history", "gold", "--limit", "2", "--json").output)

        assert [one["operation_id"] for one in told["operations"]] == [
            "gold-2",
            "gold-1",
        ]
        assert "There are older ones" in mdf("history", "--limit", "2").output

    def test_of_nothing(self, mdf: Mdf):
        assert mdf("history").output == "Nothing has happened in local yet.\n"


def test_what_state_can_not_do(mdf: Mdf):
    done = mdf("state", "shw")

    assert done.exit_code == 2
    assert 'wrong-usage: state has no "shw"' in done.output
    assert 'Did you mean "show"?' in done.output
