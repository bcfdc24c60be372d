"""A call without an answer may have had its effect: it is looked up, not repeated."""

from __future__ import annotations

import pytest

from mdf_magics.deploying.workspaces.protocol import PermissionDenied, Remote
from tests.deploying.desired import BRONZE, FLIGHTS, WITHOUT_GOLD, compiled
from tests.deploying.faults import dies_after_create, lost, on
from tests.deploying.place import Place

CREATES = [("create", key) for key in ("bronze", "gold", "silver", "all")]


def count(place: Place, method: str) -> int:
    return [called for called, _ in place.workspace.calls].count(method)


@pytest.mark.parametrize("call", CREATES)
def test_a_create_that_had_its_effect_is_sent_once(place: Place, call: tuple[str, str]):
    place.workspace.after = on(*call, lost())

    result = place.deploy(FLIGHTS)

    assert result.succeeded
    assert place.workspace.calls.count(call) == 1
    place.check_agreement(FLIGHTS)


@pytest.mark.parametrize("call", CREATES)
def test_a_create_that_had_none_is_sent_again(place: Place, call: tuple[str, str]):
    place.workspace.before = on(*call, lost())

    result = place.deploy(FLIGHTS)

    assert result.succeeded
    assert place.workspace.calls.count(call) == 2
    place.check_agreement(FLIGHTS)


def test_a_create_is_tried_a_few_times_and_then_fails_alone(place: Place):
    place.workspace.before = on("create", "gold", lost(), times=99)

    result = place.deploy(FLIGHTS)

    assert place.workspace.calls.count(("create", "gold")) == 3
    assert [(f.key, f.problem.code) for f in result.failed] == [
        ("gold", "outcome-unknown")
    ]
    assert [row.key for row in place.store.pending()] == ["gold"]
    place.forget_faults()
    place.deploy(FLIGHTS)
    place.check_agreement(FLIGHTS)


def test_what_can_not_be_looked_up_stays_open_and_is_never_sent_again(place: Place):
    dies_after_create(place.workspace, "gold")
    place.deploy(FLIGHTS)
    place.forget_faults()
    place.workspace.before = on("find", "[local] flights gold", PermissionDenied("no"))

    result = place.deploy(FLIGHTS)

    assert "was interrupted: a deploy first looks" in result.failed[0].problem.message
    assert count(place, "create") == 0
    assert [row.key for row in place.store.pending()] == ["gold"]
    place.forget_faults()
    place.deploy(FLIGHTS)
    place.check_agreement(FLIGHTS)


def test_a_late_listing_is_waited_for(place: Place):
    place.workspace.listing_lag_seconds = 3
    real, asked = place.local.find, []

    def late(kind: str, name: str | None) -> list[Remote]:
        asked.append(name)
        return real(kind, name) if len(asked) > 3 else []

    place.local.find = late  # type: ignore[method-assign]
    place.workspace.after = on("create", "bronze", lost())

    result = place.deploy(compiled(BRONZE))

    assert result.succeeded
    assert count(place, "create") == 1
    place.check_agreement(compiled(BRONZE))


@pytest.mark.parametrize("when", ["before", "after"])
def test_updates_deletions_and_files_are_sent_again(place: Place, when: str):
    place.deploy(FLIGHTS)
    gold = place.ids()["gold"]
    changed = compiled(*WITHOUT_GOLD.resources, code={"src/bronze.py": "# new\n"})
    faults = [
        on("update", "all", lost()),
        on("update", "bronze", lost()),
        on("delete", gold, lost()),
        on("upload", "src/bronze.py", lost()),
        on("remove", "src/gold.py", lost()),
    ]

    def every(method: str, subject: str) -> None:
        for fault in faults:
            fault(method, subject)

    setattr(place.workspace, when, every)
    result = place.deploy(changed, delete=True)

    assert result.succeeded
    place.check_agreement(changed)


def test_an_update_without_any_answer_is_sent_by_the_next_deploy(place: Place):
    """Also when the definitions have gone back meanwhile."""
    place.deploy(FLIGHTS)
    changed = compiled(*FLIGHTS.resources, code={"src/gold.py": "# new\n"})
    place.workspace.after = on("update", "gold", lost(), times=3)
    result = place.deploy(changed)
    assert [failed.key for failed in result.failed] == ["gold"]

    again = place.deploy(FLIGHTS)

    assert [(done.key, done.action) for done in again.done] == [("gold", "update")]
    place.check_agreement(FLIGHTS)


def test_a_deletion_without_any_answer_is_settled_by_looking(place: Place):
    place.deploy(FLIGHTS)
    place.workspace.after = on("delete", place.ids()["gold"], lost(), times=3)
    place.workspace.before = on("delete", place.ids()["gold"], lost(), times=0)
    place.deploy(WITHOUT_GOLD, delete=True)

    place.forget_faults()
    place.deploy(WITHOUT_GOLD)

    place.check_agreement(WITHOUT_GOLD)


def test_what_is_there_twice_is_reported_and_not_deleted(place: Place):
    """A create that everybody took for lost may come late."""
    place.workspace.before = on("create", "gold", lost(), times=99)
    place.deploy(FLIGHTS)
    intent = place.store.pending()[0]
    tags = {
        "mdf_key": "gold",
        "mdf_lineage": place.store.snapshot().lineage,
        "mdf_nonce": intent.nonce,
    }
    for _ in range(2):
        place.local.create("job", {"name": intent.name, "tags": tags})
    place.forget_faults()

    result = place.deploy(FLIGHTS)

    (warning,) = result.warnings
    assert "job [local] flights gold is there 2 times" in warning.message
    assert len(place.local.find("job", "[local] flights gold")) == 2
    assert place.plan(FLIGHTS) == {}
