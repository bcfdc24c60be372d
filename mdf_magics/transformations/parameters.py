"""Parameters: their types, what values fit them, and what they are in SQL."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from mdf_magics.definitions.checking import shown
from mdf_magics.definitions.models import ParameterType
from mdf_magics.definitions.substitution import ROOT
from mdf_magics.transformations.rendering import Value

TYPES: tuple[str, ...] = get_args(ParameterType)

READ_TYPES = ("table", "stream", "files")
"""Types whose argument is something that is read."""

FILES_KEYS = ("path", "format", "options", "schema")


@dataclass(frozen=True)
class Parameter:
    """What a transformation declares."""

    name: str
    type: str
    required: bool = True
    default: Any = None
    description: str = ""
    in_signature: bool = False
    """Whether a Python function's signature gives the default."""


class BadValue(ValueError):
    """A value doesn't fit its parameter; `hint` says what would."""

    def __init__(self, message: str, hint: str = "") -> None:
        """Say what is wrong and what to write instead."""
        super().__init__(message)
        self.hint = hint


def typed(parameter_type: str, value: Any) -> Any:
    """A value as its type holds it: a date as a date, options of files as text.

    Raises:
        BadValue: The value doesn't fit.
    """
    return _TYPED[parameter_type](value)


def inferred_type(value: Any) -> str | None:
    """The type of a value that comes without one; None when none fits."""
    if isinstance(value, bool):
        return "bool"
    kinds: tuple[tuple[type, str], ...] = (
        (int, "int"),
        (float, "float"),
        (dt.datetime, "timestamp"),
        (dt.date, "date"),
        (str, "string"),
        (list, "list"),
    )
    return next((name for kind, name in kinds if isinstance(value, kind)), None)


def in_sql(parameter_type: str, value: Any, resolve: Callable[[str], str]) -> Value:
    """What a typed value is in a query.

    Args:
        parameter_type: The parameter's type; `stream` and `files` are slots and have
            no text of their own.
        value: What `typed` returned.
        resolve: The text for a table's name.

    Returns:
        The value with its SQL: quoted identifiers, escaped literals.
    """
    if parameter_type == "table":
        return Value(value, resolve(value))
    if parameter_type == "column":
        return Value(value, quoted_identifier(value))
    if parameter_type == "columns":
        items = tuple(Value(name, quoted_identifier(name)) for name in value)
        return Value(value, ", ".join(item.sql for item in items), items)
    if parameter_type == "list":
        items = tuple(Value(item, literal(item)) for item in value)
        return Value(value, ", ".join(item.sql for item in items), items)
    if parameter_type == "expression":
        return Value(value, f"({value})")
    return Value(value, literal(value))


def quoted_identifier(name: str) -> str:
    """A column's name in backticks; a dot in it is part of the name."""
    return f"`{name.replace('`', '``')}`"


def literal(value: Any) -> str:
    """A Spark SQL literal.

    Texts escape backslash and quote (Spark documentation, "Literals"). What can't be
    seen is written as an escape, so that a query stays on its lines; so is the $ of
    `${...}`, which Spark would replace by a value of its configuration.
    """
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _float_literal(value)
    if isinstance(value, dt.datetime):
        return f"TIMESTAMP '{value.isoformat(sep=' ')}'"
    if isinstance(value, dt.date):
        return f"DATE '{value.isoformat()}'"
    return f"'{_ESCAPED.sub(_escape, str(value))}'"


_ESCAPED = re.compile(rf"\$(?=\{{)(?!{re.escape(ROOT[1:])})|[^ -&(-[\]-~]")


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character != "$" and (character.isprintable() or character > "\uffff"):
        return character
    return f"\\u{ord(character):04x}"


_ESCAPES = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _float_literal(value: float) -> str:
    if math.isnan(value) or math.isinf(value):
        name = (
            "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
        )
        return f"double('{name}')"
    return f"{value!r}D"


def _table(value: Any) -> str:
    if not isinstance(value, str):
        raise BadValue("must be a table's name", "Write  schema.table .")
    if any(one in "`'\"/;" or one.isspace() or not one.isprintable() for one in value):
        hint = "Write it without quotes or blanks:  schema.table ."
        raise BadValue(f'"{value}" is no table\'s name', hint)
    parts = value.split(".")
    if not 2 <= len(parts) <= 3 or not all(parts):
        hint = "Write  schema.table  (or  catalog.schema.table  for one elsewhere)."
        raise BadValue(f'"{value}" is no table\'s name', hint)
    return value.lower()


