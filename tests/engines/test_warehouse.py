"""Tables and views are there again in the next kernel, and change under one's feet."""

from __future__ import annotations

import shutil

import pytest

from mdf_magics.engines.embedded import EmbeddedEngine
from mdf_magics.engines.warehouse import Warehouse
from mdf_magics.errors import EngineError


def ids(engine: EmbeddedEngine, table: str) -> list[object]:
    """What the table holds, after asking for it as everybody has to."""
    assert engine.exists(table)
    rows = engine.preview(f"SELECT * FROM {table}", 100)
    return sorted(row[0] for row in rows.rows)


def store_view(engine: EmbeddedEngine, name: str, query: str) -> None:
    """Do as the runtime does: create the view, and keep its statement."""
    schema, view = name.split(".")
    statement = f"CREATE OR REPLACE VIEW `main`.`{schema}`.`{view}` AS {query}"
    engine.create_schema(schema)
    engine.run(statement)
    file = engine.warehouse / schema / f"{view}.view.sql"
    file.parent.mkdir(exist_ok=True)
    file.write_text(statement)


def test_tables_of_sql_and_of_dataframes_outlive_the_server(new_engine):
    first = new_engine()
    first.create_schema("bronze")
    first.run("CREATE TABLE main.bronze.plain (id INT) USING delta")
    first.run("INSERT INTO main.bronze.plain VALUES (1)")
    first.session.range(2).write.saveAsTable("main.bronze.saved")
    first.close()

    second = new_engine()
    assert (second.warehouse / "bronze" / "plain" / "_delta_log").is_dir()
    assert ids(second, "main.bronze.plain") == [1]
    assert ids(second, "main.bronze.saved") == [0, 1]
    assert not second.exists("main.bronze.other")
    assert not second.exists("main.silver.plain")
    assert not second.exists("elsewhere.bronze.plain")


def test_a_table_that_was_found_can_be_changed_in_every_way(new_engine):
    first = new_engine()
    first.create_schema("s")
    first.run("CREATE TABLE main.s.t USING delta AS SELECT 1 AS id, 'a' AS name")
    first.close()

    second = new_engine()
    assert second.exists("main.s.t")
    for statement in [
        "INSERT INTO main.s.t BY NAME SELECT 'b' AS name, 2 AS id",
        "UPDATE main.s.t SET id = 7 WHERE id = 2",
        "MERGE INTO main.s.t AS o USING (SELECT 9 AS id, 'c' AS name) AS n ON o.id = n.id WHEN NOT MATCHED THEN INSERT *",
        "DELETE FROM main.s.t WHERE id = 1",
    ]:
        second.run(statement)
    assert ids(second, "main.s.t") == [7, 9]
    second.run("INSERT OVERWRITE main.s.t BY NAME SELECT 'z' AS name, 3 AS id")
    assert ids(second, "main.s.t") == [3]


def test_a_new_schema_in_another_kernel_is_found(new_engine):
    here, there = new_engine(), new_engine()
    assert not here.exists("main.late.t")
    there.create_schema("late")
    there.run("CREATE TABLE main.late.t USING delta AS SELECT 1 AS id")
    assert ids(here, "main.late.t") == [1]


def test_columns_that_another_kernel_changes_are_seen(new_engine):
    here, there = new_engine(), new_engine()
    here.create_schema("s")
    here.run("CREATE TABLE main.s.t USING delta AS SELECT 1 AS id")
    assert ids(there, "main.s.t") == [1]
    assert ids(here, "main.s.t") == [1]

    changed = there.session.sql("SELECT 'x' AS name, 2 AS size")
    changed.write.mode("overwrite").option("overwriteSchema", "true").saveAsTable(
        "main.s.t"
    )
    assert ids(here, "main.s.t") == ["x"]


def test_writing_rows_is_no_reason_to_register_a_table_again(new_engine):
    """For a moment, a table that is registered again isn't there: for other threads."""
    engine = new_engine()
    engine.create_schema("s")
    engine.run("CREATE TABLE main.s.t USING delta AS SELECT 1 AS id")
    stored = Warehouse(engine.warehouse)
    before = stored.find("s", "t")
    engine.run("INSERT INTO main.s.t VALUES (2)")
    engine.run("INSERT OVERWRITE main.s.t SELECT 3 AS id")
    assert stored.find("s", "t") == before

    wider = engine.session.sql("SELECT 4 AS id, 5 AS more")
    wider.write.mode("append").option("mergeSchema", "true").saveAsTable("main.s.t")
    assert stored.find("s", "t") != before


def test_a_table_whose_folder_was_deleted_is_gone(new_engine):
    engine, other = new_engine(), new_engine()
    engine.create_schema("s")
    for name in ("asked", "unasked"):
        engine.run(f"CREATE TABLE main.s.{name} USING delta AS SELECT 1 AS id")
    assert engine.exists("main.s.asked")
    assert other.exists("main.s.asked")
    shutil.rmtree(engine.warehouse / "s")
    for name in ("main.s.asked", "main.s.unasked"):
        assert not engine.exists(name)
        assert not other.exists(name)
        engine.run(f"CREATE TABLE {name} (other STRING) USING delta")
        assert ids(engine, name) == []


def test_a_folder_that_is_no_table_yet_is_none(new_engine):
    """Another process may be about to write its first commit."""
    engine = new_engine()
    (engine.warehouse / "s" / "t" / "_delta_log").mkdir(parents=True)
    assert not engine.exists("main.s.t")


