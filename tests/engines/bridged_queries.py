"""Queries in Databricks' SQL that Sail doesn't take as they stand.

Each is compared with rows written out here (test_bridge.py), and with those of
open-source Spark where that is there.
"""

from __future__ import annotations

from typing import Any

TABLES = {
    "sales": "SELECT * FROM VALUES (1, 'a', 10, '{\"x\":{\"y\":[7,8]}}'), (1, 'b', 20, '{}'),"
    " (2, 'a', 5, NULL), (2, 'a', 6, NULL) AS v(k, q, n, j)",
    "names": "SELECT * FROM VALUES (1, 'one'), (3, 'three') AS v(k, name)",
}

DATABRICKS_ONLY = {"path", "names of functions", "qualify of groups"}
"""What open-source Spark hasn't either."""

QUERIES: dict[str, tuple[str, list[tuple[Any, ...]]]] = {
    "qualify": (
        "SELECT k, q FROM {sales} QUALIFY row_number() OVER (PARTITION BY k ORDER BY n) = 1",
        [(1, "a"), (2, "a")],
    ),
    "qualify by an alias": (
        (
            "SELECT k, rank() OVER (PARTITION BY k ORDER BY n DESC) AS place FROM {sales}"
            " WHERE q = 'a' QUALIFY place = 1 AND k > 1"
        ),
        [(2, 1)],
    ),
    "qualify of all columns": (
        "SELECT * FROM (SELECT k, n FROM {sales}) QUALIFY max(n) OVER (PARTITION BY k) = n",
        [(1, 20), (2, 6)],
    ),
    "qualify, then order and limit": (
        (
            "SELECT k, n FROM {sales} QUALIFY row_number() OVER (PARTITION BY q ORDER BY n) < 3"
            " ORDER BY q, n DESC LIMIT 2"
        ),
        [(2, 5), (2, 6)],
    ),
    "qualify, then distinct": (
        "SELECT DISTINCT q FROM {sales} QUALIFY count(*) OVER (PARTITION BY q) > 1",
        [("a",)],
    ),
    "qualify of groups": (
        (
            "SELECT k, sum(n) AS total FROM {sales} GROUP BY k"
            " QUALIFY rank() OVER (ORDER BY sum(n) DESC) = 1"
        ),
        [(1, 30)],
    ),
    "qualify inside": (
        (
            "WITH last AS (SELECT * FROM {sales} QUALIFY row_number() OVER (PARTITION BY k"
            " ORDER BY n DESC) = 1) SELECT k, n FROM last WHERE n > 6"
        ),
        [(1, 20)],
    ),
    "path": (
        "SELECT j:x.y[0]::INT AS y, j:nothing AS z FROM {sales} WHERE j IS NOT NULL",
        [(7, None), (None, None)],
    ),
    "group by all": (
        "SELECT k, q, sum(n) AS n FROM {sales} GROUP BY ALL",
        [(1, "a", 10), (1, "b", 20), (2, "a", 11)],
    ),
    "group by all with an expression": (
        "SELECT upper(q) AS u, 1 + count(*) AS c FROM {sales} GROUP BY ALL",
        [("A", 4), ("B", 2)],
    ),
    "group by all without a group": (
        "SELECT max(n) FROM {sales} GROUP BY ALL",
        [(20,)],
    ),
    "group and order by all": (
        "SELECT q, count(*) AS c FROM {sales} GROUP BY ALL ORDER BY ALL DESC LIMIT 1",
        [("b", 1)],
    ),
    "except": ("SELECT * EXCEPT (j, n) FROM {sales} WHERE n = 5", [(2, "a")]),
    "except of one table": (
        "SELECT s.* EXCEPT (j, q), t.name FROM {sales} AS s JOIN {names} AS t ON s.k = t.k",
        [(1, 10, "one"), (1, 20, "one")],
    ),
    "except of a later query": (
        (
            "WITH a AS (SELECT k, n, q FROM {sales}), b AS (SELECT * EXCEPT (q) FROM a)"
            " SELECT * EXCEPT (k) FROM b WHERE n < 7"
        ),
        [(5,), (6,)],
    ),
    "pivot": (
        "SELECT * FROM (SELECT k, q, n FROM {sales}) PIVOT (sum(n) FOR q IN ('a', 'b'))",
        [(1, 10, 20), (2, 11, None)],
    ),
    "pivot of several": (
        (
            "SELECT k, x_s, x_c, b_s, b_c FROM (SELECT k, q, n FROM {sales})"
            " PIVOT (sum(n) AS s, count(n) AS c FOR q IN ('a' AS x, 'b'))"
        ),
        [(1, 10, 1, 20, 1), (2, 11, 2, None, None)],
    ),
    "from first": ("FROM {names} SELECT name WHERE k = 1", [("one",)]),
    "from alone": ("FROM {names}", [(1, "one"), (3, "three")]),
    "pipes": (
        "FROM {sales} |> WHERE n < 20 |> AGGREGATE sum(n) AS n GROUP BY k |> ORDER BY k",
        [(1, 10), (2, 11)],
    ),
    "using, named with its table": (
        "SELECT s.k, t.name FROM {sales} AS s JOIN {names} AS t USING (k)",
        [(1, "one"), (1, "one")],
    ),
    "using, what isn't there on the right": (
        "SELECT k, s.n FROM {sales} AS s LEFT JOIN {names} AS t USING (k) WHERE t.k IS NULL",
        [(2, 5), (2, 6)],
    ),
    "an alias in the next column": (
        "SELECT n + 1 AS m, m * 2 AS double FROM {sales} WHERE k = 1",
        [(11, 22), (21, 42)],
    ),
    "an alias that is a column too": (
        "SELECT n + 1 AS n, n * 2 AS double FROM {sales} WHERE k = 1",
        [(11, 20), (21, 40)],
    ),
    "like any": (
        "SELECT name FROM {names} WHERE name LIKE ANY ('o%', 'x%')",
        [("one",)],
    ),
    "like all": (
        "SELECT name FROM {names} WHERE name LIKE ALL ('t%', '%ee')",
        [("three",)],
    ),
    "names of functions": (
        "SELECT iff(k = 1, 'x', 'y'), charindex('n', name) FROM {names}",
        [("x", 2), ("y", 0)],
    ),
}
