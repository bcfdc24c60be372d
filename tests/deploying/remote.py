"""The adapter to a Databricks workspace, bound to the stand-in, for tests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mdf_magics.deploying.consent import Consent
from mdf_magics.deploying.deployer import Deployer, Terms
from mdf_magics.deploying.result import DeployResult
from mdf_magics.deploying.survey import Wish
from mdf_magics.deploying.workspaces.databricks import DatabricksWorkspace
from mdf_magics.deploying.workspaces.login import log_in
from mdf_magics.deploying.workspaces.pace import Pace
from mdf_magics.deploying.workspaces.rest import Rest
from mdf_magics.planning.resources import Compiled
from mdf_magics.state.sqlite import SQLiteStore
from tests.deploying.place import ORIGIN
from tests.workspace import WorkspaceServer

TARGET = "dev.me"


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
    target: str = TARGET,
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


@dataclass
class RemoteTarget:
    """A target in the stand-in."""

    folder: Path
    server: WorkspaceServer
    target: str = TARGET
    late: float = 0
    """Seconds that the store's clock is ahead: then a dead one's lease has ended."""

    def deploy(
        self,
        desired: Compiled,
        store: Any = None,
        *,
        delete: bool | int = 1,
        **options: Any,
    ) -> DeployResult:
        """One process that deploys; `options` are those of its connection."""
        rest = rest_of(self.server, **options)
        workspace = workspace_of(self.server, rest=rest, target=self.target)
        deployer = Deployer(
            store or self.store(), workspace, concurrency=4, sleep=lambda _: None
        )
        terms = Terms(ORIGIN, Consent(delete, yes=True))
        return deployer.deploy(Wish(desired), terms)

    def store(self, made: type[SQLiteStore] = SQLiteStore) -> SQLiteStore:
        return made(
            self.folder / "state.db",
            project="flights",
            target=self.target,
            clock=lambda: datetime.now(UTC) + timedelta(seconds=self.late),
        )

    def check(self, desired: Compiled) -> None:
        """One resource a key; state and workspace agree; nothing is left to do."""
        workspace = workspace_of(self.server, target=self.target)
        found = [*workspace.find("job", None), *workspace.find("pipeline", None)]
        remote = sorted(
            (one.tags["mdf_key"], one.kind, one.remote_id)
            for one in found
            if one.tags["mdf_target"] == self.target
        )
        state = sorted((r.key, r.kind, r.remote_id) for r in self.store().state())
        assert remote == state
        assert [key for key, *_ in state] == [one.key for one in desired.resources]
        assert self.store().pending() == []
        again = self.deploy(desired)
        assert (again.done, again.failed) == ((), ())
