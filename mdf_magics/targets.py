"""Puts together what a target's verbs need: engine, state store and workspace."""

from __future__ import annotations

import getpass
import platform
import subprocess
from collections.abc import Callable, Iterable
from functools import cache, partial
from pathlib import Path

from mdf_magics.definitions.models import Target
from mdf_magics.definitions.storing import local_folder
from mdf_magics.deploying.deployer import Deployer
from mdf_magics.deploying.keeping import EngineTables
from mdf_magics.deploying.origin import Origin
from mdf_magics.deploying.workspaces.current_user import CurrentUser, login_name
from mdf_magics.deploying.workspaces.databricks import DatabricksWorkspace
from mdf_magics.deploying.workspaces.local import LocalWorkspace
from mdf_magics.deploying.workspaces.login import log_in
from mdf_magics.deploying.workspaces.pace import Pace
from mdf_magics.deploying.workspaces.protocol import (
    Remote,
    RunRequest,
    TableRun,
    Workspace,
)
from mdf_magics.deploying.workspaces.rest import Rest
from mdf_magics.engines import Engine, connect
from mdf_magics.errors import Problem, StateError
from mdf_magics.planning.steps import Planned
from mdf_magics.running.local_pipeline import run_pipeline
from mdf_magics.running.local_run import run_job
from mdf_magics.running.scheduling import LocalRun, TaskRun
from mdf_magics.state.delta import DeltaStore
from mdf_magics.state.protocol import StateStore
from mdf_magics.state.remembering import RememberingStore
from mdf_magics.state.session import SessionStatements
from mdf_magics.state.sql_warehouse import WarehouseStatements
from mdf_magics.state.sqlite import SQLiteStore
from mdf_magics.state.statements import Statements


def engine_of(root: Path, planned: Planned) -> Engine:
    """The target's engine; it starts with its first query."""
    catalog = planned.target.catalog
    return connect(
        planned.target,
        warehouse=local_folder(root) / "warehouse" / catalog,
        log_in=lambda: _logged_in(planned.target),
    )


def testing_engine_of(root: Path, planned: Planned) -> Engine:
    """Where frozen tests run when the target's engine is another."""
    target = planned.target.model_copy(update={"engine": "embedded"})
    return connect(target, warehouse=local_folder(root) / "tests" / target.catalog)


def deployer_of(root: Path, planned: Planned, engine: Callable[[], Engine]) -> Deployer:
    """What deploys the target.

    Args:
        root: The project's root.
        planned: The target.
        engine: Gives the engine that local runs use.

    Raises:
        NotLoggedIn: The target's workspace isn't there, or doesn't know us.
    """
    store = store_of(root, planned, engine)
    deployed = planned.target.engine == "databricks"
    workspace = (
        _databricks(root, planned) if deployed else _local(root, planned, engine)
    )
    tables = EngineTables(engine, pipelines_own_tables=deployed)
    return Deployer(
        store, workspace, concurrency=planned.target.concurrency, tables=tables
    )


def user_of(root: Path, target: Target) -> str:
    """The short name that stands for `${user}` in a development target."""
    if target.engine != "databricks":
        return login_name()
    return CurrentUser(local_folder(root), target.profile, target.host).name()


def _logged_in(target: Target) -> Rest:
    """The API of a target's workspace, which takes the login."""
    rest = _rest(target)
    rest.who()
    return rest


def _rest(target: Target) -> Rest:
    pace = Pace(target.calls_per_second, target.concurrency)
    return Rest(log_in(target.profile, target.host), pace=pace)


def _databricks(root: Path, planned: Planned) -> Workspace:
    """The target's workspace, logged in to."""
    target, identity = planned.target, planned.identity
    current = CurrentUser(local_folder(root), target.profile, target.host)
    current.check_login()
    workspace = DatabricksWorkspace(
        _rest(target),
        project=identity.project,
        target=identity.key,
        root_path=target.root_path,
    )
    if identity.user:
        current.check(workspace.user, identity.user)
    return workspace


