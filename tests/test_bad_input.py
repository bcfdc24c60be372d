"""Wrong input, the way people type it: one short block, and nothing is saved."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from mdf_magics.cli import main

AIRLINES = "carrier,name\nUA,United\nAA,American\n"

STORED = """\
%%mdf_table bronze.airlines
parameters:
  source: {type: files, value: {path: "${project.root}/airlines.csv", format: csv, options: {header: true}}}
---
SELECT * FROM {{ source }}

%%mdf_transformation newest
parameters: {source: table, keys: columns, limit: {type: int, default: 1}}
---
SELECT * FROM {{ source }} ORDER BY {{ keys }} LIMIT {{ limit }}
"""

CELLS = {
    "no SQL": (
        "%%mdf_table silver.x\ngroup: silver\n",
        ["missing-body", "cell line 1, column 13", "silver.x has neither"],
    ),
    "unknown key": (
        "%%mdf_table silver.x\ngrop: silver\n---\nSELECT 1 AS a",
        ["unknown-key", "cell line 2, column 1", 'Did you mean "group"?'],
    ),
    "unknown transformation": (
        "%%mdf_table silver.x\ntransformation: newst\narguments: {}\n",
        ["unknown-transformation", "cell line 2, column 17", 'Did you mean "newest"?'],
    ),
    "unknown argument": (
        (
            "%%mdf_table silver.x\ntransformation: newest\n"
            "arguments: {source: bronze.airlines, keys: [carrier], limt: 3}\n"
        ),
        ["unknown-argument", "cell line 3, column 55", 'Did you mean "limit"?'],
    ),
    "missing argument": (
        (
            "%%mdf_table silver.x\ntransformation: newest\n"
            "arguments: {source: bronze.airlines}\n"
        ),
        ["missing-argument", 'no value for "keys" (columns)', "cell line 3, column 12"],
    ),
    "wrongly typed argument": (
        (
            "%%mdf_table silver.x\ntransformation: newest\n"
            'arguments: {source: bronze.airlines, keys: [carrier], limit: "3"}\n'
        ),
        ["wrong-type", 'limit (int) must be a whole number, not "3"'],
    ),
    "unknown parameter": (
        "%%mdf_table silver.x\nparameters: {least: 3}\n---\nSELECT {{ lest }} AS a",
        ["unknown-parameter", "cell line 4, column 8", 'Did you mean "least"?'],
    ),
    "SQL that does not parse": (
        "%%mdf_table silver.x\n---\nSELECT carrier,\nFROM bronze.airlines",
        ["sql-syntax", "cell line 4, column 1", "comma at the end of line 3"],
    ),
    "misspelt SELECT": (
        "%%mdf_table silver.x\n---\nSELCT carrier FROM bronze.airlines",
        ["sql-syntax", "cell line 3, column 1", "Did you mean SELECT?"],
    ),
    "unknown table": (
        "%%mdf_table silver.x\n---\nSELECT * FROM bronze.airline",
        ["unknown-table", "cell line 3, column 15", '"bronze.airlines"'],
    ),
    "unknown column": (
        "%%mdf_table silver.x\n---\nSELECT carier FROM bronze.airlines",
        ["unknown-column", "cell line 3, column 8"],
    ),
    "statement that is no query": (
        "%%mdf_table silver.x\n---\nDROP TABLE bronze.airlines",
        ["not-one-query", "cell line 3, column 1", "this is DROP"],
    ),
    "placeholder in quotes": (
        (
            "%%mdf_table silver.x\nparameters: {what: UA}\n---\n"
            "SELECT * FROM bronze.airlines WHERE carrier = '{{ what }}'"
        ),
        ["quoted-placeholder", "cell line 4, column 47", "without quotes"],
    ),
    "Python that raises": (
        (
            "%%mdf_table silver.x\nparameters: {source: {type: table, value: bronze.airlines}}\n"
            "---\ndef x(source):\n    missing = {}['key']\n    return source\n"
        ),
        ["python-error", "KeyError", "cell line 5, column 5"],
    ),
    "Python that does not parse": (
        "%%mdf_table silver.x\n---\ndef x(source:\n    return source\n",
        ["python-syntax", "cell line 3"],
    ),
    "file that is not there": (
        (
            "%%mdf_table silver.x\nparameters:\n"
            '  s: {type: files, value: {path: "${project.root}/no.csv", format: csv}}\n'
            "---\nSELECT * FROM {{ s }}"
        ),
        ["no.csv"],
    ),
    "unknown option": (
        "%%mdf_table silver.x --no-sav\n---\nSELECT 1 AS a",
        ["Did you mean --no-save?"],
    ),
    "two columns of one name": (
        "%%mdf_table silver.x\n---\nSELECT 1 AS a, 2 AS A",
        ["duplicate-column", "two columns a"],
    ),
    "expectation with an unknown column": (
        (
            "%%mdf_table silver.x\n"
            "expectations: [{name: e, check: nothing > 1}]\n---\nSELECT 1 AS a"
        ),
        ["unknown-column", "cell line 2, column 33"],
    ),
    "secret": (
        (
            "%%mdf_table silver.x\ndescription: dapi0123456789abcdef0123456789abcdef\n"
            "---\nSELECT 1 AS a"
        ),
        ["secret-in-clear"],
    ),
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a table that can be previewed, and a transformation."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "airlines.csv").write_text(AIRLINES)
    (folder / "cells.txt").write_text(STORED)
    runner = CliRunner()
    for words in (["init"], ["add", "cells.txt", "--no-preview"]):
        done = runner.invoke(main, ["-C", str(folder), *absolute(words, folder)])
        assert done.exit_code == 0, done.output
    return folder


@pytest.fixture(scope="module")
def shell(project: Path) -> Iterator[InteractiveShell]:
    """A shell of its own with the extension loaded."""
    instance = InteractiveShell()
    instance.run_line_magic("config", "HistoryManager.enabled = False")
    instance.run_line_magic("load_ext", "mdf_magics")
    yield instance
    instance.run_line_magic("unload_ext", "mdf_magics")


def absolute(words: list[str], folder: Path) -> list[str]:
    return [str(folder / one) if one.endswith(".txt") else one for one in words]


def definitions(folder: Path) -> dict[str, bytes]:
    return {
        str(path): path.read_bytes()
        for path in sorted((folder / "definitions").rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize(("cell", "said"), CELLS.values(), ids=CELLS)
def test_a_wrong_cell_saves_nothing_and_says_where(
    cell: str,
    said: list[str],
    project: Path,
    shell: InteractiveShell,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(project)
    before = definitions(project)

    with capture_output() as shown:
        result = shell.run_cell(cell)

    assert not result.success
    for text in said:
        assert text in shown.stdout + shown.stderr
    assert "Traceback" not in shown.stdout + shown.stderr
    assert definitions(project) == before


@pytest.mark.parametrize(("cell", "said"), CELLS.values(), ids=CELLS)
def test_the_command_says_the_same_and_exits_with_an_error(
    cell: str, said: list[str], project: Path
) -> None:
    before = definitions(project)

    done = CliRunner().invoke(main, ["-C", str(project), "add", "-"], input=cell)

    assert done.exit_code in (1, 2), done.output
    for text in said:
        assert (
            text.replace("cell line ", "<stdin>:").split(", column")[0] in done.output
        )
    assert "Traceback" not in done.output
    assert definitions(project) == before


def run(folder: Path, *words: str, cells: str = "") -> tuple[int, str]:
    done = CliRunner().invoke(main, ["-C", str(folder), *words], input=cells)
    return done.exit_code, done.output


def test_a_file_without_columns_is_no_table(project: Path) -> None:
    (project / "empty.csv").write_text("")
    cell = STORED.split("\n\n", maxsplit=1)[0].replace("airlines", "empty")

    code, said = run(project, "add", "-", cells=cell)

    assert code == 1
    assert "no-columns" in said


def test_one_file_of_cells_cannot_lose_tables_either(project: Path) -> None:
    first = (
        "%%mdf_tables\nname: lost.${each.w}\nfor_each: {w: [a, b]}\n---\n"
        "SELECT 1 AS x\n"
    )
    second = first.replace("[a, b]", "[c]")

    code, said = run(project, "add", "-", "--no-preview", cells=first + second)

    assert code == 1
    assert "loses-tables" in said
    assert not (project / "definitions" / "tables" / "lost.yml").exists()


def test_a_transformation_that_breaks_a_table_is_refused(project: Path) -> None:
    table = (
        "%%mdf_table used.one\ntransformation: newest\n"
        "arguments: {source: bronze.airlines, keys: [carrier]}\n"
    )
    assert run(project, "add", "-", "--no-preview", cells=table)[0] == 0
    broken = STORED.split("\n\n")[1].replace("SELECT *", "SELECT nothing")

    code, said = run(project, "add", "-", cells=broken)
    forced, _ = run(project, "add", "-", "--force", cells=broken)

    assert code == 1
    assert "unknown-column" in said
    assert "used.one would break" in said
    assert forced == 0
    assert run(project, "add", "-", cells=STORED.split("\n\n")[1])[0] == 0
    assert run(project, "remove", "used.one")[0] == 0


def test_a_renamed_table_is_renamed_where_it_is_a_typed_parameter(
    project: Path,
) -> None:
    cells = (
        "%%mdf_table named.old\n---\nSELECT 1 AS a\n"
        "%%mdf_table named.reader\n"
        "parameters: {s: {type: table, value: named.old}}\n---\n"
        "SELECT * FROM {{ s }}\n"
    )
    assert run(project, "add", "-", "--no-preview", cells=cells)[0] == 0

    code, said = run(project, "rename", "named.old", "named.new")

    stored = (project / "definitions" / "tables" / "named.yml").read_text()
    assert code == 0, said
    assert "value: named.new" in stored
    assert "renamed_from: named.old" in stored


def test_the_session_stays_usable_after_all_that(
    project: Path, shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    with capture_output() as shown:
        result = shell.run_cell("%mdf_preview bronze.airlines")

    assert result.success, shown.stderr
    shown_data = [one.data["text/plain"] for one in shown.outputs]
    assert "United" in shown.stdout + "".join(shown_data)


def test_debug_shows_the_traceback(
    project: Path, shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    with capture_output() as shown:
        shell.run_cell("%mdf_preview bronze.nothing --debug")

    assert "Traceback" in shown.stdout


def test_a_folder_without_a_project_says_how_to_start_one(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["-C", str(tmp_path), "list"])

    assert done.exit_code == 1
    assert "no-project" in done.output
    assert "mdf init" in done.output


def test_an_unreadable_definition_is_named(project: Path, tmp_path: Path) -> None:
    CliRunner().invoke(main, ["-C", str(tmp_path), "init"])
    (tmp_path / "definitions" / "tables").mkdir()
    (tmp_path / "definitions" / "tables" / "a.yml").mkdir()

    done = CliRunner().invoke(main, ["-C", str(tmp_path), "validate"])

    assert done.exit_code == 1
    assert "definitions/tables/a.yml" in done.output
    assert "Traceback" not in done.output


def test_problems_can_be_annotations_of_a_pull_request(tmp_path: Path) -> None:
    assert run(tmp_path, "init")[0] == 0
    tables = tmp_path / "definitions" / "tables"
    tables.mkdir()
    (tables / "a.yml").write_text(
        "tables:\n  - name: a.b\n    grop: c\n    sql: SELECT 1 AS x\n"
    )

    code, said = run(tmp_path, "validate", "--format", "github")

    assert code == 1
    where = "file=definitions/tables/a.yml,line=3,col=5,title=unknown-key"
    assert said.startswith(
        f'::error {where}::there is no key "grop" here. Did you mean'
    )
    assert run(tmp_path, "validate", "--format", "gitlab")[0] == 2
