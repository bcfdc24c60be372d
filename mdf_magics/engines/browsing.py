"""What there is to read: catalogs, schemas, tables, columns, keys, comments.

For onboarding, completion and "did you mean". An engine's `catalog` is asked so:

    engine.catalog.schemas("main")                      # ("bronze", "silver")
    engine.catalog.tables("main", "bronze")             # of name, kind and comment
    engine.catalog.details("main", "bronze", "planes")  # columns, primary key, comment

Each answer is fetched when it is asked for, and kept. Code that must not wait, such as
completion, says `wait=False`: it gets what is known by now, else nothing, and what is
missing is fetched in the background for the next time. Any thread may ask.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class TableEntry:
    """A table in a list of tables."""

    name: str
    kind: str = "table"
    """`table`, `view`, or what the catalog says: `materialized view`."""
    comment: str = ""
    """Empty where listing doesn't bring it; `details` does."""


@dataclass(frozen=True)
class TableColumn:
    """A column of a table, its type as the engine names it (`decimal(10,2)`)."""

    name: str
    type: str
    comment: str = ""
    nullable: bool = True
    """Whether it may hold NULL, where the catalog says it."""


@dataclass(frozen=True)
class TableDetails:
    """What a catalog knows about one table."""

    columns: tuple[TableColumn, ...]
    primary_key: tuple[str, ...] = ()
    """The columns that identify a row, where the catalog knows them."""
    comment: str = ""


class Listing(Protocol):
    """Where an engine looks these things up, each time anew.

    Everything raises EngineError.
    """

    seconds_kept: float
    """How long an answer counts: long where asking costs a round trip."""

    def catalogs(self) -> Iterable[str]:
        """The names of all catalogs."""

    def schemas(self, catalog: str) -> Iterable[str]:
        """The names of a catalog's schemas."""

    def tables(self, catalog: str, schema: str) -> Iterable[TableEntry]:
        """A schema's tables and views."""

    def details(self, catalog: str, schema: str, table: str) -> TableDetails:
        """A table's columns and what else is known."""


class Catalog:
    """What a listing says, kept for a while.

    All methods raise EngineError where the engine can't answer, for instance because
    the schema isn't there or may not be seen; with `wait=False` they never do.
    """

    def __init__(self, listing: Listing) -> None:
        """Ask nothing yet."""
        self._listing = listing
        self._answers: dict[tuple[str, ...], tuple[float, Future[Any]]] = {}
        self._lock = threading.Lock()

    def catalogs(self, *, wait: bool = True) -> tuple[str, ...]:
        """The names of all catalogs, sorted."""

        def ask() -> tuple[str, ...]:
            return tuple(sorted(self._listing.catalogs()))

        return self._answer(("catalogs",), ask, (), wait=wait)

    def schemas(self, catalog: str, *, wait: bool = True) -> tuple[str, ...]:
        """The names of a catalog's schemas, sorted."""

        def ask() -> tuple[str, ...]:
            return tuple(sorted(self._listing.schemas(catalog)))

        return self._answer(("schemas", catalog), ask, (), wait=wait)

    def tables(
        self, catalog: str, schema: str, *, wait: bool = True
    ) -> tuple[TableEntry, ...]:
        """A schema's tables and views, by name."""

        def ask() -> tuple[TableEntry, ...]:
            found = self._listing.tables(catalog, schema)
            return tuple(sorted(found, key=lambda entry: entry.name))

        return self._answer(("tables", catalog, schema), ask, (), wait=wait)

    def details(
        self, catalog: str, schema: str, table: str, *, wait: bool = True
    ) -> TableDetails:
        """A table's columns with types and comments, its primary key, its comment."""

        def ask() -> TableDetails:
            return self._listing.details(catalog, schema, table)

        question = ("details", catalog, schema, table)
        return self._answer(question, ask, TableDetails(()), wait=wait)

    def forget(self) -> None:
        """Ask anew from now on."""
        with self._lock:
            self._answers.clear()

    def _answer[T](
        self, question: tuple[str, ...], ask: Callable[[], T], nothing: T, *, wait: bool
    ) -> T:
        """The kept answer, or that of `ask`, which is called once for all who wait."""
        mine = False
        with self._lock:
            kept = self._answers.get(question)
            if kept is None or self._is_old(*kept):
                mine = True
                kept = self._answers[question] = time.monotonic(), Future()
        answer: Future[T] = kept[1]
        if mine and wait:
            self._settle(question, answer, ask)
        elif mine:
            work = (question, answer, ask)
            threading.Thread(target=self._settle, args=work, daemon=True).start()
        if wait:
            return answer.result()
        return answer.result() if answer.done() and not answer.exception() else nothing

    def _is_old(self, asked: float, answer: Future[Any]) -> bool:
        return answer.done() and time.monotonic() - asked > self._listing.seconds_kept

    def _settle[T](
        self, question: tuple[str, ...], answer: Future[T], ask: Callable[[], T]
    ) -> None:
        """Put the answer in; one that failed isn't kept."""
        try:
            answer.set_result(ask())
        except BaseException as error:  # noqa: BLE001 - who waits raises it
            with self._lock:
                kept = self._answers.get(question)
                if kept and kept[1] is answer:
                    del self._answers[question]
            answer.set_exception(error)


class Known:
    """What there is, for "did you mean", as far as a catalog can be asked."""

    def __init__(
        self, catalog: Catalog, own: str, functions: Callable[[], Any]
    ) -> None:
        """Ask nothing yet.

        Args:
            catalog: The engine's.
            own: The catalog that the target writes.
            functions: Gives the session's functions.
        """
        self._catalog = catalog
        self._own = own
        self._functions = functions

    def tables(self, name: str) -> Iterable[str]:
        """The tables of the schema that a name is in; of all, if there is no such."""
        *before, _ = name.split(".")
        catalog = before[0] if len(before) == 2 else self._own
        with suppress(Exception):
            schemas = self._catalog.schemas(catalog)
            chosen = [one for one in schemas if before and one == before[-1]]
            for schema in chosen or schemas[:MOST_SCHEMAS]:
                for table in self._catalog.tables(catalog, schema):
                    yield f"{catalog}.{schema}.{table.name}"

    def columns(self, tables: Iterable[str]) -> Iterable[str]:
        """The columns of those of the tables that can be read."""
        for table in set(tables):
            parts = [part for part in table.split(".") if part]
            with suppress(Exception):  # it may be what is wrong
                catalog, schema, name = [self._own, *parts][-3:]
                for column in self._catalog.details(catalog, schema, name).columns:
                    yield column.name

    def functions(self) -> Iterable[str]:
        """The names of all functions."""
        with suppress(Exception):
            return [known.name for known in self._functions()]
        return ()


MOST_SCHEMAS = 30
"""Schemas that are looked through for the table that was meant."""
