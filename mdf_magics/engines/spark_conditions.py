"""What Spark's and Databricks' error conditions mean, in the words of the other engine.

The parameters of a condition are those that the server sends (open-source Spark 4.3,
error-conditions.json); without them its own sentence is shown. A condition that isn't
here keeps its name as the problem's code: `INVALID_FORMAT.MISMATCH_INPUT` becomes
`invalid-format`.
"""

from __future__ import annotations

from typing import NamedTuple


class Meaning(NamedTuple):
    """What one kind of condition means; texts take its parameters."""

    code: str
    message: str = ""
    """Left out, the server's own sentence stays."""
    hint: str = ""
    name: str = ""
    """The parameter that says which table, column or function it is about."""


_CAST = "try_cast gives NULL where a value doesn't fit."
_DELTA = "Give the server Delta Lake, or use  write: overwrite  or  append ."

CONDITIONS = {
    # names
    "UNRESOLVED_COLUMN": Meaning(
        "unknown-column", 'there is no column "{objectName}"', name="objectName"
    ),
    "UNRESOLVED_FIELD": Meaning("unknown-column", 'there is no field "{fieldName}"'),
    "TABLE_OR_VIEW_NOT_FOUND": Meaning(
        "unknown-table", 'there is no table "{relationName}"', name="relationName"
    ),
    "SCHEMA_NOT_FOUND": Meaning(
        "unknown-schema", 'there is no schema "{schemaName}"', name="schemaName"
    ),
    "CATALOG_NOT_FOUND": Meaning(
        "unknown-catalog", 'there is no catalog "{catalogName}"', name="catalogName"
    ),
    "NO_SUCH_CATALOG_EXCEPTION": Meaning(
        "unknown-catalog", 'there is no catalog "{catalog}"', name="catalog"
    ),
    "REQUIRES_SINGLE_PART_NAMESPACE": Meaning(
        "unknown-catalog",
        'there is no catalog for "{identifier}"',
        "The server's own is  catalog: {sessionCatalog} .",
        name="identifier",
    ),
    "CANNOT_RESOLVE_STAR_EXPAND": Meaning(
        "unknown-table",
        'there is no table or alias "{targetString}" to take all columns of',
    ),
    "AMBIGUOUS_REFERENCE": Meaning(
        "ambiguous-column",
        'more than one table has a column "{name}"',
        "Write the table's name or alias before it:  alias.{name}",
        name="name",
    ),
    "UNRESOLVED_ROUTINE": Meaning(
        "unknown-function", 'there is no function "{routineName}"', name="routineName"
    ),
    "UNRESOLVABLE_TABLE_VALUED_FUNCTION": Meaning(
        "unknown-function", 'there is no table function "{name}"', name="name"
    ),
    "TABLE_OR_VIEW_ALREADY_EXISTS": Meaning(
        "already-exists", '"{relationName}" is there already', name="relationName"
    ),
    "UNBOUND_SQL_PARAMETER": Meaning(
        "missing-parameter", "no value is given for :{name}"
    ),
    # shapes
    "PARSE_EMPTY_STATEMENT": Meaning(
        "sql-syntax", "there must be exactly one statement"
    ),
    "UNSUPPORTED_DATATYPE": Meaning("sql-syntax", "{typeName} is no data type"),
    "MISSING_GROUP_BY": Meaning(
        "not-grouped",
        "a column is neither in GROUP BY nor inside an aggregate",
        "Add it to GROUP BY, or take one value of it, such as any_value or max.",
    ),
    "MISSING_AGGREGATION": Meaning(
        "not-grouped",
        "{expression} is neither in GROUP BY nor inside an aggregate",
        "Add it to GROUP BY, or take one value of it:  {expressionAnyValue}",
    ),
    "INVALID_WHERE_CONDITION": Meaning(
        "misplaced-aggregate",
        "{expressionList} can't stand in WHERE",
        "A condition on groups belongs in HAVING.",
    ),
    "NESTED_AGGREGATE_FUNCTION": Meaning(
        "misplaced-aggregate",
        "an aggregate can't stand inside another one",
        "Compute the inner one in a subquery.",
    ),
    "WINDOW_FUNCTION_WITHOUT_OVER_CLAUSE": Meaning(
        "missing-over", "{funcName} needs OVER (...)"
    ),
    "NUM_COLUMNS_MISMATCH": Meaning(
        "column-count",
        "the sides of {operator} have {firstNumColumns} and {invalidNumColumns}"
        " columns",
    ),
    "SCALAR_SUBQUERY_TOO_MANY_ROWS": Meaning(
        "too-many-rows",
        "a subquery that stands for a value returned more than one row",
    ),
    "MERGE_CARDINALITY_VIOLATION": Meaning(
        "too-many-rows",
        "MERGE found several source rows for one row of the table",
        "Keep one source row for each key.",
    ),
    # types and values
    "DATATYPE_MISMATCH": Meaning("wrong-type"),
    "CAST_INVALID_INPUT": Meaning(
        "bad-value", "{expression} is no {targetType}", _CAST
    ),
    "CAST_OVERFLOW": Meaning("bad-value", "{value} doesn't fit {targetType}", _CAST),
    "NUMERIC_VALUE_OUT_OF_RANGE": Meaning("bad-value", hint=_CAST),
    "INVALID_TYPED_LITERAL": Meaning("bad-value", "{value} is no {valueType}"),
    "CANNOT_PARSE_TIMESTAMP": Meaning("bad-value"),
    "INVALID_ARRAY_INDEX": Meaning(
        "bad-value",
        "there is no element {indexValue} in an array of {arraySize}",
        "get(array, index) gives NULL instead.",
    ),
    "DIVIDE_BY_ZERO": Meaning(
        "division-by-zero",
        "division by zero",
        "try_divide and try_mod give NULL instead.",
    ),
    "PATH_NOT_FOUND": Meaning("missing-file", "there is nothing at {path}"),
    "USER_RAISED_EXCEPTION": Meaning("raised", "{errorMessage}"),
    # what a server can't do
    "UNSUPPORTED_FEATURE.TABLE_OPERATION": Meaning(
        "not-supported",
        "the server can't do {operation} on {tableName}: it is no Delta table",
        _DELTA,
    ),
    "UNSUPPORTED_FEATURE": Meaning("not-supported"),
    "DATA_SOURCE_NOT_FOUND": Meaning(
        "unknown-format", 'the server has no data source "{provider}"'
    ),
    "PYTHON_VERSION_MISMATCH": Meaning(
        "python-version",
        hint="Functions on rows need the Python of the cluster: its minor version.",
    ),
    # others
    "OPERATION_CANCELED": Meaning("cancelled", "the query was cancelled"),
    "DELTA_CONCURRENT_APPEND": Meaning("write-conflict", hint="Run it again."),
    "DELTA_CONCURRENT_WRITE": Meaning("write-conflict", hint="Run it again."),
}
