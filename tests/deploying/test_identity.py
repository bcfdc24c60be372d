"""Hashes, marks and addresses, as the documentation of the state has them."""

from __future__ import annotations

from typing import Any

import pytest

from mdf_magics.deploying.identity import Marker, marked, spec_hash, unmarked
from mdf_magics.deploying.origin import without_credentials

DOCUMENTED: dict[str, Any] = {
    "name": "[prod] flights all",
    "tags": {"mdf_project": "flights", "mdf_target": "prod", "mdf_key": "all"},
    "schedule": {"quartz_cron_expression": "0 0 6 * * ?", "timezone_id": "UTC"},
    "tasks": [
        {
            "task_key": "bronze",
            "run_job_task": {"job_id": "${resources.jobs.bronze.id}"},
        },
        {
            "task_key": "gold",
            "depends_on": [{"task_key": "silver"}],
            "run_job_task": {"job_id": "${resources.jobs.gold.id}"},
        },
        {
            "task_key": "silver",
            "depends_on": [{"task_key": "bronze"}],
            "pipeline_task": {"pipeline_id": "${resources.pipelines.silver.id}"},
        },
    ],
}
"""The job `all` of the worked-out example."""


def test_the_hashes_are_those_of_the_documented_journal():
    without_gold = [task for task in DOCUMENTED["tasks"] if task["task_key"] != "gold"]

    assert spec_hash(DOCUMENTED, (), {}) == "2ebea1bb0e99cd5c"
    assert spec_hash(DOCUMENTED | {"tasks": without_gold}, (), {}) == "fb912c4b4d2fcb07"


def test_a_hash_changes_with_each_file_and_not_with_the_order_of_keys():
    spec = {"name": "x", "tags": {}}
    hashes = {"src/a.py": "1", "src/b.py": "2"}
    both = spec_hash(spec, hashes, hashes)

    assert spec_hash({"tags": {}, "name": "x"}, hashes, hashes) == both
    assert spec_hash(spec, ["src/a.py"], hashes) != both
    assert spec_hash(spec, hashes, hashes | {"src/a.py": "3"}) != both


def test_a_mark_is_known_again_and_leaves_no_trace():
    marker = Marker("lineage", "gold", "nonce")
    spec = {"name": "x", "tags": {"mdf_key": "gold"}}

    settings = marked(spec, marker)

    assert marker.on(settings["tags"])
    assert not Marker("lineage", "gold", "other").on(settings["tags"])
    assert not marker.on({})
    assert unmarked(settings) == spec


@pytest.mark.parametrize(
    "address",
    [
        "https://git.example.com/data/flights.git",
        "https://user:password@git.example.com/data/flights",
        "https://token@git.example.com/data/flights?token=secret#x",
        "git@git.example.com:data/flights.git",
        "ssh://git@git.example.com/data/flights.git",
    ],
)
def test_a_repository_is_recorded_without_credentials(address: str):
    assert without_credentials(address) == "git.example.com/data/flights"


def test_a_folder_stays_a_folder():
    assert without_credentials("/srv/git/flights.git") == "/srv/git/flights"
