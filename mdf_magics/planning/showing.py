"""A table's body as a target has it, each line with the line it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mdf_magics.definitions.names import quoted
from mdf_magics.errors import DefinitionError, Problem
from mdf_magics.planning.expansion import Table
from mdf_magics.planning.sources import Texts
from mdf_magics.transformations.parameters import READ_TYPES, in_sql
from mdf_magics.transformations.template import Value, parse


@dataclass(frozen=True)
class ShownLine:
    """A line of a body."""

    text: str
    line: int
    """The line of the file it comes from."""


def shown_query(table: Table, texts: Texts) -> tuple[ShownLine, ...]:
    """A table's query with everything filled in, as a SQL editor takes it.

    What is read incrementally is read whole, files by `read_files`.

    Raises:
        DefinitionError: The body is no query.
    """
    if table.body.kind != "sql":
        made = {"python": "a Python function", "notebook": "a notebook"}
        message = f"{table.name} is made by {made[table.body.kind]}, not by SQL"
        hint = f"Without --sql its definition is shown:  %mdf_show {table.name}"
        raise DefinitionError(Problem("no-query", message, hint, table.place))
    values = {}
    for name, parameter in table.parameters.items():
        value = table.arguments[name]
        if parameter.type == "files":
            values[name] = Value(name, _read_files(value))
        elif parameter.type in READ_TYPES:
            values[name] = Value(name, quoted(texts.homes.resolve(value)))
        else:
            values[name] = in_sql(parameter.type, value, texts.home)
    rendered = parse(table.body.text).render(values, texts.replacements(table))
    lines, offset = [], 0
    for text in rendered.text.rstrip().split("\n"):
        first = offset + len(text) - len(text.lstrip())
        place = table.body.place_at(rendered.origin(first))
        lines.append(ShownLine(text, place.line))
        offset += len(text) + 1
    return tuple(lines)


def _read_files(files: dict[str, Any]) -> str:
    """Files as Databricks' SQL reads them."""
    given = {"format": files["format"], **files.get("options", {})}
    if "schema" in files:
        given["schema"] = files["schema"]
    options = [f"{name} => {_text(value)}" for name, value in given.items()]
    return f"read_files({', '.join([_text(files['path']), *options])})"


def _text(value: Any) -> str:
    plain = str(value).lower() if isinstance(value, bool) else str(value)
    return in_sql("string", plain, str).sql