def _local(root: Path, planned: Planned, engine: Callable[[], Engine]) -> Workspace:
    """A workspace in the project's folder, which runs things on the target's engine."""

    def run_part(
        part: Remote,
        folder: Path,
        request: RunRequest,
        progress: Callable[[TableRun], None],
    ) -> Iterable[TableRun]:
        run = LocalRun(
            engine(),
            request.run_id,
            planned.runs_schema,
            request.tables,
            request.full_refresh,
            _concurrency(part, planned),
        )
        perform = run_pipeline
        if part.kind == "job":
            perform = partial(run_job, files=folder)
        tasks = perform(
            part.settings, run, on_progress=lambda one: progress(_table_run(one))
        )
        return [_table_run(one) for one in tasks if one.status != "skipped"]

    return LocalWorkspace(
        local_folder(root) / "workspace",
        target=planned.identity.key,
        project_root=root,
        run_part=run_part,
    )


def store_of(root: Path, planned: Planned, engine: Callable[[], Engine]) -> StateStore:
    """Where the target's state is: in a table when it names a schema, else in a file.

    Args:
        root: The project's root.
        planned: The target.
        engine: Gives the engine whose session reads and writes the table.

    Raises:
        StateError: It is deployed to a workspace and names no schema.
    """
    identity, state, local = planned.identity, planned.target.state, local_folder(root)
    project, target = identity.project, identity.key
    store: StateStore
    if state.schema_ is None:
        if planned.target.engine == "databricks":
            raise _no_place(planned.identity.target)
        store = SQLiteStore(local / "state.db", project=project, target=target)
    else:
        schema = f"{planned.target.catalog}.{state.schema_}"
        statements: Statements = SessionStatements(engine, schema)
        if state.warehouse_id:
            api = cache(partial(_logged_in, planned.target))
            statements = WarehouseStatements(api, state.warehouse_id, schema)
        store = DeltaStore(statements, project=project, target=target)
    return RememberingStore(store, local / "state")


def _no_place(target: str) -> StateError:
    message = f"{target} is deployed to a workspace and doesn't say where its state is"
    hint = (
        "Give it a schema in definitions/mdf.yml:  state: {schema: mdf}  ; the table\n"
        "mdf_journal is made there. Nothing was changed."
    )
    return StateError(Problem("no-state", message, hint))


def origin_of(root: Path, planned: Planned) -> Origin:
    """Who deploys the target, from which commit of which repository."""
    deployed = planned.target.engine == "databricks"
    return Origin(
        deployed_by=f"{getpass.getuser()} on {platform.node()}",
        repository=_git(root, "remote", "get-url", "origin"),
        commit=_git(root, "rev-parse", "--short", "HEAD"),
        relation=partial(_relation, root) if deployed else None,
        is_development=bool(planned.identity.user),
    )


def _relation(root: Path, deployed: str) -> str:
    """How HEAD stands to a commit that was deployed before."""
    if _git(root, "rev-parse", "--verify", f"{deployed}^{{commit}}") is None:
        return "unknown"
    here, there = _git(root, "rev-parse", "HEAD"), _git(root, "rev-parse", deployed)
    if here == there:
        return "same"
    common = _git(root, "merge-base", "HEAD", deployed)
    return "ahead" if common == there else "behind" if common == here else "diverged"


def _table_run(task: TaskRun) -> TableRun:
    return TableRun(task.table, task.status, task.seconds, task.rows, task.error)


def _concurrency(part: Remote, planned: Planned) -> int:
    if planned.target.engine == "spark":
        return 1  # without Delta, two that append to mdf_runs at once collide
    key = part.tags.get("mdf_key", "")
    known = planned.parts.parts.get(key)
    group = planned.project.groups.get(known.group) if known else None
    return group.concurrency if group else 2


def _git(root: Path, *words: str) -> str | None:
    """What git says; None without git or repository."""
    try:
        done = subprocess.run(  # noqa: S603 - our own words
            ["git", "-C", str(root), *words],  # noqa: S607 - git is found on PATH
            capture_output=True,
            text=True,
            check=False,
            timeout=10,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None
