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
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from mdf_magics import runtime
from mdf_magics.engines.protocol import Engine
from mdf_magics.errors import EngineError, Problem, RunError
from mdf_magics.running.local_notebook import SUFFIXES, NotebookError, execute
from mdf_magics.running.modules import RUNTIME, Modules
from mdf_magics.running.scheduling import InOrder, LocalRun, TaskRun

_HOME = re.compile(
    r"`([^`.]+)`\.`([^`.]+)`\.`([^`.]+)`|[\"']([\w-]+)\.([\w-]+)\.([\w-]+)[\"']"
)
"""A name of three parts as generated sources write it: in SQL, or as a string."""

_RUNTIME_FILE = Path(runtime.__file__).parent / f"{RUNTIME}.py"
"""The runtime as it is shipped with us; importing it would import pyspark."""

_REFERENCE = re.compile(r"\{\{\s*job\.(run_id|parameters\.[\w.-]+)\s*\}\}")


def run_job(
    spec: Mapping[str, Any],
    run: LocalRun,
    *,
    files: Path,
    on_progress: Callable[[TaskRun], None] | None = None,
) -> list[TaskRun]:
    """Run the tasks of a job and wait for them.

    A run of a user's own notebook is recorded here; tasks of ours record themselves.

    Args:
        spec: The job as the Jobs API has it. Its tasks are notebook tasks.
        run: What to run, and where.
        files: The folder of the deployed files; a `notebook_path` is below it.
        on_progress: Told, in the calling thread, when a task starts and when it ends.

    Returns:
        The last word on every task, in the job's order. After Ctrl-C it says what was
        done and what was cancelled.

    Raises:
        RunError: The job is running already, or its tasks depend on one another in a
            way that can't be run. Nothing was run.
    """
    engine = run.engine
    tasks = _tasks(spec, run)
    with (
        _alone(files, str(spec.get("name", ""))),
        Modules(engine.warehouse) as modules,
    ):
        perform = partial(_perform, run=run, files=files, modules=modules)
        chosen = [one for one in tasks if run.is_asked_for(one.table)]
        _make_known(chosen, files, engine)
        ended = {one.key: TaskRun(one.key, one.table, "skipped") for one in tasks}
        steps = InOrder(chosen, perform, engine, on_progress or (lambda _: None))
        ended |= steps.run(run.concurrency)
    return list(ended.values())


@dataclass(frozen=True)
class _Task:
    key: str
    table: str
    upstream: frozenset[str]
    notebook: str | None
    """None: it is another kind of task."""
    parameters: dict[str, str] = field(default_factory=dict)

    @property
    def is_ours(self) -> bool:
        """Whether it runs a source of ours, not a user's own notebook."""
        return "table" in self.parameters


def _perform(task: _Task, *, run: LocalRun, files: Path, modules: Modules) -> TaskRun:
    """Execute a task's notebook; whatever happens becomes its outcome."""
    engine = run.engine
    clock, started = time.perf_counter(), datetime.now(UTC)
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
    outcome = replace(outcome, seconds=time.perf_counter() - clock)
    if not task.is_ours:
        _record(outcome, started, run, modules)
    return outcome


def _record(
    outcome: TaskRun, started: datetime, run: LocalRun, modules: Modules
) -> None:
    """Add a row to `mdf_runs` for a notebook that knows nothing of it."""
    runtime: Any = modules.load(_RUNTIME_FILE)
    row = runtime.Run(run.run_id, outcome.table, started, outcome.seconds)
    row.status, row.error, row.rows = outcome.status, outcome.error, outcome.rows
    runtime.record(run.engine.session, row, run.runs_schema)


def _sentence(task: _Task, error: Exception, engine: Engine) -> str:
    """What went wrong, without a traceback; below it the user's line, if one did it."""
    if isinstance(error, NotebookError) or type(error).__name__ == "TableError":
        return str(error).removeprefix(f"{task.table}: ")
    problem = engine.explain(error).problems[0]
    said = problem.hint
    if problem.code == "unknown-table":
        line = f"run --select +{task.table}"
        said = f"If a definition makes it, run both:  mdf {line}  or  %mdf_{line} ."
    hint = "".join(f"\n  {line}" for line in said.splitlines())
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


def _tasks(spec: Mapping[str, Any], run: LocalRun) -> list[_Task]:
    """The tasks of a job, with their parameters filled in.

    Raises:
        RunError: They depend on tasks that aren't there, or on themselves.
    """
    given = {one["name"]: one.get("default", "") for one in spec.get("parameters", [])}
    values = {f"parameters.{name}": value for name, value in given.items()}
    values["run_id"] = run.run_id

    more = {"full_refresh": "true"} if run.full_refresh else {}

    def filled(text: str) -> str:
        return _REFERENCE.sub(lambda found: values.get(found[1], found[0]), text)

    tasks = []
    for task in spec.get("tasks", []):
        notebook = task.get("notebook_task", {})
        stated = notebook.get("base_parameters", {})
        parameters = {name: filled(text) for name, text in stated.items()}
        parameters |= {**given, **more}
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
        if not task.is_ours:
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
    if schema_and_table and not task.is_ours:
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
