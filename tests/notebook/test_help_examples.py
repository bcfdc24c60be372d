"""The example on each page of help runs as it is written, in one small project."""

from __future__ import annotations

import pytest

from mdf_magics.commands import VERBS, verb
from tests.notebook.conftest import Notebook

FILES = {
    "airlines": "id,carrier,name\n1,AA,American\n1,AA,American Airlines\n2,UA,United\n",
    "airports": "id,faa,name\n1,JFK,Kennedy\n",
    "planes": "id,tailnum,seats\n1,N1,100\n1,N1,120\n",
}

BRONZE = """\
%%mdf_tables
for_each: {what: [airlines, airports, planes]}
name: bronze.${each.what}
parameters:
  source: {type: files, value: {path: "${project.root}/${each.what}.csv", format: csv, options: {header: true}}}
---
SELECT *, current_timestamp() AS loaded_at FROM {{ source }}"""
"""What the examples read."""

ORDER = (
    *("help", "init", "doctor", "target", "transformation", "onboard", "table"),
    *("tables", "list", "show", "edit", "preview", "validate", "regroup", "graph"),
    *("plan", "compile", "deploy", "run", "status", "history", "state", "test"),
    *("destroy", "remove", "table", "rename", "debug"),
)

ELSEWHERE = {"add": "a command", "adopt": "wants a job that somebody else has made"}
"""Examples that can't run here, and why."""


@pytest.mark.full
def test_every_example_runs(notebook: Notebook) -> None:
    for name, rows in FILES.items():
        (notebook.folder / f"{name}.csv").write_text(rows)

    for name in ORDER:
        if name == "transformation":
            notebook.ok(BRONZE)
        example = verb(name).example
        if name == "onboard":  # what it adds, the next two define
            example += " --no-save"
        notebook.ok(example)

    assert {*ORDER, *ELSEWHERE} == {one.name for one in VERBS}
