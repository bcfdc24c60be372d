"""`mdf regroup` proposes other parts; `mdf show GROUP` says why there are these."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from mdf_magics.cli import main
from mdf_magics.definitions.placement_file import placement_text, read_placement
from mdf_magics.planning.regrouping import Proposal, propose
from mdf_magics.planning.steps import Planned
from tests.planning.plans import PROJECT, plan, queries, query

PIPELINE = f"{PROJECT}groups: {{s: {{runs_on: pipeline, max_tables: 3}}}}\n"


def placed(*sizes: int) -> Planned:
    """A group whose parts hold so many tables, beyond its limit or not."""
    placement, names = {}, []
    for index, size in enumerate(sizes):
        key = f"s-{index + 1}" if index else "s"
        for number in range(size):
            names.append(f"s.t{index}_{number}")
            placement[names[-1]] = key
    tables = queries(*(query(name) for name in names))
    return plan(tables, project=PIPELINE, placement=placement_text(placement))


def proposed(planned: Planned, size: int = 3) -> Proposal:
    return propose(
        "s", size, planned.tables, planned.graph, planned.project, planned.parts
    )


class TestProposal:
    @pytest.mark.parametrize(
        ("sizes", "after", "moves"),
        [
            pytest.param((3, 3), {"s": 3, "s-2": 3}, 0, id="fits"),
            pytest.param((5,), {"s": 3, "s-2": 2}, 2, id="too large"),
            pytest.param((1, 3, 1), {"s": 2, "s-2": 3}, 1, id="a part too many"),
            pytest.param((5, 1), {"s": 3, "s-2": 3}, 2, id="room elsewhere"),
            pytest.param((1, 1, 1), {"s": 3}, 2, id="one is enough"),
        ],
    )
    def test_has_the_fewest_parts_by_the_fewest_moves(
        self, sizes: tuple[int, ...], after: dict[str, int], moves: int
    ) -> None:
        found = proposed(placed(*sizes))

        assert (found.after, len(found.moves)) == (after, moves)

    @given(st.lists(st.integers(1, 6), min_size=1, max_size=5), st.integers(1, 6))
    def test_holds_its_size_and_loses_no_table(
        self, sizes: list[int], size: int
    ) -> None:
        planned = placed(*sizes)

        found = proposed(planned, size)

        assert found.placement.keys() == planned.tables.keys()
        assert max(found.after.values()) <= size
        assert len(found.after) == -(-sum(sizes) // size)
        kept = sorted((min(one, size) for one in sizes), reverse=True)
        assert len(found.moves) == sum(sizes) - sum(kept[: len(found.after)])

    def test_tables_move_that_cost_least(self) -> None:
        tables = """\
- {name: s.a, write: append, parameters: {x: {type: stream, value: r.x}}, sql: 'SELECT * FROM {{ x }}'}
- {name: s.b, sql: SELECT 1 AS x}
- {name: s.c, write: view, sql: SELECT 1 AS x}
"""
        planned = plan(
            tables,
            project=PIPELINE.replace("3", "1"),
            placement="s.a: s\ns.b: s\ns.c: s\n",
        )

        found = proposed(planned, 2)

        assert [
            (one.table, one.cost, one.can_be_handed_over) for one in found.moves
        ] == [("s.c", "a view holds no rows: nothing is computed", False)]

    def test_parts_that_wait_for_each_other_are_taken_apart(self) -> None:
        planned = plan(
            queries(
                query("s.one"),
                query("b.two", "s.one"),
                query("s.three", "b.two"),
                query("s.four", "s.three"),
            ),
            project=PIPELINE.replace("3", "30"),
            placement="s.one: s\nb.two: b\ns.three: s\ns.four: s\n",
        )
        assert [one.code for one in planned.problems] == ["part-cycle"]

        found = proposed(planned, 30)

        assert {one.table: one.after for one in found.moves} == {
            "s.three": "s-2",
            "s.four": "s-2",
        }


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "definitions" / "tables").mkdir(parents=True)
    (tmp_path / "definitions" / "mdf.yml").write_text(PIPELINE)
    tables = queries(
        *(query(f"s.t{number}") for number in range(4)),
        query("b.u", "s.t0"),
        query("s.v", "b.u"),
    )
    (tmp_path / "definitions" / "tables" / "t.yml").write_text(tables)
    run(tmp_path, "compile")
    return tmp_path


def run(root: Path, *words: str) -> str:
    result = CliRunner().invoke(main, ["-C", str(root), *words])
    return result.output


def test_show_says_why_there_are_these_parts(root: Path) -> None:
    shown = run(root, "show", "s")
    assert shown.startswith("group s: 5 tables in 2 pipelines\n")
    assert "A part takes 3: max_tables is 3." in shown
    assert "s-2: it can't be one with s: s-2 waits for b waits for s." in shown
    assert json.loads(run(root, "show", "s", "--json"))["parts"][1]["waits_for"] == [
        "b"
    ]


def test_nothing_moves_before_it_is_accepted(root: Path) -> None:
    path = root / "definitions" / "placement.yml"
    before = path.read_text()

    proposal = run(root, "regroup", "s", "--size", "2")

    assert path.read_text() == before
    assert "s: 2 parts -> 3 parts of at most 2 tables, by 1 move" in proposal
    assert "s -> s-3  a materialized view: computed anew from all it reads" in proposal
    assert "ALTER ... SET TBLPROPERTIES ('pipelines.pipelineId' = '<id>')" in proposal
    accepting = proposal.rpartition("Accept it:  mdf ")[2].split()
    assert "the next deploy moves them" in run(root, *accepting)
    assert len(set(read_placement(path.read_text()).parts.values())) == 4
    assert "nothing has to move" in run(root, "regroup", "s", "--size", "2")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["regroup", "bb"], 'there is no group "bb" with tables'),
        (["regroup", "s", "--size", "0"], "a part can't hold 0 tables"),
        (["regroup", "s", "--size", "2000"], "a pipeline takes 1,000 tables"),
    ],
)
def test_wrong_words_are_told(root: Path, words: list[str], said: str) -> None:
    assert said in run(root, *words)
