"""Rows as plain values that a file can hold, and back as a DataFrame.

What YAML has no type for is text: dates, times (in UTC), decimals, base64 for bytes.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from mdf_magics.definitions.frozen_tests import FrozenRows
from mdf_magics.engines.protocol import Engine
from mdf_magics.plain_text import json_value

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

DIGITS = 12
"""Significant digits that are compared: a sum of floats depends on its order."""


def fetched(engine: Engine, frame: DataFrame, count: int) -> FrozenRows:
    """The first rows of a frame.

    Args:
        engine: Where the frame is.
        frame: What to fetch.
        count: How many rows at most.
    """
    found = engine.preview(lambda _: frame, count)
    names = [column.name for column in found.columns]
    rows = [
        {
            name: json_value(value)
            for name, value in zip(names, row, strict=True)
            if value is not None
        }
        for row in found.rows
    ]
    return FrozenRows(
        columns={column.name: column.type for column in found.columns}, rows=rows
    )


def frame_of(session: SparkSession, frozen: FrozenRows) -> DataFrame:
    """The rows as a DataFrame whose columns have the types that were frozen."""
    kinds = list(frozen.columns.items())
    texts = [
        tuple(_text(row.get(name), kind) for name, kind in kinds) for row in frozen.rows
    ]
    schema = ", ".join(f"c{number} string" for number in range(len(kinds)))
    frame = session.createDataFrame(texts, schema)
    return frame.selectExpr(
        *(
            f"{_typed(f'c{number}', kind)} AS `{name.replace('`', '``')}`"
            for number, (name, kind) in enumerate(kinds)
        )
    )


def counted(frozen: FrozenRows, ignore: Iterable[str] = ()) -> Counter[str]:
    """The rows as a bag of texts, to be compared; rows of a table have no order."""
    left_out = set(ignore)
    kept = sorted(name for name in frozen.columns if name not in left_out)
    return Counter(
        json.dumps([_comparable(row.get(name)) for name in kept], ensure_ascii=False)
        for row in frozen.rows
    )


def _text(value: Any, kind: str) -> str | None:
    if value is None:
        return None
    if _is_nested(kind):
        return json.dumps(value)
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def _typed(column: str, kind: str) -> str:
    if _is_nested(kind):
        schema = kind.replace("'", "\\'")
        return f"from_json(concat('{{\"v\":', {column}, '}}'), 'v {schema}').v"
    if kind == "binary":
        return f"unbase64({column})"
    if kind in ("string", "void"):
        return column if kind == "string" else "NULL"
    return f"CAST({column} AS {kind})"


def _is_nested(kind: str) -> bool:
    return kind.startswith(("array<", "map<", "struct<"))


def _comparable(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, dict):
        return {key: _comparable(one) for key, one in sorted(value.items())}
    if isinstance(value, list):
        return [_comparable(one) for one in value]
    return value
