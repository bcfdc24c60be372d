"""Every test gets a project folder of its own, and a workspace if it asks for one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploying.place import Place
from tests.workspace import WorkspaceServer


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def server(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[WorkspaceServer]:
    """A stand-in that the environment leads to."""
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", str(tmp_path / "databrickscfg"))
    with WorkspaceServer() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server
