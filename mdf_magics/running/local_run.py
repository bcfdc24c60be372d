"""Runs a deployed job on a local engine: the very files that a cluster would execute.

Tasks run in dependency order, a few at once. What a failed task was needed for is left
out, everything else goes on.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from mdf_magics.engines.protocol import Engine
from mdf_magics.errors import EngineError, Problem, RunError
from mdf_magics.running.local_notebook import SUFFIXES, NotebookError, execute
from mdf_magics.running.modules import Modules

_HOME = re.compile(
    r"`([^`.]+)`\.`([^`.]+)`\.`([^`.]+)`|[\"']([\w-]+)\.([\w-]+)\.([\w-]+)[\"']"
)
"""A name of three parts as generated sources write it: in SQL, or as a string."""

_REFERENCE = re.compile(r"\{\{\s*job\.(run_id|parameters\.[\w.-]+)\s*\}\}")


@dataclass(frozen=True)
class TaskRun:
    """What came of one task."""

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


def run_job(
    spec: Mapping[str, Any],
    *,
    files: Path,
    engine: Engine,
    run_id: str,
    only: frozenset[str] | None = None,
    concurrency: int = 2,
    on_progress: Callable[[TaskRun], None] | None = None,
) -> list[TaskRun]:
    """Run the tasks of a job and wait for them.

    Args:
        spec: The job as the Jobs API has it. Its tasks are notebook tasks.
        files: The folder of the deployed files; a `notebook_path` is below it.
        engine: Where the tables are.
        run_id: What `{{job.run_id}}` stands for.
        only: Names of tables to build; None builds all. What isn't named counts as
            done.
        concurrency: How many tasks run at once.
        on_progress: Told, in the calling thread, when a task starts and when it ends.

    Returns:
        The last word on every task, in the job's order. After Ctrl-C it says what was
        done and what was cancelled.

    Raises:
        RunError: The job is running already, or its tasks depend on one another in a
            way that can't be run. Nothing was run.
    """
    tasks = _tasks(spec, run_id)
    with (
        _alone(files, str(spec.get("name", ""))),
        Modules(engine.warehouse) as modules,
    ):
        perform = partial(_perform, files=files, engine=engine, modules=modules)
        chosen = [one for one in tasks if only is None or one.table in only]
        _make_known(chosen, files, engine)
        ended = {one.key: TaskRun(one.key, one.table, "skipped") for one in tasks}
        run = _JobRun(chosen, perform, engine, on_progress or (lambda _: None))
        ended |= run.run(concurrency)
    return list(ended.values())


@dataclass(frozen=True)
class _Task:
    key: str
    table: str
    upstream: frozenset[str]
    notebook: str | None
    """None: it is another kind of task."""
    parameters: dict[str, str] = field(default_factory=dict)


class _JobRun:
    """One run's tasks, each in one of three places: waiting, running, ended."""

    def __init__(
        self,
        tasks: list[_Task],
        perform: Callable[[_Task], TaskRun],
        engine: Engine,
        tell: Callable[[TaskRun], None],
    ) -> None:
        waiting = {task.key: task for task in tasks}
        order = TopologicalSorter({task.key: task.upstream for task in tasks})
        self._waiting = {k: waiting[k] for k in order.static_order() if k in waiting}
        """Upstream first."""
        self._running: dict[Future[TaskRun], _Task] = {}
        self._ended: dict[str, TaskRun] = {}
        self._perform = perform
        self._engine = engine
        self._tell = tell

    def run(self, concurrency: int) -> dict[str, TaskRun]:
        """Run all tasks; return what came of each, by key."""
        pool = ThreadPoolExecutor(concurrency, thread_name_prefix="mdf-task")
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
        for task in list(self._waiting.values()):
            broken = sorted(
                self._ended[key].table
                for key in task.upstream & self._ended.keys()
                if self._ended[key].status != "succeeded"
            )
            if broken:
                why = f"{', '.join(broken)} could not be built"
                self._end(TaskRun(task.key, task.table, "upstream_failed", error=why))

    def _start(self, pool: ThreadPoolExecutor, concurrency: int) -> None:
        busy = {task.key for task in self._running.values()} | self._waiting.keys()
        for task in list(self._waiting.values()):
            if len(self._running) < concurrency and not task.upstream & busy:
                del self._waiting[task.key]
                self._running[pool.submit(self._perform, task)] = task
                self._tell(TaskRun(task.key, task.table, "running"))

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

        A task may be between two statements when it is interrupted: so again and again.
        """
        for task in list(self._waiting.values()):
            self._end(TaskRun(task.key, task.table, "cancelled"))
        while self._running:
            self._engine.cancel()
            self._collect(0.2, cancelled=True)

    def _end(self, outcome: TaskRun) -> None:
        self._waiting.pop(outcome.task_key, None)
        self._ended[outcome.task_key] = outcome
        self._tell(outcome)


def _perform(task: _Task, *, files: Path, engine: Engine, modules: Modules) -> TaskRun:
    """Execute a task's notebook; whatever happens becomes its outcome."""
    clock = time.perf_counter()
    outcome = TaskRun(task.key, task.table, "succeeded")
    try:
        notebook = _notebook(task, files)
        _make_schema(task, engine)
        with engine.cancellable() as session:
            said = execute(notebook, task.parameters, session, modules)
        outcome = replace(outcome, rows=_rows(said))
    except Exception as error:  # noqa: BLE001 - one table's failure is its own
        told = _sentence(task, error, engine)
        outcome = replace(outcome, status="failed", error=told)
    return replace(outcome, seconds=time.perf_counter() - clock)


