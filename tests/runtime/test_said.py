"""What a table on Databricks says of itself, and whose it is; Sail has none of this.

A session stands in that notes what is said to it: these statements only Databricks
runs (facts: Unity Catalog's DDL).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mdf_magics.runtime import mdf_runtime
from mdf_magics.runtime.mdf_runtime import TableError, pairs, properties, said_of, tend

TABLE: dict[str, Any] = {
    "name": "silver.planes",
    "home": "prod.silver.planes",
    "write": "merge",
    "description": "It's all planes.",
    "columns": {"seats": {"comment": "without crew", "tags": {"unit": "seat"}}},
    "tags": {"owner": "data"},
    "cluster_by": ["tailnum"],
}


@dataclass
class Noting:
    """Takes every statement, and answers what properties there are."""

    known: dict[str, str]
    there: bool = True
    said: list[str] = field(default_factory=list)

    @property
    def catalog(self) -> Noting:
        return self

    def tableExists(self, _: str) -> bool:  # noqa: N802 - pyspark's name
        return self.there

    def sql(self, statement: str) -> Noting:
        self.said.append(statement)
        return self

    def collect(self) -> list[tuple[str, str]]:
        return list(self.known.items())


@pytest.fixture(autouse=True)
def on_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MDF_WAREHOUSE", raising=False)
    monkeypatch.setattr(mdf_runtime, "WAREHOUSE", None)


def test_a_table_that_is_not_ours_is_left_alone() -> None:
    spark: Any = Noting({"delta.minReaderVersion": "1"})

    with pytest.raises(TableError, match="isn't ours, so it was left alone"):
        properties(spark, TABLE)
    assert properties(spark, {**TABLE, "adopt": True}) == spark.known
    assert properties(Noting({"mdf.table": "x"}), TABLE)  # type: ignore[arg-type]
    assert properties(Noting({}, there=False), TABLE) == {}  # type: ignore[arg-type]


def test_what_a_definition_says_is_said_once() -> None:
    spark: Any = Noting({})

    tend(spark, TABLE, {"mdf.table": "silver.planes", "mdf.said": "something else"})

    name = "`prod`.`silver`.`planes`"
    properties_said = {"mdf.table": "silver.planes", "mdf.said": said_of(TABLE)}
    assert spark.said == [
        f"ALTER TABLE {name} SET TAGS ('owner' = 'data')",
        f"ALTER TABLE {name} ALTER COLUMN `seats` SET TAGS ('unit' = 'seat')",
        f"COMMENT ON TABLE {name} IS 'It\\'s all planes.'",
        f"ALTER TABLE {name} ALTER COLUMN `seats` COMMENT 'without crew'",
        f"ALTER TABLE {name} CLUSTER BY (`tailnum`)",
        f"ALTER TABLE {name} SET TBLPROPERTIES ({pairs(properties_said)})",
    ]
    spark.said.clear()
    tend(spark, TABLE, {"mdf.said": said_of(TABLE)})
    assert spark.said == []


def test_a_table_that_was_just_made_gets_what_its_ddl_cannot_say() -> None:
    spark: Any = Noting({})

    tend(spark, {**TABLE, "columns": {}}, {})

    assert [one.split(" SET ")[1].split(" (")[0] for one in spark.said] == [
        "TAGS",
        "TBLPROPERTIES",
    ]


class Poured(Noting):
    """A session whose stream has nothing new."""

    readStream = writeStream = schema = property(lambda self: self)  # noqa: N815
    recentProgress: tuple[()] = ()  # noqa: N815
    columns: tuple[()] = ()

    def __getattr__(self, _: str) -> Any:
        return lambda *_, **__: self


def test_a_stream_that_begins_anew_is_noted_until_its_checkpoint_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed in between, the next run knows that it has to begin anew."""
    checkpoint = tmp_path / "prod.bronze.files"
    checkpoint.mkdir()
    spark: Any = Poured({})
    table = {"name": "bronze.files", "home": checkpoint.name, "anew": True}
    said: list[tuple[str, bool]] = []

    def note(_: Noting, text: str) -> None:
        said.append((text, checkpoint.exists()))

    monkeypatch.setattr(mdf_runtime, "kept", lambda rows, _: rows)
    monkeypatch.setattr(mdf_runtime, "counters", lambda _: [])
    monkeypatch.setattr(Noting, "sql", note)

    mdf_runtime.pour(spark, table, spark, str(tmp_path))

    name = "`prod`.`bronze`.`files`"
    assert said == [
        (f"ALTER TABLE {name} SET TBLPROPERTIES ('mdf.anew' = 'true')", True),
        (f"TRUNCATE TABLE {name}", True),
        (f"ALTER TABLE {name} SET TBLPROPERTIES ('mdf.anew' = 'false')", False),
    ]
