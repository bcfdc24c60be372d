"""Every store does the same: these tests run on SQLite and on a real Delta table."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime
from typing import Any

import pytest

from mdf_magics.errors import LeaseLost, Locked
from mdf_magics.state import delta
from mdf_magics.state.protocol import Lease, Snapshot, StateStore
from mdf_magics.state.sqlite import SQLiteStore
from tests.state.conftest import Clock, NewStore, row

type Sql = Callable[[str], tuple[list[str], list[tuple[Any, ...]]]]


@pytest.fixture
def sql(store: StateStore, request: pytest.FixtureRequest) -> Sql:
    """Runs a query on the store as anybody would; times as SQLite has them."""

    def in_sqlite(query: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        with closing(sqlite3.connect(store.where)) as connection:
            found = connection.execute(query)
            return [column[0] for column in found.description], found.fetchall()

    def in_delta(query: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        schema = request.getfixturevalue("schema")
        session = request.getfixturevalue("engine").session
        frame = session.sql(query.replace("FROM mdf_", f"FROM {schema}.mdf_"))
        rows = [
            tuple(
                f"{value:%Y-%m-%dT%H:%M:%SZ}" if isinstance(value, datetime) else value
                for value in row
            )
            for row in frame.collect()
        ]
        return frame.columns, rows

    return in_sqlite if isinstance(store, SQLiteStore) else in_delta


def test_a_store_without_anything_is_empty(store: StateStore):
    assert store.snapshot() == Snapshot()
    for rows in (store.state, store.pending, store.history, store.journal):
        assert rows() == []
    assert store.holder() is None
    assert store.export() == []
    assert not store.unlock("somebody", "me")


class TestLease:
    def test_each_holder_has_a_higher_fence_and_the_same_lineage(
        self, store: StateStore
    ):
        first = store.acquire("a")
        store.release(first)
        second = store.acquire("b")

        assert (first.fence, second.fence) == (1, 2)
        assert first.owner != second.owner
        assert first.lineage == second.lineage
        assert len(first.lineage) == 16

    def test_another_is_told_who_holds_it(self, store: StateStore, clock: Clock):
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
        self, store: StateStore, lease: Lease, clock: Clock
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
        self, store: StateStore, lease: Lease, clock: Clock
    ):
        for _ in range(4):
            clock.pass_by(100)
            store.write(lease, [])

        holder = store.holder()
        assert holder
        assert holder.seconds_left == 120

    def test_a_holder_that_was_silent_goes_on_if_nobody_came(
        self, store: StateStore, lease: Lease, clock: Clock
    ):
        clock.pass_by(10_000)

        store.write(lease, [row("gold", "create", "intent", "op-05")])

        assert len(store.journal()) == 1

    def test_a_released_one_is_free_and_of_no_use(
        self, store: StateStore, lease: Lease
    ):
        store.release(lease)

        with pytest.raises(LeaseLost, match="it was given back"):
            store.write(lease, [])
        assert store.acquire("me").fence == 2
        store.release(lease)
        holder = store.holder()
        assert holder
        assert holder.operation_id

    def test_is_freed_by_force_only_from_the_one_named(
        self, store: StateStore, lease: Lease
    ):
        assert not store.unlock("somebody-else", "me")
        assert not store.unlock("", "me")
        assert store.unlock(lease.owner, "me")
        assert store.acquire("me").fence == 2

    def test_of_targets_and_projects_are_apart(self, new_store: NewStore, lease: Lease):
        other = new_store(target="dev.me")
        third = new_store(project="ships")

        lineages = {
            lease.lineage,
            other.acquire("a").lineage,
            third.acquire("b").lineage,
        }

        assert len(lineages) == 3

    def test_a_rebuilt_state_keeps_the_lineage(self, store: StateStore):
        assert (
            store.acquire("me", lineage="abcdef0123456789").lineage
            == "abcdef0123456789"
        )
        assert store.snapshot().lineage == "abcdef0123456789"

    def test_only_one_of_many_gets_it(self, new_store: NewStore):
        new_store().release(new_store().acquire("first"))

        def acquire(number: int) -> bool:
            try:
                new_store().acquire(f"{number}")
            except Locked:
                return False
            return True

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(acquire, range(16))) == 1

    def test_a_taken_one_says_how_long_to_wait_for_calls_under_way(
        self, store: StateStore, lease: Lease, clock: Clock
    ):
        """Its holder may have begun a call just before it fell silent."""
        clock.pass_by(125)

        assert store.acquire("me").grace == 5
        clock.pass_by(1000)
        assert store.acquire("later").grace == 0

    def test_a_freed_one_too(self, store: StateStore, lease: Lease, clock: Clock):
        clock.pass_by(40)
        store.unlock(lease.owner, "me on laptop")

        holder = store.holder()
        assert holder
        assert (holder.freed_by, holder.seconds_left) == ("me on laptop", 0)
        with pytest.raises(LeaseLost, match="me on laptop freed it by force"):
            store.write(lease, [])
        new = store.acquire("me")
        assert new.grace == 90
        store.release(new)
        assert store.acquire("me").grace == 0


class TestWriting:
    def test_numbers_rows_and_says_when_and_whose_they_are(
        self, store: StateStore, lease: Lease, clock: Clock
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

    def test_keeps_every_value_as_it_is(self, store: StateStore, lease: Lease):
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
        self, store: StateStore, lease: Lease, clock: Clock
    ):
        clock.pass_by(200)
        new = store.acquire("me")
        store.write(new, [row("a", "create", "intent", "1")])

        with pytest.raises(LeaseLost):
            store.write(lease, [row("a", "create", "done", "2")])

        assert [r.operation_id for r in store.journal()] == ["1"]
        assert store.snapshot().seq == 1

    def test_of_more_text_than_a_statement_holds_is_kept(
        self, store: StateStore, lease: Lease, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(delta, "LARGEST_WRITE", 10_000)
        spec = "it's \\ " * 1_000
        rows = [row(f"k{n}", "create", "done", f"{n}", spec=spec) for n in range(3)]

        store.write(lease, rows)

        assert [(kept.seq, kept.spec == spec) for kept in store.journal()] == [
            (1, True), (2, True), (3, True),
        ]  # fmt: skip


class TestViews:
    @pytest.fixture(autouse=True)
    def _story(self, store: StateStore, lease: Lease, clock: Clock) -> None:
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
        store.write(
            lease,
            [
                row("old", "create", "done", "4", remote_id="1"),
                row("old", "delete", "done", "5", remote_id="1"),
                row("lost", "create", "done", "6", remote_id="2"),
                row("lost", "forget", "done", "7", remote_id="2"),
            ],
        )

    def test_state_is_the_newest_outcome_of_what_still_stands(self, store: StateStore):
        assert [(r.key, r.remote_id, r.operation) for r in store.state()] == [
            ("gold", "40012", "create")
        ]

    def test_state_can_be_queried(self, sql: Sql):
        names, rows = sql("SELECT * FROM mdf_state")

        assert " ".join(names) == (
            "project target key kind name remote_id url spec_hash spec tables generation "
            "repository commit deployed_by workspace_id deployed_at"
        )
        assert [row[:4] for row in rows] == [("flights", "prod", "gold", "job")]

    def test_history_can_be_queried(self, sql: Sql):
        _, rows = sql(
            "SELECT operation_id, outcome, started, finished, error FROM mdf_history "
            "WHERE `key` = 'gold' ORDER BY operation_id"
        )

        assert rows == [
            ("1", "done", "2026-03-02T09:05:00Z", "2026-03-02T09:05:01Z", None),
            ("2", "failed", "2026-03-02T09:05:02Z", "2026-03-02T09:05:03Z", "no"),
            ("3", "pending", "2026-03-02T09:05:04Z", None, None),
        ]

    def test_history_can_be_narrowed_down(self, store: StateStore):
        assert [h.operation_id for h in store.history("gold")] == list("321")
        assert [h.operation_id for h in store.history("gold", 1)] == ["3"]
        assert [h.operation_id for h in store.history(limit=2)] == list("76")
        assert store.history("it's not there") == []

    def test_an_export_has_every_row_as_it_is(self, store: StateStore):
        rows = store.export()

        assert [row["phase"] for row in rows][:3] == ["lock", "intent", "done"]
        assert len(rows) == 10
        assert rows[2]["remote_id"] == "40012"

    def test_history_is_told_from_the_newest(self, store: StateStore):
        assert [h.operation_id for h in store.history()] == list("7654321")

    def test_pending_is_what_has_no_outcome(self, store: StateStore):
        assert [r.operation_id for r in store.pending()] == ["3"]

    def test_a_snapshot_has_all_of_it(self, store: StateStore):
        snapshot = store.snapshot()

        assert list(snapshot.resources) == ["gold"]
        assert snapshot.latest["gold"].operation_id == "3"
        assert snapshot.creates["gold"].generation == 2
        assert snapshot.creates["old"].phase == "done"
        assert [r.operation_id for r in snapshot.pending] == ["3"]
        assert (snapshot.fence, snapshot.seq) == (1, 9)
