"""Groups, limits and placements that can't be: told with file and line, nothing written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from mdf_magics.cli import main

PROJECT = """\
project: shop
targets:
  local: {engine: embedded, catalog: main}
groups:
"""

TABLES = """\
tables:
  - {name: s.a, sql: SELECT 1 AS x}
  - {name: s.b, sql: SELECT x FROM s.a}
"""

NOTEBOOK = """\
name: load
parameters: {title: {type: string}}
notebook: load.py
"""

TOO_LONG = "x" * 1_000_001

CASES = {
    "unknown field": (
        {"mdf.yml": PROJECT + "  s:\n    job: {max_concurent_runs: 1}\n"},
        ["unknown-field", "mdf.yml:6:11", 'Did you mean "max_concurrent_runs"?'],
    ),
    "field of the wrong type": (
        {"mdf.yml": PROJECT + "  s:\n    job: {timeout_seconds: soon}\n"},
        ["wrong-type", "mdf.yml:6:28", "timeout_seconds"],
    ),
    "field that is filled in": (
        {"mdf.yml": PROJECT + "  s:\n    job: {tasks: []}\n"},
        ["filled-field", "mdf.yml:6:11", "tasks"],
    ),
    "field of a task that is filled in": (
        {"tables/s.yml": TABLES.replace("x}", "x, task: {task_key: t}}", 1)},
        ["filled-field", "tables/s.yml:2:44", "task_key"],
    ),
    "schedule that is no cron": (
        {
            "mdf.yml": PROJECT
            + '  s:\n    schedule: {quartz_cron_expression: "0 6 * * *", timezone_id: UTC}\n'
        },
        ["bad-schedule", "mdf.yml:6:40", '"0 0 6 * * ?"'],
    ),
    "schedule in no time zone": (
        {
            "mdf.yml": PROJECT
            + '  s: {schedule: {quartz_cron_expression: "0 0 6 * * ?", timezone_id: CTE}}\n'
        },
        ["bad-schedule", "mdf.yml:5", 'no time zone "CTE"'],
    ),
    "schedules on a group and on the whole": (
        {
            "mdf.yml": PROJECT
            + '  s:\n    schedule: {quartz_cron_expression: "0 0 6 * * ?", timezone_id: UTC}\n'
            'orchestrate: {schedule: {quartz_cron_expression: "0 0 7 * * ?", timezone_id: UTC}}\n'
        },
        ["two-schedules", "mdf.yml:6:5", "the whole project a schedule"],
    ),
    "one table beyond the limits": (
        {
            "transformations/load.yml": NOTEBOOK,
            "transformations/load.py": "# Databricks notebook source\n",
            "tables/s.yml": "tables:\n  - name: s.a\n    transformation: load\n"
            f"    arguments: {{title: {TOO_LONG}}}\n",
        },
        ["limit-exceeded", "tables/s.yml:4:16", "1 MB of parameters"],
    ),
    "more tables in a part than the platform takes": (
        {
            "tables/s.yml": "tables:\n  - name: s.t${each.n}\n    sql: SELECT 1 AS x\n"
            f"    for_each: {{n: {list(range(1001))}}}\n",
            "placement.yml": "".join(f"s.t{number}: s\n" for number in range(1001)),
        },
        ["too-many-tables", "tables/s.yml:2:5", "a job takes 1,000 tasks"],
    ),
    "placed table that isn't there": (
        {"placement.yml": "s.a: s\ns.b: s\ns.bb: s\n"},
        ["stale-placement", "placement.yml:3:1", "renamed_from: s.bb"],
    ),
    "part that isn't there": (
        {"placement.yml": "s.a: s\ns.b: nowhere-2\n"},
        ["unknown-part", "placement.yml:2:1", '"nowhere-2"', "mdf validate --fix"],
    ),
    "parts that wait for each other": (
        {
            "tables/s.yml": TABLES + "  - {name: o.c, sql: SELECT x FROM s.a}\n"
            "  - {name: s.d, sql: SELECT x FROM o.c}\n",
            "placement.yml": "o.c: o\ns.a: s\ns.b: s\ns.d: s\n",
        },
        ["part-cycle", "tables/s.yml:4:6", "s waits for o: s.d reads o.c"],
    ),
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(
        tmp_path, {"mdf.yml": PROJECT + "  s: {runs_on: job}\n", "tables/s.yml": TABLES}
    )
    return tmp_path


@pytest.fixture(scope="module")
def shell() -> Iterator[InteractiveShell]:
    """A shell of its own with the extension loaded."""
    instance = InteractiveShell()
    instance.run_line_magic("config", "HistoryManager.enabled = False")
    instance.run_line_magic("load_ext", "mdf_magics")
    yield instance
    instance.run_line_magic("unload_ext", "mdf_magics")


def write(folder: Path, texts: dict[str, str]) -> None:
    for name, text in texts.items():
        path = folder / "definitions" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def files(folder: Path) -> dict[str, bytes]:
    """All that a command could have written; caches and locks say nothing."""
    passed = (".mdf/cache", ".mdf/.gitignore", "definitions.lock")
    return {
        name: path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not (name := path.relative_to(folder).as_posix()).startswith(passed)
    }


def run(folder: Path, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["-C", str(folder), *words])
    return done.exit_code, done.output


@pytest.mark.parametrize(("texts", "said"), CASES.values(), ids=CASES)
def test_the_commands_say_where_and_write_nothing(
    texts: dict[str, str], said: list[str], folder: Path
) -> None:
    write(folder, texts)
    before = files(folder)

    told = [run(folder, verb) for verb in ("validate", "compile", "deploy")]

    for code, output in told:
        assert code == 1
        for text in said:
            assert text in output
    assert files(folder) == before


@pytest.mark.parametrize(("texts", "said"), CASES.values(), ids=CASES)
def test_the_magic_says_the_same(
    texts: dict[str, str],
    said: list[str],
    folder: Path,
    shell: InteractiveShell,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write(folder, texts)
    monkeypatch.chdir(folder)
    before = files(folder)

    with capture_output() as shown:
        result = shell.run_cell("%mdf_deploy")

    assert not result.success
    for text in said:
        assert text in shown.stdout + shown.stderr
    assert "Traceback" not in shown.stdout + shown.stderr
    assert files(folder) == before


def test_group_without_tables_is_a_warning_until_it_is_named(folder: Path) -> None:
    """A group is listed before its first table, and stays when its last one goes."""
    write(folder, {"mdf.yml": PROJECT + "  s: {runs_on: job}\n  later: {}\n"})

    code, said = run(folder, "validate")

    assert code == 0
    assert "warning: empty-group: the group later has no tables" in said
    assert "mdf.yml:6:3" in said
    for words in (["show", "later"], ["regroup", "later"], ["run", "--select", "group:later"]):  # fmt: skip
        code, said = run(folder, *words)
        assert code == 1
        assert "later" in said


def test_another_home_for_a_group_says_what_becomes_of_the_data(folder: Path) -> None:
    assert run(folder, "deploy")[0] == 0
    write(folder, {"mdf.yml": PROJECT + "  s: {runs_on: pipeline}\n"})
    before = files(folder)

    _, plan = run(folder, "plan")
    code, refused = run(folder, "deploy")

    assert "rebuild" in plan
    assert "s.a" in plan
    assert code == 1
    assert "needs-yes" in refused
    assert files(folder) == before
