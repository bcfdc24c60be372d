"""Which part each table is in: sticky, within limits, never in a circle."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mdf_magics.definitions.placement_file import placement_text
from mdf_magics.planning.steps import Planned
from tests.planning.plans import PROJECT, plan, queries, query, shown


def groups(**settings: str) -> str:
    lines = "".join(f"  {name}: {{{value}}}\n" for name, value in settings.items())
    return f"{PROJECT}groups:\n{lines}"


def many(count: int, schema: str = "s") -> str:
    return queries(*(query(f"{schema}.t{number:03}") for number in range(count)))


def sizes(planned: Planned) -> dict[str, int]:
    return {key: len(part.tables) for key, part in planned.parts.parts.items()}


class TestSplitting:
    def test_group_larger_than_its_limit_becomes_several_parts(self) -> None:
        planned = plan(many(7), project=groups(s="max_tables: 3"))

        assert sizes(planned) == {"s": 3, "s-2": 3, "s-3": 1}

    @pytest.mark.parametrize(
        ("settings", "most"),
        [
            pytest.param("runs_on: job", 500, id="job"),
            pytest.param("runs_on: pipeline", 30, id="pipeline"),
            pytest.param("job: {job_clusters: []}", 100, id="cluster of the job"),
            pytest.param(
                "task: {existing_cluster_id: x}", 100, id="cluster that is there"
            ),
        ],
    )
    def test_limits(self, settings: str, most: int) -> None:
        tables = f"tables:\n  - {{name: 's.t${{each.x}}', for_each: {{x: {list(range(most + 1))}}}, sql: SELECT 1 AS x}}\n"

        planned = plan(tables, project=groups(s=settings))

        assert planned.problems == ()
        assert sizes(planned) == {"s": most, "s-2": 1}

    def test_group_that_is_not_listed_runs_on_a_job(self) -> None:
        (part,) = plan(many(2)).parts.parts.values()

        assert (part.key, part.group, part.runs_on) == ("s", "s", "job")

    def test_circle_between_parts_is_cut_by_a_new_part(self) -> None:
        """The tables are in no circle, but A waits for B and B for A."""
        planned = plan(
            queries(query("a.one"), query("b.two", "a.one"), query("a.three", "b.two"))
        )

        assert planned.problems == ()
        assert planned.parts.placement == {"a.one": "a", "a.three": "a-2", "b.two": "b"}
        assert planned.parts.parts["a-2"].upstream == ("b",)
        assert planned.parts.order() == ["a", "b", "a-2"]


class TestStickiness:
    def test_room_is_filled_before_a_new_part_is_made(self) -> None:
        planned = plan(
            many(4),
            project=groups(s="max_tables: 2"),
            placement="s.t000: s\ns.t001: s-2\ns.t002: s-2\n",
        )

        assert planned.parts.placement == {
            "s.t000": "s",
            "s.t001": "s-2",
            "s.t002": "s-2",
            "s.t003": "s",
        }

    def test_lower_limit_moves_nothing(self) -> None:
        planned = plan(
            many(4),
            project=groups(s="max_tables: 1"),
            placement="s.t000: s\ns.t001: s\ns.t002: s\n",
        )

        assert sizes(planned) == {"s": 3, "s-2": 1}

    def test_part_that_became_empty_does_not_renumber_others(self) -> None:
        planned = plan(many(1), placement="s.t000: s-3\ns.gone: s\n")

        assert planned.parts.placement == {"s.t000": "s-3"}

    def test_renamed_table_stays_where_it_was(self) -> None:
        tables = "- {name: s.new, renamed_from: s.old, sql: SELECT 1 AS x}"

        planned = plan(tables, placement="s.old: s-2\n")

        assert planned.parts.placement == {"s.new": "s-2"}

    def test_table_of_another_group_moves_there(self) -> None:
        planned = plan(queries(query("s.t", group="g")), placement="s.t: s\n")

        assert planned.parts.placement == {"s.t": "g"}

    @pytest.mark.parametrize("part", ["other", "s-", "s-0", "s-x", "s-2-3", ""])
    def test_part_that_is_none_of_the_group_is_no_place(self, part: str) -> None:
        planned = plan(many(1), placement=f's.t000: "{part}"\n')

        assert planned.parts.placement == {"s.t000": "s"}

    @pytest.mark.parametrize(
        "tables",
        [
            pytest.param(
                f"{many(3)}  - {{name: s.broken, transformation: none}}\n", id="entry"
            ),
            pytest.param(f"{many(3)}  - {{name: s.broken, wirte: append}}\n", id="key"),
            pytest.param(f"{many(3)}  - name: s.broken: x\n", id="file"),
        ],
    )
    def test_table_whose_definition_is_broken_keeps_its_place(
        self, tables: str
    ) -> None:
        placement = "s.t000: s\ns.t001: s\ns.t002: s-2\ns.broken: s-2\n"

        planned = plan(tables, project=groups(s="max_tables: 2"), placement=placement)

        assert planned.errors
        assert planned.parts.placement["s.broken"] == "s-2"

    def test_table_of_an_entry_that_is_gone_loses_its_place(self) -> None:
        planned = plan(many(1), placement="s.t000: s\ns.gone: s\n")

        assert planned.parts.placement == {"s.t000": "s"}

    def test_table_that_is_off_keeps_its_place_and_does_not_run(self) -> None:
        planned = plan(
            queries(
                query("s.a"), query("s.b", "s.a", enabled="false"), query("s.c", "s.b")
            )
        )

        assert planned.parts.placement == {"s.a": "s", "s.b": "s", "s.c": "s"}
        assert planned.parts.parts["s"].tables == ("s.a", "s.c")


class TestEdges:
    def test_part_waits_for_a_new_table_that_a_placed_one_reads(self) -> None:
        planned = plan(
            queries(query("a.new"), query("b.old", "a.new")), placement="b.old: b\n"
        )

        assert planned.parts.parts["b"].upstream == ("a",)

    def test_new_table_between_two_placed_ones_gets_a_part_that_closes_no_circle(
        self,
    ) -> None:
        planned = plan(
            queries(
                query("b.first"),
                query("a.second", "b.first"),
                query("b.new", "a.second"),
                query("c.last", "b.new"),
            ),
            placement="b.first: b\na.second: a\nc.last: c\n",
        )

        assert planned.problems == ()
        assert planned.parts.placement["b.new"] == "b-2"
        assert planned.parts.order() == ["b", "a", "b-2", "c"]

    def test_placed_reader_counts_as_well(self) -> None:
        """a.new would close a circle only because b.old, which reads it, feeds a.old."""
        planned = plan(
            queries(query("a.new"), query("b.old", "a.new"), query("a.old", "b.old")),
            placement="b.old: b\na.old: a\n",
        )

        assert planned.problems == ()
        assert planned.parts.placement["a.new"] == "a-2"

    def test_so_does_a_reader_of_what_was_placed_just_before(self) -> None:
        """Since a.new is there b waits for a, so a can't wait for b as well."""
        planned = plan(
            queries(query("a.new"), query("b.old", "a.new"), query("a.two", "b.old")),
            placement="b.old: b\n",
        )

        assert planned.problems == ()
        assert planned.parts.placement["a.two"] == "a-2"

    def test_circle_that_only_moving_placed_tables_solves_is_shown(self) -> None:
        planned = plan(
            queries(query("a.one"), query("b.two", "a.one"), query("a.three", "b.two")),
            placement="a.one: a\nb.two: b\na.three: a\n",
        )

        assert shown(planned.problems) == (
            "part-cycle: parts wait for each other: a -> b -> a\n"
            "  definitions/tables/t.yml:2:5\n"
            "    2 |   - name: a.one\n"
            "      |     ^^^^\n"
            "  a waits for b: a.three reads b.two\n"
            "  b waits for a: b.two reads a.one\n"
            "  Say  mdf regroup a , or move one in definitions/placement.yml."
        )

    @pytest.mark.parametrize(("divided", "alone"), ["ab", "ba"])
    def test_the_group_that_ends_it_is_named(self, divided: str, alone: str) -> None:
        """A part with one table can't be divided, so regrouping it changes nothing."""
        names = [f"{divided}.one", f"{alone}.two", f"{divided}.three"]
        one, two, three = names

        planned = plan(
            queries(query(one), query(two, one), query(three, two)),
            placement="".join(f"{name}: {name[0]}\n" for name in names),
        )

        (problem,) = planned.problems
        assert f"Say  mdf regroup {divided} ," in problem.hint

    def test_more_than_the_platform_takes_is_an_error(self) -> None:
        names = [f"s.t{number}" for number in range(1001)]
        tables = f"tables:\n  - {{name: 's.t${{each.x}}', for_each: {{x: {list(range(1001))}}}, sql: SELECT 1 AS x}}\n"

        planned = plan(tables, placement="".join(f"{name}: s\n" for name in names))

        (problem,) = planned.problems
        assert str(problem).splitlines()[0] == (
            "too-many-tables: the job s holds 1,001 tables"
        )
        assert problem.hint.startswith("At most: a job takes 1,000 tasks.")


