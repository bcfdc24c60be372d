"""A small world for the queries of TPC-H and TPC-DS: the same rows each time.

Names and figures are drawn from short lists that hold what the queries ask for,
so that few hundred rows are enough for most of them to find something.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

Row = dict[str, Any]
Tables = dict[str, list[Row]]

REGIONS = ["AFRICA", "AMERICA", "ASIA", "EUROPE", "MIDDLE EAST"]
NATIONS = {
    "BRAZIL": (2, 1),
    "CANADA": (3, 1),
    "FRANCE": (6, 3),
    "GERMANY": (7, 3),
    "INDIA": (8, 2),
    "CHINA": (18, 2),
    "SAUDI ARABIA": (20, 4),
}
"""Each with its key and that of its region."""

PRIORITIES = ["1-URGENT", "2-HIGH", "3-MEDIUM", "4-NOT SPECIFIED", "5-LOW"]
TYPES = [
    "ECONOMY ANODIZED STEEL",
    "PROMO BURNISHED COPPER",
    "MEDIUM POLISHED BRASS",
    "SMALL PLATED BRASS",
]


DEFINITIONS = Path(__file__).parent / "data" / "tpc" / "definitions"


def make_project(folder: Path) -> Path:
    """Make a project of the queries, with its files, all on jobs of the local target."""
    shutil.copytree(DEFINITIONS, folder / "definitions")
    write_tables(make_tables(), folder / "landing")
    return folder


def to_four_digits(row: Iterable[Any]) -> tuple[Any, ...]:
    """Leave out the digits in which engines differ: Sail cuts means, Spark rounds."""
    return tuple(
        round(float(value), 4) if isinstance(value, Decimal | float) else value
        for value in row
    )


def make_tables() -> Tables:
    """Return the rows of each table."""
    return _of_tpch(Random(22)) | _of_tpcds(Random(99))


def write_tables(tables: Tables, folder: Path) -> None:
    """Write each table as a CSV file with a header."""
    folder.mkdir()
    for name, rows in tables.items():
        with (folder / f"{name}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)


def _rows(prefix: str, columns: str, values: list[tuple[Any, ...]]) -> list[Row]:
    names = [f"{prefix}_{one}" for one in columns.split()]
    return [dict(zip(names, row, strict=True)) for row in values]


def _money(random: Random, least: int, most: int) -> Decimal:
    return Decimal(random.randint(least * 100, most * 100)) / 100


def _of_tpch(random: Random) -> Tables:
    keys = [key for key, _ in NATIONS.values()]
    suppliers = [
        (
            key,
            f"Supplier#{key}",
            f"{key} Dock Road",
            keys[key % 7],
            f"{keys[key % 7] + 10}-555-{key:04}",
            _money(random, -900, 9000),
            "Customer called: Complaints" if key % 9 == 0 else "on time",
        )
        for key in range(1, 29)
    ]
    customers = [
        (
            key,
            f"Customer#{key}",
            f"{key} High Street",
            keys[key % 7],
            f"{keys[key % 7] + 10}-555-{key:04}",
            _money(random, -900, 9000),
            random.choice(["BUILDING", "MACHINERY"]),
            "regular",
        )
        for key in range(1, 61)
    ]
    parts = [
        (
            key,
            f"{random.choice(['forest', 'lemon'])} {random.choice(['green', 'blush'])}",
            f"Manufacturer#{key % 5}",
            f"Brand#{random.choice([12, 23, 34, 45])}",
            TYPES[key % 4],
            random.choice([3, 9, 15]),
            random.choice(["SM CASE", "MED BOX", "LG BOX"]),
        )
        for key in range(1, 41)
    ]
    offers = [
        (part, (part + 7 * step) % 28 + 1, random.randint(1, 120), _money(random, 1, 9))
        for part in range(1, 41)
        for step in range(1, 4)
    ]
    orders: list[tuple[Any, ...]] = []
    lines: list[tuple[Any, ...]] = []
    for key in range(1, 301):
        ordered = date(1993, 6, 1) + timedelta(random.randrange(1100))
        own = _lines_of(key, ordered, offers, random)
        lines += own
        # Every third customer never orders, as in the benchmark.
        customer = random.choice([one for one in range(1, 61) if one % 3])
        comment = "special packages, urgent requests" if key % 6 == 0 else "plain"
        orders.append(
            (
                key,
                customer,
                "F" if all(line[9] == "F" for line in own) else "O",
                sum((line[5] for line in own), Decimal(0)),
                ordered,
                random.choice(PRIORITIES),
                0,
                comment,
            )
        )
    return {
        "region": _rows("r", "regionkey name", list(enumerate(REGIONS))),
        "nation": _rows(
            "n",
            "nationkey name regionkey",
            [(key, name, region) for name, (key, region) in NATIONS.items()],
        ),
        "supplier": _rows(
            "s", "suppkey name address nationkey phone acctbal comment", suppliers
        ),
        "customer": _rows(
            "c",
            "custkey name address nationkey phone acctbal mktsegment comment",
            customers,
        ),
        "part": _rows("p", "partkey name mfgr brand type size container", parts),
        "partsupp": _rows("ps", "partkey suppkey availqty supplycost", offers),
        "orders": _rows(
            "o",
            "orderkey custkey orderstatus totalprice orderdate orderpriority"
            " shippriority comment",
            orders,
        ),
        "lineitem": _rows(
            "l",
            "orderkey partkey suppkey linenumber quantity extendedprice discount tax"
            " returnflag linestatus shipdate commitdate receiptdate shipinstruct"
            " shipmode",
            lines,
        ),
    }


def _lines_of(
    order: int, ordered: date, offers: list[tuple[Any, ...]], random: Random
) -> list[tuple[Any, ...]]:
    lines: list[tuple[Any, ...]] = []
    for number in range(1, random.randint(1, 5) + 1):
        part, supplier, _, _ = random.choice(offers)
        quantity = random.randint(1, 50)
        shipped = ordered + timedelta(random.randint(1, 90))
        received = shipped + timedelta(random.randint(1, 30))
        arrived = received <= date(1995, 6, 17)
        lines.append(
            (
                order,
                part,
                supplier,
                number,
                Decimal(quantity),
                Decimal(quantity * (900 + part)) / 10,
                Decimal(random.randint(0, 10)) / 100,
                Decimal(random.randint(0, 8)) / 100,
                random.choice("RA") if arrived else "N",
                "F" if shipped <= date(1995, 6, 17) else "O",
                shipped,
                ordered + timedelta(random.randint(30, 120)),
                received,
                random.choice(["DELIVER IN PERSON", "NONE"]),
                random.choice(["AIR", "REG AIR", "MAIL", "SHIP"]),
            )
        )
    return lines


def _of_tpcds(random: Random) -> Tables:
    first = date(2000, 1, 1)
    days = [first + timedelta(number) for number in range(0, 731, 3)]

    def sale(more: int) -> tuple[Any, ...]:
        return (
            random.randint(1, len(days)),
            random.randint(1, 12),
            random.randint(1, 40),
            *(random.randint(1, 4) for _ in range(more)),
            random.randint(1, 9),
            _money(random, 1, 90),
            _money(random, -20, 20),
        )

    sold = "sold_date_sk item_sk {}customer_sk {}quantity sales_price net_profit"
    returns = [(*sale(1)[:4], _money(random, 1, 90)) for _ in range(150)]
    categories = ["Books", "Music", "Shoes"]
    shoppers = [
        (
            key,
            f"SHOPPER{key:04}",
            f"First{key % 11}",
            f"Last{key % 13}",
            random.choice(["TN", "OH", "TX", "WA"]),
        )
        for key in range(1, 41)
    ]
    items = [
        (
            key,
            f"ITEM{key:04}",
            f"brand {key % 5}",
            f"class {key % 2}",
            categories[key % 3],
            _money(random, 1, 90),
        )
        for key in range(1, 13)
    ]
    return {
        "date_dim": _rows(
            "d",
            "date_sk date year moy",
            [(key, day, day.year, day.month) for key, day in enumerate(days, 1)],
        ),
        "item": _rows("i", "item_sk item_id brand class category current_price", items),
        "store": _rows(
            "s",
            "store_sk store_name state",
            [(key, f"Store {key}", "TN" if key < 3 else "OH") for key in range(1, 5)],
        ),
        "shopper": _rows(
            "c", "customer_sk customer_id first_name last_name state", shoppers
        ),
        "store_sales": _rows(
            "ss", sold.format("", "store_sk "), [sale(1) for _ in range(300)]
        ),
        "store_returns": _rows(
            "sr", "returned_date_sk item_sk customer_sk store_sk return_amt", returns
        ),
        "catalog_sales": _rows(
            "cs", sold.format("bill_", ""), [sale(0) for _ in range(70)]
        ),
        "web_sales": _rows(
            "ws", sold.format("bill_", ""), [sale(0) for _ in range(70)]
        ),
    }
