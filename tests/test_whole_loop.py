"""From an empty folder to tables and state, with the command; then again."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

CELLS = """\
%%mdf_tables
group: bronze
for_each: {what: [orders, customers]}
name: bronze.${each.what}
parameters:
  source: {type: files, value: {path: "${project.root}/landing/${each.what}.csv", format: csv, options: {header: true}}}
---
SELECT * FROM {{ source }}

%%mdf_transformation newest
parameters: {source: table, keys: columns, order_by: column}
---
SELECT * FROM (
  SELECT *, row_number() OVER (PARTITION BY {{ keys }} ORDER BY {{ order_by }} DESC) AS place
  FROM {{ source }}) WHERE place = 1

%%mdf_tables newest
group: silver
for_each:
  what: [orders, customers]
  keys: [[Id], [Customer ID]]
name: silver.${each.what}
arguments: {source: "bronze.${each.what}", keys: "${each.keys}", order_by: changed}

%%mdf_transformation priced
---
from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def priced(orders: DataFrame, factor: float = 2.0) -> DataFrame:
    return orders.withColumn("price", F.col("amount").cast("double") * factor)

%%mdf_table gold.prices
transformation: priced
arguments: {orders: silver.orders}
expectations:
  - {name: cheap, check: price < 100, on_failure: drop}

%%mdf_table gold.by_customer
parameters: {least: 1}
---
SELECT c.`Name`, count(*) AS orders, sum(p.price) AS price
FROM gold.prices AS p JOIN silver.customers AS c ON c.`Customer ID` = p.customer
GROUP BY c.`Name` HAVING count(*) >= {{ least }}

%%mdf_table gold.names
write: view
---
SELECT `Name` FROM silver.customers
"""

ORDERS = """\
Id,customer,amount,changed
1,a,10,2024-01-01
1,a,20,2024-01-02
2,b,30,2024-01-01
3,b,70,2024-01-01
"""

CUSTOMERS = """\
Customer ID,Name,changed
a,Ada,2024-01-01
b,Bo,2024-01-01
"""


def mdf(folder: Path, *words: str, code: int = 0) -> str:
    """Run the command in a folder and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "mdf_magics", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A project of seven tables, defined but not deployed."""
    landing = tmp_path / "landing"
    landing.mkdir()
    (landing / "orders.csv").write_text(ORDERS)
    (landing / "customers.csv").write_text(CUSTOMERS)
    (tmp_path / "cells.txt").write_text(CELLS)
    mdf(tmp_path, "init")
    mdf(tmp_path, "add", "cells.txt", "--no-preview")
    return tmp_path


def rows(folder: Path, table: str) -> list[list[object]]:
    return sorted(json.loads(mdf(folder, "preview", table, "--json"))["rows"])


def state(folder: Path) -> list[tuple[str, str]]:
    with sqlite3.connect(folder / ".mdf" / "state.db") as database:
        return sorted(database.execute("SELECT key, remote_id FROM mdf_state"))


def test_from_an_empty_folder_to_tables_and_state(shop: Path) -> None:
    expected = [["Ada", 1, 40.0], ["Bo", 1, 60.0]]
    before = json.loads(mdf(shop, "preview", "gold.by_customer", "--json"))
    assert sorted(before["rows"]) == expected
    assert set(before["upstream"].values()) == {"computed"}

    plan = json.loads(mdf(shop, "plan", "--json"))
    assert [one["action"] for one in plan["actions"]] == ["create"] * 4
    assert json.loads(mdf(shop, "deploy", "--json"))["failed"] == []
    ran = json.loads(mdf(shop, "run", "--json"))
    assert {one["status"] for one in ran["tables"]} == {"succeeded"}
    assert len(ran["tables"]) == 7

    after = json.loads(mdf(shop, "preview", "gold.by_customer", "--json"))
    assert sorted(after["rows"]) == expected
    assert set(after["upstream"].values()) == {"read"}
    status = json.loads(mdf(shop, "status", "--json"))
    assert {one["status"] for one in status["resources"]} == {"deployed"}
    written = {one["name"]: one["rows"] for one in status["tables"]}
    assert written["silver.orders"] == 3
    assert written["gold.prices"] == 2


def test_a_second_deploy_changes_nothing(shop: Path) -> None:
    mdf(shop, "deploy")
    first = state(shop)
    journal = (shop / ".mdf" / "state.db").read_bytes()

    assert "up to date" in mdf(shop, "deploy")
    assert "up to date" in mdf(shop, "plan", "--exit-code")
    assert state(shop) == first
    assert (shop / ".mdf" / "state.db").read_bytes() == journal


def test_two_compiles_write_the_same_bytes(shop: Path) -> None:
    mdf(shop, "compile")
    first = contents(shop / "workflows")
    shutil.rmtree(shop / "workflows")
    mdf(shop, "compile", "--check", code=3)
    mdf(shop, "compile")

    assert contents(shop / "workflows") == first
    mdf(shop, "compile", "--check")


def test_everything_can_be_done_again_without_the_local_folder(shop: Path) -> None:
    mdf(shop, "deploy")
    mdf(shop, "run")
    before = rows(shop, "gold.by_customer")
    shutil.rmtree(shop / ".mdf")

    assert rows(shop, "gold.by_customer") == before
    mdf(shop, "deploy")
    mdf(shop, "run")
    assert rows(shop, "gold.by_customer") == before
    assert len(state(shop)) == 4


def test_some_tables_can_be_run_with_what_they_read(shop: Path) -> None:
    mdf(shop, "deploy")

    ran = json.loads(mdf(shop, "run", "+silver.orders", "--json"))

    names = [one["name"] for one in ran["tables"]]
    assert names == ["bronze.orders", "silver.orders"]


def test_running_the_cells_again_changes_no_byte(shop: Path) -> None:
    before = contents(shop / "definitions")
    mdf(shop, "add", "cells.txt", "--no-preview")
    assert contents(shop / "definitions") == before


@pytest.mark.parametrize("verb", ["deploy", "run"])
def test_a_killed_command_leaves_nothing_half_done(shop: Path, verb: str) -> None:
    if verb == "run":
        mdf(shop, "deploy")
    for seconds in (0.6, 0.9, 1.2):
        process = subprocess.Popen(
            [sys.executable, "-m", "mdf_magics", verb],
            cwd=shop,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        process.wait()

    mdf(shop, "deploy", "--wait")  # one that was killed holds its lease for 2 minutes
    mdf(shop, "run")
    with sqlite3.connect(shop / ".mdf" / "workspace" / "workspace.db") as database:
        names = [one for (one,) in database.execute("SELECT name FROM resources")]
    assert len(names) == len(set(names)) == 4
    assert rows(shop, "gold.by_customer") == [["Ada", 1, 40.0], ["Bo", 1, 60.0]]


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
