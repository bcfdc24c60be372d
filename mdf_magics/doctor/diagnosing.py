"""Puts the checks together that fit a project and its target."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator

from mdf_magics.doctor.checks import Check, Diagnosis, Status, looked, of_problem
from mdf_magics.doctor.installation import installation
from mdf_magics.doctor.workspace import workspace_checks
from mdf_magics.engines import Engine
from mdf_magics.engines.databricks import DatabricksEngine
from mdf_magics.errors import MdfError
from mdf_magics.plain_text import count
from mdf_magics.planning.steps import Planned


def diagnose(
    target: str,
    plan: Callable[[], Planned],
    engine: Callable[[Planned], Engine],
    *,
    connect: bool,
) -> Diagnosis:
    """Look at everything that can be looked at.

    Args:
        target: The target's name.
        plan: Works the target out.
        engine: Gives the target's engine.
        connect: Also run a query, which may start compute that costs money.
    """
    return Diagnosis(target, tuple(_checks(plan, engine, connect=connect)))


def _checks(
    plan: Callable[[], Planned],
    engine: Callable[[Planned], Engine],
    *,
    connect: bool,
) -> Iterator[Check]:
    planned, project = _project(plan)
    yield from installation(planned.target.engine if planned else "")
    yield project
    if planned is None:
        return
    try:
        chosen = engine(planned)
    except MdfError as error:
        yield of_problem("engine", error.problems[0])
        return
    if isinstance(chosen, DatabricksEngine):
        here = ".".join(map(str, sys.version_info[:2]))
        yield from workspace_checks(chosen, planned.target, here)
    if connect or chosen.name == "embedded":  # which costs nothing
        yield looked("query", lambda: _query(chosen))
        yield looked("tables", lambda: _tables(chosen, planned))
    else:
        found = "not tried: it may start compute that costs money"
        yield Check("query", "ok", f"{found}. Say --connect to try it")


def _project(plan: Callable[[], Planned]) -> tuple[Planned | None, Check]:
    try:
        planned = plan()
    except MdfError as error:
        code = error.problems[0].code
        name = "login" if code == "not-logged-in" else "project"
        status: Status = "warning" if code == "no-project" else "error"
        return None, of_problem(name, error.problems[0], status=status)
    if planned.errors:
        found = f"{count(len(planned.errors), 'problem')} in the definitions"
        fix = "See them:  %mdf_validate  or  mdf validate"
        return planned, Check("project", "error", found, fix)
    found = f"{planned.project.project}, {count(len(planned.tables), 'table')}"
    return planned, Check("project", "ok", found)


def _query(engine: Engine) -> str:
    began = time.monotonic()
    engine.preview("SELECT 1", 1)
    return f"answered after {time.monotonic() - began:.1f} s"


def _tables(engine: Engine, planned: Planned) -> str:
    catalog = planned.target.catalog
    schemas = engine.catalog.schemas(catalog)
    return f"{count(len(schemas), 'schema')} in {catalog}"
