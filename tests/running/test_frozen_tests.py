"""Frozen tests: rows that were accepted once, and what comes of them later."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mdf_magics import Project
from mdf_magics.errors import DefinitionError, EngineError, MdfError
from mdf_magics.results import Frozen, RanTests

FLIGHTS = Path(__file__).parents[1] / "data" / "flights"
PLANES = "definitions/transformations/changes.yml"


@pytest.fixture(scope="module")
def flights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The worked-out example; its engine is shared, its tests are removed each time."""
    root = tmp_path_factory.mktemp("flights")
    for folder in ("definitions", "landing"):
        shutil.copytree(FLIGHTS / folder, root / folder)
    project = Project(root)
    yield project
    project.close()


@pytest.fixture
def project(flights: Project) -> Iterator[Project]:
    before = {
        path: path.read_bytes() for path in flights.root.glob("definitions/**/*.yml")
    }
    yield flights
    shutil.rmtree(flights.root / "definitions/tests", ignore_errors=True)
    for path, content in before.items():
        path.write_bytes(content)


def stored(frozen: Frozen, project: Project) -> str:
    return (project.root / frozen.file).read_text(encoding="utf-8")


def change(project: Project, file: str, old: str, new: str) -> None:
    path = project.root / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def refusal(error: pytest.ExceptionInfo[MdfError]) -> str:
    return str(error.value)


def test_file_is_read_line_by_line_in_a_review(project: Project) -> None:
    frozen = project.freeze("silver.fleet", "description: Seats of each model.")

    assert stored(frozen, project) == (
        "table: silver.fleet\n"
        "description: Seats of each model.\n"
        "given:\n"
        "  silver.planes:\n"
        "    columns: {tailnum: string, model: string, seats: int, changed_at: timestamp}\n"
        "    rows:\n"
        "      - {tailnum: N14228, model: 737-824, seats: 149, changed_at: '2013-01-02 06:00:00Z'}\n"
        "      - {tailnum: N24211, model: 737-824, seats: 149, changed_at: '2013-01-01 00:00:00Z'}\n"
        "      - {tailnum: N619AA, model: 757-223, seats: 176, changed_at: '2013-01-02 06:00:00Z'}\n"
        "      - {tailnum: N668DN, model: 757-232, seats: 178, changed_at: '2013-01-02 06:00:00Z'}\n"
        "expect:\n"
        "  columns: {model: string, planes: bigint, seats: bigint}\n"
        "  rows:\n"
        "    - {model: 737-824, planes: 2, seats: 298}\n"
        "    - {model: 757-223, planes: 1, seats: 176}\n"
        "    - {model: 757-232, planes: 1, seats: 178}\n"
    )


@pytest.mark.parametrize(
    "table",
    [
        "bronze.airlines",
        "bronze.flights",
        "silver.flights",
        "silver.planes",
        "silver.planes_history",
        "silver.fleet",
        "gold.delays",
        "gold.routes",
        "gold.late_flights",
    ],
)
def test_what_was_frozen_passes(table: str, project: Project) -> None:
    """Every way of writing, SQL and Python, files and streams."""
    project.freeze(table, "rows: 5")

    assert project.test([table]).text().endswith("1 of 1 test passed")


def test_columns_that_differ_each_time_are_left_out(project: Project) -> None:
    frozen = project.freeze("bronze.planes", "")

    assert "  ignore: [loaded_at]\n" in stored(frozen, project)
    assert "loaded_at: '" not in stored(frozen, project)


def test_condition_and_number_of_rows_choose_what_is_given(project: Project) -> None:
    cell = "rows: 2\nwhere: {bronze.airlines: carrier > 'B'}"
    frozen = project.freeze("silver.airlines", cell)

    assert [row["carrier"] for row in frozen.test.given["bronze.airlines"].rows] == [
        "DL",
        "UA",
    ]


def test_rows_can_be_written_by_hand(project: Project) -> None:
    cell = "name: blanks\ngiven: {bronze.airlines: [{carrier: XX, name: '  A   B '}]}"
    frozen = project.freeze("silver.airlines", cell)

    assert frozen.file == "definitions/tests/blanks.yml"
    assert frozen.test.expect.rows == [{"carrier": "XX", "name": "A B"}]


