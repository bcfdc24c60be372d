"""The same stores for every test: a SQLite file, and a Delta table that Sail writes."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mdf_magics.deploying.workspaces.login import log_in
from mdf_magics.deploying.workspaces.pace import Pace
from mdf_magics.deploying.workspaces.rest import Rest
from mdf_magics.engines.embedded import EmbeddedEngine
from mdf_magics.state.delta import DeltaStore
from mdf_magics.state.protocol import JournalRow, Lease, StateStore
from mdf_magics.state.session import SessionStatements
from mdf_magics.state.sql_warehouse import WarehouseStatements
from mdf_magics.state.sqlite import SQLiteStore
from tests.slept_clock import SleptClock
from tests.workspace import WorkspaceServer

START = datetime(2026, 3, 2, 9, 5, 0, tzinfo=UTC)

type NewStore = Callable[..., StateStore]
"""Makes a store of one journal; keyword arguments replace the usual ones."""


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


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedEngine]:
    engine = EmbeddedEngine(tmp_path_factory.mktemp("warehouse"), "main")
    yield engine
    engine.close()


_schemas = itertools.count(1)


@pytest.fixture
def schema() -> str:
    """A schema of its own for each test; it isn't there yet."""
    return f"main.state_{next(_schemas)}"


@pytest.fixture
def new_sqlite(path: Path, clock: Clock) -> NewStore:
    def new(**changed: Any) -> SQLiteStore:
        usual: dict[str, Any] = {"project": "flights", "target": "prod"}
        return SQLiteStore(path, **usual | {"clock": clock} | changed)

    return new


@pytest.fixture
def new_delta(engine: EmbeddedEngine, schema: str, clock: Clock) -> NewStore:
    def new(**changed: Any) -> DeltaStore:
        usual: dict[str, Any] = {"project": "flights", "target": "prod"}
        statements = SessionStatements(lambda: engine, schema)
        return DeltaStore(
            statements, **usual | {"clock": clock, "sleep": lambda _: None} | changed
        )

    return new


@pytest.fixture
def server(engine: EmbeddedEngine) -> Iterator[WorkspaceServer]:
    """A workspace with a SQL warehouse."""
    with WorkspaceServer(engine=lambda: engine) as server:
        yield server


@pytest.fixture
def new_warehouse(
    server: WorkspaceServer, schema: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> NewStore:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    slept = SleptClock()
    pace = Pace(1000, 10, clock=slept, sleep=slept.sleep)
    api = Rest(log_in(None, None), pace=pace, patience_seconds=0, sleep=slept.sleep)

    def new(*, warehouse_id: str = "w1", **changed: Any) -> DeltaStore:
        usual: dict[str, Any] = {"project": "flights", "target": "prod"}
        statements = WarehouseStatements(
            lambda: api, warehouse_id, schema, sleep=lambda _: time.sleep(0.02)
        )
        return DeltaStore(
            statements, **usual | {"clock": clock, "sleep": lambda _: None} | changed
        )

    return new


@pytest.fixture(
    params=["sqlite", "delta", pytest.param("warehouse", marks=pytest.mark.full)]
)
def new_store(request: pytest.FixtureRequest) -> NewStore:
    """Makes stores of one kind on one journal."""
    made: NewStore = request.getfixturevalue(f"new_{request.param}")
    return made


@pytest.fixture
def store(new_store: NewStore) -> StateStore:
    return new_store()


@pytest.fixture
def lease(store: StateStore) -> Lease:
    return store.acquire("ci@example.com on build-1")


def row(
    key: str, operation: str, phase: str, operation_id: str, **more: Any
) -> JournalRow:
    return JournalRow(key, "job", operation, phase, operation_id, **more)
