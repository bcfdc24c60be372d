"""Which homes a table fits, a job or a pipeline, and why not.

The rules are those of the two platforms: streams accept appends only, AUTO CDC
needs a stream and an order (Databricks documentation, "The AUTO CDC APIs").
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from mdf_magics.definitions import models
from mdf_magics.definitions.modules import HIDDEN
from mdf_magics.definitions.names import RESERVED_GROUPS, word_fault
from mdf_magics.errors import Problem, closest
from mdf_magics.planning.expansion import Table
from mdf_magics.transformations.sql import check_expression

HOMES = ("job", "pipeline")

UNLISTED = models.Group()
"""What a group is that `mdf.yml` doesn't list."""


def fits(table: Table, tables: Mapping[str, Table]) -> dict[str, list[str]]:
    """For each home the reasons why the table doesn't fit it; empty: it fits."""
    on_a_job, on_a_pipeline = table.once(_reasons)
    changes = [] if table.body.kind == "notebook" else _changing(table, tables)
    return {
        "job": [*on_a_job],
        "pipeline": [
            *on_a_pipeline,
            *(
                f"a stream can't read {one.name}, which is written by"
                f" {one.settings.write}: it accepts appends only"
                for one in changes
            ),
        ],
    }


def check_tables(
    tables: Mapping[str, Table],
    groups: Mapping[str, models.Group],
    modules: Collection[str] = (),
) -> list[Problem]:
    """Problems of tables in the home they have now.

    Args:
        tables: The tables by name.
        groups: The groups that are listed.
        modules: Names of the project's Python files that lie beside the sources.
    """
    problems: list[Problem] = []
    for table in tables.values():
        problems += _check_home(table, tables, groups)
    problems += _check_groups(tables, groups, modules)
    return list(dict.fromkeys(problems))


def streams(table: Table) -> tuple[str, ...]:
    """The parameters by which a table reads incrementally."""
    return table.once(_streams)


def _streams(table: Table) -> tuple[str, ...]:
    return tuple(name for name, one in table.parameters.items() if one.type == "stream")


def has_quarantine(table: Table) -> bool:
    """Whether a second table holds the rows that it rejects."""
    return any(one.on_failure == "quarantine" for one in table.settings.expectations)


def _reasons(table: Table) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Why a table by itself doesn't fit a job, and a pipeline."""
    if table.body.kind == "notebook":
        both = _notebook(table)
        return (*both,), (*both, "a notebook runs as a task of a job")
    both = _BY_WRITE[table.settings.write](table)
    return (*both, *_on_a_job(table)), (*both, *_on_a_pipeline(table))


def _files(table: Table) -> list[str]:
    return [name for name, one in table.parameters.items() if one.type == "files"]


def _notebook(table: Table) -> list[str]:
    settings = table.settings
    rules = settings.keys or settings.sequence_by or settings.watermark
    if settings.write == "overwrite" and not rules and not settings.expectations:
        return []
    return ["a notebook writes its table itself and takes no write rules"]


def _overwrite(table: Table) -> list[str]:
    if streams(table):
        return ["write: overwrite reads tables and files, not a stream"]
    return []


def _append(table: Table) -> list[str]:
    if len(streams(table)) + len(_files(table)) != 1:
        return ["write: append reads one stream or files parameter"]
    return []


def _merge(table: Table) -> list[str]:
    reasons = [] if table.settings.keys else ["write: merge needs keys"]
    if _files(table):
        reasons.append("write: merge reads a stream or tables, not files")
    if len(streams(table)) > 1:
        reasons.append("write: merge reads one stream at most")
    return reasons


def _scd2(table: Table) -> list[str]:
    settings = table.settings
    needed = (("keys", settings.keys), ("sequence_by", settings.sequence_by))
    reasons = [f"write: scd2 needs {key}" for key, value in needed if not value]
    if _files(table):
        reasons.append("write: scd2 reads a stream or tables, not files")
    if len(streams(table)) != 1:
        reasons.append("write: scd2 reads one stream parameter")
    return reasons


def _view(table: Table) -> list[str]:
    reasons = []
    if table.body.kind != "sql":
        reasons.append("write: view takes a SQL body")
    if table.settings.expectations:
        reasons.append("write: view takes no expectations")
    if streams(table) or _files(table):
        reasons.append("write: view reads tables only")
    return reasons


