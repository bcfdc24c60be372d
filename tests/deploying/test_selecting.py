"""A selection deploys the parts of its tables, says what goes along, deletes nothing."""

from __future__ import annotations

from typing import Any

import pytest

from mdf_magics.deploying.consent import Consent
from mdf_magics.deploying.deployer import Terms
from mdf_magics.deploying.plan import Plan
from mdf_magics.deploying.survey import Wish
from mdf_magics.errors import DeployError
from mdf_magics.planning.resources import Compiled
from mdf_magics.planning.selection import Selection
from tests.deploying.desired import (
    BRONZE,
    FLIGHTS,
    GOLD,
    SILVER,
    WITHOUT_GOLD,
    compiled,
    part,
    whole,
)
from tests.deploying.place import ORIGIN, Place


def chosen(*tables: str, keys: tuple[str, ...] = ()) -> Selection:
    return Selection(frozenset(tables), frozenset(keys))


def plan(place: Place, desired: Compiled, selection: Selection) -> Plan:
    return place.deployer.plan(desired, selection)


def deploy(
    place: Place, desired: Compiled, selection: Selection, **agreed: Any
) -> None:
    place.workspace.calls.clear()
    terms = Terms(ORIGIN, Consent(**agreed))
    assert place.deployer.deploy(Wish(desired, selection), terms).succeeded


def actions(plan: Plan) -> dict[str, str]:
    return {action.key: action.action for action in plan.actions}


def test_only_the_part_of_a_table_is_deployed_and_said_to_be_whole(place: Place):
    found = plan(place, FLIGHTS, chosen("gold.delays"))

    assert actions(found) == {"gold": "create"}
    assert found.notes == ("gold is deployed as a whole, with gold.routes",)
    deploy(place, FLIGHTS, chosen("gold.delays"))
    assert list(place.ids()) == ["gold"]
    assert place.local.uploaded().keys() == {"src/gold.py", "src/mdf_runtime.py"}


def test_what_runs_a_selected_part_goes_along_once_it_can(place: Place):
    place.deploy(FLIGHTS)
    before = place.ids()
    place.local.delete("job", before["gold"])

    found = plan(place, FLIGHTS, chosen("gold.delays", "gold.routes"))

    assert actions(found) == {"all": "update", "gold": "create"}
    assert found.notes == ("all goes along: it runs what was selected",)
    deploy(place, FLIGHTS, chosen("gold.delays", "gold.routes"))
    place.check_agreement(FLIGHTS)


def test_a_selected_whole_takes_along_what_it_needs(place: Place):
    place.deploy(compiled(BRONZE))

    found = plan(place, FLIGHTS, chosen(keys=("all",)))

    assert actions(found) == dict.fromkeys(("all", "gold", "silver"), "create")
    assert found.notes == (
        "gold goes along: all refers to it and it isn't there yet",
        "silver goes along: all refers to it and it isn't there yet",
    )


def test_what_was_not_selected_is_never_deleted(place: Place):
    place.deploy(FLIGHTS)
    changed = compiled(*WITHOUT_GOLD.resources, code={"src/bronze.py": "# new\n"})

    assert "gold" not in actions(plan(place, changed, chosen("bronze.flights")))
    deploy(place, changed, chosen("bronze.flights"))

    assert "gold" in place.ids()
    assert "src/gold.py" in place.local.uploaded()
    assert ("update", "bronze") in place.workspace.writes


def test_a_deletion_can_be_selected(place: Place):
    place.deploy(FLIGHTS)

    deploy(place, WITHOUT_GOLD, chosen(keys=("all", "gold")), delete=True)

    place.check_agreement(WITHOUT_GOLD)


def test_the_other_side_of_a_move_goes_along(place: Place):
    place.deploy(compiled(part("a", "s.x", "s.y"), part("b", "s.z"), GOLD))
    moved = compiled(part("a", "s.x"), part("b", "s.y", "s.z"), GOLD)

    giver, taker = (plan(place, moved, chosen(table)) for table in ("s.x", "s.z"))

    assert actions(giver) == actions(taker) == {"a": "move", "b": "move"}
    assert giver.notes == ("b goes along: s.y moves into it",)
    assert taker.notes[0] == "a goes along: s.y moves from it"


def test_a_table_of_a_part_that_would_be_deleted_wants_both_selected(place: Place):
    place.deploy(compiled(part("a", "s.x"), part("b", "s.z")))
    merged = compiled(part("b", "s.x", "s.z"))

    with pytest.raises(DeployError, match="a isn't selected, but s"):
        plan(place, merged, chosen("s.z"))
    deploy(place, merged, chosen("s.z", keys=("a",)), yes=True, delete=1)
    place.check_agreement(merged)


def test_it_reads_no_more_than_it_needs(place: Place):
    parts = [part(f"p{number}", f"p.t{number}") for number in range(20)]
    desired = compiled(*parts, BRONZE, SILVER, whole([BRONZE, SILVER]))
    place.deploy(desired)
    place.workspace.calls.clear()

    plan(place, desired, chosen("p.t7"))

    assert [method for method, _ in place.workspace.calls] == ["get", "uploaded"]


def test_nothing_selected_is_nothing_to_do(place: Place):
    place.deploy(FLIGHTS)

    found = plan(place, compiled(BRONZE), chosen())

    assert (found.actions, found.changes) == ((), 0)
