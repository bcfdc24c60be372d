"""Words choose tables, as people who know dbt expect."""

from __future__ import annotations

import pytest

from mdf_magics.errors import DefinitionError
from mdf_magics.planning.selection import Selector
from tests.planning.plans import PROJECT, plan

GROUPS = f"""{PROJECT}
groups:
  bronze: {{}}
  silver: {{tags: {{layer: clean}}}}
"""
TABLES = """
- {name: bronze.a, sql: "SELECT 1 AS x", tags: {owner: data}}
- {name: bronze.b, sql: "SELECT 1 AS x"}
- {name: silver.a, sql: "SELECT * FROM bronze.a", tags: {owner: web}}
- {name: silver.b, sql: "SELECT * FROM bronze.b JOIN silver.a USING (x)"}
- {name: gold.c, sql: "SELECT * FROM silver.b"}
"""


@pytest.fixture(scope="module")
def selector() -> Selector:
    planned = plan(TABLES, project=GROUPS)
    return Selector(
        planned, {"bronze", "silver", "gold", "all", "old"}, lambda: {"silver"}
    )


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("silver.a", "silver.a"),
        ("silver.*", "silver.a silver.b"),
        ("*.a", "bronze.a silver.a"),
        ("silver", "silver.a silver.b"),
        ("group:gold", "gold.c"),
        ("part:bronze", "bronze.a bronze.b"),
        ("tag:owner", "bronze.a silver.a"),
        ("tag:owner=web", "silver.a"),
        ("tag:layer", "silver.a silver.b"),
        ("state:modified", "silver.a silver.b"),
        ("+silver.b", "bronze.a bronze.b silver.a silver.b"),
        ("bronze.a+", "bronze.a gold.c silver.a silver.b"),
        ("+silver.a+", "bronze.a gold.c silver.a silver.b"),
        ("gold bronze.a", "bronze.a gold.c"),
        ("tag:owner,silver", "silver.a"),
        ("+gold.c,bronze.*", "bronze.a bronze.b"),
        ("tag:owner+,gold", "gold.c"),
    ],
)
def test_words(selector: Selector, words: str, expected: str) -> None:
    assert sorted(selector.select(words).tables) == expected.split()


def test_what_is_only_deployed_can_be_named(selector: Selector) -> None:
    assert selector.select("old all").keys == {"old", "all"}
    assert selector.select("group:old").keys == {"old"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            "silver.z",
            'unknown-table: there is no table "silver.z"\n  Did you mean "',
        ),
        ("slver", '"slver" names nothing\n  Did you mean "silver"?'),
        ("gold.?x", '"gold.?x" names nothing'),
        ("tag:ownr", '"tag:ownr" names nothing\n  Did you mean "owner"?'),
        ("tga:owner", '"tga:owner" names nothing\n  Did you mean "tag:"?'),
        ("gold,bronze", "A comma takes what both words name; a blank takes either."),
        ("  ", "Name tables, as in"),
    ],
)
def test_a_word_that_names_nothing(selector: Selector, words: str, said: str) -> None:
    with pytest.raises(DefinitionError) as error:
        selector.select(words)

    assert said in str(error.value)


def test_nothing_modified_is_no_error() -> None:
    planned = plan(TABLES, project=GROUPS)

    assert Selector(planned, (), set).select("state:modified").is_empty
