"""The quickstart runs as it is, its figures are right, and it wrote `definitions/`."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner

from examples.run_quickstart import (
    NOTEBOOK,
    CellFailed,
    execute,
    state,
    worst_carriers,
    write_page,
)
from mdf_magics.cli import main

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Quickstart:
    """The executed notebook and the folder it worked in."""

    folder: Path
    notebook: nbformat.NotebookNode

    def text(self, cell: str) -> str:
        """All that a cell showed, as plain text."""
        [found] = [one for one in self.notebook.cells if one.id == cell]
        return "\n".join(map(_text, found.outputs))

    def rows(self, cell: str) -> dict[str, list[str]]:
        """The words of each line of a cell's output, by the first."""
        lines = (line.split() for line in self.text(cell).splitlines())
        return {first: rest for first, *rest in filter(None, lines)}


def _text(output: nbformat.NotebookNode) -> str:
    if output.output_type == "stream":
        return str(output.text)
    if output.output_type == "error":
        return "\n".join(output.traceback)
    return str(output.data["text/plain"])


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory: pytest.TempPathFactory) -> Quickstart:
    folder = tmp_path_factory.mktemp("run") / "demo"
    folder.mkdir()
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    execute(notebook, folder)
    return Quickstart(folder, notebook)


def test_is_stored_without_outputs() -> None:
    stored = nbformat.read(NOTEBOOK, as_version=4)

    ran = [
        one for one in stored.cells if one.get("outputs") or one.get("execution_count")
    ]

    assert not ran


def test_every_cell_shows_something(quickstart: Quickstart) -> None:
    silent = [one.id for one in quickstart.notebook.cells if one.get("outputs") == []]

    assert not silent


def test_every_rich_output_has_a_plain_twin(quickstart: Quickstart) -> None:
    outputs = [
        one for cell in quickstart.notebook.cells for one in cell.get("outputs", ())
    ]

    rich = [set(one.data) for one in outputs if one.output_type == "display_data"]

    assert len(rich) > 10
    assert all(one == {"text/plain", "text/html"} for one in rich)


def test_all_rows_arrive(quickstart: Quickstart) -> None:
    rows = {
        name: words[1] for name, words in quickstart.rows("run").items() if "." in name
    }

    assert rows == {
        "bronze.airlines": "16",
        "bronze.airports": "1,458",
        "bronze.flights": "336,776",
        "bronze.planes": "3,322",
        "bronze.weather": "26,115",
        "silver.airlines": "16",
        "silver.airports": "1,458",
        "silver.planes": "3,322",
        "silver.weather": "26,115",
        "gold.delays": "16",
        "gold.routes": "14",
        "gold.weather_delays": "4",
    }
    assert "12 of 12 tables succeeded" in quickstart.text("run")


def test_delays_are_those_of_the_data(quickstart: Quickstart) -> None:
    """The figures come from the CSV file, computed without Spark."""
    rows = quickstart.rows("delays")

    assert rows["EV"][-3:] == ["54173", "20.0", "28.9"]
    assert rows["US"][-3:] == ["20536", "3.8", "11.8"]
    assert "enough_flights: 15 pass, 1 fail" in quickstart.text("delays")


def test_fog_makes_late(quickstart: Quickstart) -> None:
    rows = quickstart.rows("weather")

    late = [rows[seen][-1] for seen in ("fog", "mist", "haze", "clear")]
    assert late == ["29.7", "23.5", "19.6", "11.0"]
    assert quickstart.rows("preview")["fog"] == rows["fog"]


def test_python_function_gives_the_same_figures(quickstart: Quickstart) -> None:
    assert quickstart.rows("gold-routes")["LAX"][:4] == [
        "JFK",
        "11262",
        "8.5",
        "2475.0",
    ]


def test_second_deploy_finds_nothing_to_do(quickstart: Quickstart) -> None:
    assert "4 done" in quickstart.text("deploy")
    assert quickstart.text("deploy-again") == "local is up to date."


def test_mistake_is_told_in_a_few_lines(quickstart: Quickstart) -> None:
    told = quickstart.text("mistake")

    assert 'Did you mean "latest_per_key"?' in told
    assert len(told.splitlines()) == 6


def test_state_tells_what_was_created(quickstart: Quickstart) -> None:
    with sqlite3.connect(quickstart.folder / ".mdf" / "state.db") as journal:
        rows = journal.execute(
            "SELECT key, kind FROM mdf_state ORDER BY key"
        ).fetchall()

    assert rows == [
        ("all", "job"),
        ("bronze", "job"),
        ("gold", "job"),
        ("silver", "pipeline"),
    ]
    assert len(state(quickstart.folder)) == 2 + len(rows)


def test_worst_carriers_come_first(quickstart: Quickstart) -> None:
    lines = worst_carriers(quickstart.folder)

    assert [line.split()[0] for line in lines[2:5]] == ["F9", "EV", "YV"]
    assert len(lines) == 2 + 10


def test_page_loads_nothing_from_elsewhere(
    quickstart: Quickstart, tmp_path: Path
) -> None:
    write_page(quickstart.notebook, tmp_path / "page.html")

    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Frontier Airlines Inc." in page
    assert 'src="http' not in page
    assert 'rel="stylesheet"' not in page


def test_nothing_is_written_beside_the_folder(quickstart: Quickstart) -> None:
    assert [path.name for path in quickstart.folder.parent.iterdir()] == ["demo"]


def test_sample_definitions_are_what_the_quickstart_writes(
    quickstart: Quickstart,
) -> None:
    """When this fails on purpose: make demo && rm -r definitions && cp -r build/demo/definitions ."""
    assert _texts(ROOT / "definitions") == _texts(quickstart.folder / "definitions")


def test_sample_definitions_have_no_problems() -> None:
    result = CliRunner().invoke(main, ["-C", str(ROOT), "validate"])

    assert result.output == "No problems: 12 tables for local.\n"
    assert result.exit_code == 0


def test_failing_cell_is_named_with_its_message(tmp_path: Path) -> None:
    cells = [
        nbformat.v4.new_code_cell(code, id=f"cell-{index}")
        for index, code in enumerate(("a=1", "1/0", "b=2"))
    ]
    notebook = nbformat.v4.new_notebook(cells=cells)

    with pytest.raises(CellFailed, match=r"(?s)cell cell-1 failed:.*division by zero"):
        execute(notebook, tmp_path)

    assert [cell.execution_count for cell in cells] == [1, 2, None]


def _texts(folder: Path) -> dict[str, str]:
    """Its files by path; `.schema` is for editors, and changes with what they may help."""
    files = (path for path in sorted(folder.rglob("*.yml")) if path.is_file())
    return {
        str(one.relative_to(folder)): one.read_text(encoding="utf-8") for one in files
    }
