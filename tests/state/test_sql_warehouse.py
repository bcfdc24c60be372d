"""State through the statement execution API, on a warehouse that really runs SQL."""

from __future__ import annotations

import pytest

from mdf_magics.errors import LeaseLost, StateError, StateUnreachable
from mdf_magics.state.protocol import JournalRow, Snapshot
from tests.state.conftest import NewStore, row
from tests.workspace import WorkspaceServer

POST = "POST /api/2.0/sql/statements"


def intent(number: int) -> list[JournalRow]:
    return [row("gold", "create", "intent", f"{number}")]


class TestStatements:
    def test_what_is_written_is_read(self, new_warehouse: NewStore):
        lease = new_warehouse().acquire("me")
        new_warehouse().write(
            lease, [row("gold", "create", "done", "1", remote_id="007")]
        )

        assert new_warehouse().snapshot().resources["gold"].remote_id == "007"
        assert [one.outcome for one in new_warehouse().history()] == ["done"]

    def test_a_write_is_one_statement(
        self, new_warehouse: NewStore, server: WorkspaceServer
    ):
        store = new_warehouse()
        lease = store.acquire("me")
        before = len(server.statements.texts)

        store.write(lease, intent(1))

        assert len(server.statements.texts) == before + 1
        assert server.statements.texts[-1].lstrip().startswith("MERGE INTO `main`.")

    def test_a_warehouse_that_stands_still_is_waited_for(
        self, new_warehouse: NewStore, server: WorkspaceServer
    ):
        server.statements.warehouses["w1"] = "STOPPED"
        server.statements.start_seconds = 1.0
        server.statements.longest_wait = 0.01

        assert new_warehouse().acquire("me").fence == 1
        assert [line for line in server.lines() if line.startswith("GET")]

    def test_large_results_come_in_chunks(
        self, new_warehouse: NewStore, server: WorkspaceServer
    ):
        server.statements.chunk_rows = 2
        store = new_warehouse()
        store.write(
            store.acquire("me"),
            [row(f"k{n}", "create", "done", f"{n}") for n in range(5)],
        )

        assert [one.key for one in store.journal()] == ["k0", "k1", "k2", "k3", "k4"]

    def test_results_beyond_the_inline_limit_are_read_in_parts(
        self, new_warehouse: NewStore, server: WorkspaceServer
    ):
        server.statements.inline_limit = 4000
        store = new_warehouse()
        rows = [
            row(f"k{n}", "create", "done", f"{n}", spec="x" * 1000) for n in range(7)
        ]
        store.write(store.acquire("me"), rows)

        assert len(store.journal()) == 7
        assert len(store.snapshot().resources) == 7
        server.statements.inline_limit = 900
        with pytest.raises(StateError, match="Inline byte limit exceeded"):
            store.journal()


