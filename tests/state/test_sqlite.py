"""Journal and lock in a SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mdf_magics.errors import LeaseLost, Locked, StateError
from mdf_magics.state.protocol import JournalRow, Lease, Snapshot
from mdf_magics.state.sqlite import SQLiteStore

START = datetime(2026, 3, 2, 9, 5, 0, tzinfo=UTC)


class Clock:
    """The store's clock, which only a test moves."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".mdf/state.db"


@pytest.fixture
def store(path: Path, clock: Clock) -> SQLiteStore:
    return SQLiteStore(path, project="flights", target="prod", clock=clock)


@pytest.fixture
def lease(store: SQLiteStore) -> Lease:
    return store.acquire("ci@example.com on build-1")


@pytest.fixture
def database(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def row(
    key: str, operation: str, phase: str, operation_id: str, **more: Any
) -> JournalRow:
    return JournalRow(key, "job", operation, phase, operation_id, **more)


class TestReading:
    def test_a_store_without_a_file_is_empty_and_stays_so(
        self, store: SQLiteStore, path: Path
    ):
        assert store.snapshot() == Snapshot()
        for rows in (store.state, store.pending, store.history, store.journal):
            assert rows() == []
        assert store.holder() is None
        assert not path.parent.exists()

    def test_changes_nothing(self, store: SQLiteStore, lease: Lease, path: Path):
        before = path.read_bytes()

        (
            store.snapshot(),
            store.state(),
            store.history(),
            store.journal(),
            store.holder(),
        )

        assert path.read_bytes() == before
        assert [file.name for file in path.parent.iterdir()] == ["state.db"]


class TestLease:
    def test_each_holder_has_a_higher_fence_and_the_same_lineage(
        self, store: SQLiteStore
    ):
        first = store.acquire("a")
        store.release(first)
        second = store.acquire("b")

        assert (first.fence, second.fence) == (1, 2)
        assert first.owner != second.owner
        assert first.lineage == second.lineage
        assert len(first.lineage) == 16

    def test_another_is_told_who_holds_it(self, store: SQLiteStore, clock: Clock):
        store.release(store.acquire("somebody"))
        lease = store.acquire("ci@example.com on build-1")
        store.write(lease, [row("gold", "create", "intent", "op-05")])
        clock.pass_by(30)
        store.renew(lease)
        clock.pass_by(12)

        with pytest.raises(Locked) as error:
            store.acquire("me")

        assert str(error.value) == (
            "locked: prod is being deployed by ci@example.com on build-1\n"
            "  since 2026-03-02 09:05:00 UTC (fence 2), last sign of life 12 s ago\n"
            "  Wait for it, or add  --wait . If it has died, its lease ends by itself in 108 s."
        )

    def test_ends_when_its_holder_was_silent_for_its_length(
        self, store: SQLiteStore, lease: Lease, clock: Clock
    ):
        clock.pass_by(119)
        with pytest.raises(Locked):
            store.acquire("me")
        clock.pass_by(2)

        assert store.acquire("me").fence == 2
        for late in (lambda: store.renew(lease), lambda: store.write(lease, [])):
            with pytest.raises(LeaseLost, match=r"now me has it \(fence 2\)"):
                late()

    def test_every_write_prolongs_it(
        self, store: SQLiteStore, lease: Lease, clock: Clock
    ):
        for _ in range(4):
            clock.pass_by(100)
            store.write(lease, [])

        holder = store.holder()
        assert holder
        assert holder.seconds_left == 120

    def test_a_holder_that_was_silent_goes_on_if_nobody_came(
        self, store: SQLiteStore, lease: Lease, clock: Clock
    ):
        clock.pass_by(10_000)

        store.write(lease, [row("gold", "create", "intent", "op-05")])

        assert len(store.journal()) == 1

    def test_a_released_one_is_free_and_of_no_use(
        self, store: SQLiteStore, lease: Lease
    ):
        store.release(lease)

        with pytest.raises(LeaseLost, match="it was freed by force"):
            store.write(lease, [])
        assert store.acquire("me").fence == 2
        store.release(lease)
        holder = store.holder()
        assert holder
        assert holder.operation_id

    def test_is_freed_by_force_only_from_the_one_named(
        self, store: SQLiteStore, lease: Lease
    ):
        assert not store.unlock("somebody-else")
        assert not store.unlock("")
        assert store.unlock(lease.owner)
        assert store.acquire("me").fence == 2

    def test_of_targets_and_projects_are_apart(
        self, path: Path, store: SQLiteStore, lease: Lease
    ):
        other = SQLiteStore(path, project="flights", target="dev.me")
        third = SQLiteStore(path, project="ships", target="prod")

        lineages = {
            lease.lineage,
            other.acquire("a").lineage,
            third.acquire("b").lineage,
        }

        assert len(lineages) == 3

    def test_a_rebuilt_state_keeps_the_lineage(self, store: SQLiteStore):
        assert (
            store.acquire("me", lineage="abcdef0123456789").lineage
            == "abcdef0123456789"
        )
        assert store.snapshot().lineage == "abcdef0123456789"

    def test_only_one_of_many_gets_it(self, path: Path):
        def acquire(number: int) -> bool:
            store = SQLiteStore(path, project="flights", target="prod")
            try:
                store.acquire(f"{number}")
            except Locked:
                return False
            return True

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(acquire, range(24))) == 1