class Sequences(RuleBasedStateMachine):
    """Whatever is added, removed, renamed and limited: nothing moves that wasn't told to."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: dict[str, dict[str, Any]] = {}
        self.limits = {"a": 2, "b": 3}
        self.placement: dict[str, str] = {}
        self.sizes: dict[str, int] = {}
        self.expected: dict[str, str] = {}
        self.count = 0

    def named(self) -> str:
        self.count += 1
        return f"s.t{self.count}"

    @rule(
        group=st.sampled_from(["a", "b", "c"]),
        reads=st.lists(st.integers(0, 30), max_size=3),
    )
    def add(self, group: str, reads: list[int]) -> None:
        known = list(self.tables)
        chosen = (
            sorted({known[number % len(known)] for number in reads}) if known else []
        )
        self.tables[self.named()] = {"group": group, "depends_on": chosen}

    @precondition(lambda self: self.tables)
    @rule(number=st.integers(0, 30))
    def remove(self, number: int) -> None:
        name = list(self.tables)[number % len(self.tables)]
        del self.tables[name]
        self.replace(name, [])

    @precondition(lambda self: self.tables)
    @rule(number=st.integers(0, 30), remembered=st.booleans())
    def rename(self, number: int, remembered: bool) -> None:
        old, new = list(self.tables)[number % len(self.tables)], self.named()
        self.tables = {
            new if name == old else name: keys for name, keys in self.tables.items()
        }
        self.replace(old, [new])
        if remembered:
            self.tables[new] = self.tables[new] | {"renamed_from": old}
            self.expected[new] = self.placement[old]

    @rule(group=st.sampled_from(["a", "b"]), most=st.integers(1, 4))
    def limit(self, group: str, most: int) -> None:
        self.limits[group] = most

    def replace(self, old: str, new: list[str]) -> None:
        self.expected.pop(old, None)
        for name, keys in self.tables.items():
            read = [
                one
                for each in keys["depends_on"]
                for one in (new if each == old else [each])
            ]
            self.tables[name] = keys | {"depends_on": read}

    @invariant()
    def holds(self) -> None:
        items = "".join(
            f"  - {{name: {name}, sql: SELECT 1 AS x, "
            + ", ".join(f"{key}: {value}" for key, value in keys.items()).replace(
                "'", ""
            )
            + "}\n"
            for name, keys in self.tables.items()
        )
        project = groups(
            **{name: f"max_tables: {most}" for name, most in self.limits.items()}
        )
        planned = plan(
            f"tables:\n{items}" if items else "",
            project=project,
            placement=placement_text(self.placement) if self.placement else "",
        )

        assert {one.code for one in planned.problems} <= {
            "crowded-part",
            "empty-group",
            "stale-placement",
        }, shown(planned.problems)
        placed = planned.parts.placement
        assert placed.keys() == self.tables.keys()
        assert {name: placed[name] for name in self.expected} == self.expected
        for key, size in sizes(planned).items():
            most = self.limits.get(key.partition("-")[0], 500)
            assert size <= max(most, self.sizes.get(key, 0))
        order = planned.parts.order()
        for key, part in planned.parts.parts.items():
            assert all(order.index(one) < order.index(key) for one in part.upstream)
        self.placement, self.sizes = placed, sizes(planned)
        self.expected = dict(placed)


TestSequences = Sequences.TestCase
TestSequences.settings = settings(stateful_step_count=15)