def _sentence(task: _Task, error: Exception, engine: Engine) -> str:
    """What went wrong, without a traceback; below it the user's line, if one did it."""
    if isinstance(error, NotebookError) or type(error).__name__ == "TableError":
        return str(error).removeprefix(f"{task.table}: ")
    problem = engine.explain(error).problems[0]
    hint = "".join(f"\n  {line}" for line in problem.hint.splitlines())
    return f"{problem.message}{hint}"


def _rows(said: str | None) -> int | None:
    """The rows that a task of ours says it wrote; others may say anything."""
    try:
        result = json.loads(said or "")
    except ValueError:
        return None
    rows = result.get("rows") if isinstance(result, dict) else None
    return rows if isinstance(rows, int) else None


def _notebook(task: _Task, files: Path) -> Path:
    """The file of a task's notebook, whose suffix a workspace leaves out.

    Raises:
        NotebookError: There is none below the folder, or it is another kind of task.
    """
    if task.notebook is None:
        raise NotebookError("only notebook tasks can be run locally")
    path = (files / task.notebook).resolve()
    for file in (path, *(path.with_name(path.name + suffix) for suffix in SUFFIXES)):
        if file.suffix in SUFFIXES and file.is_file():
            if not file.is_relative_to(files.resolve()):
                raise NotebookError(f"{task.notebook} lies outside of {files}")
            return file
    raise NotebookError(f"its notebook {task.notebook} is missing. Deploy again.")


def _tasks(spec: Mapping[str, Any], run_id: str) -> list[_Task]:
    """The tasks of a job, with their parameters filled in.

    Raises:
        RunError: They depend on tasks that aren't there, or on themselves.
    """
    given = {one["name"]: one.get("default", "") for one in spec.get("parameters", [])}
    values = {f"parameters.{name}": value for name, value in given.items()}
    values["run_id"] = run_id

    def filled(text: str) -> str:
        return _REFERENCE.sub(lambda found: values.get(found[1], found[0]), text)

    tasks = []
    for task in spec.get("tasks", []):
        notebook = task.get("notebook_task", {})
        stated = notebook.get("base_parameters", {})
        parameters = {name: filled(text) for name, text in stated.items()} | given
        key = task["task_key"]
        table = parameters.get("table") or key.replace("-", ".", 1)
        upstream = frozenset(one["task_key"] for one in task.get("depends_on", []))
        path = notebook.get("notebook_path")
        tasks.append(_Task(key, table, upstream, path, parameters))
    _check_order(tasks)
    return tasks


def _check_order(tasks: list[_Task]) -> None:
    known = {task.key for task in tasks}
    for task in tasks:
        if missing := sorted(task.upstream - known):
            message = f"the task {task.key} depends on {missing[0]}, which isn't there"
            raise RunError(Problem("unknown-task", message, "Deploy again."))
    try:
        TopologicalSorter({task.key: task.upstream for task in tasks}).prepare()
    except CycleError as error:
        around = " -> ".join(error.args[1])
        message = f"the tasks depend on one another: {around}"
        raise RunError(Problem("task-cycle", message)) from error


def _make_known(tasks: list[_Task], files: Path, engine: Engine) -> None:
    """Make the tables readable that notebooks name, for an engine that forgets them.

    Generated sources write every name in full. What a user's notebook reads is its own
    affair, so for one of those everything is made known.
    """
    names: set[tuple[str, ...]] = set()
    for task in tasks:
        try:
            notebook = _notebook(task, files)
        except NotebookError:
            continue  # the task will say it
        if "table" not in task.parameters:
            with suppress(EngineError):
                engine.register_all()
        found = _HOME.findall(notebook.read_text(encoding="utf-8"))
        names |= {tuple(filter(None, parts)) for parts in found}
    for name in sorted(names):
        with suppress(EngineError):  # a broken view, say: who reads it will tell
            engine.exists(".".join(name))


def _make_schema(task: _Task, engine: Engine) -> None:
    """Make the schema of a user's notebook's table; tasks of ours make theirs."""
    _, _, schema_and_table = task.parameters.get("home", "").partition(".")
    if schema_and_table and "table" not in task.parameters:
        engine.create_schema(schema_and_table.partition(".")[0])


@contextmanager
def _alone(files: Path, job: str) -> Iterator[None]:
    """Let no other process run the same job, as `max_concurrent_runs: 1` does.

    Two at once would append the same rows twice. A killed process lets go by itself.

    Raises:
        RunError: One is running.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    digest = hashlib.sha256(job.encode()).hexdigest()[:16]
    with (files / f".run-{digest}.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            message = f"the job {job} is running already, in another process or thread"
            hint = "Wait until it has ended."
            raise RunError(Problem("already-running", message, hint)) from error
        yield
