"""The code of a part: its transformations, its tables as data, and one call.

What is written here reads like code that a person would write, and is clean for
`ruff check` and `ruff format` as they come.
"""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mdf_magics.definitions.names import Homes, quoted
from mdf_magics.errors import Problem
from mdf_magics.planning.expansion import Table
from mdf_magics.planning.literals import WIDTH, Name, literal
from mdf_magics.planning.placement import Part
from mdf_magics.transformations.parameters import Parameter, in_sql
from mdf_magics.transformations.python import parse_function, renamed
from mdf_magics.transformations.sql import TableName
from mdf_magics.transformations.template import Template, Value, parse

CELL = "# COMMAND ----------"

_RUNTIME_IMPORT = """\
try:
    import mdf_runtime
except ModuleNotFoundError:  # serverless may not have this folder on its path
    import sys

    context = dbutils.notebook.entry_point.getDbutils().notebook().getContext()
    sys.path.append("/Workspace" + context.notebookPath().get().rpartition("/")[0])
    import mdf_runtime
"""


@dataclass(frozen=True)
class Texts:
    """What a source is written from: how names and slots read in a target."""

    homes: Homes
    written: Mapping[str, tuple[TableName, ...]]
    """Names in each table's own text, as offsets in its body."""

    def replacements(self, table: Table) -> dict[tuple[int, int], str]:
        """The homes of the names in a table's body, by where they stand."""
        return {
            (one.start, one.end): quoted(self.homes.resolve(one.name))
            for one in self.written[table.name]
        }

    def home(self, name: str) -> str:
        """A table's full name in backticks."""
        return quoted(self.homes.resolve(name))


def part_source(
    part: Part,
    tables: Mapping[str, Table],
    texts: Texts,
    target: str,
    runs_schema: str,
) -> str | None:
    """The text of `src/<key>.py`; None when no table of the part needs it."""
    chosen = [
        tables[name]
        for name in part.tables
        if tables[name].body.kind != "notebook"
        and not (part.runs_on == "pipeline" and tables[name].settings.write == "view")
    ]
    if not chosen:
        return None
    functions, names = _functions(chosen, texts)
    imports = _imports(chosen)
    data = {table.name: _data(table, names[table.name], texts) for table in chosen}
    listing = f"TABLES = {literal(data, 0, 0, split=2)}"
    made = f"# Written by mdf from definitions/ (part {part.key}, target {target})."
    header = f"{made} Edit those, not this."
    if part.runs_on == "pipeline":
        own = ["import mdf_runtime", "from pyspark.sql import SparkSession"]
        blocks = [header + "\n" + _import_block([*imports, *own])]
        call = "mdf_runtime.register(SparkSession.active(), TABLES)"
        body = "".join(f"\n\n{text}\n" for text in functions)
        return f"{blocks[0]}{body}\n\n{listing}\n\n{call}\n"
    top = f"# Databricks notebook source\n{header}\n# ruff: noqa: F821\n"
    if imports:
        top += _import_block(imports) + "\n"
    body = "".join(f"\n\n{text}\n" for text in functions)
    call = f'mdf_runtime.run_task(spark, dbutils, TABLES, runs_schema="{runs_schema}")'
    return (
        f"{top}{_RUNTIME_IMPORT}\n{CELL}\n{body}\n\n{CELL}\n\n{listing}\n\n"
        f"{CELL}\n\n{call}\n"
    )


def views_source(
    part: Part, tables: Mapping[str, Table], texts: Texts, target: str
) -> str | None:
    """The text of `src/<key>_views.sql`: a pipeline's views; None without any."""
    views = [
        tables[name] for name in part.tables if tables[name].settings.write == "view"
    ]
    if part.runs_on != "pipeline" or not views:
        return None
    made = f"-- Written by mdf from definitions/ (part {part.key}, target {target})."
    statements = [
        f"CREATE VIEW {quoted(view.home)} AS\n{query_text(view, texts)};\n"
        for view in views
    ]
    return f"{made} Edit those, not this.\n\n" + "\n".join(statements)


