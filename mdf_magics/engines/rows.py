"""The first rows of a Spark DataFrame as Python objects, by one fetch.

Values come as pyarrow makes them: timestamps are UTC and know it, a map is a dict, a
struct is a dict. What Arrow or Python can't hold is cast to a string by the engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mdf_magics.engines.protocol import Column, Rows

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame
    from pyspark.sql.types import DataType, StructType


def first_rows(frame: DataFrame, count: int) -> Rows:
    """The first `count` rows of a frame; one more is asked for, to know of more."""
    schema = frame.schema  # a limit's is the same, and a frame remembers its own
    table = _fetchable(frame.limit(count + 1), schema).toArrow()
    values = (
        # a map's keys are unique as it is
        column.cast(_in_utc(column.type)).to_pylist(maps_as_pydicts="lossy")
        for column in table.columns
    )
    rows = tuple(zip(*values, strict=True))
    return Rows(columns_of(schema), rows[:count], more=len(rows) > count)


def columns_of(schema: StructType) -> tuple[Column, ...]:
    """The columns of a schema, with their types as the engine names them."""
    return tuple(
        Column(field.name, field.dataType.simpleString()) for field in schema.fields
    )


def _in_utc(kind: pa.DataType) -> pa.DataType:
    """An Arrow type whose timestamps have no other zone than UTC."""
    import pyarrow as pa

    if pa.types.is_timestamp(kind) and kind.tz:
        return pa.timestamp(kind.unit, "UTC")
    if pa.types.is_list(kind):
        return pa.list_(kind.value_field.with_type(_in_utc(kind.value_type)))
    if pa.types.is_map(kind):
        return pa.map_(
            kind.key_field.with_type(_in_utc(kind.key_type)),
            kind.item_field.with_type(_in_utc(kind.item_type)),
        )
    if pa.types.is_struct(kind):
        return pa.struct([one.with_type(_in_utc(one.type)) for one in kind])
    return kind


def _fetchable(frame: DataFrame, schema: StructType) -> DataFrame:
    from pyspark.sql import functions

    fields = schema.fields
    if all(_fits_python(field.dataType) for field in fields):
        return frame
    names = [f"column_{number}" for number in range(len(fields))]
    return frame.toDF(*names).select(
        *(
            name
            if _fits_python(field.dataType)
            else functions.col(name).cast("string").alias(name)
            for name, field in zip(names, fields, strict=True)
        )
    )


def _fits_python(kind: DataType, *, nested: bool = False) -> bool:
    from pyspark.sql import types

    match kind:
        case types.NullType():  # Arrow refuses an array that is empty and has no type
            return not nested
        case types.ArrayType():
            return _fits_python(kind.elementType, nested=True)
        case types.MapType():
            hashable = isinstance(kind.keyType, types.AtomicType)
            return hashable and all(
                _fits_python(part, nested=True)
                for part in (kind.keyType, kind.valueType)
            )
        case types.StructType():
            names = {field.name for field in kind.fields}
            return len(names) == len(kind.fields) and all(
                _fits_python(field.dataType, nested=True) for field in kind.fields
            )
        case types.CalendarIntervalType() | types.YearMonthIntervalType():
            return False
        case types.VariantType():  # a string of it is its JSON
            return False
        case _:
            return True
