"""What every engine does: previews, schemas, statements, cancelling, browsing."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from mdf_magics.engines import Column, Rows
from mdf_magics.engines.browsing import TableColumn
from mdf_magics.errors import EngineError, QueryStopped
from tests.engines.endless import ENDLESS, EndlessQuery


def test_a_preview_of_sql_has_columns_rows_and_whether_there_are_more(each):
    engine, catalog = each
    query = f"SELECT id, customer FROM {catalog}.shop.orders ORDER BY id"
    columns = (Column("id", "int"), Column("customer", "string"))
    assert engine.preview(query, 2) == Rows(
        columns, ((1, "ada"), (2, "bob")), more=True
    )
    assert not engine.preview(query, 3).more


def test_a_preview_of_a_function_gives_it_the_session(each):
    engine, catalog = each
    rows = engine.preview(
        lambda spark: spark.table(f"{catalog}.shop.orders").select("id"), 9
    )
    assert sorted(rows.rows) == [(1,), (2,), (3,)]


def test_the_limit_is_part_of_what_the_server_runs(each):
    """The rest would take hours."""
    engine, _ = each
    rows = engine.preview("SELECT id FROM range(0, 1000000000000)", 2)
    assert rows == Rows((Column("id", "bigint"),), ((0,), (1,)), more=True)


def test_no_rows_have_columns_too(each):
    engine, catalog = each
    rows = engine.preview(f"SELECT * FROM {catalog}.shop.orders WHERE false", 5)
    assert [column.name for column in rows.columns] == [
        "id",
        "customer",
        "price",
        "parts",
    ]
    assert (rows.rows, rows.more) == ((), False)


def test_a_schema_is_known_without_running_the_query(each):
    engine, _ = each
    assert engine.schema(f"SELECT 1.5BD AS price, ({ENDLESS}) AS number") == (
        Column("price", "decimal(2,1)"),
        Column("number", "bigint"),
    )
    assert engine.schema(lambda spark: spark.range(1)) == (Column("id", "bigint"),)


def test_it_computes_as_serverless_does(each):
    """ANSI: a wrong value is an error, not NULL. Times are UTC."""
    engine, _ = each
    zone = engine.preview("SELECT current_timezone() AS zone", 1)
    assert zone.rows == (("UTC",),)
    with pytest.raises(EngineError):
        engine.preview("SELECT cast('a' AS INT)", 1)


def test_a_function_that_returns_no_dataframe_is_told_so(each):
    engine, _ = each
    with pytest.raises(EngineError) as raised:
        engine.preview(lambda spark: None, 1)
    assert str(raised.value) == (
        "no-dataframe: the function returned NoneType, not a DataFrame"
    )


def test_dataframes_can_be_made_from_python_values(each):
    engine, _ = each

    def build(spark):
        return spark.createDataFrame([(1, "a")], "id int, name string")

    assert engine.preview(build, 5).rows == ((1, "a"),)


def test_cancel_interrupts_a_query_of_another_thread(each):
    engine, _ = each
    query = EndlessQuery(engine)
    while query.is_alive():  # until it has begun, there is nothing to cancel
        engine.cancel()
        query.join(0.05)
    assert [str(error) for error in query.raised] == [
        "cancelled: the query was cancelled"
    ]
    assert engine.preview("SELECT 1 AS one", 1).rows == ((1,),)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_ctrl_c_cancels_the_query_and_stays_a_keyboard_interrupt(each):
    engine, _ = each
    interrupt = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    interrupt.start()
    with pytest.raises(KeyboardInterrupt):
        engine.preview(ENDLESS, 1)
    assert engine.preview("SELECT 1 AS one", 1).rows == ((1,),)


def test_a_query_that_takes_too_long_is_interrupted_on_the_server(
    each, monkeypatch: pytest.MonkeyPatch
):
    engine, _ = each
    engine.preview("SELECT 1", 1)
    with monkeypatch.context() as limited:
        limited.setattr(engine, "_timeout", 0.5)
        with pytest.raises(QueryStopped) as raised:
            engine.preview(ENDLESS, 1)
    [problem] = raised.value.problems
    assert problem.code == "timeout"
    assert problem.message == "the query took longer than 0.5 s and was stopped"
    assert "query_timeout_seconds" in problem.hint
    assert engine.preview("SELECT 1 AS one", 1).rows == ((1,),)


@pytest.mark.parametrize("maker", ["new_engine", "connect_to"])
def test_closing_stops_what_other_threads_do_and_waits_for_them(maker, request):
    """A channel that is closed while another thread begins a call crashes gRPC."""
    engine = request.getfixturevalue(maker)()
    query = EndlessQuery(engine)
    while not engine._tags and query.is_alive():
        time.sleep(0.01)

    engine.close()

    assert not engine._uses
    query.join()
    assert [str(error) for error in query.raised] == [
        "cancelled: the query was cancelled"
    ]


def test_code_that_uses_the_session_can_have_its_errors_explained(complaining):
    engine, catalog = complaining
    sql = f"SELECT custmer FROM {catalog}.shop.orders"
    with pytest.raises(Exception, match="custmer") as raised:
        engine.session.sql(sql).collect()
    [problem] = engine.explain(raised.value, sql).problems
    assert problem.code == "unknown-column"
    assert (problem.place.line, problem.place.column, problem.place.length) == (1, 8, 7)


def test_tables_and_their_columns_can_be_browsed(each):
    engine, catalog = each
    assert catalog in engine.catalog.catalogs()
    assert "shop" in engine.catalog.schemas(catalog)
    assert [one.name for one in engine.catalog.tables(catalog, "shop")] == ["orders"]
    details = engine.catalog.details(catalog, "shop", "orders")
    assert details.columns[2:] == (
        TableColumn("price", "decimal(4,2)"),
        TableColumn("parts", "array<int>"),
    )


@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        ("SELECT id i d FROM t", "sql-syntax", "d can't stand here"),
        ("SELECT 'abc", "sql-syntax", "a quote (') is opened and never closed"),
        ("SELECT (1 + 2", "sql-syntax", "it ends too early"),
        (
            "SELECT id,\nFROM {t}",
            "sql-syntax",
            "expected a column or an expression, found FROM",
        ),
        ("SELECT * FROM {t}s", "unknown-table", 'there is no table "{t}s"'),
        ("SELECT custmer FROM {t}", "unknown-column", 'there is no column "custmer"'),
        ("SELECT foo(id) FROM {t}", "unknown-function", 'there is no function "foo"'),
        ("SELECT cast('a' AS INT)", "bad-value", "'a' is no int"),
        ("SELECT id / 0 FROM {t}", "division-by-zero", "division by zero"),
        ("SELECT :day", "missing-parameter", "no value is given for :day"),
        ("SELECT 1 AS a UNION SELECT 1, 2", "column-count", ""),
        ("SELECT id FROM {t} WHERE count(*) > 1", "misplaced-aggregate", ""),
        ("SELECT id + parts FROM {t}", "wrong-type", ""),
    ],
)
def test_what_is_wrong_is_said_in_one_shape(complaining, query, code, message):
    engine, catalog = complaining
    table = f"{catalog}.shop.orders"
    with pytest.raises(EngineError) as raised:
        engine.preview(query.format(t=table), 5)
    [problem] = raised.value.problems
    assert problem.code == code
    assert problem.message.startswith(message.format(t=table))
    assert "\n" not in problem.message
