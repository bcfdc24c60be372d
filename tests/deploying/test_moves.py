"""Renames and moves keep ids, history and data, also when a deploy dies on the way."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from mdf_magics.deploying.deployer import Deployer
from mdf_magics.deploying.keeping import DataStep, TableKeeper
from mdf_magics.deploying.workspaces.protocol import Refused
from mdf_magics.errors import ConsentMissing
from mdf_magics.planning.resources import Compiled
from tests.deploying.desired import BRONZE, FLIGHTS, SILVER, compiled, part, whole
from tests.deploying.faults import dies_after_create, lost, on
from tests.deploying.place import ORIGIN, Place

MARTS = part("marts", "gold.delays", "gold.routes", renamed_from="gold", line=4)
RENAMED = compiled(
    BRONZE,
    SILVER,
    replace(MARTS, spec=MARTS.spec | {"max_concurrent_runs": 1}),
    whole([BRONZE, SILVER, MARTS], {"silver": ["bronze"], "marts": ["silver"]}),
)
"""FLIGHTS with the group gold called marts."""


class Keeper(TableKeeper):
    """Remembers what was asked; there is content wherever nobody has moved it yet."""

    def __init__(self, *, pipelines_own_tables: bool = False) -> None:
        self.pipelines_own_tables = pipelines_own_tables
        self.steps: list[DataStep] = []

    def carry_out(self, step: DataStep) -> str | None:
        repeated = step in self.steps
        self.steps.append(step)
        return None if repeated else step.new_home or f"{step.home}__kept"


@pytest.fixture
def keeper(place: Place) -> Keeper:
    keeper = Keeper()
    place.deployer = replace(place.deployer, tables=keeper)
    return keeper


def tables(place: Place, key: str) -> list[str]:
    (row,) = [row for row in place.store.state() if row.key == key]
    return list(json.loads(row.tables or "[]"))


def action(place: Place, desired: Compiled, key: str) -> dict[str, Any]:
    actions = place.deployer.plan(desired).actions
    (found,) = [one.to_json() for one in actions if one.key == key]
    return found


class TestRenamedGroup:
    def test_keeps_its_id_and_its_history(self, place: Place):
        place.deploy(FLIGHTS)
        before = place.ids()

        assert action(place, RENAMED, "marts")["action"] == "move"
        assert action(place, RENAMED, "marts")["reasons"][0] == (
            "it was gold: renamed_from keeps its id and tables"
        )
        result = place.deploy(RENAMED)

        assert result.succeeded
        after = place.ids()
        assert after == {**{k: before[k] for k in ("all", "bronze", "silver")},
                         "marts": before["gold"]}  # fmt: skip
        assert place.remote("marts").name == "[local] flights marts"
        assert [m for m, _ in place.workspace.writes if m in ("create", "delete")] == []
        place.check_agreement(RENAMED)

    def test_is_done_once_and_the_line_may_stay(self, place: Place):
        place.deploy(FLIGHTS)
        place.deploy(RENAMED)

        assert place.plan(RENAMED) == {}
        later = compiled(*RENAMED.resources, code={"src/marts.py": "# new\n"})
        assert {a for a, _ in place.plan(later).values()} == {"update"}

    def test_goes_through_where_the_reply_was_lost(self, place: Place):
        place.deploy(FLIGHTS)
        before = place.ids()["gold"]
        place.workspace.after = on("update", "marts", lost(), times=3)

        assert not place.deploy(RENAMED).succeeded
        place.forget_faults()
        assert place.deploy(RENAMED).succeeded

        assert place.ids()["marts"] == before
        place.check_agreement(RENAMED)

    def test_is_tried_again_when_it_was_refused(self, place: Place):
        place.deploy(FLIGHTS)
        place.workspace.before = on("update", "marts", Refused("no"))

        result = place.deploy(RENAMED)

        assert [one.key for one in result.failed] == ["marts"]
        assert "job marts could not be moved: no" in result.failed[0].problem.message
        place.deploy(RENAMED)
        place.check_agreement(RENAMED)

    def test_a_group_that_is_there_already_isnt_taken_over(self, place: Place):
        marts = part("marts", "marts.x")
        place.deploy(compiled(BRONZE, part("gold", "gold.delays"), marts))
        both = compiled(BRONZE, part("marts", "marts.x", renamed_from="gold"))

        assert {key: a for key, (a, _) in place.plan(both).items()} == {
            "gold": "delete"
        }

    def test_only_one_group_takes_a_resource_over(self, place: Place):
        place.deploy(compiled(part("gold", "s.x", "s.y")))
        before = place.ids()["gold"]
        split = compiled(
            part("a", "s.x", renamed_from="gold"), part("b", "s.y", renamed_from="gold")
        )

        place.deploy(split, yes=True)

        assert place.ids()["a"] == before
        assert place.ids()["b"] != before
        place.check_agreement(split)

    def test_without_the_line_the_plan_says_which_to_add(self, place: Place):
        place.deploy(FLIGHTS)
        marts = replace(MARTS, renamed_from=None,
                        spec=MARTS.spec | {"max_concurrent_runs": 1})  # fmt: skip
        desired = compiled(BRONZE, SILVER, marts, whole([BRONZE, SILVER, marts]))

        planned = place.plan(desired)

        assert planned["gold"][0] == "delete"
        assert planned["marts"] == (
            "create",
            [
                "it is new",
                "gold.delays moves here from gold",
                "gold.routes moves here from gold",
                (
                    "it looks like gold with another name: to keep its id and history, add"
                    "  renamed_from: gold  to the group marts in definitions/mdf.yml"
                ),
            ],
        )


BOTH = compiled(part("a", "s.x", "s.y"), part("b", "s.z"))
MOVED = compiled(part("a", "s.x"), part("b", "s.y", "s.z"))


class TestMovedTable:
    def test_the_giver_is_changed_first_and_yes_is_wanted(self, place: Place):
        place.deploy(BOTH)

        with pytest.raises(ConsentMissing, match="this plan moves tables to 1 of"):
            place.deploy(MOVED)
        place.deploy(MOVED, yes=True)

        assert [w for w in place.workspace.writes if w[0] == "update"] == [
            ("update", "a"),
            ("update", "b"),
        ]
        moves = [
            (r.key, r.phase) for r in place.store.journal() if r.operation == "move"
        ]
        assert moves == [
            ("a", "intent"), ("a", "done"), ("b", "intent"), ("b", "done"), ("a", "done"),
        ]  # fmt: skip
        assert (tables(place, "a"), tables(place, "b")) == (["s.x"], ["s.y", "s.z"])
        place.check_agreement(MOVED)

    def test_is_resumed_forward_when_the_taker_failed(self, place: Place):
        place.deploy(BOTH)
        place.workspace.before = on("update", "b", Refused("no"))

        result = place.deploy(MOVED, yes=True)

        assert [one.key for one in result.done] == ["a"]
        assert tables(place, "a") == ["s.x", "s.y"], "it has the table until b takes it"
        assert place.plan(MOVED) == {
            "b": (
                "move",
                [
                    "s.y moves here from a",
                    "tasks[s-y]: will be added",
                    "its last update did not come to its end",
                ],
            )
        }
        place.deploy(MOVED, yes=True)
        assert place.workspace.writes == [("update", "b")]
        place.check_agreement(MOVED)

    def test_swaps_are_no_circle(self, place: Place):
        place.deploy(compiled(part("a", "s.x"), part("b", "s.y")))
        swapped = compiled(part("a", "s.y"), part("b", "s.x"))

        place.deploy(swapped, yes=True)

        place.check_agreement(swapped)

    def test_a_giver_that_goes_goes_last(self, place: Place):
        place.deploy(compiled(part("a", "s.x"), part("b", "s.y")))
        merged = compiled(part("b", "s.x", "s.y"))
        place.workspace.before = on("update", "b", Refused("no"))

        result = place.deploy(merged, yes=True, delete=1)

        assert [(b.key, b.because) for b in result.blocked] == [("a", ("b",))]
        place.deploy(merged, yes=True, delete=1)
        place.check_agreement(merged)

    def test_between_pipelines_the_plan_says_how_rows_stay(
        self, place: Place, keeper: Keeper
    ):
        keeper.pipelines_own_tables = True
        before = compiled(
            part("a", "s.x", "s.y", kind="pipeline"), part("b", "s.z", kind="pipeline")
        )
        after = compiled(
            part("a", "s.x", kind="pipeline"),
            part("b", "s.y", "s.z", kind="pipeline"),
            write={"s.y": "append"},
            code={"src/a.py": "# less\n", "src/b.py": "# more\n"},
        )
        place.deploy(before)
        b = place.ids()["b"]
        statement = (
            "ALTER STREAMING TABLE `main`.`s`.`y` "
            f"SET TBLPROPERTIES ('pipelines.pipelineId' = '{b}')"
        )

        assert action(place, after, "b")["impact"] == [
            {
                "table": "s.y",
                "effect": "full refresh",
                "detail": f"unless this is said before b's next update:  {statement}",
            }
        ]
        result = place.deploy(after, yes=True)

        assert keeper.steps == []
        assert result.notes == (
            f"before b's next update, so that s.y keeps its rows:  {statement}",
        )
        place.check_agreement(after)


class TestAnotherKindOfHome:
    PIPELINE = compiled(
        part("a", "s.x"),
        part("b", "s.y", kind="pipeline"),
        write={"s.y": "merge"},
        code={"src/b.py": "# b"},
    )
    JOB = compiled(part("a", "s.x"), part("b", "s.y"), code={"src/b.py": "# b"},
                   write={"s.y": "merge"})  # fmt: skip

    def test_begins_anew_with_the_tables_name_and_keeps_the_content(
        self, place: Place, keeper: Keeper
    ):
        place.deploy(self.JOB)

        with pytest.raises(ConsentMissing) as error:
            place.deploy(self.PIPELINE)
        assert [one.code for one in error.value.problems] == [
            "needs-yes", "needs-rebuild",
        ]  # fmt: skip
        assert str(error.value).splitlines()[-3:-1] == [
            (
                "  Say  mdf deploy -t local --yes --rebuild s.y  or  "
                "%mdf_deploy --target local --yes --rebuild s.y ."
            ),
            "",
        ]
        assert keeper.steps == []
        result = place.deploy(self.PIPELINE, yes=True, rebuild=frozenset({"s.y"}))

        assert keeper.steps == [DataStep("s.y", "keep", "main.s.y", "job")]
        assert result.notes == (
            (
                "s.y: its content so far is main.s.y__kept; "
                "drop it when nobody needs it any more"
            ),
        )
        place.check_agreement(self.PIPELINE)

    def test_an_overwritten_table_needs_only_yes(self, place: Place, keeper: Keeper):
        job = compiled(part("b", "s.y"))
        pipeline = compiled(part("b", "s.y", kind="pipeline"))
        place.deploy(job)

        place.deploy(pipeline, yes=True)

        assert len(keeper.steps) == 1
        place.check_agreement(pipeline)

    def test_one_table_that_goes_to_a_pipeline(self, place: Place, keeper: Keeper):
        before = compiled(part("a", "s.x", "s.y"), part("b", "s.z", kind="pipeline"))
        after = compiled(
            part("a", "s.x"),
            part("b", "s.y", "s.z", kind="pipeline"),
            code={"src/b.py": "# more\n"},
        )
        place.deploy(before)
        assert action(place, after, "b")["action"] == "rebuild"
        place.workspace.before = on("update", "b", Refused("no"))

        assert not place.deploy(after, yes=True).succeeded
        assert action(place, after, "b")["action"] == "rebuild"
        place.deploy(after, yes=True)

        assert keeper.steps == [DataStep("s.y", "keep", "main.s.y", "job")] * 2
        place.check_agreement(after)

    def test_content_that_cant_be_kept_stops_that_part_only(
        self, place: Place, keeper: Keeper, monkeypatch: pytest.MonkeyPatch
    ):
        place.deploy(self.JOB)

        def refuse(step: DataStep) -> None:
            raise Refused(f"{step.home} is locked")

        monkeypatch.setattr(keeper, "carry_out", refuse)
        result = place.deploy(self.PIPELINE, yes=True, rebuild=frozenset({"s.y"}))

        assert "main.s.y is locked" in result.failed[0].problem.message
        assert place.remote("b").kind == "job"


class TestRenamedTable:
    BEFORE = compiled(part("a", "s.x", "s.old"), write={"s.old": "merge"})
    AFTER = compiled(
        part("a", "s.x", "s.new"),
        write={"s.new": "merge"},
        renamed={"s.new": "s.old"},
    )

    def test_takes_its_content_along(self, place: Place, keeper: Keeper):
        place.deploy(self.BEFORE)

        assert action(place, self.AFTER, "a")["impact"] == [
            {
                "table": "s.new",
                "effect": "retained",
                "detail": "its content so far is s.old, which is renamed",
            }
        ]
        place.deploy(self.AFTER)

        assert keeper.steps == [
            DataStep("s.new", "rename", "main.s.old", "job", "main.s.new")
        ]
        place.deploy(self.AFTER)
        assert len(keeper.steps) == 1
        place.check_agreement(self.AFTER)

    def test_a_pipelines_table_on_databricks_begins_anew(
        self, place: Place, keeper: Keeper
    ):
        keeper.pipelines_own_tables = True
        before = compiled(part("a", "s.old", kind="pipeline"))
        after = compiled(
            part("a", "s.new", kind="pipeline"),
            write={"s.new": "append"},
            renamed={"s.new": "s.old"},
            code={"src/a.py": "# new\n"},
        )
        place.deploy(before)

        with pytest.raises(ConsentMissing, match="begins 1 table anew"):
            place.deploy(after)
        place.deploy(after, rebuild=frozenset({"s.new"}))
        assert keeper.steps == []
        place.check_agreement(after)


def test_a_table_nobody_builds_any_more_stays(place: Place):
    place.deploy(BOTH)
    fewer = compiled(part("a", "s.x"), part("b", "s.z"))

    assert action(place, fewer, "a")["impact"] == [
        {"table": "s.y", "effect": "retained", "detail": "nothing builds it any more"}
    ]


def test_a_taker_whose_create_was_lost_takes_in_the_end(place: Place):
    place.deploy(BOTH)
    desired = compiled(part("a", "s.x"), part("b", "s.z"), part("c", "s.y"))
    dies_after_create(place.workspace, "c")
    place.deploy(desired, yes=True)
    assert tables(place, "a") == ["s.x", "s.y"]
    place.forget_faults()

    Deployer(place.store, place.workspace, sleep=lambda _: None)
    place.deploy(desired, yes=True)

    place.check_agreement(desired)
    assert place.store.snapshot().resources["a"].deployed_by == ORIGIN.deployed_by