def test_a_test_fails_by_the_rows_that_differ(project: Project) -> None:
    project.freeze("silver.fleet", "")
    other = "if(count(*) > 1, 3L, sum(seats))"
    change(project, "definitions/tables/silver.yml", "sum(seats)", other)

    tested = project.test(["silver.fleet"])

    assert tested.errors == 1
    assert tested.text() == (
        "silver.fleet  failed  definitions/tests/silver.fleet.yml\n"
        "\n"
        "silver.fleet:\n"
        "  1 row expected, but not there:\n"
        "    model    planes   seats\n"
        "    string   bigint  bigint\n"
        "    -------  ------  ------\n"
        "    737-824       2     298\n"
        "  1 row there, but not expected:\n"
        "    model    planes   seats\n"
        "    string   bigint  bigint\n"
        "    -------  ------  ------\n"
        "    737-824       2       3\n"
        "\n"
        "0 of 1 test passed"
    )


def test_other_columns_are_named(project: Project) -> None:
    project.freeze("silver.fleet", "")
    change(project, "definitions/tables/silver.yml", "AS planes,", "AS number,")

    text = project.test().text()

    assert "expected planes bigint; found number bigint" in text
    assert "mdf test --accept" in text


def test_what_is_found_can_be_accepted(project: Project) -> None:
    frozen = project.freeze("silver.fleet", "")
    change(
        project, "definitions/tables/silver.yml", "count(*) AS planes", "1L AS planes"
    )

    assert "accepted" in project.test(accept=True).text()
    assert "{model: 737-824, planes: 1, seats: 298}" in stored(frozen, project)
    assert project.test().errors == 0


def test_freezing_again_changes_no_byte(project: Project) -> None:
    project.freeze("silver.fleet", "")

    assert project.freeze("silver.fleet", "").diff == ""


def test_a_table_that_reads_something_new_says_so(project: Project) -> None:
    project.freeze("silver.fleet", "")
    change(
        project,
        "definitions/tables/silver.yml",
        "FROM silver.planes\n",
        "FROM silver.planes JOIN silver.airlines\n",
    )

    text = project.test().text()

    assert "silver.fleet reads silver.airlines, and the test gives no rows" in text
    assert "%%mdf_test silver.fleet" in text


def test_a_broken_file_is_a_failed_test_with_its_place(project: Project) -> None:
    frozen = project.freeze("silver.fleet", "")
    change(project, frozen.file, "expect:", "expects:")

    tested = project.test()

    assert tested.errors == 1
    assert 'there is no key "expects" here' in tested.text()
    assert "definitions/tests/silver.fleet.yml:" in tested.text()


@pytest.mark.parametrize(
    ("table", "cell", "said"),
    [
        ("silver.flet", "", 'there is no table "silver.flet"'),
        ("silver.fleet", "row: 3", 'there is no key "row" here'),
        ("silver.fleet", "rows: many", 'rows must be a whole number, not "many"'),
        ("silver.fleet", "name: Big Name", 'the name "Big Name"'),
        ("silver.fleet", "where: {silver.plains: x}", "doesn't read silver.plains"),
        ("silver.fleet", "where: {silver.planes: x > 1}", '"x"'),
        ("gold.report", "", "gold.report is written by a notebook"),
    ],
)
def test_wrong_cell_saves_nothing(
    table: str, cell: str, said: str, project: Project
) -> None:
    with pytest.raises((DefinitionError, EngineError)) as error:
        project.freeze(table, cell)

    assert said in refusal(error)
    assert not (project.root / "definitions/tests").exists()


def test_unknown_test_names_the_closest(project: Project) -> None:
    project.freeze("silver.fleet", "name: fleet")

    with pytest.raises(DefinitionError) as error:
        project.test(["flet"])

    assert 'Did you mean "fleet"?' in refusal(error)


def test_without_tests_it_says_how_to_freeze_one(project: Project) -> None:
    assert project.test() == RanTests(())
    assert "%%mdf_test" in project.test().text()


def test_pytest_finds_them(project: Project) -> None:
    project.freeze("silver.fleet", "")
    project.freeze("silver.airlines", "")
    change(project, "definitions/tests/silver.fleet.yml", "seats: 176}", "seats: 1}")

    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "definitions/tests"],
        cwd=project.root,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "1 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    assert "1 row expected, but not there:" in done.stdout
