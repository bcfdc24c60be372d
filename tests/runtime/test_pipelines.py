"""A pipeline's source: what it declares, with a recorder in the decorators' place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from mdf_magics.runtime import mdf_runtime
from tests.runtime.home import Home, query

FLIGHTS = {
    "home": "main.silver.flights",
    "write": "append",
    "sql": lambda source: f"SELECT * FROM {source}",
    "arguments": {"source": {"stream": "main.bronze.flights"}},
}


@dataclass
class Recorder:
    """Notes what is declared, as `pyspark.pipelines` would be told."""

    datasets: dict[str, dict[str, Any]] = field(default_factory=dict)
    flows: list[dict[str, Any]] = field(default_factory=list)

    def __getattr__(self, kind: str) -> Callable[..., Any]:
        if kind.startswith("expect_all"):
            return lambda rules: lambda function: _with(function, kind, rules)

        def declare(name: str, **said: Any) -> Callable[[Any], None]:
            self.datasets[name] = {"kind": kind, **said}
            return lambda function: self.datasets[name].update(
                rows=function, **getattr(function, "rules", {})
            )

        return declare

    def create_auto_cdc_flow(self, **said: Any) -> None:
        self.flows.append(
            {key: value for key, value in said.items() if value is not None}
        )


def _with(function: Any, kind: str, rules: dict[str, str]) -> Any:
    def checked() -> Any:
        return function()

    checked.rules = {**getattr(function, "rules", {}), kind: rules}  # type: ignore[attr-defined]
    return checked


@pytest.fixture
def register(home: Home, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Recorder]:
    """Declares tables; their streams read a batch."""

    def run(**tables: dict[str, Any]) -> Recorder:
        recorder = Recorder()
        monkeypatch.setattr(mdf_runtime, "pipelines", lambda: recorder)
        monkeypatch.setattr(mdf_runtime, "new_in_pipeline", mdf_runtime.everything)
        mdf_runtime.register(home.spark, tables)
        return recorder

    home.build(
        "bronze.flights",
        sql=query("SELECT 'UA' AS carrier, 1 AS at UNION ALL SELECT NULL, 2"),
    )
    return run


def test_overwrite_is_a_materialized_view_and_append_a_streaming_table(
    register: Callable[..., Recorder],
) -> None:
    totals = {
        "home": "main.gold.totals",
        "write": "overwrite",
        "sql": query("SELECT 1 AS a"),
        "arguments": {},
    }

    declared = register(
        flights={**FLIGHTS, "description": "All flights."},
        totals=totals | {"cluster_by": ["a"]},
    ).datasets

    rows = {name: dataset.pop("rows") for name, dataset in declared.items()}
    assert declared == {
        "main.silver.flights": {
            "kind": "table",
            "comment": "All flights.",
            "table_properties": {"mdf.table": "flights"},
        },
        "main.gold.totals": {
            "kind": "materialized_view",
            "cluster_by": ["a"],
            "table_properties": {"mdf.table": "totals"},
        },
    }
    assert rows["main.silver.flights"]().count() == 2
    assert rows["main.gold.totals"]().count() == 1


def test_expectations_are_real_ones_and_quarantine_is_a_table_of_its_own(
    register: Callable[..., Recorder],
) -> None:
    rules = [
        {"name": "known", "check": "carrier IS NOT NULL", "on_failure": "quarantine"},
        {"name": "early", "check": "at < 2", "on_failure": "warn"},
        {"name": "timed", "check": "at > 0", "on_failure": "fail"},
    ]

    declared = register(
        **{"silver.flights": {**FLIGHTS, "expectations": rules}}
    ).datasets

    flights, aside = (
        declared["main.silver.flights"],
        declared["main.silver.flights_quarantine"],
    )
    assert flights["expect_all"] == {"early": "coalesce((at < 2), false)"}
    assert flights["expect_all_or_drop"] == {
        "known": "coalesce((carrier IS NOT NULL), false)"
    }
    assert flights["expect_all_or_fail"] == {"timed": "coalesce((at > 0), false)"}
    assert aside["kind"] == "table"
    assert [tuple(row) for row in aside["rows"]().collect()] == [
        (None, 2, ["known", "early"])
    ]


@pytest.mark.parametrize(
    ("write", "flow"),
    [
        ("merge", {"stored_as_scd_type": 1}),
        ("scd2", {"stored_as_scd_type": 2, "except_column_list": ["at"]}),
    ],
)
def test_changes_are_followed_by_auto_cdc_from_a_view_with_the_expectations(
    register: Callable[..., Recorder], write: str, flow: dict[str, Any]
) -> None:
    rules = [{"name": "known", "check": "carrier IS NOT NULL", "on_failure": "drop"}]
    table = {
        **FLIGHTS,
        "write": write,
        "keys": ["carrier"],
        "sequence_by": "at",
        "expectations": rules,
    }

    recorder = register(**{"silver.flights": table})

    assert recorder.flows == [
        {
            "target": "main.silver.flights",
            "source": "silver__flights__changes",
            "keys": ["carrier"],
            "sequence_by": "at",
            **flow,
        }
    ]
    feed = recorder.datasets["silver__flights__changes"]
    assert (feed["kind"], list(feed["expect_all_or_drop"])) == (
        "temporary_view",
        ["known"],
    )
    target = recorder.datasets["main.silver.flights"]
    assert target == {
        "kind": "create_streaming_table",
        "table_properties": {"mdf.table": "silver.flights"},
    }
