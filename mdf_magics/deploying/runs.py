"""Running what is deployed, and what came of it the last time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial

from mdf_magics.deploying.calling import call_all
from mdf_magics.deploying.sent import sent_tables
from mdf_magics.deploying.workspaces.protocol import (
    RunRequest,
    TableRun,
    Workspace,
    WorkspaceError,
)
from mdf_magics.errors import DeployError, Problem
from mdf_magics.state.protocol import JournalRow, StateStore

type OnTable = Callable[[TableRun], None]


@dataclass(frozen=True)
class DeployedRuns:
    """The runs of one target's resources."""

    store: StateStore
    workspace: Workspace
    concurrency: int = 10
    """How many calls run at once at most."""

    def run(
        self,
        request: RunRequest,
        *,
        keys: Sequence[str] = (),
        progress: OnTable = lambda _: None,
    ) -> list[TableRun]:
        """Run what is deployed, and wait for its end.

        Args:
            request: What to do; it may narrow the run down to some tables.
            keys: The resources to run, in this order; none: `all`, which runs the
                parts in theirs, else every one.
            progress: Told whenever a table's status changes.

        Raises:
            DeployError: One of them isn't deployed, or the workspace can't run it.
            RunError: Somebody stopped watching.
        """
        rows = self.store.snapshot().resources
        chosen = keys or (["all"] if "all" in rows else sorted(rows))
        missing = [key for key in chosen if key not in rows]
        if missing or not chosen:
            what = f"{', '.join(missing)} is not" if missing else "nothing is"
            message = f"{what} deployed to {self.store.target}"
            hint = "Deploy first:  mdf deploy  or  %mdf_deploy ."
            raise DeployError(Problem("not-deployed", message, hint))
        request = replace(request, parts=_parts(rows))
        outcomes: list[TableRun] = []
        for key in chosen:
            row = rows[key]
            outcomes += self.workspace.run(
                row.kind, row.remote_id or "", request, progress
            )
        return outcomes

    def watch(
        self, run_id: str, request: RunRequest, progress: OnTable
    ) -> list[TableRun]:
        """Watch a run that was started before. Raises like `run`."""
        parts = _parts(self.store.snapshot().resources)
        request = replace(request, parts=parts)
        return list(self.workspace.resume(run_id, request, progress))

    def last(self, request: RunRequest) -> dict[str, TableRun] | None:
        """The last run of every table, as the workspace remembers it; reads only.

        Args:
            request: Knows the tables' full names.

        Returns:
            None when the workspace remembers no runs: then an engine knows.
        """
        rows = self.store.snapshot().resources
        request = replace(request, parts=_parts(rows))
        found: dict[str, TableRun] = {}
        forgets: list[bool] = []

        def ended(_key: str, future: Future[Iterable[TableRun] | None]) -> None:
            if future.cancelled():
                return
            try:
                runs = future.result()
            except WorkspaceError:
                return  # the resource's own status says why it can't be read
            forgets.append(runs is None)
            found.update((run.name, run) for run in runs or ())

        look = self.workspace.last_run
        call_all(
            {
                key: partial(look, row.kind, row.remote_id or "", _about(request, key))
                for key, row in rows.items()
                if request.parts[key]
            },
            concurrency=self.concurrency,
            ended=ended,
        )
        return None if any(forgets) else found


def _about(request: RunRequest, key: str) -> RunRequest:
    return replace(request, parts={key: request.parts[key]})


def _parts(rows: Mapping[str, JournalRow]) -> dict[str, tuple[str, ...]]:
    return {key: sent_tables(row) for key, row in rows.items()}
