"""What Sail says, and what that means: the patterns, in the order they are tried.

Collected from pysail 0.7.2. Alternatives of one pattern can't share a group's name, so
they number it: `name`, `name_1`. A `name` is what the message is about, `type` and
`format` are put in SQL's words, and `column` counts from 0.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """What one kind of message means."""

    pattern: str
    code: str
    message: str = ""
    """Takes the pattern's groups; left out, the message stays as it is."""
    hint: str = ""


_CAST = "try_cast gives NULL where a value doesn't fit."
_GROUP = "Add it to GROUP BY, or take one value of it, such as any_value or max."
_OTHER_ENGINES = "The engines that can: spark, databricks."

_WINDOW_FUNCTIONS = (
    "row_number|rank|dense_rank|percent_rank|cume_dist|ntile|lag|lead|nth_value"
)

RULES = (
    # names
    Rule(
        r"attribute (?P<name>.+?) is missing from the schema"
        r"|\[UNRESOLVED_COLUMN\] Cannot find column (?P<name_1>\S+)"
        r"|Cannot resolve UPDATE target column `(?P<name_2>.+?)`",
        "unknown-column",
        'there is no column "{name}"',
    ),
    Rule(
        r"Field '(?P<name>.+?)' not found in table schema",
        "changed-columns",
        'the table that is written has no column "{name}"',
        "The options mergeSchema and overwriteSchema change a table's columns.",
    ),
    Rule(
        r"Column '(?P<name>.+?)' is not available in Delta file scan schema",
        "changed-table",
        'the table has no column "{name}" any more: another process has changed it',
        "Run it again.",
    ),
    Rule(
        r"ambiguous attribute: (?P<name>.+)",
        "ambiguous-column",
        'more than one table has a column "{name}"',
        "Write the table's name or alias before it:  alias.{name}",
    ),
    Rule(
        r"cannot resolve wildcard: (?P<name>.+)",
        "unknown-table",
        'there is no table or alias "{name}" to take all columns of',
    ),
    Rule(
        r"Table or view not found: (?P<name>.+)"
        r"|The table or view (?P<name_1>\S+) cannot be found"
        r"|^Table not found: (?P<name_2>[^\[].*)",
        "unknown-table",
        'there is no table "{name}"',
    ),
    Rule(
        r"Invalid table location: No commit files found in _delta_log",
        "unknown-table",
        "there is no Delta table in the folder that is read",
    ),
    Rule(
        r"Database not found: (?P<name>.+)",
        "unknown-schema",
        'there is no schema "{name}"',
    ),
    Rule(
        r"(?P<kind>Table|Database) already exists: (?P<name>.+)",
        "already-exists",
        '"{name}" is there already',
    ),
    Rule(
        rf"unknown function: (?P<name>{_WINDOW_FUNCTIONS})$",
        "missing-over",
        "{name} needs OVER (...)",
        "It numbers or compares rows:  {name}(...) OVER (ORDER BY ...)",
    ),
    Rule(
        r"unknown function: (?P<name>\w+)",
        "unknown-function",
        'there is no function "{name}"',
    ),
    Rule(
        r"unknown table function: (?P<name>read_files|stream)$",
        "not-supported",
        "{name}(...) can't be written out in a query",
        "Make it a parameter of the type files or stream.",
    ),
    Rule(
        r"unknown table function: (?P<name>\w+)",
        "unknown-function",
        'there is no table function "{name}"',
    ),
    # what it is not made for
    Rule(
        r"^function: (?P<name>\w+)$",
        "not-supported",
        "the embedded engine has no function {name}",
        _OTHER_ENGINES,
    ),
    Rule(
        r"Unsupported CAST from (?P<a>.+) to (?P<b>.+)",
        "wrong-type",
        "{a} can't be cast to {b}",
    ),
    # types
    Rule(
        r"(?:Cannot coerce arithmetic expression|Cannot infer common argument type for"
        r" (?:comparison|logical boolean) operation) (?P<a>.+?)(?: to valid types)?$",
        "wrong-type",
        "the types don't go together: {a}",
        "Cast one of the two.",
    ),
    Rule(
        r"There isn't a common type to coerce (?P<a>.+) and (?P<b>.+) in (?P<c>\w+)",
        "wrong-type",
        "{c} doesn't take {a} and {b}",
    ),
    Rule(
        r"Cannot create filter with non-boolean predicate '.*' returning (?P<a>.+)",
        "wrong-type",
        "a condition must be boolean, this one is {a}",
    ),
    Rule(
        r"No function matches the given name and argument types"
        r" '(?:spark_)?(?P<a>.+?)'\. You ",
        "wrong-type",
        "{a} is not possible: the function doesn't take these types",
        "Cast its arguments.",
    ),
    Rule(
        r"cannot extract value from data type: (?P<a>.+)",
        "wrong-type",
        "{a} has no fields",
    ),
    Rule(
        r"(?P<a>explode|posexplode) should only be called with a list or map",
        "wrong-type",
        "{a} takes an array or a map",
    ),
    Rule(
        r"^(?P<a>one|two|three) values? expected: \[",
        "argument-count",
        "a function takes other arguments: {a} expected",
    ),
    # grouping
    Rule(
        r'No field named [^\n]*"#\d+"[\s\S]*Valid fields are',
        "not-grouped",
        "a column is neither in GROUP BY nor inside an aggregate",
        _GROUP,
    ),
    Rule(
        r"Aggregate requires at least one grouping or aggregate expression",
        "not-grouped",
        "HAVING needs GROUP BY or an aggregate",
        "A condition on rows belongs in WHERE.",
    ),
    Rule(
        r"does not support logical expression AggregateFunction",
        "misplaced-aggregate",
        "an aggregate can't stand in WHERE",
        "A condition on groups belongs in HAVING.",
    ),
    Rule(
        r"does not support logical expression WindowFunction",
        "misplaced-window",
        "a window function can't stand in WHERE",
        "Compute it in a subquery and filter outside.",
    ),
    Rule(
        r"Aggregate function calls cannot be nested",
        "misplaced-aggregate",
        "an aggregate can't stand inside another one",
        "Compute the inner one in a subquery.",
    ),
    # shapes
    Rule(
        r"(?P<a>UNION|INTERSECT|EXCEPT) queries have different number of columns: "
        r"left has (?P<b>\d+) columns whereas right has (?P<c>\d+)",
        "column-count",
        "the two sides of {a} have {b} and {c} columns",
    ),
    Rule(
        r"input schema for INSERT has (?P<a>\d+) fields, "
        r"but table schema has (?P<b>\d+)",
        "column-count",
        "INSERT brings {a} columns, the table has {b}",
    ),
    Rule(
        r"(?:Scalar subquery|InSubquery) should only return one column, "
        r"but found (?P<a>\d+)",
        "column-count",
        "a subquery that stands for a value has one column, this one has {a}",
    ),
    Rule(
        r"Scalar subquery returned more than one row",
        "too-many-rows",
        "a subquery that stands for a value returned more than one row",
    ),
    Rule(
        r"MERGE_CARDINALITY_VIOLATION",
        "too-many-rows",
        "MERGE found several source rows for one row of the table",
        "Keep one source row for each key.",
    ),
    Rule(
        r"Placeholder '(?P<a>.+?)' was not provided a value",
        "missing-parameter",
        "no value is given for {a}",
    ),
    # values
    Rule(
        r"Cannot cast (?:string|value) '(?P<a>[\s\S]*)' to value of (?P<type>.+) type",
        "bad-value",
        "'{a}' is no {type}",
        _CAST,
    ),
    Rule(
        r"The value '(?P<a>[\s\S]*?)' of the type \"\w+\" cannot be cast to"
        r" \"(?P<type>\w+)\"",
        "bad-value",
        "'{a}' is no {type}",
        _CAST,
    ),
    Rule(r"invalid timestamp: (?P<a>.+)", "bad-value", "'{a}' is no timestamp", _CAST),
    Rule(
        r"Can't cast value (?P<a>.+) to type (?P<type>.+)"
        r"|(?P<a_1>\S+) is too large to store in a (?P<type_1>decimal)",
        "bad-value",
        "{a} doesn't fit into {type}",
        _CAST,
    ),
    Rule(
        r"divide by zero|Remainder by zero",
        "division-by-zero",
        "division by zero",
        "try_divide and try_mod give NULL instead.",
    ),
    Rule(
        r"Error while parsing value '(?P<a>[\s\S]*?)' as type '(?P<type>.+?)'"
        r" for column (?P<column>\d+) at line (?P<c>\d+)",
        "bad-value",
        "'{a}' in column {column}, line {c} of a CSV file is no {type}",
        "Read the column as a string; try_cast gives NULL where a value doesn't fit.",
    ),
    Rule(
        r"The index (?P<a>-?\d+) is out of bounds. The array has (?P<b>\d+) elements",
        "bad-value",
        "there is no element {a} in an array of {b}",
        "get(array, index) gives NULL instead.",
    ),
    # others
    Rule(r"operation not found: [0-9a-f-]+", "cancelled", "the query was cancelled"),
    Rule(
        r"Failed to commit transaction",
        "write-conflict",
        "somebody else has written to the table at the same time",
        "Run it again.",
    ),
    Rule(
        r"(?P<format>Csv|Json|Parquet|Avro) error: (?P<a>.+)",
        "unreadable-file",
        "a file can't be read as {format}: {a}",
    ),
    Rule(
        r"regex parse error:\s+(?P<a>.+)[\s\S]*error: (?P<b>.+)",
        "bad-value",
        "the regular expression {a} is wrong: {b}",
    ),
    Rule(
        r"Missing commit file: expected final version (?P<a>\d+), "
        r"replay reached (?P<b>\d+)",
        "unknown-version",
        "the table has no version {a}, the last one is {b}",
    ),
    Rule(
        r"No data source found for: (?P<a>\S+)",
        "unknown-format",
        "there is no file format {a}",
    ),
    Rule(
        r"^(?:SHOW|ALTER|CREATE|DROP|ANALYZE)\b[A-Z ]*$|^PlanNode::"
        r"|^unsupported |^LIKE in CREATE TABLE",
        "not-supported",
        "the embedded engine can't run this statement",
        _OTHER_ENGINES,
    ),
)