def test_a_table_dropped_behind_the_engines_back_is_found_after_one_error(new_engine):
    """Sail's DROP leaves the data, and data is what counts."""
    engine = new_engine()
    engine.create_schema("s")
    engine.run("CREATE TABLE main.s.t USING delta AS SELECT 1 AS id")
    assert engine.exists("main.s.t")
    engine.session.sql("DROP TABLE main.s.t")
    with pytest.raises(EngineError, match="there is no table"):
        engine.preview("SELECT * FROM main.s.t", 1)
    assert ids(engine, "main.s.t") == [1]


def test_a_view_is_opened_with_all_that_it_reads(new_engine):
    first = new_engine()
    first.create_schema("s")
    first.run("CREATE TABLE main.s.base USING delta AS SELECT 1 AS id")
    store_view(first, "s.once", "SELECT id + 1 AS id FROM `main`.`s`.`base`")
    store_view(first, "s.twice", "SELECT id * 10 AS id FROM `main`.`s`.`once`")
    first.close()

    second = new_engine()
    assert ids(second, "main.s.twice") == [20]


def test_a_view_follows_its_statement_and_what_it_reads(new_engine):
    here, there = new_engine(), new_engine()
    there.create_schema("s")
    there.run("CREATE TABLE main.s.base USING delta AS SELECT 1 AS id")
    store_view(there, "s.v", "SELECT * FROM `main`.`s`.`base`")
    assert ids(here, "main.s.v") == [1]

    store_view(there, "s.v", "SELECT 'x' AS name, * FROM `main`.`s`.`base`")
    assert ids(here, "main.s.v") == ["x"]

    wider = there.session.sql("SELECT 5 AS id, 6 AS more")
    wider.write.mode("overwrite").option("overwriteSchema", "true").saveAsTable(
        "main.s.base"
    )
    assert here.exists("main.s.v")
    assert here.preview("SELECT * FROM main.s.v", 1).rows == (("x", 5, 6),)


def test_a_view_that_reads_what_is_gone_says_so(new_engine):
    engine = new_engine()
    engine.create_schema("s")
    engine.run("CREATE TABLE main.s.base USING delta AS SELECT 1 AS id")
    store_view(engine, "s.v", "SELECT * FROM `main`.`s`.`base`")
    shutil.rmtree(engine.warehouse / "s" / "base")
    with pytest.raises(EngineError) as raised:
        engine.exists("main.s.v")
    assert str(raised.value) == (
        'unknown-table: there is no table "base"\n'
        "  There are: v.\n"
        "  The view main.s.v was being opened."
    )


def test_a_name_can_turn_from_a_table_into_a_view_and_back(new_engine):
    here, there = new_engine(), new_engine()
    there.create_schema("s")
    there.run("CREATE TABLE main.s.t USING delta AS SELECT 1 AS id")
    assert ids(here, "main.s.t") == [1]

    there.run("DROP TABLE main.s.t")
    shutil.rmtree(there.warehouse / "s" / "t")
    store_view(there, "s.t", "SELECT 2 AS id")
    assert ids(here, "main.s.t") == [2]

    there.run("DROP VIEW main.s.t")
    there.run("CREATE TABLE main.s.t USING delta AS SELECT 3 AS id")
    assert ids(here, "main.s.t") == [3]  # a table counts, should both be there


def test_a_view_of_the_session_alone_is_there_too(engine):
    engine.run("CREATE OR REPLACE VIEW main.shop.mine AS SELECT 1 AS id")
    assert ids(engine, "main.shop.mine") == [1]


def test_everything_can_be_registered_at_once(new_engine):
    first = new_engine()
    first.create_schema("s")
    first.run("CREATE TABLE main.s.a USING delta AS SELECT 1 AS id")
    first.create_schema("z")
    first.run("CREATE TABLE main.z.b USING delta AS SELECT 2 AS id")
    store_view(first, "s.v", "SELECT * FROM `main`.`z`.`b`")
    first.close()

    second = new_engine()
    second.register_all()
    assert second.preview("SELECT * FROM main.s.a, main.s.v", 1).rows == ((1, 2),)


def test_a_table_without_a_schema_stays_in_the_warehouse(new_engine):
    engine = new_engine()
    engine.session.range(1).write.saveAsTable("loose")
    assert ids(engine, "main.default.loose") == [0]


@pytest.mark.parametrize("folder", ["My Prójekt 100%", "it's", "a#b?c"])
def test_the_projects_folder_may_have_any_name(folder, new_engine, tmp_path):
    first = new_engine(f"{folder}/warehouse")
    first.create_schema("s")
    first.run("CREATE TABLE main.s.t USING delta AS SELECT 1 AS id")
    assert ids(first, "main.s.t") == [1]
    way_for_sail = first.warehouse
    first.close()
    assert not way_for_sail.is_symlink()
    assert (tmp_path / folder / "warehouse" / "s" / "t" / "_delta_log").is_dir()
    assert [entry.name for entry in tmp_path.iterdir()] == [folder]
    assert ids(new_engine(f"{folder}/warehouse"), "main.s.t") == [1]


def test_a_catalog_may_have_any_name(new_engine):
    engine = new_engine(catalog="2024-my_catalog")
    engine.create_schema("s")
    engine.run("CREATE TABLE `2024-my_catalog`.s.t USING delta AS SELECT 1 AS id")
    assert engine.exists("2024-my_catalog.s.t")
