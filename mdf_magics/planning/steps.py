"""The whole of planning, in order."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from importlib import resources as package_files
from typing import Any

from mdf_magics.definitions import models
from mdf_magics.definitions.api_fields import check_fields, check_project_fields
from mdf_magics.definitions.loading import Definitions
from mdf_magics.definitions.names import Homes
from mdf_magics.definitions.reading import Document
from mdf_magics.definitions.substitution import ROOT, Scope
from mdf_magics.errors import DefinitionError, Place, Problem, Source, did_you_mean
from mdf_magics.planning.contexts import check_contexts
from mdf_magics.planning.expansion import Expansion, Table, expand
from mdf_magics.planning.fitting import check_expectations, check_tables
from mdf_magics.planning.graph import Graph, build_graph, check_queries
from mdf_magics.planning.group_settings import check_compute, check_groups
from mdf_magics.planning.limits import check_limits, check_sizes
from mdf_magics.planning.placement import Parts, check_placement, place
from mdf_magics.planning.resolving import resolved_project, resolved_target
from mdf_magics.planning.resources import (
    MADE_BY_US,
    RUNTIME_FILE,
    BuiltTable,
    Compiled,
    Identity,
    Resource,
    ResourceMaker,
    check_notebooks,
    module_file,
    notebook_file,
    resource_path,
    resource_yaml,
)
from mdf_magics.planning.sources import (
    Texts,
    check_arguments,
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
    modules: Mapping[str, Source]
    """The project's Python files that bodies import, by name."""
    elsewhere: Homes | None
    """Where previews find tables that this target hasn't built: those of the target
    that it `reads_from`."""
    problems: tuple[Problem, ...]
    """Ordered by file and line; warnings among them."""

    @property
    def tables(self) -> dict[str, Table]:
        """The tables by name."""
        return self.expansion.tables

    @property
    def made(self) -> dict[str, Table]:
        """Who makes each table: itself, or the one whose rejected rows it holds."""
        aside = {one.quarantine: one for one in self.tables.values() if one.quarantine}
        return {**self.tables, **aside}

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
    document, found = definitions.project_document, [*definitions.problems]
    user = settings.user if target.mode == "development" else None
    variables = {**project.variables, **target.variables, **settings.variables}
    target = _resolved(settings.target, project, settings, document, found)
    named = {"name": settings.target, "catalog": target.catalog}
    scope = Scope({"target": named, "var": variables}, user)
    project = resolved_project(project, scope, document, found)
    expansion = expand(definitions, target, scope)
    tables = expansion.tables
    elsewhere = _elsewhere(target, expansion, definitions, settings, found)
    graph = build_graph(expansion)
    kept = _kept(definitions, expansion)
    recorded = definitions.placement
    parts = place(tables, graph, project, recorded.parts, kept)
    identity = Identity(project.project, settings.target, user() if user else "")
    texts = Texts(expansion.homes, graph.written, definitions.modules)
    problems = [
        *found,
        *expansion.problems,
        *graph.problems,
        *check_queries(definitions.transformations, expansion.declared),
        *check_tables(tables, project.groups, definitions.modules),
        *parts.problems,
        *(() if kept else check_placement(recorded, tables, project)),
        *check_limits(tables, project, document),
        *check_contexts(tables, graph, project, parts),
        *check_project_fields(project, document),
        *(one for table in tables.values() for one in table.once(_check_alone)),
        *check_groups(project, document, tables),
        *check_compute(tables, project),
        *check_notebooks(tables),
        *_check_parts(parts, tables),
        *_check_root(tables, target),
        *_check_root_path(settings.target, target, document),
    ]
    return Planned(
        project,
        target,
        identity,
        expansion,
        graph,
        parts,
        texts,
        definitions.modules,
        elsewhere,
        tuple(sorted(_causes(problems), key=_reading_order)),
    )


def compile_target(planned: Planned) -> Compiled:
    """The resources of a planned target, and the texts of all generated files.

    Raises:
        DefinitionError: One of them is larger than the platform takes.
    """
    name, tables = planned.identity.target, planned.tables
    maker = ResourceMaker(
        planned.project,
        planned.target,
        planned.identity,
        planned.expansion.homes,
        tables,
        planned.graph,
        planned.parts,
        planned.modules,
    )
    files: dict[str, str] = {}
    found: list[Resource] = []
    for part in planned.parts.parts.values():
        if not part.tables:
            continue
        source = part_source(part, tables, planned.texts, name, planned.runs_schema)
        views = views_source(part, tables, planned.texts, name)
        own = {f"src/{part.key}.py": source, f"src/{part.key}_views.sql": views}
        written = {path: text for path, text in own.items() if text is not None}
        found.append(maker.part(part, list(written)))
        files |= written
        for table in (tables[one] for one in part.tables):
            if path := notebook_file(table):
                files[path] = table.body.text
    found += maker.whole()
    if any(RUNTIME_FILE in resource.files for resource in found):
        files[RUNTIME_FILE] = runtime_text()
    for name, module in planned.modules.items():
        if any(module_file(name) in one.files for one in found):
            files[module_file(name)] = module_text(module)
    for resource in found:
        files[resource_path(resource)] = resource_yaml(resource, name)
    ordered = tuple(sorted(found, key=lambda one: one.key))
    if problems := list(check_sizes(ordered, files, tables)):
        raise DefinitionError(*problems)
    built = {one: _built(tables[one], planned) for one in sorted(tables)}
    return Compiled(name, ordered, dict(sorted(files.items())), built)


