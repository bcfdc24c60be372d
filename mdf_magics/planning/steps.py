"""The whole of planning, in order."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources as package_files
from typing import Any

from mdf_magics.definitions import models
from mdf_magics.definitions.loading import Definitions
from mdf_magics.definitions.substitution import ROOT, Scope
from mdf_magics.errors import DefinitionError, Place, Problem, did_you_mean
from mdf_magics.planning.expansion import Expansion, Table, expand
from mdf_magics.planning.fitting import check_tables
from mdf_magics.planning.graph import Graph, build_graph
from mdf_magics.planning.placement import Parts, place
from mdf_magics.planning.resources import (
    RUNTIME_FILE,
    Compiled,
    Identity,
    Resource,
    check_pass_through,
    part_resource,
    resource_path,
    resource_yaml,
    whole_resources,
)
from mdf_magics.planning.sources import (
    Texts,
    check_imports,
    part_source,
    views_source,
)


@dataclass(frozen=True)
class Settings:
    """What a command adds to the definitions."""

    target: str
    variables: Mapping[str, Any]
    """From `--var k=v`; they override the definitions'."""
    user: Callable[[], str]
    """Gives the user's short name, for development targets."""


@dataclass(frozen=True)
class Planned:
    """A target's definitions, worked out as far as the workspace isn't needed."""

    project: models.Project
    target: models.Target
    identity: Identity
    expansion: Expansion
    graph: Graph
    parts: Parts
    texts: Texts
    problems: tuple[Problem, ...]
    """Ordered by file and line; warnings among them."""

    @property
    def tables(self) -> dict[str, Table]:
        """The tables by name."""
        return self.expansion.tables

    @property
    def runs_schema(self) -> str:
        """`catalog.schema` of the table `mdf_runs`."""
        homes = self.expansion.homes
        return f"{homes.catalog}.{homes.schema_prefix}{self.target.runs_schema}"

    @property
    def errors(self) -> list[Problem]:
        """The problems that stop everything."""
        return [one for one in self.problems if one.severity == "error"]


def plan_target(definitions: Definitions, settings: Settings) -> Planned:
    """Work out one target: tables, graph, parts, and every problem.

    Raises:
        DefinitionError: There is no such target, or `mdf.yml` itself can't be read.
    """
    project = definitions.project
    if project is None:
        raise DefinitionError(*definitions.problems)
    target = _target(definitions, project, settings.target)
    development = target.mode == "development"
    scope = Scope(
        {
            "target": {"name": settings.target, "catalog": target.catalog},
            "var": {**project.variables, **target.variables, **settings.variables},
        },
        settings.user if development else None,
    )
    expansion = expand(definitions, target, scope)
    graph = build_graph(expansion)
    parts = place(expansion.tables, graph, project.groups, definitions.placement)
    identity = Identity(
        project.project, settings.target, settings.user() if development else ""
    )
    texts = Texts(expansion.homes, graph.written)
    problems = [
        *definitions.problems,
        *expansion.problems,
        *graph.problems,
        *check_tables(expansion.tables, project.groups),
        *parts.problems,
        *check_pass_through(project, definitions.project_document),
        *_check_parts(parts, expansion.tables),
        *_check_root(expansion.tables, target),
    ]
    return Planned(
        project,
        target,
        identity,
        expansion,
        graph,
        parts,
        texts,
        tuple(sorted(dict.fromkeys(problems), key=_reading_order)),
    )


def compile_target(planned: Planned) -> Compiled:
    """The resources of a planned target, and the texts of all generated files."""
    name, tables = planned.identity.target, planned.tables
    files: dict[str, str] = {}
    found: list[Resource] = []
    for part in planned.parts.parts.values():
        own = {
            f"src/{part.key}.py": part_source(
                part, tables, planned.texts, name, planned.runs_schema
            ),
            f"src/{part.key}_views.sql": views_source(
                part, tables, planned.texts, name
            ),
        }
        written = {path: text for path, text in own.items() if text is not None}
        for table in (tables[one] for one in part.tables):
            if table.body.kind == "notebook":
                file = table.body.path.rpartition("/")[2]
                files[f"src/notebooks/{file}"] = table.body.text
        files |= written
        found.append(
            part_resource(
                part,
                planned.parts,
                tables,
                planned.graph,
                planned.project,
                planned.identity,
                planned.expansion.homes,
                sorted(written),
            )
        )
    found += whole_resources(planned.parts, planned.project, planned.identity)
    if any(RUNTIME_FILE in resource.files for resource in found):
        files[RUNTIME_FILE] = runtime_text()
    for resource in found:
        files[resource_path(resource)] = resource_yaml(resource, name)
    ordered = tuple(sorted(found, key=lambda one: one.key))
    return Compiled(name, ordered, dict(sorted(files.items())))


def runtime_text() -> str:
    """The runtime that generated sources import, as it is shipped."""
    folder = package_files.files("mdf_magics") / "runtime"
    return (folder / "mdf_runtime.py").read_text(encoding="utf-8")


def _target(
    definitions: Definitions, project: models.Project, name: str
) -> models.Target:
    target = project.targets.get(name)
    if target is None:
        message = f'there is no target "{name}"'
        hint = did_you_mean(name, project.targets)
        place = definitions.project_document.place(("targets",), key=True)
        raise DefinitionError(Problem("unknown-target", message, hint, place))
    return target


def _check_parts(parts: Parts, tables: Mapping[str, Table]) -> list[Problem]:
    return [
        problem
        for part in parts.parts.values()
        for problem in check_imports(part, tables)
    ]


def _check_root(tables: Mapping[str, Table], target: models.Target) -> list[Problem]:
    """Files beside the project, which an engine elsewhere can't see."""
    if target.engine != "databricks":
        return []
    problems = []
    for table in tables.values():
        for name, value in table.arguments.items():
            if ROOT in str(value):
                message = f"{table.name} reads {ROOT}, which this target can't see"
                hint = "Set a variable for the path, with a value for this target."
                place = table.entry.place(("arguments", name))
                problems.append(Problem("root-elsewhere", message, hint, place))
    return problems


def _reading_order(problem: Problem) -> tuple[str, int, int]:
    place: Place | None = problem.place
    if place is None:
        return "", 0, 0
    numbers = re.sub(r"\d+", lambda found: found[0].zfill(6), place.source.name)
    return numbers, place.line, place.column
