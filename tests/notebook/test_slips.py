"""Slips that IPython would refuse: they run, or get an error that helps."""

from __future__ import annotations

import pytest

from mdf_magics.notebook.slips import put_right
from tests.notebook.conftest import Notebook


def after(text: str) -> str:
    return "".join(put_right(text.splitlines(keepends=True)))


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        pytest.param(
            "# mine\n%%mdf_table a.b\nwrite: view\n",
            "%%mdf_table a.b\n# mine\nwrite: view\n",
            id="comment above YAML is kept",
        ),
        pytest.param(
            "# mine\n\n%%mdf_table a.b\nSELECT 1\n",
            "%%mdf_table a.b\n\n\nSELECT 1\n",
            id="comment above SQL is none there",
        ),
        pytest.param(
            "%mdf_tables x\nname: a\n", "%%mdf_tables x\nname: a\n", id="one sign"
        ),
        pytest.param("%%mdf_table a.b", "%%mdf_table a.b\n\n\n", id="nothing below"),
        pytest.param(
            "%mdf_table a.b\n%mdf_list\n", "%mdf_table a.b\n%mdf_list\n", id="lines"
        ),
        pytest.param("# a\n%%time\nx\n", "# a\n%%time\nx\n", id="another's magic"),
        pytest.param(
            "%mdf_table a.b\ngroup: g\n", "%%mdf_table a.b\ngroup: g\n", id="YAML below"
        ),
        pytest.param(
            "%mdf_table a.b\nSELECT 1\n", "%%mdf_table a.b\nSELECT 1\n", id="SQL below"
        ),
        pytest.param(
            "%mdf_table a.b\ntry:\n", "%mdf_table a.b\ntry:\n", id="Python below"
        ),
        pytest.param(
            "%mdf_lst a\nx = 1\n", "%mdf_help lst\nx = 1\n", id="an unknown line"
        ),
        pytest.param(
            "%%mdf_tabel a.b\nSELECT 1\n", "%mdf_help tabel\n", id="an unknown cell"
        ),
        pytest.param(
            't = """\n%%mdf_table a\n"""', 't = """\n%%mdf_table a\n"""', id="a text"
        ),
        pytest.param("# only\n", "# only\n", id="no magic"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_cell_is_put_right(typed: str, expected: str) -> None:
    assert after(typed) == expected


def test_comment_above_a_cell_is_stored_with_it(shop: Notebook) -> None:
    shop.ok(
        "# who buys\n%%mdf_table mart.b\ntransformation: renamed\narguments: {source: raw.orders, old: id, new: x}"
    )

    stored = (shop.folder / "definitions/tables/mart.yml").read_text()
    assert "# who buys\n  - name: mart.b\n" in stored


def test_error_points_at_the_line_that_was_typed(shop: Notebook) -> None:
    shown = shop.run("# mine\n%%mdf_table mart.b\nwrte: merge\n---\nSELECT 1 AS x")

    assert "cell line 3, column 1" in shown.text
    assert "3 | wrte: merge" in shown.text


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("%%mdf_table mart.b", "%mdf_table NAME  shows what is stored"),
        ("%%mdf_tables", "for_each"),
        ("%%mdf_transformation x\n\n", "parameters:"),
    ],
)
def test_empty_cell_says_what_goes_into_it(
    shop: Notebook, cell: str, expected: str
) -> None:
    shown = shop.run(cell)

    assert not shown.success
    assert shown.text.startswith("empty-cell: ")
    assert expected in shown.text


def test_code_above_a_cell_magic_is_refused(shop: Notebook) -> None:
    shown = shop.run("%mdf_list\nx = 1\n%%mdf_table mart.b\n---\nSELECT 1 AS x")

    assert isinstance(shown.error, SyntaxError)
    assert "%%mdf_table must be its cell's first line" in str(shown.error)
    assert shown.error.lineno == 3


SAID = {
    "a magic that isn't there": ("%mdf_rn", 'Did you mean "run"?'),
    "a catalog before the name": (
        "%%mdf_table main.mart.b\nSELECT 1 AS x",
        "must be mart.b: the catalog is the target's",
    ),
    "no line of dashes": (
        "%%mdf_table mart.b\nwrite: view\nSELECT 1 AS x",
        "Write a line  ---  between the YAML and the body.",
    ),
    "a reference as dbt writes it": (
        "%%mdf_table mart.b\nSELECT * FROM {{ ref('raw.orders') }}",
        "Write the table's name alone: raw.orders.",
    ),
    "a source as dbt writes it": (
        '%%mdf_table mart.b\nSELECT * FROM {{ source("raw", "orders") }}',
        "Write the table's name alone: raw.orders.",
    ),
    "single braces": (
        "%%mdf_table mart.b\nSELECT * FROM {orders}",
        "A parameter is written {{ name }}",
    ),
    "an expression of Python": (
        "%%mdf_transformation b\nparameters: {a: table}\n---\nspark.table(a).dropna()",
        "Python goes into a function",
    ),
    "Python without its first line": (
        "%%mdf_transformation b\nreturn spark.table(a)",
        "Python goes into a function",
    ),
    "a parameter without a type": (
        "%%mdf_transformation b\ndef b(rows):\n    return rows",
        "rows: DataFrame for a table",
    ),
    "a dry run": ("%mdf_deploy --yes --dry-run", "%mdf_plan"),
    "tables as an option": ("%mdf_run --tables mart.b", "Did you mean --select?"),
    "a reference without quotes": (
        "%%mdf_tables renamed\nfor_each: {what: [a]}\narguments: {source: raw.${each.what}, old: x}",
        "Inside [ ] and { } a text with ${...} needs quotes.",
    ),
    "a comma in a text": (
        "%%mdf_table mart.b\ncolumns: {x: {comment: it's euro, not dollar}}\n---\nSELECT 1 AS x",
        "A text that holds a comma needs quotes here.",
    ),
    "a table that nothing has happened to": (
        "%mdf_history mart.buyers",
        "Nothing has happened to mart.buyers in local yet.",
    ),
}


@pytest.mark.parametrize(("typed", "said"), SAID.values(), ids=SAID)
def test_what_people_type_gets_an_answer(shop: Notebook, typed: str, said: str) -> None:
    before = shop.files()
    shown = shop.run(typed)

    assert said in f"{shown.text}{shown.error}"
    assert shop.files() == before
