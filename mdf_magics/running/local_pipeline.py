"""Runs a deployed pipeline on a local engine, as a batch.

Its sources register their datasets with a recorder instead of a pipeline, and read
everything where a pipeline reads what is new. Each dataset is then computed from the
whole of its sources, in dependency order: what a pipeline holds after it has seen all
that there is. Unlike there, rows that a source no longer has are gone.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from graphlib import TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mdf_magics.running.describing import describing
from mdf_magics.running.local_notebook import execute
from mdf_magics.running.modules import RUNTIME, Modules
from mdf_magics.running.scheduling import InOrder, LocalRun, TaskRun

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_NAME = re.compile(r"`([^`]+)`\.`([^`]+)`\.`([^`]+)`")
_VIEW = re.compile(r"CREATE VIEW (\S+) AS\n(.*?);\n(?=\n|\Z)", re.DOTALL)


def run_pipeline(
    spec: Mapping[str, Any],
    run: LocalRun,
    *,
    on_progress: Callable[[TaskRun], None] | None = None,
) -> list[TaskRun]:
    """Build the datasets of a pipeline and wait for them.

    Args:
        spec: The pipeline as the Pipelines API has it; its libraries are files.
        run: What to run, and where.
        on_progress: Told, in the calling thread, when a table starts and when it ends.

    Returns:
        The last word on every table, in the order in which they ended.
    """
    with Modules(run.engine.warehouse) as modules:
        pipeline = _Pipeline(run, modules)
        for library in spec.get("libraries", []):
            pipeline.read(Path(library["file"]["path"]))
        chosen = [one for one in pipeline.order() if run.is_asked_for(one.table)]
        tell = on_progress or (lambda _: None)
        steps = InOrder(chosen, pipeline.build, run.engine, tell)
        return list(steps.run(run.concurrency).values())


@dataclass(frozen=True)
class _Checked:
    """A dataset's function with the expectations that were put on it."""

    rows: Callable[[], DataFrame]
    rules: tuple[dict[str, str], ...] = ()

    def __call__(self) -> DataFrame:
        return self.rows()


@dataclass(frozen=True)
class _Dataset:
    key: str
    """Its home."""
    table: str
    """`schema.table`, or that of the table whose rejected rows it holds."""
    upstream: frozenset[str]
    """The homes of what it reads."""
    build: Callable[[Any], None]
    """Given the row for `mdf_runs`, which it fills in."""


@dataclass
class _Recorder:
    """Stands where the decorators of `pyspark.pipelines` would."""

    published: dict[str, Callable[[], DataFrame]] = field(default_factory=dict)
    views: dict[str, Callable[[], DataFrame]] = field(default_factory=dict)
    flows: dict[str, dict[str, Any]] = field(default_factory=dict)

    def materialized_view(self, *, name: str, **_: Any) -> Callable[[Any], Any]:
        return partial(self._record, self.published, name)

    table = materialized_view

    def temporary_view(self, *, name: str, **_: Any) -> Callable[[Any], Any]:
        return partial(self._record, self.views, name)

    def create_streaming_table(self, *, name: str, **_: Any) -> None:
        """Nothing: the flow that fills it says all."""

    def create_auto_cdc_flow(self, *, target: str, **flow: Any) -> None:
        self.flows[target] = flow

    def expect_all(self, checks: dict[str, str]) -> Callable[[Any], _Checked]:
        return partial(self._expect, checks, "warn")

    def expect_all_or_drop(self, checks: dict[str, str]) -> Callable[[Any], _Checked]:
        return partial(self._expect, checks, "drop")

    def expect_all_or_fail(self, checks: dict[str, str]) -> Callable[[Any], _Checked]:
        return partial(self._expect, checks, "fail")

    @staticmethod
    def _record(place: dict[str, Any], name: str, function: Any) -> Any:
        place[name] = function
        return function

    @staticmethod
    def _expect(checks: dict[str, str], on_failure: str, function: Any) -> _Checked:
        rules = tuple(
            {"name": name, "check": check, "on_failure": on_failure}
            for name, check in checks.items()
        )
        known = function.rules if isinstance(function, _Checked) else ()
        rows = function.rows if isinstance(function, _Checked) else function
        return _Checked(rows, (*known, *rules))