def _files(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise BadValue("must be a mapping", "Write  {path: ..., format: csv} .")
    for key in value:
        if key not in FILES_KEYS:
            raise BadValue(
                f'has no key "{key}"', f"There are: {', '.join(FILES_KEYS)}."
            )
    for key in ("path", "format"):
        if not isinstance(value.get(key), str) or not value[key]:
            raise BadValue(f"needs a {key}", "Write  {path: ..., format: csv} .")
    options = {} if value.get("options") is None else value["options"]
    if not isinstance(options, Mapping):
        raise BadValue("options must be a mapping", "Write  options: {header: true} .")
    schema = value.get("schema")
    if schema is not None and not isinstance(schema, str):
        hint = 'Write  schema: "id INT, name STRING" .'
        raise BadValue("schema must be text", hint)
    files: dict[str, Any] = {"path": value["path"], "format": value["format"]}
    files["options"] = {key: _option(key, item) for key, item in options.items()}
    return files | ({"schema": schema} if schema is not None else {})


def _option(name: str, value: Any) -> str:
    """An option of Spark's readers, which take text."""
    if value is None:
        hint = f'Write  {name}: ""  if empty text is meant.'
        raise BadValue(f'the option "{name}" is empty', hint)
    if isinstance(value, list | Mapping):
        message = f'the option "{name}" must be text, a number or true or false'
        raise BadValue(message, "Write  options: {header: true} .")
    return str(value).lower() if isinstance(value, bool) else str(value)


def _column(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise BadValue("must be a column's name")
    return _visible(value)


def _visible(text: str) -> str:
    """The text, unless it has a character that a query can't hold as it is."""
    for character in text:
        if ord(character) < 32 or ord(character) == 127:
            raise BadValue(f"can't hold the character U+{ord(character):04X}")
    return text


def _columns(value: Any) -> list[str]:
    if isinstance(value, str):
        raise BadValue("must be a list of columns", f"Write  [{value}] .")
    if not isinstance(value, list) or not value:
        raise BadValue("must be a list of columns", "Write  [one, another] .")
    return [_column(item) for item in value]


def _string(value: Any) -> str:
    if isinstance(value, str):
        return value
    plain = value is not None and not isinstance(value, list | Mapping)
    raise BadValue("must be text", f'Write it in quotes:  "{shown(value)}" .' * plain)


def _int(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadValue(f"must be a whole number, not {shown(value)}")
    return value


def _float(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadValue(f"must be a number, not {shown(value)}")
    try:
        return float(value)
    except OverflowError:
        raise BadValue(f"must be a number, not {shown(value)}") from None


def _bool(value: Any) -> bool:
    if not isinstance(value, bool):
        raise BadValue(f"must be true or false, not {shown(value)}")
    return value


def _date(value: Any) -> dt.date:
    if isinstance(value, dt.datetime):
        raise BadValue("must be a date without a time", "Write  2013-01-31 .")
    if isinstance(value, dt.date):
        return value
    try:
        return dt.date.fromisoformat(value)
    except (TypeError, ValueError):
        hint = "Write  2013-01-31 ."
        raise BadValue(f"must be a date, not {shown(value)}", hint) from None


def _timestamp(value: Any) -> dt.datetime:
    if isinstance(value, dt.datetime):
        return value
    if isinstance(value, dt.date):
        return dt.datetime.combine(value, dt.time())
    try:
        return dt.datetime.fromisoformat(value)
    except (TypeError, ValueError):
        hint = 'Write  "2013-01-31 06:30:00" .'
        raise BadValue(f"must be a timestamp, not {shown(value)}", hint) from None


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise BadValue("must be a list with at least one item", "Write  [1, 2] .")
    if any(isinstance(item, list | Mapping) for item in value):
        raise BadValue("must be a list of plain values")
    return value


def _expression(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if not isinstance(value, str) or not value.strip():
        raise BadValue("must be an SQL expression")
    _visible(value.replace("\n", " ").replace("\t", " "))
    return value.strip()


_TYPED: dict[str, Callable[[Any], Any]] = {
    "table": _table,
    "stream": _table,
    "files": _files,
    "column": _column,
    "columns": _columns,
    "string": _string,
    "int": _int,
    "float": _float,
    "bool": _bool,
    "date": _date,
    "timestamp": _timestamp,
    "list": _list,
    "expression": _expression,
}
