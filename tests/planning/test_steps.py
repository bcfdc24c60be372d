"""The whole of planning: the same definitions come to the same files, always."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mdf_magics.definitions.loading import load
from mdf_magics.definitions.placement_file import placement_text
from mdf_magics.errors import DefinitionError
from mdf_magics.planning.steps import (
    Settings,
    compile_target,
    plan_target,
    runtime_text,
)
from tests.planning.plans import PROJECT, compiled, plan, queries, query, shown

FLIGHTS = Path(__file__).parents[1] / "data" / "flights"


def shuffled_flights(random: Random) -> dict[str, str]:
    """The example's files with its entries in other files and another order."""
    entries = [
        entry
        for file in (FLIGHTS / "definitions" / "tables").glob("*.yml")
        for entry in yaml.safe_load(file.read_text())["tables"]
    ]
    random.shuffle(entries)
    files: dict[str, list[object]] = {}
    for entry in entries:
        files.setdefault(f"definitions/tables/{random.choice('abcd')}.yml", []).append(
            entry
        )
    texts = {
        path: yaml.safe_dump({"tables": items}, sort_keys=False)
        for path, items in files.items()
    }
    gone = {
        f"definitions/tables/{name}.yml": None for name in ("bronze", "silver", "gold")
    }
    return texts | gone  # type: ignore[return-value]


@given(st.randoms(use_true_random=False), st.booleans())
def test_order_of_files_and_entries_changes_no_byte(
    random: Random, placed: bool
) -> None:
    settings = Settings("local", {}, lambda: "me")
    unplaced = {} if placed else {"definitions/placement.yml": "{}\n"}
    expected = plan_target(load(FLIGHTS, unplaced), settings)

    planned = plan_target(load(FLIGHTS, shuffled_flights(random) | unplaced), settings)

    assert planned.problems == ()
    assert compile_target(planned) == compile_target(expected)
    assert placement_text(planned.parts.placement) == placement_text(
        expected.parts.placement
    )


EDGES = st.lists(
    st.tuples(st.sampled_from("abc"), st.lists(st.integers(0, 30), max_size=3)),
    min_size=1,
    max_size=12,
)


@given(EDGES, st.randoms(use_true_random=False))
def test_so_it_is_for_any_tables_that_are_placed_first(
    edges: list[tuple[str, list[int]]], random: Random
) -> None:
    items = []
    for number, (group, reads) in enumerate(edges):
        upstream = sorted({f"s.t{one % number}" for one in reads}) if number else []
        items.append(query(f"s.t{number}", " ".join(upstream), group=group))
    project = f"{PROJECT}groups: {{a: {{max_tables: 2}}, b: {{max_tables: 3, runs_on: pipeline}}}}\n"
    expected = plan(queries(*items), project=project)
    random.shuffle(items)

    planned = plan(queries(*items), project=project)

    assert compiled(planned).files == compiled(expected).files
    assert planned.parts.placement == expected.parts.placement


def test_placement_that_was_recorded_changes_nothing() -> None:
    tables = queries(*(query(f"s.t{number}") for number in range(40)))
    project = f"{PROJECT}groups: {{s: {{runs_on: pipeline}}}}\n"
    first = plan(tables, project=project)

    second = plan(
        tables, project=project, placement=placement_text(first.parts.placement)
    )

    assert compiled(second) == compiled(first)


def test_what_is_uploaded_is_what_lies_under_src() -> None:
    found = compiled(plan(queries(query("s.t"))))

    assert sorted(found.files) == ["jobs/s.yml", "src/mdf_runtime.py", "src/s.py"]
    assert sorted(found.uploads) == ["src/mdf_runtime.py", "src/s.py"]
    assert found.files["src/mdf_runtime.py"] == runtime_text()


class TestProblems:
    def test_they_come_in_the_order_of_files_and_lines(self) -> None:
        tables = "".join(
            f"  - {{name: s.t{number}, transformation: none}}\n" for number in range(12)
        )
        files = {
            "definitions/mdf.yml": f"{PROJECT}groups: {{s: {{job: {{name: x}}}}}}\n",
            "definitions/tables/t10.yml": f"tables:\n{tables}",
            "definitions/tables/t9.yml": "tables: [{name: S}]\n",
        }

        planned = plan_target(
            load(Path("nowhere"), files), Settings("local", {}, lambda: "me")
        )

        places = [one.place for one in planned.problems if one.place]
        assert [(Path(one.source.name).name, one.line) for one in places] == [
            ("mdf.yml", 4),
            ("t9.yml", 1),
            *(("t10.yml", line) for line in range(2, 14)),
        ]

    def test_unknown_target_names_the_closest(self) -> None:
        with pytest.raises(DefinitionError) as caught:
            plan(target="locla")

        assert str(caught.value) == (
            'unknown-target: there is no target "locla"\n'
            "  definitions/mdf.yml:2:1\n"
            "    2 | targets:\n"
            "      | ^^^^^^^\n"
            '  Did you mean "local"? There are: local.'
        )

    def test_project_that_can_not_be_read_is_all_there_is_to_say(self) -> None:
        with pytest.raises(DefinitionError) as caught:
            plan(project="project: shop\n")

        assert [one.message for one in caught.value.problems] == [
            'the key "targets" is missing'
        ]

    def test_files_beside_the_project_are_out_of_reach_of_an_engine_elsewhere(
        self,
    ) -> None:
        project = """\
            project: shop
            default_target: prod
            targets: {prod: {engine: databricks, catalog: main, state: {schema: mdf}, root_path: /x}}
            """
        tables = """
            - name: s.t
              parameters:
                source: {type: files, value: {path: "${project.root}/x.csv", format: csv}}
              sql: SELECT * FROM {{ source }}
            """

        planned = plan(tables, project=project, target="prod")

        assert shown(planned.errors) == (
            "root-elsewhere: s.t reads ${project.root}, which this target can't see\n"
            "  definitions/tables/t.yml:4:34\n"
            '    4 |     source: {type: files, value: {path: "${project.root}/x.csv", format: csv}}\n'
            "      |                                  ^\n"
            "  Set a variable for the path, with a value for this target."
        )
        assert plan(tables).errors == []

    def test_warnings_stop_nothing(self) -> None:
        planned = plan(queries(query("bronze.flights"), query("s.t", "bronze.flight")))

        assert [one.severity for one in planned.problems] == ["warning"]
        assert planned.errors == []
