"""Where each column of a query comes from; compared with lists made by hand.

The longer ones are queries of the benchmarks TPC-H and TPC-DS in short form.
"""

from __future__ import annotations

import pytest

from mdf_magics.transformations.column_lineage import query_lineage

KNOWN = {
    "tpc.lineitem": [
        "l_orderkey",
        "l_partkey",
        "l_suppkey",
        "l_quantity",
        "l_extendedprice",
        "l_discount",
        "l_tax",
        "l_returnflag",
        "l_linestatus",
        "l_shipdate",
    ],
    "tpc.orders": [
        "o_orderkey",
        "o_custkey",
        "o_orderdate",
        "o_comment",
        "o_totalprice",
    ],
    "tpc.customer": ["c_custkey", "c_name", "c_nationkey"],
    "tpc.supplier": ["s_suppkey", "s_nationkey"],
    "tpc.nation": ["n_nationkey", "n_name", "n_regionkey"],
    "tpc.part": ["p_partkey", "p_type"],
    "tpc.date_dim": ["d_date_sk", "d_year", "d_moy"],
    "tpc.store_sales": [
        "ss_sold_date_sk",
        "ss_item_sk",
        "ss_customer_sk",
        "ss_net_paid",
    ],
    "tpc.web_sales": [
        "ws_sold_date_sk",
        "ws_item_sk",
        "ws_bill_customer_sk",
        "ws_net_paid",
    ],
    "tpc.item": [
        "i_item_sk",
        "i_brand_id",
        "i_brand",
        "i_category",
        "i_class",
        "i_price",
    ],
    "raw.events": ["id", "body", "tags", "at"],
}


def lineage(query: str) -> dict[str, str]:
    """Each column with what it reads, in one line; what isn't known in brackets."""
    said = {}
    for one in query_lineage(query, KNOWN):
        reads = " ".join(f"{read.table}.{read.column}" for read in one.reads)
        lost = f" ({one.unresolved})" if one.unresolved else ""
        said[one.column] = (reads.replace("tpc.", "") + lost).strip()
    return said


