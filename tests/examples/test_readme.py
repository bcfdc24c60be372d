"""The README's cells and commands run, and show what it says they show."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner
from nbformat.v4 import new_code_cell, new_notebook

from examples.run_quickstart import NOTEBOOK, execute
from mdf_magics.cli import main

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MOST_LINES = 120


def blocks(language: str = "") -> list[str]:
    """The fenced texts of a language; those without one are cells."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)
    return [text for named, text in found if named == language]


@pytest.fixture(scope="module")
def project(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, list[str]]:
    """A folder in which all cells were run, and what each showed."""
    folder = tmp_path_factory.mktemp("readme")
    [data] = [one for one in nbformat.read(NOTEBOOK, 4).cells if one.id == "landing"]
    notebook = new_notebook(
        cells=[new_code_cell(text) for text in (data.source, *blocks())]
    )
    execute(notebook, folder)
    return folder, [_text(cell) for cell in notebook.cells[1:]]


def _text(cell: nbformat.NotebookNode) -> str:
    shown = (
        one.text if "text" in one else one.data["text/plain"] for one in cell.outputs
    )
    return "\n".join(shown)


def test_is_short() -> None:
    assert len(README.splitlines()) <= MOST_LINES


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)]+)\)", README)

    assert links
    assert not [link for link in links if not (ROOT / link).exists()]


def test_targets_of_make_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    targets = re.findall(r"^make (\w+)", "\n".join(blocks("sh")), flags=re.MULTILINE)

    assert targets == ["demo", "test", "lab"]
    assert not [one for one in targets if f"\n{one}:" not in makefile]


def test_cells_run(project: tuple[Path, list[str]]) -> None:
    _, shown = project

    assert len(shown) == len(blocks()) > 5
    assert "8 of 8 tables succeeded" in shown[-1]


def test_rows_are_those_shown(project: tuple[Path, list[str]]) -> None:
    _, shown = project
    [rows] = blocks("text")

    assert [text for text in shown if text.startswith(rows)]


def test_cells_can_be_added_from_a_terminal(
    project: tuple[Path, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are there already, so each is told to be unchanged."""
    monkeypatch.chdir(project[0])
    cells = "\n".join(text for text in blocks() if text.startswith("%%"))

    result = CliRunner().invoke(main, ["add", "-", "--no-preview"], input=cells)

    assert result.exit_code == 0, result.output
    assert {line.split()[1] for line in result.output.splitlines()} == {"unchanged"}


@pytest.mark.parametrize(
    "line",
    [line for line in "".join(blocks("sh")).splitlines() if line.startswith("mdf ")],
)
def test_commands_succeed_when_all_is_deployed(
    line: str, project: tuple[Path, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project[0])
    _, *words = shlex.split(line, comments=True)

    result = CliRunner().invoke(main, words)

    assert result.exit_code == 0, result.output