def query_text(table: Table, texts: Texts) -> str:
    """A table's query with everything rendered; slots are left as `{name}`."""
    values = _values(table, texts.home)
    rendered = parse(table.body.text).render(values, texts.replacements(table))
    return rendered.text.rstrip()


def check_imports(part: Part, tables: Mapping[str, Table]) -> list[Problem]:
    """Imports of one part that bind one name to two things."""
    bound: dict[str, tuple[str, Table]] = {}
    problems = []
    for name in part.tables:
        table = tables[name]
        if table.body.kind != "python":
            continue
        for word, statement in parse_function(table.body.text).bound:
            known, first = bound.setdefault(word, (statement, table))
            if known != statement:
                message = (
                    f'"{word}" is imported as two things in the part {part.key}: '
                    f"{known} (for {first.name}) and {statement} (for {name})"
                )
                hint = "Give one of them another name:  import ... as ... ."
                place = table.body.place(1)
                problems.append(Problem("import-conflict", message, hint, place))
    return problems


def _functions(chosen: list[Table], texts: Texts) -> tuple[list[str], dict[str, str]]:
    """The functions of a part, sorted by name, and which one each table uses."""
    sources: dict[str, str] = {}
    names: dict[str, str] = {}
    for table in chosen:
        name, text = _function(table, texts)
        number = 1
        while sources.get(f"{name}_{number}" if number > 1 else name, text) != text:
            number += 1
        if number > 1:
            name = f"{name}_{number}"
            text = _function(table, texts, name)[1]
        sources[name] = text
        names[table.name] = name
    return [sources[name] for name in sorted(sources)], names


def _function(table: Table, texts: Texts, name: str = "") -> tuple[str, str]:
    """A table's function: its name and its code."""
    if table.body.kind == "python":
        name = name or table.function
        return name, renamed(parse_function(table.body.text), name)
    template = parse(table.body.text)
    if template.plain:
        name = name or table.function
        return name, _plain_function(name, table, template, texts)
    name = name or table.name.replace(".", "__")
    slots = {one: Value(one, f"{{{one}}}") for one in _slots(table)}
    values = {**_values(table, texts.home), **slots}
    rendered = template.render(values, texts.replacements(table)).text
    if slots:
        # The slots' braces are the code's, all others are the query's.
        marked = template.render(
            {**values, **{one: Value(one, f"\x01{one}\x02") for one in slots}},
            texts.replacements(table),
        ).text
        rendered = marked.replace("{", "{{").replace("}", "}}")
        rendered = rendered.replace("\x01", "{").replace("\x02", "}")
    return name, _definition(name, list(slots), rendered, formatted=bool(slots))


def _plain_function(name: str, table: Table, template: Template, texts: Texts) -> str:
    """A function of its parameters' texts that returns the query."""
    values = {one: Value(one, f"\x01{one}\x02") for one in table.parameters}
    text = template.render(values, texts.replacements(table)).text
    parameters = list(table.parameters)
    if parameters:
        text = text.replace("{", "{{").replace("}", "}}")
    text = text.replace("\x01", "{").replace("\x02", "}")
    return _definition(name, parameters, text, formatted=bool(parameters))


def _definition(name: str, parameters: list[str], text: str, *, formatted: bool) -> str:
    signature = f"def {name}({', '.join(parameters)}):"
    if len(signature) > WIDTH:
        lines = "".join(f"    {one},\n" for one in parameters)
        signature = f"def {name}(\n{lines}):"
    return (
        f"{signature}\n    return {_query_literal(text.strip(), formatted=formatted)}"
    )


def _query_literal(text: str, *, formatted: bool) -> str:
    """A query in triple quotes, raw where it has backslashes."""
    prefix = "f" if formatted else ""
    if '"""' in text or text.endswith('"') or "\r" in text:
        escaped = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
        return f'{prefix}"""\n{escaped}\n"""'.replace("\r", "\\r")
    if "\\" in text:
        prefix = f"r{prefix}"
    return f'{prefix}"""\n{text}\n"""'


