"""Arguments proposed from a source's columns."""

from __future__ import annotations

from typing import Any

import pytest

from mdf_magics.transformations.parameters import Parameter
from mdf_magics.transformations.proposing import likely_key, proposed_arguments

COLUMNS = {"order_id": "bigint", "name": "string", "updated_at": "timestamp"}


def parameters(**types: str) -> dict[str, Parameter]:
    return {name: Parameter(name, kind) for name, kind in types.items()}


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ({"source": "table"}, {"source": "crm.orders"}),
        ({"events": "stream"}, {"events": "crm.orders"}),
        ({"left": "table", "right": "table"}, {"left": "crm.orders"}),
        ({"keys": "columns"}, {"keys": ["order_id"]}),
        ({"key": "column"}, {"key": "order_id"}),
        ({"merge_keys": "columns"}, {"merge_keys": ["order_id"]}),
        ({"order_by": "column"}, {"order_by": "updated_at"}),
        ({"name": "column"}, {"name": "name"}),
        ({"columns": "columns"}, {"columns": [*COLUMNS]}),
        ({"threshold": "int"}, {}),
        ({"source": "files"}, {}),
    ],
    ids=str,
)
def test_parameters_get_what_their_names_ask_for(
    declared: dict[str, str], expected: dict[str, Any]
) -> None:
    found = proposed_arguments(parameters(**declared), "crm.orders", COLUMNS)

    assert found == expected


def test_a_primary_key_wins_over_names() -> None:
    found = proposed_arguments(
        parameters(keys="columns", key="column"), "crm.orders", COLUMNS, ["a", "b"]
    )

    assert found == {"keys": ["a", "b"]}


def test_a_default_that_the_table_has_is_left_alone() -> None:
    optional = Parameter("order_by", "column", required=False, default="updated_at")

    assert proposed_arguments({"order_by": optional}, "crm.orders", COLUMNS) == {}


def test_a_default_that_the_table_lacks_is_replaced() -> None:
    optional = Parameter("order_by", "column", required=False, default="loaded_at")
    found = proposed_arguments({"order_by": optional}, "crm.orders", COLUMNS)

    assert found == {"order_by": "updated_at"}


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (["id", "x"], ["id"]),
        (["x", "ORDER_ID"], ["ORDER_ID"]),
        (["orderid", "x"], ["orderid"]),
        (["customer_id", "x"], ["customer_id"]),
        (["x", "customer_id"], []),
        (["x"], []),
    ],
)
def test_likely_key(columns: list[str], expected: list[str]) -> None:
    assert likely_key("crm.orders", dict.fromkeys(columns, "int")) == expected
