"""Builds tables in the order of what they read, a few at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from graphlib import TopologicalSorter
from typing import Protocol

from mdf_magics.engines.protocol import Engine


@dataclass(frozen=True)
class TaskRun:
    """What came of one step."""

    task_key: str
    table: str
    """The table that it builds, `schema.table`."""
    status: str
    """`running`, `succeeded`, `failed`, `upstream_failed`, `cancelled`, or `skipped`:
    not asked for."""
    seconds: float | None = None
    rows: int | None = None
    error: str | None = None
    """A sentence, and below it the line of the user's that raised it, if one did."""


@dataclass(frozen=True)
class LocalRun:
    """What is to be run, and where."""

    engine: Engine
    """Where the tables are."""
    run_id: str
    """What `{{job.run_id}}` stands for, and the rows of `mdf_runs` say."""
    runs_schema: str
    """`catalog.schema` of `mdf_runs`."""
    only: frozenset[str] | None = None
    """Names of tables to build; None builds all. What isn't named counts as done."""
    full_refresh: bool = False
    """Tables begin anew. A pipeline here always does."""
    concurrency: int = 2
    """How many tables are built at once."""

    def is_asked_for(self, table: str) -> bool:
        """Whether a table is to be built."""
        return self.only is None or table in self.only


class Step(Protocol):
    """What builds one table."""

    @property
    def key(self) -> str:
        """Its name among the others."""

    @property
    def table(self) -> str:
        """The table that it builds, `schema.table`."""

    @property
    def upstream(self) -> frozenset[str]:
        """The keys of what must be built before."""


class InOrder[T: Step]:
    """One run's steps, each in one of three places: waiting, running, ended."""

    def __init__(
        self,
        steps: list[T],
        perform: Callable[[T], TaskRun],
        engine: Engine,
        tell: Callable[[TaskRun], None],
    ) -> None:
        """Start nothing yet.

        Args:
            steps: What is to be done; what isn't among them counts as done.
            perform: Does one and says what came of it; called in threads.
            engine: Interrupts what runs, after Ctrl-C.
            tell: Told, in the calling thread, when a step starts and when it ends.
        """
        waiting = {step.key: step for step in steps}
        order = TopologicalSorter({step.key: step.upstream for step in steps})
        self._waiting = {k: waiting[k] for k in order.static_order() if k in waiting}
        """Upstream first."""
        self._running: dict[Future[TaskRun], T] = {}
        self._ended: dict[str, TaskRun] = {}
        self._perform = perform
        self._engine = engine
        self._tell = tell

    def run(self, concurrency: int) -> dict[str, TaskRun]:
        """Run all steps; return what came of each, by key."""
        pool = ThreadPoolExecutor(concurrency, thread_name_prefix="mdf-step")
        try:
            while self._waiting or self._running:
                self._leave_out()
                self._start(pool, concurrency)
                self._collect(None)
        except KeyboardInterrupt:
            self._cancel()
        finally:
            # After a second Ctrl-C nobody wants to wait.
            pool.shutdown(wait=False, cancel_futures=True)
        return self._ended

    def _leave_out(self) -> None:
        """End those whose upstream came to nothing, and so on downstream."""
        for step in list(self._waiting.values()):
            broken = sorted(
                self._ended[key].table
                for key in step.upstream & self._ended.keys()
                if self._ended[key].status != "succeeded"
            )
            if broken:
                why = f"{', '.join(broken)} could not be built"
                self._end(TaskRun(step.key, step.table, "upstream_failed", error=why))

    def _start(self, pool: ThreadPoolExecutor, concurrency: int) -> None:
        busy = {step.key for step in self._running.values()} | self._waiting.keys()
        for step in list(self._waiting.values()):
            if len(self._running) < concurrency and not step.upstream & busy:
                del self._waiting[step.key]
                self._running[pool.submit(self._perform, step)] = step
                self._tell(TaskRun(step.key, step.table, "running"))

    def _collect(self, seconds: float | None, *, cancelled: bool = False) -> None:
        done, _ = wait(self._running, seconds, FIRST_COMPLETED)
        for future in done:
            outcome = future.result()
            del self._running[future]
            if cancelled and outcome.status == "failed":
                outcome = replace(outcome, status="cancelled", error=None)
            self._end(outcome)

    def _cancel(self) -> None:
        """Start nothing more, and interrupt what runs until it has ended.

        A step may be between two statements when it is interrupted: so again and again.
        """
        for step in list(self._waiting.values()):
            self._end(TaskRun(step.key, step.table, "cancelled"))
        while self._running:
            self._engine.cancel()
            self._collect(0.2, cancelled=True)

    def _end(self, outcome: TaskRun) -> None:
        self._waiting.pop(outcome.task_key, None)
        self._ended[outcome.task_key] = outcome
        self._tell(outcome)
