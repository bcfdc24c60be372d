"""What can be configured, and what holds when several say it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from traitlets.config import Config

from tests.notebook.conftest import Notebook


@pytest.fixture
def configured(shop: Notebook) -> Iterator[Notebook]:
    """A notebook whose IPython configuration is as before afterwards."""
    before = Config(shop.shell.config)
    yield shop
    shop.shell.config = before


def rows(notebook: Notebook, options: str = "") -> str:
    """How many rows a preview shows."""
    text = notebook.ok(f"%mdf_preview raw.orders {options}")
    return text.partition("raw.orders: ")[2].partition(" in ")[0]


def test_what_is_said_later_holds(configured: Notebook) -> None:
    (configured.folder / "pyproject.toml").write_text("[tool.mdf]\nrows = 2\n")

    found = [rows(configured)]
    configured.ok("%reload_ext mdf_magics")
    found.append(rows(configured))
    configured.ok("%config MdfMagics.rows = 1")
    found.append(rows(configured))
    configured.ok("%reload_ext mdf_magics")
    found.append(rows(configured))
    found.append(rows(configured, "--rows 3"))

    first = "the first"
    assert found == [
        "3 rows",
        f"{first} 2 rows",
        f"{first} 1 row",
        f"{first} 1 row",
        "3 rows",
    ]


def test_cells_show_as_many_rows(configured: Notebook) -> None:
    configured.ok("%config MdfMagics.rows = 1")

    assert "mart.b: the first 1 row in" in configured.ok(
        "%%mdf_table mart.b\n---\nSELECT id FROM raw.orders"
    )


def test_target_of_the_folder(configured: Notebook) -> None:
    (configured.folder / "definitions/mdf.yml").write_text(
        "project: shop\ntargets:\n  local: {engine: embedded, catalog: main}\n  other: {engine: embedded, catalog: other}\n"
    )
    (configured.folder / "pyproject.toml").write_text('[tool.mdf]\ntarget = "other"\n')
    configured.ok("%reload_ext mdf_magics")

    assert "* other" in configured.ok("%mdf_target")


def test_what_can_not_be_used_is_said_on_loading(configured: Notebook) -> None:
    (configured.folder / "pyproject.toml").write_text(
        '[tool.mdf]\nrow = 2\nrows = "many"\n'
    )

    said = configured.ok("%reload_ext mdf_magics")

    assert 'warning: unknown-key: [tool.mdf] in pyproject.toml has no key "row"' in said
    assert 'Did you mean "rows"?' in said
    assert (
        "rows in [tool.mdf] of pyproject.toml wants a number of rows, not 'many'"
        in said
    )


def test_it_is_listed(configured: Notebook) -> None:
    said = configured.ok("%config MdfMagics")

    assert "MdfMagics.rows=<Int>" in said
    assert "MdfMagics.verbose_errors=<Bool>" in said


def test_reload_leaves_one_configuration_and_unload_none(configured: Notebook) -> None:
    def known() -> list[str]:
        names = [type(one).__name__ for one in configured.shell.configurables]
        return [one for one in names if one == "MdfMagics"]

    configured.ok("%reload_ext mdf_magics")
    assert known() == ["MdfMagics"]

    configured.ok("%unload_ext mdf_magics")

    assert known() == []
    configured.ok("%load_ext mdf_magics")