CASES = {
    "TPC-H 1: aggregates": (
        """
        SELECT l_returnflag, l_linestatus, sum(l_quantity) AS sum_qty,
          sum(l_extendedprice * (1 - l_discount) * (1 + l_tax)) AS sum_charge,
          count(*) AS count_order
        FROM tpc.lineitem WHERE l_shipdate <= date_sub(DATE '1998-12-01', 90)
        GROUP BY l_returnflag, l_linestatus ORDER BY 1, 2
        """,
        {
            "l_returnflag": "lineitem.l_returnflag",
            "l_linestatus": "lineitem.l_linestatus",
            "sum_qty": "lineitem.l_quantity",
            "sum_charge": "lineitem.l_discount lineitem.l_extendedprice lineitem.l_tax",
            "count_order": "",
        },
    ),
    "TPC-H 7: a table twice, under two names": (
        """
        SELECT supp, cust, year, sum(volume) AS revenue FROM (
          SELECT n1.n_name AS supp, n2.n_name AS cust, year(l_shipdate) AS year,
            l_extendedprice * (1 - l_discount) AS volume
          FROM tpc.supplier, tpc.lineitem, tpc.orders, tpc.customer, tpc.nation n1, tpc.nation n2
          WHERE s_suppkey = l_suppkey AND o_orderkey = l_orderkey AND c_custkey = o_custkey
            AND s_nationkey = n1.n_nationkey AND c_nationkey = n2.n_nationkey) AS shipping
        GROUP BY ALL
        """,
        {
            "supp": "nation.n_name",
            "cust": "nation.n_name",
            "year": "lineitem.l_shipdate",
            "revenue": "lineitem.l_discount lineitem.l_extendedprice",
        },
    ),
    "TPC-H 13: columns named by the alias of a subquery": (
        """
        SELECT c_count, count(*) AS custdist FROM (
          SELECT c_custkey, count(o_orderkey) FROM tpc.customer
          LEFT OUTER JOIN tpc.orders ON c_custkey = o_custkey GROUP BY c_custkey
        ) AS c_orders (c_custkey, c_count) GROUP BY c_count
        """,
        {"c_count": "orders.o_orderkey", "custdist": ""},
    ),
    "TPC-H 14: conditions inside an aggregate": (
        """
        SELECT 100 * sum(CASE WHEN p_type LIKE 'PROMO%' THEN l_extendedprice ELSE 0 END)
          / sum(l_extendedprice) AS promo FROM tpc.lineitem JOIN tpc.part ON l_partkey = p_partkey
        """,
        {"promo": "lineitem.l_extendedprice part.p_type"},
    ),
    "TPC-H 15: a common table expression": (
        """
        WITH revenue AS (SELECT l_suppkey AS supplier_no, sum(l_extendedprice) AS total
          FROM tpc.lineitem GROUP BY l_suppkey)
        SELECT s_suppkey, total FROM tpc.supplier, revenue
        WHERE s_suppkey = supplier_no AND total = (SELECT max(total) FROM revenue)
        """,
        {"s_suppkey": "supplier.s_suppkey", "total": "lineitem.l_extendedprice"},
    ),
    "TPC-DS 3: three tables": (
        """
        SELECT d.d_year, i_brand_id AS brand_id, i_brand AS brand, sum(ss_net_paid) AS paid
        FROM tpc.date_dim d, tpc.store_sales, tpc.item
        WHERE d.d_date_sk = ss_sold_date_sk AND ss_item_sk = i_item_sk AND d.d_moy = 11
        GROUP BY d.d_year, i_brand, i_brand_id
        """,
        {
            "d_year": "date_dim.d_year",
            "brand_id": "item.i_brand_id",
            "brand": "item.i_brand",
            "paid": "store_sales.ss_net_paid",
        },
    ),
    "TPC-DS 4: a union, read twice": (
        """
        WITH year_total AS (
          SELECT ss_customer_sk AS customer, d_year AS year, sum(ss_net_paid) AS total, 's' AS kind
          FROM tpc.store_sales JOIN tpc.date_dim ON ss_sold_date_sk = d_date_sk GROUP BY 1, 2
          UNION ALL
          SELECT ws_bill_customer_sk, d_year, sum(ws_net_paid), 'w'
          FROM tpc.web_sales JOIN tpc.date_dim ON ws_sold_date_sk = d_date_sk GROUP BY 1, 2)
        SELECT a.customer, b.total / a.total AS grew FROM year_total a
        JOIN year_total b ON a.customer = b.customer AND b.year = a.year + 1
        """,
        {
            "customer": "store_sales.ss_customer_sk web_sales.ws_bill_customer_sk",
            "grew": "store_sales.ss_net_paid web_sales.ws_net_paid",
        },
    ),
    "TPC-DS 67: rollup and a window": (
        """
        SELECT * FROM (SELECT i_category, i_class, paid,
            rank() OVER (PARTITION BY i_category ORDER BY paid DESC) AS rk
          FROM (SELECT i_category, i_class, sum(ss_net_paid) AS paid
            FROM tpc.store_sales JOIN tpc.item ON ss_item_sk = i_item_sk
            GROUP BY ROLLUP (i_category, i_class)) AS dw1) AS dw2 WHERE rk <= 100
        """,
        {
            "i_category": "item.i_category",
            "i_class": "item.i_class",
            "paid": "store_sales.ss_net_paid",
            "rk": "item.i_category store_sales.ss_net_paid",
        },
    ),
    "a common table expression with the name of a table": (
        "WITH item AS (SELECT c_name FROM tpc.customer) SELECT c_name FROM item",
        {"c_name": "customer.c_name"},
    ),
    "a path, a lateral view and QUALIFY": (
        """
        SELECT id, body:user.name::string AS who, tag FROM raw.events
        LATERAL VIEW explode(tags) t AS tag
        QUALIFY row_number() OVER (PARTITION BY id ORDER BY at DESC) = 1
        """,
        {"id": "raw.events.id", "who": "raw.events.body", "tag": "raw.events.tags"},
    ),
    "PIVOT": (
        """
        SELECT * FROM (SELECT c_custkey, c_name, c_nationkey FROM tpc.customer)
        PIVOT (max(c_name) FOR c_nationkey IN (1 AS one, 2 AS two))
        """,
        {
            "c_custkey": "customer.c_custkey",
            "one": "customer.c_name",
            "two": "customer.c_name",
        },
    ),
    "all columns but some": (
        "SELECT * EXCEPT (at, tags) FROM raw.events",
        {"id": "raw.events.id", "body": "raw.events.body"},
    ),
    "all columns of a table that isn't known": (
        "SELECT n.*, e.id FROM raw.new AS n JOIN raw.events AS e ON n.id = e.id",
        {
            "*": "raw.new.* (the columns of raw.new are not known)",
            "id": "raw.events.id",
        },
    ),
    "a column that either of two tables may have": (
        "SELECT x FROM raw.new, raw.other",
        {"x": "(it isn't known which table has x)"},
    ),
    "a column that isn't there": (
        "SELECT nope FROM raw.events",
        {"nope": "(raw.events has no column nope)"},
    ),
    "a column without a name": (
        "SELECT max(at) FROM raw.events",
        {"max(at)": "raw.events.at"},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_each_column_has_its_origins(name: str) -> None:
    query, expected = CASES[name]

    assert lineage(query) == expected
