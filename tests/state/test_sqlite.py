"""Journal and lock in a SQLite file: what only a file can come to."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mdf_magics.errors import Locked, StateError
from mdf_magics.state.protocol import Lease, Snapshot
from mdf_magics.state.sqlite import SQLiteStore
from tests.state.conftest import Clock, row


@pytest.fixture
def store(path: Path, clock: Clock) -> SQLiteStore:
    return SQLiteStore(path, project="flights", target="prod", clock=clock)


@pytest.fixture
def database(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


class TestReading:
    def test_makes_nothing(self, store: SQLiteStore, path: Path):
        store.snapshot()

        assert not path.parent.exists()

    def test_changes_nothing(self, store: SQLiteStore, lease: Lease, path: Path):
        before = path.read_bytes()

        for read in (store.snapshot, store.history, store.journal, store.holder):
            read()
        store.export()

        assert path.read_bytes() == before
        assert [file.name for file in path.parent.iterdir()] == ["state.db"]

    def test_is_all_or_nothing(self, store: SQLiteStore, lease: Lease):
        bad = row("b", "create", "intent", "2", spec=b"not text")

        with pytest.raises(TypeError):
            store.write(lease, [row("a", "create", "intent", "1"), bad])

        assert store.journal() == []
        assert store.snapshot().seq == 0


class TestEditedByHand:
    """What isn't as we write it is refused in words, wherever it is read."""

    @pytest.mark.parametrize(
        "edit",
        [
            "SET fence = NULL WHERE phase = 'lock'",
            "SET seq = 'many' WHERE phase = 'lock'",
            "SET `at` = NULL WHERE phase = 'lock'",
            "SET `at` = 'yesterday' WHERE phase <> 'lock'",
            "SET generation = 'second' WHERE phase <> 'lock'",
        ],
    )
    def test_a_row_that_cannot_be_read(
        self, store: SQLiteStore, lease: Lease, database: sqlite3.Connection, edit: str
    ):
        store.write(lease, [row("a", "create", "intent", "1")])

        database.execute(f"UPDATE mdf_journal {edit}")

        for read in (store.snapshot, store.history, store.journal):
            with pytest.raises(StateError) as caught:
                read()
            assert caught.value.problems[0].code == "state-damaged"
        assert len(store.export()) == 2


class TestClock:
    """Fault 15: on one machine the store's clock is the machine's."""

    def test_a_lease_of_before_the_clock_was_set_back_keeps_nobody_out(
        self, store: SQLiteStore, lease: Lease, clock: Clock
    ):
        clock.pass_by(-7200)

        assert store.acquire("me").fence == 2

    def test_a_clock_that_is_a_little_late_takes_no_lease_away(
        self, store: SQLiteStore, lease: Lease, clock: Clock
    ):
        clock.pass_by(-30)

        with pytest.raises(Locked):
            store.acquire("me")


class TestDamage:
    def every_reader(self, store: SQLiteStore) -> list[Any]:
        return [
            store.snapshot,
            store.state,
            store.pending,
            store.history,
            store.journal,
            store.holder,
            lambda: store.acquire("me"),
        ]

    def check_refused(self, store: SQLiteStore, sentence: str) -> None:
        for call in self.every_reader(store):
            with pytest.raises(StateError, match=sentence):
                call()

    def test_a_file_that_is_no_database(self, store: SQLiteStore, path: Path):
        path.parent.mkdir()
        path.write_text("something else\n" * 100)

        self.check_refused(store, r"state.db can't be read: file is not a database")
        assert path.read_text().startswith("something else")

    def test_a_truncated_file(self, store: SQLiteStore, lease: Lease, path: Path):
        rows = [
            row(f"k{n}", "create", "done", f"{n}", spec="x" * 500) for n in range(40)
        ]
        store.write(lease, rows)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

        self.check_refused(store, "state.db can't be read: ")

    def test_a_damaged_page(self, store: SQLiteStore, lease: Lease, path: Path):
        rows = [
            row(f"k{n}", "create", "done", f"{n}", spec="x" * 500) for n in range(40)
        ]
        store.write(lease, rows)
        store.release(lease)
        content = bytearray(path.read_bytes())
        content[-8192:-4096] = b"\xff" * 4096
        path.write_bytes(content)

        with pytest.raises(StateError, match=r"state.db can't be read: "):
            store.acquire("me")

    def test_somebody_elses_database(self, store: SQLiteStore, path: Path):
        path.parent.mkdir()
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE theirs (x)")

        self.check_refused(store, "mdf_magics has not made this file")

    def test_a_file_of_no_bytes_is_an_empty_state(self, store: SQLiteStore, path: Path):
        """What is left of a process that died before its first commit."""
        path.parent.mkdir()
        path.touch()

        assert store.snapshot() == Snapshot()
        assert store.acquire("me").fence == 1

    def test_a_dropped_table(
        self, store: SQLiteStore, lease: Lease, database: sqlite3.Connection
    ):
        database.execute("DROP TABLE mdf_journal")

        self.check_refused(store, "no such table: mdf_journal")

    @pytest.mark.parametrize("version", [2, 7])
    def test_a_layout_of_another_version(
        self,
        store: SQLiteStore,
        lease: Lease,
        database: sqlite3.Connection,
        version: int,
    ):
        database.execute(f"PRAGMA user_version = {version}")

        self.check_refused(
            store, rf"newer than this one\n  Its layout is number {version}"
        )

    def test_rows_of_another_version(
        self, store: SQLiteStore, lease: Lease, database: sqlite3.Connection
    ):
        store.release(lease)
        database.execute("UPDATE mdf_journal SET version = 2")

        self.check_refused(store, "written by a version of mdf_magics that is newer")

    def test_a_folder_that_can_not_be_made(self, tmp_path: Path):
        (tmp_path / "file").touch()
        store = SQLiteStore(tmp_path / "file/state.db", project="p", target="t")

        with pytest.raises(StateError, match="can't be opened"):
            store.acquire("me")

    def test_another_program_that_writes_on_and_on(
        self, store: SQLiteStore, lease: Lease, path: Path, database: sqlite3.Connection
    ):
        database.execute("BEGIN IMMEDIATE")
        hasty = SQLiteStore(path, project="flights", target="prod", busy_seconds=0.05)

        with pytest.raises(StateError, match="is busy"):
            hasty.write(lease, [])
