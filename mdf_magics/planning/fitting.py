"""Which homes a table fits, a job or a pipeline, and why not.

The rules are those of the two platforms: streams accept appends only, AUTO CDC
needs a stream and an order (Databricks documentation, "The AUTO CDC APIs").
"""

from __future__ import annotations

from collections.abc import Mapping

from mdf_magics.definitions import models
from mdf_magics.errors import Problem, closest
from mdf_magics.planning.expansion import Table
from mdf_magics.transformations.sql import check_expression

HOMES = ("job", "pipeline")


def fits(table: Table, tables: Mapping[str, Table]) -> dict[str, list[str]]:
    """For each home the reasons why the table doesn't fit it; empty: it fits."""
    reasons: dict[str, list[str]] = {home: _both(table) for home in HOMES}
    reasons["job"] += _on_a_job(table)
    reasons["pipeline"] += _on_a_pipeline(table, tables)
    return reasons


def check_tables(
    tables: Mapping[str, Table], groups: Mapping[str, models.Group]
) -> list[Problem]:
    """Problems of tables in the home they have now, and of their expectations."""
    problems: list[Problem] = []
    for table in tables.values():
        problems += _check_home(table, tables, groups)
        problems += _check_expectations(table)
        problems += _check_streams(table, tables)
    problems += _check_groups(tables, groups)
    return list(dict.fromkeys(problems))


def streams(table: Table) -> list[str]:
    """The parameters by which a table reads incrementally."""
    return [name for name, one in table.parameters.items() if one.type == "stream"]


def _files(table: Table) -> list[str]:
    return [name for name, one in table.parameters.items() if one.type == "files"]


def _both(table: Table) -> list[str]:
    write, settings = table.settings.write, table.settings
    reasons = []
    if table.body.kind == "notebook":
        said = [
            key
            for key in ("keys", "sequence_by", "watermark", "expectations")
            if getattr(settings, key)
        ]
        if write != "overwrite" or said:
            reasons.append(
                "a notebook writes its table itself and takes no write rules"
            )
        return reasons
    if write == "overwrite" and streams(table):
        reasons.append("write: overwrite reads tables and files, not a stream")
    if write == "append" and len(streams(table)) + len(_files(table)) != 1:
        reasons.append("write: append reads one stream or files parameter")
    if write in ("merge", "scd2"):
        if not settings.keys:
            reasons.append(f"write: {write} needs keys")
        if _files(table):
            reasons.append(f"write: {write} reads a stream or tables, not files")
    if write == "scd2":
        if not settings.sequence_by:
            reasons.append("write: scd2 needs sequence_by")
        if len(streams(table)) != 1:
            reasons.append("write: scd2 reads one stream parameter")
    if write == "view":
        if table.body.kind != "sql":
            reasons.append("write: view takes a SQL body")
        if settings.expectations:
            reasons.append("write: view takes no expectations")
        if streams(table) or _files(table):
            reasons.append("write: view reads tables only")
    return reasons


def _on_a_job(table: Table) -> list[str]:
    settings = table.settings
    if settings.write == "append" and streams(table) and not settings.watermark:
        return ["write: append from a stream needs a watermark on a job"]
    if settings.write == "merge" and streams(table) and not settings.sequence_by:
        return ["write: merge from a stream needs sequence_by"]
    return []


def _on_a_pipeline(table: Table, tables: Mapping[str, Table]) -> list[str]:
    settings, reasons = table.settings, []
    if table.body.kind == "notebook":
        reasons.append("a notebook runs as a task of a job")
    if settings.write == "merge" and not (
        len(streams(table)) == 1 and settings.sequence_by
    ):
        reasons.append(
            "write: merge on a pipeline needs one stream argument and sequence_by"
        )
    for name in streams(table):
        read = tables.get(str(table.arguments.get(name)))
        if read is not None and read.settings.write != "append":
            reasons.append(
                f"a stream can't read {read.name}, which is written by"
                f" {read.settings.write}: it accepts appends only"
            )
    return reasons


def _check_home(
    table: Table, tables: Mapping[str, Table], groups: Mapping[str, models.Group]
) -> list[Problem]:
    home = groups[table.group].runs_on if table.group in groups else "job"
    reasons = fits(table, tables)
    if not reasons[home]:
        return []
    others = [other for other in HOMES if not reasons[other]]
    message = (
        f"{table.name} does not fit a {home}, on which its group {table.group} runs"
    )
    hint = "; ".join(dict.fromkeys(reasons[home])) + "."
    if others:
        hint += f" Fits: {', '.join(others)}."
    return [Problem(f"unfit-for-{home}", message, hint, table.place)]


def _check_streams(table: Table, tables: Mapping[str, Table]) -> list[Problem]:
    problems = []
    for name in streams(table):
        read = tables.get(str(table.arguments.get(name)))
        if read is not None and read.settings.write != "append":
            message = (
                f"{table.name} reads {read.name} as a stream, but that is written by"
                f" {read.settings.write}"
            )
            hint = (
                "Rows that change there are not seen again here; on a pipeline it"
                " is an error."
            )
            problems.append(
                Problem("stream-of-changes", message, hint, table.place, "warning")
            )
    return problems


def _check_expectations(table: Table) -> list[Problem]:
    problems = []
    seen: set[str] = set()
    for index, rule in enumerate(table.settings.expectations):
        path = ("expectations", index)
        if rule.name in seen:
            message = f'there are two expectations "{rule.name}"'
            place = table.entry.place((*path, "name"))
            problems.append(Problem("duplicate-expectation", message, "", place))
        seen.add(rule.name)
        if fault := check_expression(rule.check, row_by_row=True):
            message = f"the check of {rule.name} {fault}"
            hint = "Write what is true for a valid row, such as  seats > 0 ."
            place = table.entry.place((*path, "check"))
            problems.append(Problem("bad-expectation", message, hint, place))
    return problems


def _check_groups(
    tables: Mapping[str, Table], groups: Mapping[str, models.Group]
) -> list[Problem]:
    problems = []
    for table in tables.values():
        near = closest(table.group, groups) if table.group not in groups else None
        if near:
            message = f'the group "{table.group}" is not listed, so it runs on a job'
            hint = f'Did you mean "{near}"?'
            place = table.entry.place(("group",))
            problems.append(
                Problem("close-group-name", message, hint, place, "warning")
            )
    return problems
