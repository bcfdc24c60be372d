"""Contents of tables that get another builder or name lie where a person finds them."""

from __future__ import annotations

from pathlib import Path

import pytest

from mdf_magics.deploying.keeping import DataStep, EngineTables
from mdf_magics.deploying.workspaces.protocol import WorkspaceError
from mdf_magics.engines import Engine

KEEP = DataStep("s.x", "keep", "main.s.x", "job")
RENAME = DataStep("s.y", "rename", "main.s.x", "job", "main.s.y")


def put(folder: Path, name: str, content: str) -> None:
    log = folder / "s" / name / "_delta_log"
    log.mkdir(parents=True)
    (log / f"{0:020}.json").write_text(content)


def found(folder: Path) -> dict[str, str]:
    files = folder.glob("s/*/_delta_log/*.json")
    return {file.parent.parent.name: file.read_text() for file in files}


class Catalog:
    """An engine that knows tables by name or has a folder; it remembers what was said."""

    def __init__(self, *names: str, warehouse: Path | None = None) -> None:
        self.names = set(names)
        self.warehouse = warehouse
        self.said: list[str] = []

    def exists(self, home: str) -> bool:
        return home in self.names

    def run(self, statement: str) -> None:
        self.said.append(statement)


def tables_of(catalog: Catalog) -> EngineTables:
    engine: Engine = catalog  # type: ignore[assignment]
    return EngineTables(lambda: engine, pipelines_own_tables=not catalog.warehouse)


@pytest.fixture
def tables(tmp_path: Path) -> EngineTables:
    return tables_of(Catalog(warehouse=tmp_path))


class TestFolders:
    def test_a_content_is_kept_under_the_first_free_name(
        self, tables: EngineTables, tmp_path: Path
    ):
        for number in (1, 2, 3):
            put(tmp_path, "x", f"{number}")
            tables.carry_out(KEEP)

        assert found(tmp_path) == {"x__kept": "1", "x__kept_2": "2", "x__kept_3": "3"}

    def test_doing_it_twice_is_doing_it_once(
        self, tables: EngineTables, tmp_path: Path
    ):
        put(tmp_path, "x", "1")

        assert tables.carry_out(KEEP) == "main.s.x__kept"
        assert tables.carry_out(KEEP) is None
        assert found(tmp_path) == {"x__kept": "1"}

    def test_a_rename_takes_rejected_rows_along(
        self, tables: EngineTables, tmp_path: Path
    ):
        put(tmp_path, "x", "1")
        put(tmp_path, "x_quarantine", "bad")

        assert tables.carry_out(RENAME) == "main.s.y"
        assert tables.carry_out(RENAME) is None
        assert found(tmp_path) == {"y": "1", "y_quarantine": "bad"}

    def test_a_name_that_is_taken_keeps_both(
        self, tables: EngineTables, tmp_path: Path
    ):
        put(tmp_path, "x", "1")
        put(tmp_path, "y", "2")

        assert tables.carry_out(RENAME) == "main.s.x"
        assert found(tmp_path) == {"x": "1", "y": "2"}


class TestSQL:
    def test_a_jobs_table_is_renamed(self):
        catalog = Catalog("main.s.x", "main.s.x__kept")

        assert tables_of(catalog).carry_out(KEEP) == "main.s.x__kept_2"

        assert catalog.said == [
            "ALTER TABLE `main`.`s`.`x` RENAME TO `main`.`s`.`x__kept_2`"
        ]

    def test_a_pipelines_table_is_copied_before_it_goes(self):
        catalog = Catalog("main.s.x")

        tables_of(catalog).carry_out(DataStep("s.x", "keep", "main.s.x", "pipeline"))

        assert catalog.said == [
            "CREATE TABLE `main`.`s`.`x__kept` AS SELECT * FROM `main`.`s`.`x`",
            "DROP TABLE `main`.`s`.`x`",
        ]

    def test_a_renamed_table_is_marked_as_ours_under_its_new_name(self):
        catalog = Catalog("main.s.x")

        assert tables_of(catalog).carry_out(RENAME) == "main.s.y"

        assert catalog.said[1:] == [
            "ALTER TABLE `main`.`s`.`y` SET TBLPROPERTIES ('mdf.table' = 's.y')"
        ]

    def test_a_refusal_says_that_nothing_is_lost(self):
        catalog = Catalog("main.s.x")

        def refuse(statement: str) -> None:
            raise OSError(statement)

        catalog.run = refuse  # type: ignore[method-assign]

        with pytest.raises(WorkspaceError, match=r"content of s\.x could not be kept"):
            tables_of(catalog).carry_out(KEEP)
