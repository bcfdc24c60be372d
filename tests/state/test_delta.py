"""Journal and lock in a Delta table: what only a table can come to."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mdf_magics.engines.embedded import EmbeddedEngine
from mdf_magics.errors import Locked, StateError
from mdf_magics.state.delta import DeltaStore
from mdf_magics.state.protocol import Lease, Snapshot
from mdf_magics.state.session import SessionStatements
from mdf_magics.state.statements import literal, reason_of
from tests.state.conftest import NewStore, row


@pytest.fixture
def store(new_delta: NewStore) -> DeltaStore:
    store = new_delta()
    assert isinstance(store, DeltaStore)
    return store


@pytest.fixture
def table(store: DeltaStore, engine: EmbeddedEngine) -> Path:
    return engine.warehouse.joinpath(*store.where.split(".")[1:])


class Recording(SessionStatements):
    """Remembers every statement."""

    def __init__(self, engine: EmbeddedEngine, schema: str) -> None:
        super().__init__(lambda: engine, schema)
        self.texts: list[str] = []

    def query(self, sql):
        self.texts.append(sql)
        return super().query(sql)

    def change(self, sql):
        self.texts.append(sql)
        return super().change(sql)


def test_the_clock_is_the_tables(engine: EmbeddedEngine, schema: str):
    """Fault 15: a wrong clock of this machine is never looked at."""
    statements = Recording(engine, schema)
    store = DeltaStore(statements, project="flights", target="prod")

    lease = store.acquire("me")
    store.write(lease, [row("gold", "create", "intent", "1")])
    store.holder()
    store.release(lease)

    texts = "\n".join(statements.texts)
    assert "current_timestamp()" in texts
    assert not re.search(r"TIMESTAMP '|20\d\d-", texts)


class TestTwoLockRows:
    """What a race of two first deploys may leave where inserts don't conflict."""

    @pytest.fixture(autouse=True)
    def _second(self, store: DeltaStore, lease: Lease, engine: EmbeddedEngine) -> None:
        store.write(lease, [row("gold", "create", "intent", "1")])
        engine.run(
            f"INSERT INTO {store.where} SELECT 0 AS seq, 0 AS fence, `at`, project, target, `key`, kind, "
            "operation, phase, '' AS operation_id, 'other' AS nonce, name, remote_id, url, spec_hash, spec, tables, "
            "generation, repository, `commit`, deployed_by, workspace_id, error, version "
            f"FROM {store.where} WHERE phase = 'lock'"
        )

    def test_the_free_one_lets_nobody_in(self, store: DeltaStore):
        for _ in range(2):
            with pytest.raises(Locked, match="ci@example"):
                store.acquire("me")

    def test_the_holder_goes_on_and_rows_are_written_once(
        self, store: DeltaStore, lease: Lease
    ):
        store.write(lease, [row("gold", "create", "done", "1")])

        assert [kept.seq for kept in store.journal()] == [1, 2]

    def test_the_next_one_holds_both_under_the_lineage_in_use(
        self, store: DeltaStore, lease: Lease
    ):
        with pytest.raises(Locked):
            store.acquire("hasty")
        store.release(lease)

        new = store.acquire("me")
        store.write(new, [row("gold", "create", "done", "1")])

        assert new.lineage == lease.lineage
        assert [kept.seq for kept in store.journal()] == [1, 2]
        with pytest.raises(Locked):
            store.acquire("other")


def test_targets_that_write_at_once_all_succeed(new_delta: NewStore):
    """Their commits meet in one table: whoever comes second tries again."""
    new_delta(target="first").acquire("me")

    def deploy(target: str) -> int:
        store = new_delta(target=target, clock=None, sleep=time.sleep)
        lease = store.acquire("me")
        for number in range(3):
            store.write(lease, [row("gold", "update", "done", f"{number}")])
        return len(store.journal())

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(deploy, ["dev.ada", "prod"])) == [3, 3]


