"""A project folder with a real store and a real local workspace, for tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mdf_magics.deploying.consent import Consent
from mdf_magics.deploying.deployer import Deployer, Terms
from mdf_magics.deploying.identity import Marker
from mdf_magics.deploying.origin import Origin
from mdf_magics.deploying.result import DeployResult, Progress
from mdf_magics.deploying.sent import sent_tables
from mdf_magics.deploying.survey import Wish
from mdf_magics.deploying.workspaces.local import LocalWorkspace
from mdf_magics.deploying.workspaces.protocol import Remote
from mdf_magics.planning.resources import Compiled
from mdf_magics.state.sqlite import SQLiteStore
from tests.deploying.faults import FaultyWorkspace

ORIGIN = Origin(
    "ci@example.com on build-1",
    "https://ci:secret@git.example.com/data/flights.git",
    "9d2f6c1",
)


@dataclass
class Place:
    """One target of one project, and what is deployed there."""

    folder: Path
    target: str = "local"
    seconds_later: float = 0
    """What the store's clock is ahead of the machine's."""
    concurrency: int = 10
    progress: list[Progress] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = SQLiteStore(
            self.folder / ".mdf/state.db",
            project="flights",
            target=self.target,
            clock=lambda: datetime.now(UTC) + timedelta(seconds=self.seconds_later),
        )
        self.local = LocalWorkspace(
            self.folder / ".mdf/workspace",
            target=self.target,
            project_root=self.folder,
        )
        self.workspace = FaultyWorkspace(self.local)
        self.deployer = Deployer(
            self.store,
            self.workspace,
            concurrency=self.concurrency,
            sleep=lambda _: None,
        )

    def deploy(self, desired: Compiled, **consent: Any) -> DeployResult:
        self.workspace.calls.clear()
        terms = Terms(ORIGIN, Consent(**consent), progress=self.progress.append)
        return self.deployer.deploy(Wish(desired), terms)

    def plan(self, desired: Compiled) -> dict[str, tuple[str, list[str]]]:
        """Key to action and reasons, of all that isn't as it should be."""
        actions = self.deployer.plan(desired).actions
        return {
            action.key: (action.action, list(action.reasons))
            for action in actions
            if action.action != "none"
        }

    def ids(self) -> dict[str, str]:
        return {row.key: row.remote_id or "" for row in self.store.state()}

    def remotes(self) -> list[Remote]:
        return [*self.local.find("job", None), *self.local.find("pipeline", None)]

    def remote(self, key: str) -> Remote:
        (found,) = [r for r in self.remotes() if r.tags["mdf_key"] == key]
        return found

    def edit(self, key: str, change: Callable[[dict[str, Any]], object]) -> None:
        """Somebody changes a resource by hand."""
        remote = self.remote(key)
        change(remote.settings)
        self.local.update(remote.kind, remote.remote_id, remote.settings)

    def forget_faults(self) -> None:
        self.workspace.before = self.workspace.after = lambda method, subject: None

    def check_agreement(self, desired: Compiled) -> None:
        """One resource per key; state, workspace and definitions say the same."""
        rows = {row.key: row for row in self.store.state()}
        assert {key: sent_tables(row) for key, row in rows.items()} == {
            resource.key: resource.tables for resource in desired.resources
        }
        lineage = self.store.snapshot().lineage or ""
        remotes = self.remotes()
        assert len(remotes) == len(rows)
        for remote in remotes:
            row = rows[remote.tags["mdf_key"]]
            assert (row.kind, row.remote_id) == (remote.kind, remote.remote_id)
            assert Marker(lineage, row.key, row.nonce or "").on(remote.tags)
        assert self.store.pending() == []
        holder = self.store.holder()
        assert holder is None or holder.seconds_left == 0
        assert self.plan(desired) == {}
        result = self.deploy(desired)
        assert result.to_json() == {
            "target": self.target, "done": [], "failed": [], "blocked": [],
        }  # fmt: skip
        assert self.workspace.writes == []
