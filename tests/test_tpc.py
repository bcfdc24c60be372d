"""The questions of TPC-H and some of TPC-DS, each as a transformation."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mdf_magics.cli import main
from mdf_magics.project import Project
from tests.tpc import Row, Tables, make_project, make_tables, to_four_digits

type Rows = list[tuple[Any, ...]]

LINEAGE = """
tpch.q01: lineitem
tpch.q02: nation part partsupp region supplier
tpch.q03: customer lineitem orders
tpch.q04: lineitem orders
tpch.q05: customer lineitem nation orders region supplier
tpch.q06: lineitem
tpch.q07: customer lineitem nation orders supplier
tpch.q08: customer lineitem nation orders part region supplier
tpch.q09: lineitem nation orders part partsupp supplier
tpch.q10: customer lineitem nation orders
tpch.q11: nation partsupp supplier
tpch.q12: lineitem orders
tpch.q13: customer orders
tpch.q14: lineitem part
tpch.q15: lineitem supplier
tpch.q16: part partsupp supplier
tpch.q17: lineitem part
tpch.q18: customer lineitem orders
tpch.q19: lineitem part
tpch.q20: lineitem nation part partsupp supplier
tpch.q21: lineitem nation orders supplier
tpch.q22: customer orders
tpcds.q01: date_dim shopper store store_returns
tpcds.q05: catalog_sales date_dim item store_sales web_sales
tpcds.q10: catalog_sales date_dim shopper store_sales web_sales
tpcds.q27: date_dim item store store_sales
tpcds.q36: date_dim item store_sales
tpcds.q38: catalog_sales date_dim shopper store_sales web_sales
tpcds.q51: date_dim store_sales web_sales
tpcds.q87: catalog_sales date_dim shopper store_sales web_sales
tpcds.q89: date_dim item store_sales
"""
"""By hand: what the text of each query reads, without the schema."""

COLUMNS = {
    "tpch.q01": {
        "l_returnflag": "lineitem.l_returnflag",
        "l_linestatus": "lineitem.l_linestatus",
        "sum_qty": "lineitem.l_quantity",
        "sum_base_price": "lineitem.l_extendedprice",
        "sum_disc_price": "lineitem.l_discount lineitem.l_extendedprice",
        "sum_charge": "lineitem.l_discount lineitem.l_extendedprice lineitem.l_tax",
        "avg_qty": "lineitem.l_quantity",
        "avg_price": "lineitem.l_extendedprice",
        "avg_disc": "lineitem.l_discount",
        "count_order": "",
    },
    "tpch.q08": {
        "o_year": "orders.o_orderdate",
        "mkt_share": "lineitem.l_discount lineitem.l_extendedprice nation.n_name",
    },
    "tpch.q09": {
        "nation": "nation.n_name",
        "o_year": "orders.o_orderdate",
        "sum_profit": (
            "lineitem.l_discount lineitem.l_extendedprice lineitem.l_quantity"
            " partsupp.ps_supplycost"
        ),
    },
    "tpcds.q05": {
        "channel": "",
        "category": "item.i_category",
        "sales": (
            "catalog_sales.cs_sales_price store_sales.ss_sales_price"
            " web_sales.ws_sales_price"
        ),
        "profit": (
            "catalog_sales.cs_net_profit store_sales.ss_net_profit"
            " web_sales.ws_net_profit"
        ),
    },
}

TABLES = [line.split(":")[0] for line in LINEAGE.split("\n") if line]


def mdf(folder: Path, *words: str) -> dict[str, Any]:
    done = CliRunner().invoke(main, ["-C", str(folder), *words, "--json"])
    assert done.exit_code == 0, done.output
    said: dict[str, Any] = json.loads(done.stdout)
    return said


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_project(tmp_path_factory.mktemp("tpc"))


def test_the_tables_that_each_query_reads_are_found(project: Path) -> None:
    found = {
        table["name"]: " ".join(one.split(".")[1] for one in table["upstream"])
        for table in mdf(project, "list")["tables"]
        if table["transformation"] != "landed"
    }

    assert found == dict(line.split(": ") for line in LINEAGE.strip().split("\n"))


@pytest.mark.parametrize("table", COLUMNS)
def test_the_columns_that_each_column_comes_from_are_found(
    project: Path, table: str
) -> None:
    """The tables are files with a schema, taken as they are, and nothing is built."""
    found = {
        one["column"]: " ".join(
            f"{read['table'].split('.')[1]}.{read['column']}" for read in one["reads"]
        )
        + (one["unresolved"] or "")
        for one in mdf(project, "graph", table, "--columns")["columns"]
        if one["table"] == table
    }

    assert found == COLUMNS[table]


def pricing_summary(tables: Tables) -> Rows:
    groups = defaultdict(list)
    for line in tables["lineitem"]:
        if line["l_shipdate"] <= date(1998, 9, 2):
            groups[line["l_returnflag"], line["l_linestatus"]].append(line)
    return [
        (
            *key,
            total(lines, "l_quantity"),
            total(lines, "l_extendedprice"),
            sum(map(price, lines)),
            sum(price(line) * (1 + line["l_tax"]) for line in lines),
            mean(lines, "l_quantity"),
            mean(lines, "l_extendedprice"),
            mean(lines, "l_discount"),
            len(lines),
        )
        for key, lines in groups.items()
    ]


def revenue_forecast(tables: Tables) -> Rows:
    revenue = sum(
        line["l_extendedprice"] * line["l_discount"]
        for line in tables["lineitem"]
        if line["l_shipdate"].year == 1994
        and Decimal("0.05") <= line["l_discount"] <= Decimal("0.07")
        and line["l_quantity"] < 24
    )
    return [(revenue,)]


def customer_distribution(tables: Tables) -> Rows:
    orders = Counter(
        order["o_custkey"]
        for order in tables["orders"]
        if not re.search("special.*requests", order["o_comment"])
    )
    counts = Counter(orders[customer["c_custkey"]] for customer in tables["customer"])
    return list(counts.items())


def large_orders(tables: Tables) -> Rows:
    names = {one["c_custkey"]: one["c_name"] for one in tables["customer"]}
    lines = lines_of_orders(tables)
    return [
        (
            names[order["o_custkey"]],
            *(order[f"o_{one}"] for one in ("custkey", "orderkey", "orderdate")),
            order["o_totalprice"],
            quantity,
        )
        for order in tables["orders"]
        if (quantity := total(lines[order["o_orderkey"]], "l_quantity")) > 120
    ]


def waiting_suppliers(tables: Tables) -> Rows:
    """Those who alone were late with a finished order of several suppliers."""
    home = {one["s_suppkey"]: one["s_nationkey"] for one in tables["supplier"]}
    names = {one["s_suppkey"]: one["s_name"] for one in tables["supplier"]}
    (arabia,) = (
        one["n_nationkey"]
        for one in tables["nation"]
        if one["n_name"] == "SAUDI ARABIA"
    )
    lines = lines_of_orders(tables)
    waits: Counter[str] = Counter()
    for order in tables["orders"]:
        own = lines[order["o_orderkey"]]
        late = [
            one["l_suppkey"]
            for one in own
            if one["l_receiptdate"] > one["l_commitdate"]
        ]
        several = len({one["l_suppkey"] for one in own}) > 1
        if order["o_orderstatus"] == "F" and several and len({*late}) == 1:
            waits.update(names[key] for key in late if home[key] == arabia)
    return list(waits.items())


def channel_totals(tables: Tables) -> Rows:
    days = {one["d_date_sk"]: one["d_date"] for one in tables["date_dim"]}
    categories = {one["i_item_sk"]: one["i_category"] for one in tables["item"]}
    sums: dict[tuple[str | None, str | None], list[Decimal]] = defaultdict(
        lambda: [Decimal(0), Decimal(0)]
    )
    for channel, prefix in (("store", "ss"), ("catalog", "cs"), ("web", "ws")):
        for sale in tables[f"{channel}_sales"]:
            day = days[sale[f"{prefix}_sold_date_sk"]]
            if not date(2000, 8, 1) <= day <= date(2000, 10, 30):
                continue
            name, category = f"{channel} channel", categories[sale[f"{prefix}_item_sk"]]
            for key in ((name, category), (name, None), (None, None)):
                sums[key][0] += sale[f"{prefix}_sales_price"]
                sums[key][1] += sale[f"{prefix}_net_profit"]
    return [(*key, *values) for key, values in sums.items()]


def bought_in_stores_only(tables: Tables) -> Rows:
    names = {
        one["c_customer_sk"]: (one["c_last_name"], one["c_first_name"])
        for one in tables["shopper"]
    }
    stores = {names[one["ss_customer_sk"]] for one in tables["store_sales"]}
    catalog = {names[one["cs_bill_customer_sk"]] for one in tables["catalog_sales"]}
    web = {names[one["ws_bill_customer_sk"]] for one in tables["web_sales"]}
    return list(stores - catalog - web)


def price(line: Row) -> Decimal:
    discounted: Decimal = line["l_extendedprice"] * (1 - line["l_discount"])
    return discounted


def total(rows: list[Row], column: str) -> Decimal:
    return sum((row[column] for row in rows), Decimal(0))


def mean(rows: list[Row], column: str) -> Decimal:
    return total(rows, column) / len(rows)


def lines_of_orders(tables: Tables) -> dict[int, list[Row]]:
    found = defaultdict(list)
    for line in tables["lineitem"]:
        found[line["l_orderkey"]].append(line)
    return found


FIGURES: dict[str, Callable[[Tables], Rows]] = {
    "tpch.q01": pricing_summary,
    "tpch.q06": revenue_forecast,
    "tpch.q13": customer_distribution,
    "tpch.q18": large_orders,
    "tpch.q21": waiting_suppliers,
    "tpcds.q05": channel_totals,
    "tpcds.q87": bought_in_stores_only,
}
"""Some of the queries in plain Python."""


@pytest.fixture(scope="module")
def on_jobs(project: Path) -> dict[str, Rows]:
    return built(project)


def built(folder: Path) -> dict[str, Rows]:
    """The rows of each query after a run, in an order that the rows give."""
    mdf(folder, "deploy")
    ran = mdf(folder, "run")["tables"]
    assert {one["status"] for one in ran} == {"succeeded"}
    project = Project(folder)
    try:
        shown = {table: project.preview(table, 1000).preview for table in TABLES}
    finally:
        project.close()
    assert {how for one in shown.values() for how in one.upstream.values()} == {"read"}
    return {
        table: sorted((tuple(row) for row in one.rows.rows), key=repr)
        for table, one in shown.items()
    }


@pytest.mark.full
class TestRows:
    def test_pipelines_make_the_rows_of_jobs(
        self, on_jobs: dict[str, Rows], tmp_path: Path
    ) -> None:
        other = make_project(tmp_path / "other")
        settings = other / "definitions" / "mdf.yml"
        settings.write_text(settings.read_text().replace(": job}", ": pipeline}"))

        assert built(other) == on_jobs

    def test_every_query_finds_something(self, on_jobs: dict[str, Rows]) -> None:
        empty = [
            table
            for table, rows in on_jobs.items()
            if not any(value is not None for row in rows for value in row)
        ]

        assert empty == []

    @pytest.mark.parametrize("table", FIGURES)
    def test_rows_are_those_of_plain_python(
        self, on_jobs: dict[str, Rows], table: str
    ) -> None:
        expected = map(to_four_digits, FIGURES[table](make_tables()))

        assert Counter(map(to_four_digits, on_jobs[table])) == Counter(expected)