class TestDamage:
    def test_a_truncated_table_has_lost_its_lineage(
        self, store: DeltaStore, lease: Lease, engine: EmbeddedEngine
    ):
        engine.run(f"DELETE FROM {store.where}")

        assert store.snapshot().lineage is None
        with pytest.raises(StateError, match="lease-lost"):
            store.write(lease, [row("gold", "create", "done", "1")])

    def test_missing_files_are_no_empty_state(
        self, store: DeltaStore, lease: Lease, table: Path
    ):
        for file in table.glob("**/*.parquet"):
            file.unlink()

        with pytest.raises(StateError, match="can't be used"):
            store.snapshot()

    def test_rows_changed_under_a_lease_stop_its_holder(
        self, store: DeltaStore, lease: Lease, engine: EmbeddedEngine
    ):
        engine.run(f"UPDATE {store.where} SET seq = 40 WHERE phase = 'lock'")

        with pytest.raises(StateError, match="changed by other means"):
            store.write(lease, [row("gold", "create", "done", "1")])

    @pytest.mark.parametrize(("version", "age"), [(0, "older"), (2, "newer")])
    def test_rows_of_another_version_can_only_be_exported(
        self,
        store: DeltaStore,
        lease: Lease,
        engine: EmbeddedEngine,
        version: int,
        age: str,
    ):
        """Fault 27."""
        store.write(lease, [row("gold", "create", "done", "1")])
        engine.run(f"UPDATE {store.where} SET version = {version}")

        for call in (store.snapshot, store.history, store.holder, store.journal):
            with pytest.raises(
                StateError, match=f"version of mdf_magics that is {age}"
            ):
                call()
        with pytest.raises(StateError, match="unknown-version"):
            store.acquire("me")
        assert [one["version"] for one in store.export()] == [version, version]


class TestKernels:
    """The table and its views are there for the next server, too."""

    def test_a_dropped_table_is_no_state(
        self,
        store: DeltaStore,
        lease: Lease,
        table: Path,
        next_engine: EmbeddedEngine,
        schema: str,
    ):
        shutil.rmtree(table)
        statements = SessionStatements(lambda: next_engine, schema)
        other = DeltaStore(statements, project="flights", target="prod")

        assert other.snapshot() == Snapshot()
        assert "UNDROP TABLE `main`." in other.lost

    @pytest.fixture
    def next_engine(self, engine: EmbeddedEngine) -> Iterator[EmbeddedEngine]:
        other = EmbeddedEngine(engine.warehouse, "main")
        yield other
        other.close()

    def test_state_is_read(
        self, store: DeltaStore, lease: Lease, next_engine: EmbeddedEngine, schema: str
    ):
        store.write(lease, [row("gold", "create", "done", "1", remote_id="007")])
        statements = SessionStatements(lambda: next_engine, schema)
        other = DeltaStore(statements, project="flights", target="prod")

        assert other.snapshot().resources["gold"].remote_id == "007"
        assert next_engine.exists(f"{schema}.mdf_state")
        rows = next_engine.preview(f"SELECT `key` FROM {schema}.mdf_state", 5).rows
        assert rows == (("gold",),)


def test_texts_become_literals_that_stay_texts():
    hostile = "it's \\ a 'test' \n -- :project /* \U0001f600"

    assert literal("it's \\ x") == r"'it\'s \\ x'"
    assert literal(None) == "NULL"
    assert literal(7) == "7"
    assert literal(hostile).count("'") == hostile.count("'") + 2


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("[NO_SUCH_CATALOG_EXCEPTION] Catalog 'x' was not found.", "catalog"),
        ("[SCHEMA_NOT_FOUND] The schema `x`.`y` cannot be found.", "schema"),
        ("[TABLE_OR_VIEW_NOT_FOUND] The table or view `t` cannot be found", "missing"),
        ("[INSUFFICIENT_PERMISSIONS] User does not have USE SCHEMA", "denied"),
        ("PERMISSION_DENIED: User does not have CREATE TABLE", "denied"),
        ("[DELTA_CONCURRENT_APPEND.WITH_PARTITION_HINT] ...", "conflict"),
        ("ConcurrentDeleteReadException: files were deleted", "conflict"),
        ("MetadataChangedException: The metadata", "conflict"),
        ("Failed to commit transaction: 17", "conflict"),
        ("Inline byte limit exceeded. Statements executed", "too-large"),
        ("UNAVAILABLE: the server is gone", "lost"),
        ("[PARSE_SYNTAX_ERROR] Syntax error at or near", "refused"),
    ],
)
def test_what_servers_say_is_understood(said: str, reason: str):
    assert reason_of(said) == reason