def _built(table: Table, planned: Planned) -> BuiltTable:
    earlier = table.settings.renamed_from
    earlier_home = planned.expansion.homes.home(earlier) if earlier else ""
    return BuiltTable(table.home, table.settings.write, earlier, earlier_home)


def module_text(module: Source) -> str:
    """A module as it is uploaded; its lines keep their numbers."""
    said = f"# {MADE_BY_US} {module.name}. Edit that, not this.\n"
    return f"{module.text.rstrip()}\n\n\n{said}"


def runtime_text() -> str:
    """The runtime that generated sources import, as it is shipped."""
    folder = package_files.files("mdf_magics") / "runtime"
    return (folder / "mdf_runtime.py").read_text(encoding="utf-8")


def _resolved(
    name: str,
    project: models.Project,
    settings: Settings,
    document: Document,
    problems: list[Problem],
) -> models.Target:
    """A target with its references resolved."""
    target = project.targets[name]
    user = settings.user if target.mode == "development" else None
    variables = {**project.variables, **target.variables, **settings.variables}
    scope = Scope({"target": {"name": name}, "var": variables}, user)
    return resolved_target(name, target, scope, document, problems)


def _elsewhere(
    target: models.Target,
    expansion: Expansion,
    definitions: Definitions,
    settings: Settings,
    problems: list[Problem],
) -> Homes | None:
    """The homes of the tables of the target that this one reads from."""
    name, project = target.reads_from, definitions.project
    if name is None or project is None:
        return None
    others = project.targets.keys() - {settings.target}
    if name not in others:
        message = f'there is no other target "{name}" to read from'
        place = definitions.project_document.place(
            ("targets", settings.target, "reads_from")
        )
        hint = did_you_mean(name, others)
        problems.append(Problem("unknown-target", message, hint, place))
        return None
    other = _resolved(name, project, settings, definitions.project_document, problems)
    return replace(
        expansion.homes, catalog=other.catalog, schema_prefix=other.schema_prefix
    )


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


def _kept(definitions: Definitions, expansion: Expansion) -> list[str]:
    """Tables whose definitions are wrong at present, and so keep their place."""
    found = [*definitions.problems, *expansion.problems]
    if all(problem.severity == "warning" for problem in found):
        return []
    recorded = definitions.placement.parts
    return [name for name in recorded if name not in expansion.tables]


def _check_alone(table: Table) -> list[Problem]:
    """What is wrong with a table whatever the others are."""
    return [*_check_task(table), *check_arguments(table), *check_expectations(table)]


def _check_task(table: Table) -> list[Problem]:
    """What a table passes through to its job task."""
    return check_fields(
        "task",
        table.settings.task,
        lambda at, key: table.entry.place(("task", *at), key=key),
    )


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
                place = table.argument_place(name)
                problems.append(Problem("root-elsewhere", message, hint, place))
    return problems


def _check_root_path(
    name: str, target: models.Target, document: Document
) -> list[Problem]:
    """Shared targets say where their files go: it must not depend on who deploys."""
    if target.engine != "databricks" or target.mode or target.root_path:
        return []
    message = f"the target {name} has no root_path"
    hint = (
        "Say where generated files go:  root_path: /Workspace/Shared/... ,\n"
        "or make it each user's own:  mode: development ."
    )
    place = document.place(("targets", name), key=True)
    return [Problem("no-root-path", message, hint, place)]


def _causes(problems: Iterable[Problem]) -> list[Problem]:
    """The problems without those that only say again what YAML was misread."""
    told = list(dict.fromkeys(problems))
    misread = {one.place for one in told if one.code in _MISREAD}
    return [one for one in told if one.place not in misread or one.code in _MISREAD]


_MISREAD = ("yaml-surprise", "yaml-tag", "bad-key", "too-deep", "too-many-values")


def _reading_order(problem: Problem) -> tuple[str, int, int]:
    place: Place | None = problem.place
    if place is None:
        return "", 0, 0
    numbers = re.sub(r"\d+", lambda found: found[0].zfill(6), place.source.name)
    return numbers, place.line, place.column
