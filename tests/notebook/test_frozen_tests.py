"""`%%mdf_test` and `%mdf_test` in a notebook."""

from __future__ import annotations

from tests.notebook.conftest import Notebook


def test_cell_freezes_and_line_runs(shop: Notebook) -> None:
    frozen = shop.run("%%mdf_test mart.buyers\nrows: 2")

    assert "mart.buyers: 2 rows from 2 rows of raw.orders, saved in" in frozen.text
    assert "<table>" in frozen.outputs[-1]["text/html"]
    assert "1 of 1 test passed" in shop.ok("%mdf_test")


def test_failing_test_fails_the_cell(shop: Notebook) -> None:
    shop.ok("%%mdf_test mart.buyers\nrows: 2")
    file = shop.folder / "definitions/tests/mart.buyers.yml"
    file.write_text(file.read_text().replace("{buyer: bob}", "{buyer: eve}"))

    failed = shop.run("%mdf_test")

    assert not failed.success
    assert "1 row expected, but not there:" in failed.text
    assert "eve" in failed.outputs[-1]["text/html"]


def test_cell_wants_one_table(shop: Notebook) -> None:
    shown = shop.run("%%mdf_test\nrows: 2")

    assert not shown.success
    assert "%%mdf_test wants one table" in str(shown.error)
