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
        pytest.param("x = 1\n%%mdf_table a\n", "x = 1\n%%mdf_table a\n", id="code"),
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
