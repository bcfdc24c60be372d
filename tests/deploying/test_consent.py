"""What a plan may do only with a word of the user, and how that is asked for."""

from __future__ import annotations

import pytest

from mdf_magics.deploying.consent import Consent
from mdf_magics.deploying.deployer import Terms
from mdf_magics.deploying.origin import Origin
from mdf_magics.deploying.survey import Wish
from mdf_magics.errors import ConsentMissing
from tests.deploying.desired import (
    BRONZE,
    FLIGHTS,
    WITHOUT_GOLD,
    compiled,
    part,
)
from tests.deploying.place import ORIGIN, Place


def refusal(place: Place, desired=WITHOUT_GOLD, **consent) -> str:
    with pytest.raises(ConsentMissing) as error:
        place.deploy(desired, **consent)
    return str(error.value)


def test_a_deletion_names_what_goes_and_what_stays(place: Place):
    place.deploy(FLIGHTS)
    gold = place.ids()["gold"]

    assert refusal(place) == (
        "needs-delete: this plan deletes 1 of local's 4 resources\n"
        f"  - job gold ({gold}): no table is in its group any more\n"
        "      its tables stay: gold.delays, gold.routes\n"
        "  Say  mdf deploy -t local --delete  or  %mdf_deploy --target local --delete .\n"
        "  Nothing was changed."
    )
    assert place.workspace.writes == []
    assert place.store.holder() is not None
    place.deploy(WITHOUT_GOLD, delete=True)
    place.check_agreement(WITHOUT_GOLD)


def test_a_quarter_of_the_resources_goes_with_a_word_more_by_number(place: Place):
    place.deploy(FLIGHTS)

    assert "--delete 3 " in refusal(place, compiled(BRONZE), delete=True)
    assert "--delete 3 " in refusal(place, compiled(BRONZE), delete=2)
    assert "--delete 3 " in refusal(place, compiled(BRONZE))
    place.deploy(compiled(BRONZE), delete=3)
    place.check_agreement(compiled(BRONZE))


@pytest.mark.parametrize("number", [0, 2])
def test_a_number_must_be_the_exact_one(place: Place, number: int):
    place.deploy(FLIGHTS)

    assert "--delete 1 " in refusal(place, delete=number)


def test_one_is_a_number_and_true_is_a_word(place: Place):
    place.deploy(compiled(BRONZE))

    assert "deletes 1 of local's 1 resources" in refusal(place, compiled(), delete=True)
    place.deploy(compiled(), delete=1)
    place.check_agreement(compiled())


def test_destroy_says_destroy(place: Place):
    place.deploy(FLIGHTS)

    with pytest.raises(ConsentMissing) as error:
        place.deployer.destroy("local", Terms(ORIGIN, Consent(delete=True)))
    assert "mdf destroy -t local --delete 4  or" in str(error.value)
    assert "nothing of this target is wanted any more" in str(error.value)


def test_a_table_that_moves_is_not_said_to_stay(place: Place):
    place.deploy(compiled(BRONZE, part("gold", "gold.delays")))
    moved = compiled(BRONZE, part("marts", "gold.delays"))

    text = refusal(place, moved)

    assert "gold.delays is built by marts now" in text
    assert "its tables stay" not in text


def test_a_rebuild_wants_yes(place: Place):
    place.deploy(FLIGHTS)
    gold = part("gold", "gold.delays", "gold.routes", kind="pipeline")
    resources = [
        gold if r.key == "gold" else r for r in FLIGHTS.resources if r.key != "all"
    ]

    with pytest.raises(ConsentMissing) as error:
        place.deploy(compiled(*resources))
    assert [problem.code for problem in error.value.problems] == [
        "needs-delete",
        "needs-yes",
    ]
    said = [line for line in str(error.value).splitlines() if "Say  " in line]
    assert said == [
        (
            "  Say  mdf deploy -t local --delete --yes  or  "
            "%mdf_deploy --target local --delete --yes ."
        )
    ]


@pytest.mark.parametrize(
    ("relation", "said"),
    [("behind", "is older than"), ("diverged", "has another history than")],
)
def test_an_older_commit_wants_yes(place: Place, relation: str, said: str):
    place.deploy(FLIGHTS)
    stands = {"9d2f6c1": relation}
    origin = Origin("me", None, "0000000", stands.__getitem__)
    changed = compiled(*FLIGHTS.resources, code={"src/gold.py": "# old\n"})

    with pytest.raises(ConsentMissing, match=f"this commit {said} the one deployed"):
        place.deployer.deploy(Wish(changed), Terms(origin))
    place.deployer.deploy(Wish(changed), Terms(origin, Consent(yes=True)))
    place.check_agreement(changed)