class _Pipeline:
    """The datasets of a pipeline, from its sources."""

    def __init__(self, run: LocalRun, modules: Modules) -> None:
        self.datasets: dict[str, _Dataset] = {}
        self._run = run
        self._engine = run.engine
        self._modules = modules
        self._runtime: Any = None

    def read(self, file: Path) -> None:
        """Execute a Python source, or read the views of an SQL one."""
        if file.suffix == ".sql":
            self._views(file)
            return
        recorder = _Recorder()
        tables: dict[str, dict[str, Any]] = {}
        self._runtime = runtime = self._modules.load(file.with_name(f"{RUNTIME}.py"))
        register = runtime.register

        def remember(_: Any, given: dict[str, dict[str, Any]]) -> None:
            tables.update(
                {one["home"]: {"name": name, **one} for name, one in given.items()}
            )
            # Not the active session: in one process there may be several engines.
            register(self._engine.session, given)

        seams = {
            "pipelines": lambda: recorder,
            "new_in_pipeline": runtime.everything,
            "register": remember,
        }
        vars(runtime).update(seams)
        execute(file, {}, self._engine.session, self._modules)
        for home, table in tables.items():
            reads = self._reads(table)
            self._add(home, table, reads, recorder)
            aside = f"{home}_quarantine"
            if aside in recorder.published:
                rejected = {
                    **table,
                    "home": aside,
                    "name": f"{table['name']}_quarantine",
                }
                self._add(aside, rejected, reads, recorder)

    def order(self) -> list[_Dataset]:
        """Every dataset, each after those it reads."""
        upstream = {
            home: [one for one in sorted(dataset.upstream) if one in self.datasets]
            for home, dataset in sorted(self.datasets.items())
        }
        return [
            self.datasets[home] for home in TopologicalSorter(upstream).static_order()
        ]

    def build(self, dataset: _Dataset) -> TaskRun:
        """Build one dataset and leave a row about it in `mdf_runs`."""
        run = self._runtime.Run(self._run.run_id, dataset.table, datetime.now(UTC))
        clock = time.perf_counter()
        try:
            for home in dataset.upstream:
                self._engine.exists(home)
            with self._engine.cancellable():
                dataset.build(run)
            run.status = "succeeded"
        except Exception as error:  # noqa: BLE001 - one table's failure is its own
            run.error = self._sentence(dataset, error)
        run.seconds = time.perf_counter() - clock
        self._runtime.record(self._engine.session, run, self._run.runs_schema)
        return TaskRun(
            dataset.key, dataset.table, run.status, run.seconds, run.rows, run.error
        )

    def _add(
        self,
        home: str,
        table: dict[str, Any],
        reads: frozenset[str],
        recorder: _Recorder,
    ) -> None:
        make = partial(self._materialize, home, table, recorder)
        self.datasets[home] = _Dataset(home, table["name"], reads, make)

    def _materialize(
        self, home: str, table: dict[str, Any], recorder: _Recorder, run: Any
    ) -> None:
        runtime, spark = self._runtime, self._engine.session
        flow = recorder.flows.get(home)
        function = recorder.views[flow["source"]] if flow else recorder.published[home]
        with describing(spark):
            rows = function()
        rules = list(getattr(function, "rules", ()))
        if rules:
            runtime.note(rows.agg(*runtime.counters(rules)).first(), rules, run)
        described = {**table, "expectations": rules}
        run.rows = runtime.overwrite(spark, table, runtime.whole(rows, described))

    def _views(self, file: Path) -> None:
        for name, query in _VIEW.findall(file.read_text(encoding="utf-8")):
            home = ".".join(_NAME.fullmatch(name).groups())  # type: ignore[union-attr]
            reads = frozenset(".".join(one) for one in _NAME.findall(query))
            table = home.split(".", 1)[1]
            view = {
                "name": table,
                "home": home,
                "write": "view",
                "sql": lambda query=query: query,
                "arguments": {},
            }
            make = partial(self._replace_view, view)
            self.datasets[home] = _Dataset(home, table, reads, make)

    def _replace_view(self, view: dict[str, Any], _: Any) -> None:
        self._runtime.replace_view(self._engine.session, view)

    def _reads(self, table: Mapping[str, Any]) -> frozenset[str]:
        """Full names of the tables that a table reads."""
        given = table["arguments"]
        read = {
            what
            for value in given.values()
            if isinstance(value, dict)
            for kind, what in value.items()
            if kind in ("table", "stream")
        }
        if "sql" in table:
            plain = {
                name: "" if isinstance(one, dict) else one
                for name, one in given.items()
            }
            read |= {".".join(one) for one in _NAME.findall(table["sql"](**plain))}
        return frozenset(read)

    def _sentence(self, dataset: _Dataset, error: Exception) -> str:
        if type(error).__name__ == "TableError":
            return str(error).removeprefix(f"{dataset.table}: ")
        problem = self._engine.explain(error).problems[0]
        return (
            f"{problem.message}\n  {problem.hint}" if problem.hint else problem.message
        )
