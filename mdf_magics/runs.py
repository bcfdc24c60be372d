"""What the verbs about runs do: run, watch, repair, cancel, and a target's status."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from mdf_magics.deploying.deployer import Deployer
from mdf_magics.deploying.runs import DeployedRuns
from mdf_magics.deploying.sent import sent_tables
from mdf_magics.deploying.workspaces.protocol import RunRequest, TableRun
from mdf_magics.engines import Engine
from mdf_magics.plain_text import count
from mdf_magics.planning.resources import Compiled
from mdf_magics.planning.steps import Planned
from mdf_magics.progress import Board
from mdf_magics.results import Ran, Status, TableStatus
from mdf_magics.running.history import LastRun, last_runs


@dataclass(frozen=True)
class Runs:
    """One target, worked out, and where its tables are built."""

    planned: Planned
    deployer: Deployer
    engine: Callable[[], Engine]
    progress: Callable[[str], None]
    """Told a line for each table, all of them each time."""

    def run(
        self, compiled: Compiled, chosen: frozenset[str] | None, *, full_refresh: bool
    ) -> Ran:
        """Run everything, or some tables, and wait."""
        if chosen is not None and not chosen:
            return Ran(uuid.uuid4().hex, (), "Nothing was selected, so nothing ran.")
        parts = self.planned.parts.order()
        in_one_job = self.planned.project.orchestrate and len(parts) > 1
        keys = () if in_one_job else parts
        order = self.planned.graph.order()
        watch = self._watch([one for one in order if not chosen or one in chosen])
        started: list[str] = []
        request = replace(
            self._request(),
            tables=chosen,
            full_refresh=full_refresh,
            started=started.append,
        )
        ended = self._deployed.run(request, keys=keys, progress=watch)
        plan = self.deployer.plan(compiled)
        newer = [one.key for one in plan.actions if one.is_change]
        return self._ran(request.run_id, ended, started, newer, chosen)

    def watch(self, run_id: str) -> Ran:
        """Watch a run that was started before."""
        request = self._request()
        ended = self._deployed.watch(run_id, request, self._watch())
        return self._ran(run_id, ended, [run_id], [], None)

    def repair(self, run_id: str) -> Ran:
        """Run again what failed in a run, and watch it."""
        self.deployer.workspace.repair(run_id)
        return self.watch(run_id)

    def cancel(self, run_id: str) -> Ran:
        """Cancel a run."""
        self.deployer.workspace.cancel(run_id)
        return Ran(run_id, (), f"The run {run_id} is cancelled.")

    def status(self, target: str) -> Status:
        """Every resource against state and workspace, every table with its last run."""
        planned = self.planned
        state = self.deployer.store.state()
        deployed = {name: row.key for row in state for name in sent_tables(row)}
        runs = self._last_runs() if state else {}
        notebooks = {
            one.name for one in planned.tables.values() if one.body.kind == "notebook"
        }
        for name, table in planned.made.items():
            if name == table.quarantine and table.name in deployed:
                deployed[name] = deployed[table.name]
                if name not in runs and table.name in runs:
                    runs[name] = runs[table.name].of_rejected()
        return Status(
            target,
            tuple(self.deployer.status()),
            tuple(
                TableStatus(name, deployed.get(name), runs.get(name), name in notebooks)
                for name in sorted({*planned.made, *deployed})
            ),
            next((row.commit for row in state if row.commit), None),
        )

    @property
    def _deployed(self) -> DeployedRuns:
        deployer = self.deployer
        return DeployedRuns(deployer.store, deployer.workspace, deployer.concurrency)

    def _request(self) -> RunRequest:
        homes = {name: one.home for name, one in self.planned.tables.items()}
        return RunRequest(uuid.uuid4().hex, homes=homes)

    def _last_runs(self) -> dict[str, LastRun]:
        remembered = self._deployed.last(self._request())
        if remembered is None:
            return last_runs(self.engine(), self.planned.runs_schema)
        return {
            name: LastRun(
                run.status,
                run.rows,
                "",
                run.finished or "",
                run.seconds or 0.0,
                run.error,
            )
            for name, run in remembered.items()
        }

    def _watch(self, names: Iterable[str] = ()) -> Callable[[TableRun], None]:
        """Shows a line for each table, with a link where there is one."""
        board = Board(self.progress, names)

        def watch(one: TableRun) -> None:
            rows = "" if one.rows is None else count(one.rows, "row")
            seconds = "" if one.seconds is None else f"{one.seconds:.1f} s"
            board(one.name, one.status, rows, seconds, one.url or "")

        return watch

    def _ran(
        self,
        run_id: str,
        ended: Sequence[TableRun],
        started: Sequence[str],
        newer: Sequence[str],
        chosen: frozenset[str] | None,
    ) -> Ran:
        tables = [one for run in ended for one in self._of_tables(run, chosen)]
        notes = [f"Definitions are newer than what ran: {', '.join(newer)}"]
        notes = notes if newer else []
        broken = any(one.status in ("failed", "skipped", "cancelled") for one in tables)
        jobs = [one for one in started if one.isdigit()]
        if broken and jobs:
            again = " ; ".join(f"mdf run --repair {one}" for one in jobs)
            notes.append(f"Run again only what failed:  {again}")
        places = {
            one.name: self.planned.tables[one.name].place
            for one in tables
            if one.name in self.planned.tables
        }
        return Ran(run_id, tuple(tables), "\n".join(notes), places)

    def _of_tables(
        self, run: TableRun, chosen: frozenset[str] | None
    ) -> Sequence[TableRun]:
        """A part that was skipped as its tables; what is a table already as it is."""
        part = self.planned.parts.parts.get(run.name)
        if part is None or run.status == "failed":
            return [run]
        names = [one for one in part.tables if chosen is None or one in chosen]
        return [TableRun(name, run.status, error=run.error) for name in names]
