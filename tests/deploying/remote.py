"""The adapter to a Databricks workspace, bound to the stand-in, for tests."""

from __future__ import annotations

from typing import Any

from mdf_magics.deploying.workspaces.databricks import DatabricksWorkspace
from mdf_magics.deploying.workspaces.login import log_in
from mdf_magics.deploying.workspaces.pace import Pace
from mdf_magics.deploying.workspaces.rest import Rest
from tests.workspace import WorkspaceServer


def rest_of(server: WorkspaceServer, **options: Any) -> Rest:
    """The stand-in's API: fast, and soon out of patience.

    A reply has long to come: the machine may be busy with other tests.
    """
    quick = {"call_seconds": 20.0, "patience_seconds": 0.0, "sleep": lambda _: None}
    pace = options.pop("pace", None) or Pace(1e9, 10)
    return Rest(log_in(None, server.host), pace=pace, **{**quick, **options})


def workspace_of(
    server: WorkspaceServer,
    *,
    rest: Rest | None = None,
    target: str = "dev.me",
    root_path: str | None = None,
    listing_lag_seconds: float = 0.0,
) -> DatabricksWorkspace:
    """A target of the project `flights` in the stand-in."""
    return DatabricksWorkspace(
        rest or rest_of(server),
        project="flights",
        target=target,
        root_path=root_path,
        listing_lag_seconds=listing_lag_seconds,
        poll_seconds=0.02,
    )
