"""A session and a warehouse where tables are described and built."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mdf_magics.runtime import mdf_runtime

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, Row, SparkSession


class Exited(BaseException):
    """A notebook's end, as `dbutils.notebook.exit` makes it."""


@dataclass
class Dbutils:
    """As much of a notebook's dbutils as a task of ours uses."""

    parameters: dict[str, str]
    exited_with: str = ""

    @property
    def widgets(self) -> Dbutils:
        return self

    @property
    def notebook(self) -> Dbutils:
        return self

    def get(self, name: str) -> str:
        return self.parameters[name]

    def text(self, name: str, default: str) -> None:
        self.parameters.setdefault(name, default)

    def exit(self, value: str) -> None:
        self.exited_with = value
        raise Exited


@dataclass
class Home:
    """A warehouse and a session on it, where tables are described and built."""

    spark: SparkSession
    warehouse: Path
    runs: int = field(default=0)

    def build(self, name: str, **table: Any) -> dict[str, Any]:
        """Run the task of one table, described as in a source's TABLES.

        Returns:
            What its notebook exits with.
        """
        self.runs += 1
        dbutils = Dbutils({"table": name, "run_id": f"run-{self.runs}"})
        if table.pop("full_refresh", False):
            dbutils.parameters["full_refresh"] = "true"
        described = {
            "home": f"main.{name}",
            "arguments": {},
            "write": "overwrite",
        } | table
        with pytest.raises(Exited):
            mdf_runtime.run_task(
                self.spark, dbutils, {name: described}, runs_schema="main.mdf_runs"
            )
        result: dict[str, Any] = json.loads(dbutils.exited_with)
        return result

    def know_all(self) -> None:
        """Make known to a new server what is in the warehouse, as the engine does."""
        for log in self.warehouse.glob("*/*/_delta_log"):
            schema, table = log.parts[-3:-1]
            mdf_runtime.exists(self.spark, f"main.{schema}.{table}")
        for view in self.warehouse.glob("*/*.view.sql"):
            mdf_runtime.make_schema(self.spark, f"main.{view.parent.name}.view")
            self.spark.sql(view.read_text())

    def sql(self, text: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self.spark.sql(text).collect()]

    def rows(self, name: str, columns: str = "*") -> list[tuple[Any, ...]]:
        """A table's rows, sorted."""
        return sorted(self.sql(f"SELECT {columns} FROM main.{name}"), key=repr)

    def last_run(self) -> Row:
        runs = self.spark.table("main.mdf_runs.mdf_runs")
        return runs.where(f"run_id = 'run-{self.runs}'").collect()[0]

    def commits(self, name: str) -> list[dict[str, Any]]:
        """What each commit of a table says of itself, in order."""
        folder = mdf_runtime.folder_of(f"main.{name}")
        assert folder is not None
        last = mdf_runtime.version(folder)
        return [mdf_runtime.commit_info(folder, number) for number in range(last + 1)]

    def schema(self, name: str) -> dict[str, str]:
        """A table's columns and types."""
        frame: DataFrame = self.spark.table(f"main.{name}")
        return {one.name: one.dataType.simpleString() for one in frame.schema}

    def metadata(self, name: str) -> dict[str, Any]:
        """The last metadata in a table's Delta log."""
        log = self.warehouse.joinpath(*name.split("."), "_delta_log")
        found: dict[str, Any] = {}
        for commit in sorted(log.glob("*.json")):
            for line in commit.read_text().splitlines():
                found = json.loads(line).get("metaData", found)
        return found

    def comments(self, name: str) -> dict[str, str]:
        """The comments of a table's columns."""
        columns = json.loads(self.metadata(name)["schemaString"])["fields"]
        said = {one["name"]: one["metadata"].get("comment") for one in columns}
        return {name: comment for name, comment in said.items() if comment}


def query(text: str) -> Callable[[], str]:
    """The function that a source has for a query without parameters."""
    return lambda: text
