"""A Sail server of these tests' own, and a warehouse and a session for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mdf_magics.engines.client import open_session
from mdf_magics.engines.server_process import ServerProcess
from tests.runtime.home import Home


@pytest.fixture(scope="session")
def port() -> Iterator[int]:
    server = ServerProcess("main")
    yield server.port
    server.end()


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "warehouse"
    monkeypatch.setenv("MDF_WAREHOUSE", str(folder))
    return folder


@pytest.fixture
def home(port: int, warehouse: Path) -> Iterator[Home]:
    """A fresh session and warehouse: no table is there."""
    session = open_session(port, str(warehouse))
    yield Home(session, warehouse)
    session.stop()
