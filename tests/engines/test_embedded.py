"""Queries on the embedded engine: previews, schemas, statements, cancelling."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from mdf_magics.engines import Column, Rows
from mdf_magics.engines.embedded import EmbeddedEngine
from mdf_magics.errors import EngineError

ENDLESS = "SELECT count(*) FROM range(0, 100000000000) WHERE id % 7 = sqrt(id)"


def test_a_preview_of_sql_has_columns_rows_and_whether_there_are_more(engine):
    query = "SELECT id, customer FROM main.shop.orders ORDER BY id"
    columns = (Column("id", "int"), Column("customer", "string"))
    assert engine.preview(query, 2) == Rows(
        columns, ((1, "ada"), (2, "bob")), more=True
    )
    assert not engine.preview(query, 3).more


def test_a_preview_of_a_function_gives_it_the_session(engine):
    rows = engine.preview(lambda spark: spark.table("main.shop.orders").select("id"), 9)
    assert sorted(rows.rows) == [(1,), (2,), (3,)]


def test_the_limit_is_part_of_what_the_server_runs(engine):
    """The rest would take hours."""
    rows = engine.preview("SELECT id FROM range(0, 1000000000000)", 2)
    assert rows == Rows((Column("id", "bigint"),), ((0,), (1,)), more=True)


def test_no_rows_have_columns_too(engine):
    rows = engine.preview("SELECT * FROM main.shop.orders WHERE false", 5)
    assert [column.name for column in rows.columns] == [
        "id",
        "customer",
        "price",
        "parts",
    ]
    assert (rows.rows, rows.more) == ((), False)


def test_a_schema_is_known_without_running_the_query(engine):
    assert engine.schema(f"SELECT 1.5BD AS price, ({ENDLESS}) AS number") == (
        Column("price", "decimal(2,1)"),
        Column("number", "bigint"),
    )
    assert engine.schema(lambda spark: spark.range(1)) == (Column("id", "bigint"),)


def test_it_computes_as_serverless_does(engine):
    """ANSI: a wrong value is an error, not NULL. Times are UTC."""
    zone = engine.preview("SELECT current_timezone() AS zone", 1)
    assert zone.rows == (("UTC",),)
    with pytest.raises(EngineError, match="'a' is no int"):
        engine.preview("SELECT cast('a' AS INT)", 1)


def test_a_function_that_returns_no_dataframe_is_told_so(engine):
    with pytest.raises(EngineError) as raised:
        engine.preview(lambda spark: None, 1)
    assert str(raised.value) == (
        "no-dataframe: the function returned NoneType, not a DataFrame"
    )


def test_dataframes_can_be_made_from_python_values(engine):
    def build(spark):
        return spark.createDataFrame([(1, "a")], "id int, name string")

    assert engine.preview(build, 5).rows == ((1, "a"),)


def test_cancel_interrupts_a_query_of_another_thread(engine: EmbeddedEngine):
    raised: list[Exception] = []

    def query():
        try:
            engine.preview(ENDLESS, 1)
        except EngineError as error:
            raised.append(error)

    thread = threading.Thread(target=query)
    thread.start()
    while thread.is_alive():  # until it has begun, there is nothing to cancel
        engine.cancel()
        thread.join(0.05)
    assert [str(error) for error in raised] == ["cancelled: the query was cancelled"]
    assert engine.preview("SELECT 1 AS one", 1).rows == ((1,),)


def test_ctrl_c_cancels_the_query_and_stays_a_keyboard_interrupt(engine):
    interrupt = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    interrupt.start()
    with pytest.raises(KeyboardInterrupt):
        engine.preview(ENDLESS, 1)
    while engine.session.interruptAll():
        pass  # the server is about to end it
    assert engine.preview("SELECT 1 AS one", 1).rows == ((1,),)


def test_code_that_uses_the_session_can_have_its_errors_explained(engine):
    sql = "SELECT custmer FROM main.shop.orders"
    with pytest.raises(Exception, match="custmer") as raised:
        engine.session.sql(sql).collect()
    [problem] = engine.explain(raised.value, sql).problems
    assert problem.code == "unknown-column"
    assert (problem.place.line, problem.place.column, problem.place.length) == (1, 8, 7)


def test_a_closed_engine_says_so(new_engine):
    engine = new_engine()
    engine.close()
    with pytest.raises(EngineError, match="the embedded engine was closed"):
        engine.preview("SELECT 1", 1)
    engine.cancel()
    engine.close()