class TestWriting:
    def test_numbers_rows_and_says_when_and_whose_they_are(
        self, store: SQLiteStore, lease: Lease, clock: Clock
    ):
        store.write(
            lease,
            [row("a", "create", "intent", "1"), row("b", "create", "intent", "2")],
        )
        clock.pass_by(2)
        store.write(lease, [row("a", "create", "done", "1", remote_id="40011")])

        written = [
            (r.seq, r.fence, r.at, r.project, r.target, r.key) for r in store.journal()
        ]
        assert written == [
            (1, 1, "2026-03-02T09:05:00Z", "flights", "prod", "a"),
            (2, 1, "2026-03-02T09:05:00Z", "flights", "prod", "b"),
            (3, 1, "2026-03-02T09:05:02Z", "flights", "prod", "a"),
        ]
        assert store.snapshot().seq == 3

    def test_keeps_every_value_as_it_is(self, store: SQLiteStore, lease: Lease):
        """An id like 40011 stays text; so do quotes, newlines and other alphabets."""
        given = row(
            "a",
            "create",
            "done",
            "1",
            remote_id="0040011",
            name="O'Brien \"x\"\n\u00e9\U0001f600 ' OR 1=1 --",
            generation=3,
            error=None,
        )

        store.write(lease, [given])

        (kept,) = store.journal()
        assert (kept.remote_id, kept.name, kept.generation, kept.error) == (
            given.remote_id,
            given.name,
            3,
            None,
        )

    def test_of_a_stale_holder_leaves_nothing(
        self, store: SQLiteStore, lease: Lease, clock: Clock
    ):
        clock.pass_by(200)
        new = store.acquire("me")
        store.write(new, [row("a", "create", "intent", "1")])

        with pytest.raises(LeaseLost):
            store.write(lease, [row("a", "create", "done", "2")])

        assert [r.operation_id for r in store.journal()] == ["1"]
        assert store.snapshot().seq == 1

    def test_is_all_or_nothing(self, store: SQLiteStore, lease: Lease):
        bad = row("b", "create", "intent", "2", spec=b"not text")

        with pytest.raises(TypeError):
            store.write(lease, [row("a", "create", "intent", "1"), bad])

        assert store.journal() == []
        assert store.snapshot().seq == 0


class TestViews:
    @pytest.fixture(autouse=True)
    def _story(self, store: SQLiteStore, lease: Lease, clock: Clock) -> None:
        for operation, phase, number, more in (
            ("create", "intent", "1", {"generation": 1}),
            ("create", "done", "1", {"remote_id": "40012", "generation": 1}),
            ("update", "intent", "2", {"remote_id": "40012", "generation": 1}),
            (
                "update",
                "failed",
                "2",
                {"remote_id": "40012", "error": "no", "generation": 1},
            ),
            ("create", "intent", "3", {"generation": 2}),
        ):
            store.write(lease, [row("gold", operation, phase, number, **more)])
            clock.pass_by(1)
        store.write(lease, [row("old", "create", "done", "4", remote_id="1")])
        store.write(lease, [row("old", "delete", "done", "5", remote_id="1")])
        store.write(lease, [row("lost", "create", "done", "6", remote_id="2")])
        store.write(lease, [row("lost", "forget", "done", "7", remote_id="2")])

    def test_state_is_the_newest_outcome_of_what_still_stands(self, store: SQLiteStore):
        assert [(r.key, r.remote_id, r.operation) for r in store.state()] == [
            ("gold", "40012", "create")
        ]

    def test_state_can_be_queried(self, database: sqlite3.Connection):
        found = database.execute("SELECT * FROM mdf_state")

        assert " ".join(column[0] for column in found.description) == (
            "project target key kind name remote_id url spec_hash spec tables generation "
            "repository commit deployed_by workspace_id deployed_at"
        )
        assert found.fetchone()[:4] == ("flights", "prod", "gold", "job")

    def test_history_has_a_row_for_each_operation(self, database: sqlite3.Connection):
        found = database.execute(
            "SELECT operation_id, outcome, started, finished, error FROM mdf_history "
            "WHERE `key` = 'gold' ORDER BY operation_id"
        ).fetchall()

        assert found == [
            ("1", "done", "2026-03-02T09:05:00Z", "2026-03-02T09:05:01Z", None),
            ("2", "failed", "2026-03-02T09:05:02Z", "2026-03-02T09:05:03Z", "no"),
            ("3", "pending", "2026-03-02T09:05:04Z", None, None),
        ]

    def test_history_is_told_from_the_newest(self, store: SQLiteStore):
        assert [h.operation_id for h in store.history()] == list("7654321")

    def test_pending_is_what_has_no_outcome(self, store: SQLiteStore):
        assert [r.operation_id for r in store.pending()] == ["3"]

    def test_a_snapshot_has_all_of_it(self, store: SQLiteStore):
        snapshot = store.snapshot()

        assert list(snapshot.resources) == ["gold"]
        assert snapshot.latest["gold"].operation_id == "3"
        assert snapshot.creates["gold"].generation == 2
        assert snapshot.creates["old"].phase == "done"
        assert [r.operation_id for r in snapshot.pending] == ["3"]
        assert (snapshot.fence, snapshot.seq) == (1, 9)


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
