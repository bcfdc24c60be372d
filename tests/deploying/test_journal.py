"""Deploys write the rows that the documentation of the state shows."""

from __future__ import annotations

import json
import re

from mdf_magics.deploying.workspaces.protocol import OutcomeUnknown
from tests.deploying.desired import FLIGHTS, WITHOUT_GOLD
from tests.deploying.faults import dies_after_create
from tests.deploying.place import Place


def rows(place: Place) -> list[tuple[object, ...]]:
    return [
        (r.seq, r.fence, r.key, r.kind, r.operation, r.phase, r.generation)
        for r in place.store.journal()
    ]


FIRST = [
    (1, 1, "bronze", "job", "create", "intent", 1),
    (2, 1, "gold", "job", "create", "intent", 1),
    (3, 1, "silver", "pipeline", "create", "intent", 1),
    (4, 1, "bronze", "job", "create", "done", 1),
    (5, 1, "gold", "job", "create", "done", 1),
    (6, 1, "silver", "pipeline", "create", "done", 1),
    (7, 1, "all", "job", "create", "intent", 1),
    (8, 1, "all", "job", "create", "done", 1),
]


def test_a_first_deploy_writes_two_rows_per_resource_level_by_level(place: Place):
    place.deploy(FLIGHTS)

    assert rows(place) == FIRST


def test_a_row_holds_everything_about_its_operation(place: Place):
    place.deploy(FLIGHTS)

    intent, done = (place.store.journal()[i] for i in (0, 3))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", done.at)
    assert (done.project, done.target) == ("flights", "local")
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f-]{27}", done.operation_id)
    assert re.fullmatch(r"[0-9a-f]{16}", done.nonce or "")
    assert done.name == "[local] flights bronze"
    assert done.remote_id == place.remote("bronze").remote_id
    assert re.fullmatch(r"[0-9a-f]{16}", done.spec_hash or "")
    assert json.loads(done.spec or "") == FLIGHTS.resources[1].spec
    assert done.tables == '["bronze.airlines", "bronze.flights"]'
    assert done.repository == "git.example.com/data/flights"
    assert done.commit == "9d2f6c1"
    assert done.deployed_by == "ci@example.com on build-1"
    assert done.workspace_id == "local"
    assert (done.error, done.version) == (None, 1)
    assert (intent.operation_id, intent.nonce) == (done.operation_id, done.nonce)
    assert (intent.remote_id, intent.spec_hash) == (None, done.spec_hash)


def test_the_story_of_four_deploys(place: Place):
    """With a job deleted by hand, and a crash after its successor was made."""
    place.deploy(FLIGHTS)
    first = place.ids()

    place.local.delete("job", first["gold"])
    assert place.plan(FLIGHTS)["gold"] == (
        "create",
        ["it is not in the workspace any more"],
    )
    # The machine dies: no answer to the create, none to the question what it made.
    dies_after_create(place.workspace, "gold")
    place.deploy(FLIGHTS)
    second = [(9, 2, "gold", "job", "create", "intent", 2)]
    assert FIRST + second == rows(place)
    place.forget_faults()

    place.deploy(FLIGHTS)
    third = [
        (10, 3, "gold", "job", "create", "done", 2),
        (11, 3, "all", "job", "update", "intent", 1),
        (12, 3, "all", "job", "update", "done", 1),
    ]
    assert FIRST + second + third == rows(place)
    journal = place.store.journal()
    assert journal[9].operation_id == journal[8].operation_id
    assert place.ids()["gold"] != first["gold"]
    (_, silver_task) = (place.remote("all").settings["tasks"][i] for i in (0, 2))
    assert silver_task["pipeline_task"]["pipeline_id"] == first["silver"]
    gold_task = place.remote("all").settings["tasks"][1]
    assert gold_task["run_job_task"]["job_id"] == int(place.ids()["gold"])
    place.check_agreement(FLIGHTS)

    place.deploy(WITHOUT_GOLD, delete=True)
    fourth = [
        (13, 4, "all", "job", "update", "intent", 1),
        (14, 4, "all", "job", "update", "done", 1),
        (15, 4, "gold", "job", "delete", "intent", 2),
        (16, 4, "gold", "job", "delete", "done", 2),
    ]
    assert FIRST + second + third + fourth == rows(place)
    assert sorted(place.ids()) == ["all", "bronze", "silver"]
    place.check_agreement(WITHOUT_GOLD)

    golds = [h for h in place.store.history() if h.key == "gold"]
    assert [(h.operation, h.generation, h.outcome) for h in golds] == [
        ("delete", 2, "done"),
        ("create", 2, "done"),
        ("create", 1, "done"),
    ]
    assert golds[2].remote_id == first["gold"]
    assert golds[2].remote_id != golds[1].remote_id


def test_a_create_that_never_arrived_is_made_once_with_the_same_nonce(place: Place):
    def no_answer(method: str, subject: str) -> None:
        if method == "create" or any(
            name == "create" for name, _ in place.workspace.calls
        ):
            raise OutcomeUnknown("no answer")

    place.workspace.before = no_answer
    result = place.deploy(FLIGHTS)
    assert len(result.failed) == 3
    nonces = {row.key: row.nonce for row in place.store.pending()}
    place.forget_faults()

    place.deploy(FLIGHTS)

    made = {row.key: row for row in place.store.state()}
    assert {key: made[key].nonce for key in nonces} == nonces
    assert {row.generation for row in made.values()} == {1}
    place.check_agreement(FLIGHTS)
