"""Parts of the reading of messages that no single query shows."""

from __future__ import annotations

import pytest

from mdf_magics.engines.sail_messages import understand
from mdf_magics.engines.sql_text import find_name, tables_read, visible
from mdf_magics.engines.type_names import with_sql_types


@pytest.mark.parametrize(
    ("rust", "sql"),
    [
        ("Utf8View", "string"),
        ("Decimal128(10, 2)", "decimal(10,2)"),
        ('Timestamp(µs, "UTC")', "timestamp"),
        ("Timestamp(µs)", "timestamp_ntz"),
        ("List(non-null Int32, field: 'element')", "array<int>"),
        ('Struct("a b": Int32, "g": List(Utf8))', "struct<a b:int,g:array<string>>"),
        (
            'Map("key_value": non-null Struct("key": non-null Utf8, "value": Decimal128(3, 1)), unsorted)',
            "map<string,decimal(3,1)>",
        ),
        ("a Utf8String and 'Int'", "a Utf8String and 'Int'"),
    ],
)
def test_type_names(rust, sql):
    assert with_sql_types(f"from {rust} to Int64") == f"from {sql} to bigint"


def test_an_unknown_message_is_cut_to_its_first_paragraph():
    finding = understand(
        "Execution error: Internal error: it  broke\n  here.\n\nbacktrace: 0: core::main"
    )
    assert (finding.code, finding.message) == ("engine-error", "it broke here")
    assert len(understand("x" * 5000).message) == 300


def test_names_inside_strings_and_comments_are_not_seen():
    sql = "SELECT 'from a', \"b\" -- from c\nFROM `x`.`y z` /* from d */ JOIN\n t"
    assert len(visible(sql)) == len(sql)
    assert tables_read(sql) == ["x.y z", "t"]
    assert find_name("SELECT 'id', o . id", "o.id") == (13, "o . id")
    assert find_name("SELECT id2, my.id", "id") == (12, "my.id")
    assert find_name("SELECT 'id' -- id", "id") is None