def _values(table: Table, resolve: Any) -> dict[str, Value]:
    """Each parameter of a SQL body as text; what is opened later as a slot."""
    values = {}
    for name, parameter in table.parameters.items():
        if parameter.type in ("stream", "files"):
            values[name] = Value(name, f"{{{name}}}")
        else:
            values[name] = in_sql(parameter.type, table.arguments[name], resolve)
    return values


def _slots(table: Table) -> list[str]:
    """Parameters for which the runtime puts a DataFrame in."""
    return [
        name
        for name, one in table.parameters.items()
        if one.type in ("stream", "files")
    ]


def table_data(table: Table, texts: Texts) -> dict[str, Any]:
    """What the runtime is told of a table, without its function."""
    settings = table.settings
    data: dict[str, Any] = {"home": table.home, "write": settings.write}
    for key in ("keys", "sequence_by", "watermark", "apply_as_deletes"):
        if getattr(settings, key):
            data[key] = getattr(settings, key)
    data["sql" if table.body.kind == "sql" else "python"] = None
    data["arguments"] = _arguments(table, texts)
    if settings.expectations:
        data["expectations"] = [rule.model_dump() for rule in settings.expectations]
    if settings.description:
        data["description"] = settings.description
    if settings.columns:
        data["columns"] = {
            name: column.model_dump(exclude_defaults=True)
            for name, column in settings.columns.items()
        }
    for key in ("tags", "cluster_by", "on_schema_change"):
        if getattr(settings, key):
            data[key] = getattr(settings, key)
    if settings.adopt:
        data["adopt"] = True
    return data


def _data(table: Table, function: str, texts: Texts) -> dict[str, Any]:
    data = table_data(table, texts)
    key = "sql" if "sql" in data else "python"
    data[key] = Name(function)
    return data


def _arguments(table: Table, texts: Texts) -> dict[str, Any]:
    if table.body.kind == "python":
        return {
            name: _python_argument(table.parameters[name], value, texts)
            for name, value in table.arguments.items()
        }
    if not parse(table.body.text).plain:
        kept = _slots(table)
    else:
        kept = list(table.parameters)
    values = _values(table, texts.home)
    return {
        name: _slot(table, name, texts) if name in _slots(table) else values[name].sql
        for name in kept
    }


def _slot(table: Table, name: str, texts: Texts) -> dict[str, Any]:
    value = table.arguments[name]
    if table.parameters[name].type == "files":
        return {"files": value}
    return {"stream": texts.homes.resolve(value)}


def _python_argument(parameter: Parameter, value: Any, texts: Texts) -> Any:
    if parameter.type in ("table", "stream"):
        return {parameter.type: texts.homes.resolve(value)}
    if parameter.type == "files":
        return {"files": value}
    if isinstance(value, dt.datetime):
        return {"timestamp": value.isoformat(sep=" ")}
    if isinstance(value, dt.date):
        return {"date": value.isoformat()}
    return value


def _imports(chosen: Iterable[Table]) -> list[str]:
    return [
        statement
        for table in chosen
        if table.body.kind == "python"
        for _, statement in parse_function(table.body.text).bound
    ]


def _import_block(statements: list[str]) -> str:
    """Import statements in ruff's order: future, standard library, the rest."""
    sections: dict[int, set[str]] = {}
    for statement in statements:
        module = statement.split()[1].split(".")[0]
        future = module == "__future__"
        section = 0 if future else 1 if module in sys.stdlib_module_names else 2
        sections.setdefault(section, set()).add(statement)
    blocks = [
        "".join(f"{one}\n" for one in sorted(sections[key], key=_import_order))
        for key in sorted(sections)
    ]
    return "\n".join(blocks)


def _import_order(statement: str) -> tuple[bool, str]:
    return statement.startswith("from "), statement
