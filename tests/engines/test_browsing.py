"""What there is to read, as onboarding and completion ask for it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from mdf_magics.engines.browsing import Catalog, TableColumn, TableDetails, TableEntry
from mdf_magics.errors import EngineError, Problem


class Counting:
    """A listing that counts its answers, and gives none while it is closed."""

    def __init__(self) -> None:
        self.seconds_kept = 600.0
        self.asked: list[str] = []
        self.open = threading.Event()
        self.open.set()
        self.broken = False

    def catalogs(self) -> list[str]:
        return ["main"]

    def schemas(self, catalog: str) -> list[str]:
        return ["silver", "bronze"]

    def tables(self, catalog: str, schema: str) -> Iterator[TableEntry]:
        self.asked.append(f"{catalog}.{schema}")
        self.open.wait(10)
        if self.broken:
            raise EngineError(Problem("permission-denied", "no"))
        yield from (TableEntry("planes"), TableEntry("crews", "view"))

    def details(self, catalog: str, schema: str, table: str) -> TableDetails:
        return TableDetails((TableColumn("id", "int"),), ("id",))


def names(entries: tuple[TableEntry, ...]) -> list[str]:
    return [entry.name for entry in entries]


def test_answers_are_sorted_and_asked_for_once():
    listing = Counting()
    catalog = Catalog(listing)

    assert listing.asked == []
    assert catalog.schemas("main") == ("bronze", "silver")
    assert names(catalog.tables("main", "bronze")) == ["crews", "planes"]
    assert names(catalog.tables("main", "bronze")) == ["crews", "planes"]
    assert listing.asked == ["main.bronze"]


def test_forgotten_or_old_answers_are_asked_for_anew():
    listing = Counting()
    catalog = Catalog(listing)
    catalog.tables("main", "bronze")
    catalog.forget()
    catalog.tables("main", "bronze")
    listing.seconds_kept = 0
    catalog.tables("main", "bronze")

    assert listing.asked == ["main.bronze"] * 3


def test_who_does_not_wait_gets_nothing_first_and_the_answer_later():
    listing = Counting()
    listing.open.clear()
    catalog = Catalog(listing)

    assert catalog.tables("main", "bronze", wait=False) == ()
    assert catalog.tables("main", "bronze", wait=False) == ()
    listing.open.set()
    assert names(catalog.tables("main", "bronze")) == ["crews", "planes"]
    assert names(catalog.tables("main", "bronze", wait=False)) == ["crews", "planes"]
    assert listing.asked == ["main.bronze"]


def test_a_failure_is_told_to_who_waits_and_not_kept():
    listing = Counting()
    listing.broken = True
    catalog = Catalog(listing)

    assert catalog.tables("main", "bronze", wait=False) == ()
    with pytest.raises(EngineError, match="permission-denied"):
        catalog.tables("main", "bronze")
    listing.broken = False
    assert names(catalog.tables("main", "bronze")) == ["crews", "planes"]


def test_the_warehouse_is_a_catalog(new_engine):
    engine = new_engine()
    engine.create_schema("shop")
    engine.run(
        "CREATE TABLE main.shop.orders (id INT NOT NULL COMMENT 'number',"
        " price DECIMAL(10,2), parts ARRAY<STRUCT<name: STRING>>) USING delta COMMENT 'sold'"
    )

    assert engine.catalog.catalogs() == ("main",)
    assert engine.catalog.schemas("main") == ("shop",)
    assert engine.catalog.tables("main", "shop") == (TableEntry("orders"),)
    assert engine.catalog.details("main", "shop", "orders") == TableDetails(
        columns=(
            TableColumn("id", "int", "number", nullable=False),
            TableColumn("price", "decimal(10,2)"),
            TableColumn("parts", "array<struct<name:string>>"),
        ),
        comment="sold",
    )
    assert engine.catalog.schemas("other") == ()
    with pytest.raises(EngineError, match="there is no table"):
        engine.catalog.details("main", "shop", "order")


def test_the_warehouse_is_listed_without_starting_a_server(new_engine):
    writer, engine = new_engine(), new_engine()
    writer.create_schema("shop")
    writer.run("CREATE TABLE main.shop.orders USING delta AS SELECT 1 AS id")

    assert names(engine.catalog.tables("main", "shop")) == ["orders"]
    assert engine._connection is None


def test_what_this_engine_makes_is_seen_at_once(new_engine):
    engine = new_engine()
    engine.create_schema("shop")
    assert engine.catalog.tables("main", "shop") == ()
    engine.run("CREATE TABLE main.shop.orders USING delta AS SELECT 1 AS id")
    assert names(engine.catalog.tables("main", "shop")) == ["orders"]
    with engine.cancellable() as session:
        session.sql("CREATE TABLE main.shop.parts USING delta AS SELECT 1 AS id")
    assert names(engine.catalog.tables("main", "shop")) == ["orders", "parts"]
