"""A plan reads like a sentence and has a stable JSON shape."""

from __future__ import annotations

from tests.deploying.desired import BRONZE, FLIGHTS, WITHOUT_GOLD, compiled, part
from tests.deploying.place import Place


def test_json(place: Place):
    assert place.deployer.plan(compiled(BRONZE)).to_json() == {
        "target": "local",
        "actions": [
            {
                "key": "bronze",
                "kind": "job",
                "action": "create",
                "reasons": ["it is new"],
                "tables": ["bronze.airlines", "bronze.flights"],
                "impact": [],
            }
        ],
        "changes": 1,
        "notes": [],
    }


def test_text(place: Place):
    place.deploy(FLIGHTS)
    ids = place.ids()
    bronze = part("bronze", "bronze.airlines", "bronze.flights", timeout_seconds=60)
    resources = [bronze if r.key == "bronze" else r for r in WITHOUT_GOLD.resources]
    marts = part("marts", "marts.delays")
    desired = compiled(*resources, marts, code={"src/silver.py": "# new\n"})

    assert place.deployer.plan(desired).text() == (
        "local: 1 to create, 3 to update, 1 to delete\n"
        f"  update  job all ({ids['all']})\n"
        "            tasks[gold]: will be removed\n"
        f"  update  job bronze ({ids['bronze']})\n"
        "            timeout_seconds: will be 60\n"
        f"  delete  job gold ({ids['gold']})\n"
        "            no table is in its group any more\n"
        "            its tables stay: gold.delays, gold.routes\n"
        "  create  job marts\n"
        "            it is new\n"
        "            tables: marts.delays\n"
        f"  update  pipeline silver ({ids['silver']})\n"
        "            src/silver.py changed"
    )


def test_nothing_to_do(place: Place):
    place.deploy(FLIGHTS)

    plan = place.deployer.plan(FLIGHTS)

    assert plan.text() == "local is up to date: 4 resources"
    assert plan.to_json()["changes"] == 0


def test_a_new_runtime_updates_every_part_and_says_why(place: Place):
    place.deploy(FLIGHTS)
    newer = compiled(*FLIGHTS.resources, code={"src/mdf_runtime.py": "# 0.2\n"})

    assert place.plan(newer) == {
        key: ("update", ["src/mdf_runtime.py changed"])
        for key in ("bronze", "gold", "silver")
    }
    place.deploy(newer)
    place.check_agreement(newer)


def test_an_upload_whose_deploy_died_is_still_a_change(place: Place):
    place.deploy(FLIGHTS)
    newer = compiled(*FLIGHTS.resources, code={"src/gold.py": "# new\n"})
    place.local.upload("src/gold.py", "# new\n")

    assert place.plan(newer) == {"gold": ("update", ["its files changed"])}


def test_a_reordered_definition_is_no_change(place: Place):
    place.deploy(FLIGHTS)
    gold = FLIGHTS.resources[2]
    gold.spec["tasks"].reverse()
    try:
        assert place.plan(FLIGHTS) == {}
    finally:
        gold.spec["tasks"].reverse()
