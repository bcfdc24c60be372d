"""A target's Databricks workspace, as far as its REST API tells: that costs nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from typing import Any

from mdf_magics.definitions.models import Target
from mdf_magics.doctor.checks import Check, looked, of_problem
from mdf_magics.engines.databricks import DatabricksEngine
from mdf_magics.engines.packages import CLIENT, installed, newer_client
from mdf_magics.errors import MdfError, Problem

_UNITY = "/api/2.1/unity-catalog/"

_PYTHONS = {13: "3.10", 14: "3.10", 15: "3.11", 16: "3.12", 17: "3.12", 18: "3.12"}
"""The Python of a Databricks Runtime, by its major version."""

_MOST_SECONDS = 60
"""Between our clock and the workspace's."""


def workspace_checks(
    engine: DatabricksEngine, target: Target, here: str
) -> Iterator[Check]:
    """Look at login, compute, catalog, state, warehouse and clock.

    Args:
        engine: The target's; it doesn't connect.
        target: The target's settings.
        here: The Python that this runs on, `3.12`.
    """
    login = looked("login", lambda: _login(engine))
    yield login
    if login.status == "error":
        return
    yield from _compute(engine, here)
    yield from _catalog(engine, target)
    if warehouse := target.state.warehouse_id:
        yield looked("warehouse", lambda: _warehouse(engine, warehouse))
    yield _clock(engine)


def _login(engine: DatabricksEngine) -> str:
    config = engine.workspace.config
    me = engine.workspace.read("/api/2.0/preview/scim/v2/Me").get("userName", "")
    return f"{me} at {config.host} ({config.auth_type})"


def _compute(engine: DatabricksEngine, here: str) -> Iterator[Check]:
    cluster = engine.cluster()
    if cluster is None:
        found = f"serverless; {CLIENT} {installed(CLIENT)} is compared with --connect"
        yield Check("compute", "ok", found)
        return
    said: dict[str, Any] = {}

    def look() -> str:
        said.update(engine.cluster_info(cluster))
        version, state = said.get("spark_version", ""), said.get("state", "").lower()
        return f"cluster {cluster}, {version}, {state}"

    compute = looked("compute", look)
    yield compute
    if compute.status == "error":
        return
    runtime = said.get("spark_version", "")
    yield of_problem(
        CLIENT, newer_client(runtime, f"the cluster {cluster}"), "fits the cluster"
    )
    major = runtime.partition(".")[0]
    there = _PYTHONS.get(int(major)) if major.isdigit() else None
    if there and there != here:
        found = f"{here} here, {there} on the cluster: functions on rows can't run"
        fix = f"Use Python {there} here, or a cluster with another version."
        yield Check("python on rows", "warning", found, fix)


def _catalog(engine: DatabricksEngine, target: Target) -> Iterator[Check]:
    catalog = target.catalog
    rights: set[str] = set()

    def look() -> str:
        engine.workspace.read(f"{_UNITY}catalogs/{catalog}")
        rights.update(_rights(engine, "catalog", catalog))
        return f"{catalog} ({', '.join(sorted(rights)) or 'no rights of your own'})"

    found = looked("catalog", look)
    yield found
    if found.status == "error":
        return
    if not rights & {"USE_CATALOG", "ALL_PRIVILEGES"}:
        yield _missing_right("USE CATALOG", catalog)
    if target.state.schema_ is None:
        alone = "in a file of this machine: nobody else knows what is deployed"
        fix = "Add  state: {schema: mdf}  to the target."
        yield Check("state", "warning", alone, fix)
    else:
        yield _state(engine, f"{catalog}.{target.state.schema_}", catalog, rights)


def _state(
    engine: DatabricksEngine, schema: str, catalog: str, rights: set[str]
) -> Check:
    try:
        engine.workspace.read(f"{_UNITY}schemas/{schema}")
    except MdfError as error:
        if error.problems[0].code != "not-found":
            return of_problem("state", error.problems[0])
        if rights & {"CREATE_SCHEMA", "ALL_PRIVILEGES"}:
            return Check("state", "ok", f"{schema}: the first deploy makes it")
        fix = f"Ask for:  GRANT CREATE SCHEMA ON CATALOG {catalog} TO ..."
        found = f"{schema} isn't there, and you can't make it"
        return Check("state", "error", found, fix)
    own = _rights(engine, "schema", schema)
    needed = {"USE_SCHEMA", "SELECT", "MODIFY", "CREATE_TABLE"}
    missing = needed - own if "ALL_PRIVILEGES" not in own else set()
    if not missing:
        return Check("state", "ok", schema)
    words = ", ".join(sorted(one.replace("_", " ") for one in missing))
    found = f"you lack {words} on {schema}"
    fix = f"To deploy, ask for:  GRANT {words} ON SCHEMA {schema} TO ..."
    return Check("state", "warning", found, fix)


def _rights(engine: DatabricksEngine, kind: str, name: str) -> set[str]:
    """Our privileges on something, inherited ones included."""
    path = f"{_UNITY}effective-permissions/{kind}/{name}"
    said = engine.workspace.read(path)
    return {
        one["privilege"]
        for assignment in said.get("privilege_assignments", [])
        for one in assignment.get("privileges", [])
    }


def _missing_right(right: str, catalog: str) -> Check:
    fix = f"Ask for:  GRANT {right} ON CATALOG {catalog} TO ..."
    return Check("catalog", "warning", f"you lack {right} on {catalog}", fix)


def _warehouse(engine: DatabricksEngine, warehouse: str) -> str:
    said = engine.workspace.read(f"/api/2.0/sql/warehouses/{warehouse}")
    return f"{said.get('name', warehouse)}, {said.get('state', '').lower()}"


def _clock(engine: DatabricksEngine, now: Callable[[], float] = time.time) -> Check:
    import requests

    try:
        reply = requests.head(str(engine.workspace.config.host), timeout=5)
        theirs = parsedate_to_datetime(reply.headers["Date"]).timestamp()
    except (requests.RequestException, KeyError, ValueError) as error:
        return Check("clock", "warning", f"not compared: {type(error).__name__}")
    apart = round(abs(now() - theirs))
    if apart <= _MOST_SECONDS:
        return Check("clock", "ok", f"{apart} s apart from the workspace's")
    problem = Problem(
        "clock",
        f"{apart} s apart from the workspace's: logins may be refused",
        "Let this machine set its clock by the network.",
    )
    return of_problem("clock", problem, status="warning")