_BY_WRITE = {
    "overwrite": _overwrite,
    "append": _append,
    "merge": _merge,
    "scd2": _scd2,
    "view": _view,
}


def _on_a_job(table: Table) -> list[str]:
    settings = table.settings
    if settings.write == "append" and streams(table) and not settings.watermark:
        return ["write: append from a stream needs a watermark on a job"]
    if settings.write == "merge" and streams(table) and not settings.sequence_by:
        return ["write: merge from a stream needs sequence_by"]
    return []


def _on_a_pipeline(table: Table) -> list[str]:
    settings = table.settings
    complete = len(streams(table)) == 1 and settings.sequence_by
    if settings.write == "merge" and not complete:
        return ["write: merge on a pipeline needs one stream argument and sequence_by"]
    return []


def _changing(table: Table, tables: Mapping[str, Table]) -> list[Table]:
    """Tables of ours that are read as a stream, but written by more than appends."""
    found = [tables.get(str(table.arguments.get(name))) for name in streams(table)]
    return [one for one in found if one and one.settings.write != "append"]


def _check_home(
    table: Table, tables: Mapping[str, Table], groups: Mapping[str, models.Group]
) -> list[Problem]:
    home = groups.get(table.group, UNLISTED).runs_on
    reasons = fits(table, tables)
    if reasons[home]:
        others = [other for other in HOMES if not reasons[other]]
        message = (
            f"{table.name} does not fit a {home}, on which its group {table.group} runs"
            if others
            else f"{table.name} fits neither a job nor a pipeline"
        )
        hint = "; ".join(dict.fromkeys(reasons[home])) + "."
        if others:
            hint += f" Fits: {', '.join(others)}."
        return [Problem(f"unfit-for-{home}", message, hint, table.place)]
    return [_stream_of_changes(table, read) for read in _changing(table, tables)]


def _stream_of_changes(table: Table, read: Table) -> Problem:
    message = (
        f"{table.name} reads {read.name} as a stream, but that is written by"
        f" {read.settings.write}"
    )
    hint = "Rows that change there are not seen again here; a pipeline refuses it."
    return Problem("stream-of-changes", message, hint, table.place, "warning")


def check_expectations(table: Table) -> list[Problem]:
    """What is wrong with a table's expectations."""
    problems = []
    seen: set[str] = set()
    for index, rule in enumerate(table.settings.expectations):
        path = ("expectations", index)
        if rule.name.lower() in seen:
            message = f'there are two expectations "{rule.name}"'
            place = table.entry.place((*path, "name"))
            problems.append(Problem("duplicate-expectation", message, "", place))
        seen.add(rule.name.lower())
        if fault := check_expression(rule.check, row_by_row=True):
            message = f"the check of {rule.name} {fault}"
            hint = "Write what is true for a valid row, such as  seats > 0 ."
            place = table.entry.place((*path, "check"))
            problems.append(Problem("bad-expectation", message, hint, place))
    return problems


def _check_groups(
    tables: Mapping[str, Table],
    groups: Mapping[str, models.Group],
    modules: Collection[str],
) -> list[Problem]:
    """Groups that tables name: each is a file's name, and should be listed."""
    first: dict[str, Table] = {}
    for table in tables.values():
        first.setdefault(table.group, table)
    renamed = {one.renamed_from: name for name, one in groups.items()}
    problems = []
    for group, table in first.items():
        if group in renamed and group not in groups:
            message = f'the group "{group}" is called {renamed[group]} now'
            hint = f"Write  group: {renamed[group]} ."
            place = table.entry.place(("group",))
            problems.append(Problem("renamed-group", message, hint, place))
        elif fault := _group_fault(group, modules):
            message = f'the group "{group}" {fault}'
            hint = "" if table.settings.group else f"Give {table.name} a  group: ."
            place = table.entry.place(("group",))
            problems.append(Problem("bad-name", message, hint, place))
        elif group not in groups and (near := closest(group, groups)):
            message = f'the group "{group}" is not listed, so it runs on a job'
            hint = f'Did you mean "{near}"?'
            place = table.entry.place(("group",))
            problem = Problem("close-group-name", message, hint, place, "warning")
            problems.append(problem)
    return problems


def _group_fault(name: str, modules: Collection[str]) -> str | None:
    """Why `name` can't name a group; its source is a module beside others."""
    if name in RESERVED_GROUPS or name in HIDDEN or name in modules:
        return "would hide a module of Python, or something of mdf"
    return word_fault(name)
