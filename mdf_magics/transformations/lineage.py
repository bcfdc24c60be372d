"""Which tables a body reads: names in its query, and what parameters pass."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from mdf_magics.definitions.bodies import Body
from mdf_magics.transformations.parameters import READ_TYPES, Parameter, in_sql
from mdf_magics.transformations.sql import TableName, argument_name, table_names
from mdf_magics.transformations.template import (
    Rendered,
    TemplateFault,
    Value,
    parse,
)

_SAMPLES: dict[str, Any] = {
    "column": "c",
    "columns": ["c", "d"],
    "string": "x",
    "int": 1,
    "float": 1.0,
    "bool": True,
    "list": [1, 2],
    "expression": "1",
}


def written_names(
    body: Body, parameters: Mapping[str, Parameter], arguments: Mapping[str, Any]
) -> tuple[TableName, ...]:
    """The tables that a SQL body names itself, as offsets in the body.

    One parse serves all tables of a transformation, with a sample for each
    parameter; a body with `{% if %}` is parsed as the arguments render it.

    Raises:
        TemplateFault: The body isn't one query; its offset is in the body.
    """
    if body.kind != "sql":
        return ()
    template = parse(body.text)
    types = tuple(sorted((one.name, one.type) for one in parameters.values()))
    if not template.branches:
        return _names_of_samples(body.text, types)
    values = {
        name: in_sql(parameter.type, arguments[name], argument_name)
        for name, parameter in parameters.items()
        if parameter.type not in READ_TYPES and arguments.get(name) is not None
    }
    return _names(body.text, {**_samples(types), **values})


@lru_cache(maxsize=8192)
def _names_of_samples(
    text: str, types: tuple[tuple[str, str], ...]
) -> tuple[TableName, ...]:
    return _names(text, _samples(types))


def _samples(types: tuple[tuple[str, str], ...]) -> dict[str, Value]:
    return {name: _sample(name, kind) for name, kind in types}


def _sample(name: str, kind: str) -> Value:
    if kind in READ_TYPES:
        return Value(name, argument_name(name))
    if kind in ("date", "timestamp"):
        return Value(name, f"{kind.upper()} '2000-01-01'")
    return in_sql(kind, _SAMPLES[kind], str)


def _names(text: str, values: Mapping[str, Value]) -> tuple[TableName, ...]:
    rendered = parse(text).render(values)
    try:
        found = table_names(rendered.text)
    except TemplateFault as fault:
        raise in_body(fault, rendered, text) from fault
    names = []
    for one in found:
        start, last = rendered.origin(one.start), rendered.origin(one.end - 1)
        if last != start + one.end - one.start - 1:
            message = "a table's name can't be put together from parameters"
            hint = "Make it one parameter of type table, and write  {{ source }} ."
            end = text.find("}}", last) + 2 if text.startswith("{{", last) else last + 1
            raise TemplateFault("built-name", message, hint, start, end - start)
        names.append(TableName(one.name, start, last + 1))
    return tuple(names)


def in_body(fault: TemplateFault, rendered: Rendered, text: str) -> TemplateFault:
    """A fault of a rendered query as a fault of its body."""
    cause = None if fault.cause is None else rendered.origin(fault.cause)
    offset = rendered.origin(fault.offset)
    placeholder = re.compile(r"\{\{-?\s*(\w+)\s*-?\}\}").match(text, offset)
    if placeholder and fault.code == "unqualified-table":
        message = f"{{{{ {placeholder[1]} }}}} is no table"
        hint = f"Give it the type table:  {{{placeholder[1]}: table}} ."
        length = len(placeholder[0])
        return TemplateFault(fault.code, message, hint, offset, length)
    return TemplateFault(
        fault.code, str(fault), fault.hint, offset, fault.length, cause
    )