class TestLostReplies:
    """There is no idempotency key: what came of a statement is read from the lock row."""

    @pytest.mark.parametrize("when", ["before", "after"])
    def test_a_write_is_done_exactly_once(
        self, new_warehouse: NewStore, server: WorkspaceServer, when: str
    ):
        store = new_warehouse()
        lease = store.acquire("me")
        server.fault("MERGE INTO", "drop", when=when)

        store.write(lease, intent(1))
        store.write(lease, intent(2))

        assert [(one.seq, one.operation_id) for one in store.journal()] == [
            (1, "1"),
            (2, "2"),
        ]

    def test_a_write_that_comes_late_is_done_once(
        self, new_warehouse: NewStore, server: WorkspaceServer
    ):
        """It was still running when it was sent again: the second one finds `seq` moved."""
        store = new_warehouse()
        lease = store.acquire("me")
        store.write(lease, intent(1))
        text = server.statements.texts[-1]
        store.renew(lease)

        assert store._statements.change(text) == 0  # type: ignore[attr-defined]

        assert len(store.journal()) == 1

    def test_what_landed_unseen_is_not_written_again_with_more(
        self, new_warehouse: NewStore, server: WorkspaceServer
    ):
        """The deployer gave up, then tries once more with what has come since."""
        store = new_warehouse()
        lease = store.acquire("me")
        server.fault("MERGE INTO", "drop", when="after")
        server.fault("sql/statements", 503, skip=1, times=None)
        with pytest.raises(StateUnreachable):
            store.write(lease, intent(1))
        server.faults.clear()

        store.write(lease, [*intent(1), *intent(2)])

        assert [(one.seq, one.operation_id) for one in store.journal()] == [
            (1, "1"),
            (2, "2"),
        ]

    @pytest.mark.parametrize("when", ["before", "after"])
    def test_a_lease_is_taken_once(
        self, new_warehouse: NewStore, server: WorkspaceServer, when: str
    ):
        store = new_warehouse()
        server.fault("UPDATE `main`", "drop", when=when)

        lease = store.acquire("me")

        assert lease.fence == 1
        store.write(lease, intent(1))

    def test_a_lease_is_given_back(
        self, new_warehouse: NewStore, server: WorkspaceServer
    ):
        store = new_warehouse()
        lease = store.acquire("me")
        server.fault("UPDATE `main`", "drop", when="after")

        store.release(lease)

        assert store.acquire("other").fence == 2

    def test_whoever_lost_the_lease_meanwhile_is_told(
        self, new_warehouse: NewStore, server: WorkspaceServer
    ):
        store, other = new_warehouse(), new_warehouse()
        lease = store.acquire("me")
        other.unlock(lease.owner, "other")
        other.acquire("other")
        server.fault("MERGE INTO", "drop", when="before")

        with pytest.raises(LeaseLost, match=r"now other has it \(fence 2\)"):
            store.write(lease, intent(1))

    def test_a_workspace_that_stays_away_is_unreachable(
        self, new_warehouse: NewStore, server: WorkspaceServer
    ):
        store = new_warehouse()
        lease = store.acquire("me")
        server.fault("sql/statements", 503, times=None)

        with pytest.raises(
            StateUnreachable, match="state-unreachable: the state in main"
        ):
            store.write(lease, intent(1))

        assert not store.answers
        server.faults.clear()
        assert store.journal() == []
        store.write(lease, intent(1))
        assert store.answers


class TestRefusals:
    """One sentence each, before anything is changed."""

    def refused(self, store, *words: str) -> None:
        with pytest.raises(StateError) as error:
            store.acquire("me")
        for word in (*words, "Nothing was changed."):
            assert word in str(error.value)

    def test_a_missing_warehouse(self, new_warehouse: NewStore):
        self.refused(
            new_warehouse(warehouse_id="w2"),
            "state-warehouse: the SQL warehouse of the state can't be used",
            "The warehouse w2 was not found",
            "warehouse_id",
        )

    def test_a_warehouse_that_may_not_be_started(
        self, new_warehouse: NewStore, server: WorkspaceServer
    ):
        server.statements.warehouses["w1"] = "BROKEN"

        self.refused(new_warehouse(), "state-warehouse", "start the warehouse")

    def test_a_missing_catalog(self, new_warehouse: NewStore, server: WorkspaceServer):
        server.statements.catalog = "other"

        self.refused(new_warehouse(), "unknown-catalog: there is no catalog main")

    def test_no_right_to_make_the_schema(
        self, new_warehouse: NewStore, server: WorkspaceServer
    ):
        server.statements.denied = {"CREATE SCHEMA"}

        self.refused(
            new_warehouse(), "state-denied: no permission on the state", "GRANT"
        )

    def test_no_right_to_write(self, new_warehouse: NewStore, server: WorkspaceServer):
        store = new_warehouse()
        store.release(store.acquire("me"))
        server.statements.denied = {"UPDATE"}

        self.refused(new_warehouse(), "state-denied: no permission on the state")

    def test_no_right_to_read_is_no_empty_state(
        self, new_warehouse: NewStore, server: WorkspaceServer
    ):
        server.statements.denied = {"SELECT"}

        with pytest.raises(StateError, match="state-denied"):
            new_warehouse().snapshot()

    def test_a_schema_that_is_not_there_yet_is_an_empty_state(
        self, new_warehouse: NewStore
    ):
        assert new_warehouse().snapshot() == Snapshot()
