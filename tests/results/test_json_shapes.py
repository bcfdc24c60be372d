"""The shapes of `--json` are a promise to scripts: keys come, none goes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mdf_magics.deploying.result import Blocked, DeployResult, Done, Failed
from mdf_magics.deploying.workspaces.protocol import TableRun
from mdf_magics.engines import Column, Rows
from mdf_magics.errors import DeployError, Place, Problem, RunError, Source
from mdf_magics.results import (
    Listed,
    ListedTable,
    Message,
    Previewed,
    Ran,
    RanTests,
    Result,
    Status,
    TableStatus,
    Validated,
    failure_of,
)
from mdf_magics.running.frozen_tests import FrozenOutcome
from mdf_magics.running.preview import Preview

PLACE = Place(Source("definitions/tables/gold.yml", "- name: gold.x\n"), 1, 3, 1)
PROBLEM = Problem("unknown-transformation", "there is none", "Write one.", PLACE)


def preview() -> Previewed:
    rows = Rows((Column("n", "int"),), ((1,),), more=False)
    return Previewed(Preview("gold.x", rows, (), {"bronze.x": "read"}, 0.01))


LISTED = ListedTable(
    "gold.x", "gold", "gold", "job", ("job",), "overwrite", None, "f.yml", 3, ("a.b",)
)
FAILED = Failed("gold", "job", "create", PROBLEM)

SHAPES: list[tuple[Result, dict[str, Any]]] = [
    (
        Validated((PROBLEM,), 1, "local"),
        {
            "problems": [
                {
                    "code": "unknown-transformation",
                    "severity": "error",
                    "file": "definitions/tables/gold.yml",
                    "line": 1,
                    "column": 3,
                    "message": "there is none",
                    "hint": "Write one.",
                }
            ]
        },
    ),
    (
        Listed((LISTED,)),
        {
            "tables": [
                {
                    "name": "gold.x",
                    "group": "gold",
                    "part": "gold",
                    "runs_on": "job",
                    "fits": ["job"],
                    "write": "overwrite",
                    "transformation": None,
                    "file": "f.yml",
                    "line": 3,
                    "upstream": ["a.b"],
                }
            ]
        },
    ),
    (
        preview(),
        {
            "table": "gold.x",
            "columns": [{"name": "n", "type": "int"}],
            "rows": [[1]],
            "expectations": [],
            "upstream": {"bronze.x": "read"},
            "seconds": 0.01,
        },
    ),
    (
        DeployResult(
            "prod",
            (Done("bronze", "job", "create", "1"),),
            (FAILED,),
            (Blocked("all", "job", "create", ("gold",)),),
        ),
        {
            "target": "prod",
            "done": [
                {
                    "key": "bronze",
                    "kind": "job",
                    "action": "create",
                    "remote_id": "1",
                    "url": None,
                }
            ],
            "failed": [
                {
                    "key": "gold",
                    "error": "there is none",
                    "file": "definitions/tables/gold.yml",
                    "line": 1,
                }
            ],
            "blocked": [{"key": "all", "because": ["gold"]}],
        },
    ),
    (
        Ran("7", (TableRun("gold.x", "succeeded", 0.5, 3),)),
        {
            "run_id": "7",
            "tables": [
                {
                    "name": "gold.x",
                    "status": "succeeded",
                    "seconds": 0.5,
                    "rows": 3,
                    "error": None,
                }
            ],
        },
    ),
    (
        RanTests((FrozenOutcome("few", "gold.x", "definitions/tests/few.yml"),)),
        {
            "tests": [
                {
                    "name": "few",
                    "table": "gold.x",
                    "file": "definitions/tests/few.yml",
                    "status": "passed",
                    "missing": [],
                    "unexpected": [],
                    "problems": [],
                }
            ]
        },
    ),
    (
        Status("local", (), (TableStatus("gold.x", None, None),)),
        {
            "target": "local",
            "resources": [],
            "tables": [
                {
                    "name": "gold.x",
                    "part": None,
                    "status": "not deployed",
                    "rows": None,
                    "dropped": None,
                    "quarantined": None,
                    "finished": None,
                }
            ],
        },
    ),
]


@pytest.mark.parametrize(
    ("result", "shape"), SHAPES, ids=[type(one).__name__ for one, _ in SHAPES]
)
def test_has_what_the_design_lists(result: Result, shape: dict[str, Any]) -> None:
    found = json.loads(json.dumps(result.to_json()))

    assert {key: found[key] for key in shape} == shape


@pytest.mark.parametrize(
    ("result", "failure"),
    [
        (Message("done"), type(None)),
        (preview(), type(None)),
        (DeployResult("prod", failed=(FAILED,)), DeployError),
        (Ran("7", (TableRun("gold.x", "failed"),)), RunError),
        (Ran("7", (TableRun("gold.x", "succeeded"),)), type(None)),
    ],
    ids=["message", "preview", "deploy", "run", "good-run"],
)
def test_says_whether_a_command_must_fail(result: Result, failure: type) -> None:
    assert type(failure_of(result)) is failure
