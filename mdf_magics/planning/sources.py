"""The code of a part: its transformations, its tables as data, and one call.

What is written here reads like code that a person would write, and is clean for
`ruff check` and `ruff format` as they come.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from mdf_magics.definitions.names import Homes, quoted
from mdf_magics.errors import Problem
from mdf_magics.planning.expansion import Table
from mdf_magics.planning.imports import import_block
from mdf_magics.planning.literals import Name, call, flat, literal, visible
from mdf_magics.planning.placement import Part
from mdf_magics.transformations.parameters import READ_TYPES, in_sql
from mdf_magics.transformations.python import parse_function, renamed
from mdf_magics.transformations.sql import TableName
from mdf_magics.transformations.template import TemplateFault, Value, parse

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

_TAKEN = {"SparkSession", "context", "dbutils", "mdf_runtime", "spark", "sys"}
"""Names that mean something else in a part's code."""

_KEPT = {"\n": "\n", "\t": "\t", "\\": "\\\\"}
"""How some characters stand in triple quotes."""


@dataclass(frozen=True)
class Texts:
    """What a source is written from: how names and slots read in a target."""

    homes: Homes
    written: Mapping[str, tuple[TableName, ...]]
    """Names in each table's own text, as offsets in its body."""
    modules: Collection[str] = ()
    """Names of the project's Python files that lie beside the sources."""

    def imports_of_ours(self, statement: str) -> bool:
        """Whether an import needs a file that lies beside the source."""
        return statement.split()[1].partition(".")[0] in self.modules

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
    imported = [pair for table in chosen for pair in _imported(table)]
    imports = [text for _, text in imported]
    codes, used = _functions(chosen, texts, taken={*_TAKEN, *dict(imported)})
    data = {table.name: _data(table, *used[table.name], texts) for table in chosen}
    header = _header("#", part, target)
    functions = "".join(f"\n\n{codes[name]}\n" for name in sorted(codes))
    listing = f"TABLES = {literal(data, 0, 0, split=2)}"
    if part.runs_on == "pipeline":
        own = ["import mdf_runtime", "from pyspark.sql import SparkSession"]
        top = import_block([*imports, *own])
        last = "mdf_runtime.register(SparkSession.active(), TABLES)"
        return f"{header}{top}{functions}\n\n{listing}\n\n{last}\n"
    top = f"# Databricks notebook source\n{header}# ruff: noqa: F821\n"
    ours = [one for one in imports if texts.imports_of_ours(one)]
    if others := set(imports).difference(ours):
        top += import_block(others) + "\n"
    beside = f"\n{import_block(ours)}" if ours else ""
    last = call(
        "mdf_runtime.run_task",
        ["spark", "dbutils", "TABLES", f"runs_schema={flat(runs_schema)}"],
    )
    return (
        f"{top}{_RUNTIME_IMPORT}{beside}\n{CELL}\n{functions}\n\n{CELL}\n\n{listing}\n\n"
        f"{CELL}\n\n{last}\n"
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
    statements = [
        f"CREATE VIEW {quoted(view.home)} AS\n{_query_text(view, texts)}\n"
        for view in views
    ]
    return f"{_header('--', part, target)}\n" + "\n".join(statements)


def check_imports(part: Part, tables: Mapping[str, Table]) -> list[Problem]:
    """Imports of one part that bind one name to two things."""
    bound: dict[str, tuple[str, Table]] = {}
    problems = []
    for name in part.tables:
        table = tables[name]
        for word, text in _imported(table):
            known, first = bound.setdefault(word, (text, table))
            if _thing(known, word) != _thing(text, word):
                message = (
                    f'"{word}" is imported as two things in the part {part.key}: '
                    f"{known} (for {first.name}) and {text} (for {name})"
                )
                hint = "Give one of them another name:  import ... as ... ."
                place = table.body.place(1)
                problems.append(Problem("import-conflict", message, hint, place))
    return problems


def check_arguments(table: Table) -> list[Problem]:
    """Arguments of a function that can't be written as data, or not yet."""
    problems = []
    for name, value in table.arguments.items():
        inside = value if isinstance(value, list) else ()
        if table.body.kind == "python" and any(
            isinstance(one, dt.date) for one in inside
        ):
            message = f"{name} is a list of dates, which a function can't be given"
            hint = "Write them in quotes, and let the function read them."
            place = table.argument_place(name)
            problems.append(Problem("wrong-type", message, hint, place))
    return problems


def _header(comment: str, part: Part, target: str) -> str:
    made = f"Written by mdf from definitions/ (part {part.key}, target {target})."
    return f"{comment} {made} Edit those, not this.\n"


def _query_text(view: Table, texts: Texts) -> str:
    """A view's query with everything rendered, up to its semicolon."""
    values = _values(view, texts.home)
    rendered = parse(view.body.text).render(values, texts.replacements(view))
    text = rendered.text.rstrip()
    commented = "--" in text.rpartition("\n")[2]
    return f"{text}\n;" if commented else f"{text};"


@dataclass(frozen=True)
class _Function:
    """A function of a part's code, but for its name."""

    wanted: str
    """The name it gets unless that is taken."""
    parameters: tuple[str, ...]
    returns: str
    """The query as a literal; of a Python function the whole body."""
    python: bool = False

    def code(self, name: str) -> str:
        if self.python:
            return renamed(parse_function(self.returns), name)
        signature = call(f"def {name}", self.parameters, closed=":")
        return f"{signature}\n    return {self.returns}"


def _functions(
    chosen: list[Table], texts: Texts, taken: set[str]
) -> tuple[dict[str, str], dict[str, tuple[str, tuple[str, ...]]]]:
    """The part's functions as code, and which one each table calls with what.

    Args:
        chosen: The part's tables.
        texts: How names read in the target.
        taken: Names that mean something else in the code.
    """
    shared: dict[tuple[str, str], _Function] = {}
    names: dict[_Function, str] = {}
    codes: dict[str, str] = {}
    used = {}
    for table in chosen:
        key = table.function, table.body.text
        function = shared.get(key) or _function(table, texts)
        if table.body.kind == "python" or parse(table.body.text).plain:
            shared[key] = function
        if function not in names:
            name, number = function.wanted, 1
            while name in codes or name in taken:
                number += 1
                name = f"{function.wanted}_{number}"
            names[function], codes[name] = name, function.code(name)
        used[table.name] = names[function], function.parameters
    return codes, used


def _function(table: Table, texts: Texts) -> _Function:
    """A table's function; one without blocks is the same for all that share it."""
    if table.body.kind == "python":
        return _Function(table.function, (), table.body.text, python=True)
    template = parse(table.body.text)
    kept = list(table.parameters) if template.plain else _slots(table)
    values = {} if template.plain else _values(table, texts.home)
    values |= {one: Value(one, f"\x01{one}\x02") for one in kept}
    text = template.render(values, texts.replacements(table)).text.strip()
    parameters = tuple(one for one in kept if f"\x01{one}\x02" in text)
    if parameters:  # their braces are the code's, all others are the query's
        text = text.replace("{", "{{").replace("}", "}}")
        text = text.replace("\x01", "{").replace("\x02", "}")
    wanted = table.function if template.plain else table.name.replace(".", "__")
    return _Function(
        wanted, parameters, _query_literal(text, formatted=bool(parameters))
    )


def _query_literal(text: str, *, formatted: bool) -> str:
    """A query in triple quotes, raw where it has backslashes."""
    prefix = "f" if formatted else ""
    printable = text.replace("\n", "").replace("\t", "").isprintable()
    if '"""' in text or not printable:
        escaped = "".join([_KEPT.get(one) or visible(one) for one in text])
        text = escaped.replace('"""', '\\"\\"\\"')
    elif "\\" in text:
        prefix = f"r{prefix}"
    return f'{prefix}"""\n{text}\n"""'


def _values(table: Table, resolve: Callable[[str], str]) -> dict[str, Value]:
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


def _data(
    table: Table, function: str, parameters: tuple[str, ...], texts: Texts
) -> dict[str, Any]:
    """What the runtime is told of a table."""
    settings = table.settings
    data: dict[str, Any] = {"home": table.home, "write": settings.write}
    for key in ("keys", "sequence_by", "watermark", "apply_as_deletes"):
        if getattr(settings, key):
            data[key] = getattr(settings, key)
    data[table.body.kind] = Name(function)
    data["arguments"] = _arguments(table, parameters, texts)
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


def _arguments(
    table: Table, parameters: tuple[str, ...], texts: Texts
) -> dict[str, Any]:
    if table.body.kind == "python":
        return {
            name: _python_argument(table.parameters[name].type, value, texts)
            for name, value in table.arguments.items()
        }
    slots = _slots(table)
    values = _values(table, texts.home)
    return {
        name: _opened(table.parameters[name].type, table.arguments[name], texts)
        if name in slots
        else values[name].sql
        for name in parameters
    }


def _python_argument(kind: str, value: Any, texts: Texts) -> Any:
    if kind in READ_TYPES:
        return _opened(kind, value, texts)
    if isinstance(value, dt.datetime):
        return {"timestamp": value.isoformat(sep=" ")}
    if isinstance(value, dt.date):
        return {"date": value.isoformat()}
    return value


def _opened(kind: str, value: Any, texts: Texts) -> dict[str, Any]:
    """An argument that the runtime opens."""
    return {kind: value if kind == "files" else texts.homes.resolve(value)}


def _imported(table: Table) -> tuple[tuple[str, str], ...]:
    """What the imports of a Python body bind; nothing when it doesn't even parse."""
    if table.body.kind != "python":
        return ()
    try:
        return parse_function(table.body.text).bound
    except TemplateFault:  # said where the body is checked
        return ()


def _thing(statement: str, word: str) -> str:
    """What an import binds its name to: `import a.b` and `import a.c` both bind a."""
    dotted = statement.startswith(f"import {word}.") and " as " not in statement
    return f"import {word}" if dotted else statement
