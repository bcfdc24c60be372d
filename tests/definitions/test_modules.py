"""`modules:`: Python files that bodies import, uploaded beside their source."""

from __future__ import annotations

from pathlib import Path

import pytest

from mdf_magics.planning.resources import Compiled
from mdf_magics.planning.steps import Planned
from tests.planning.formatting import ruff
from tests.planning.plans import PROJECT, compiled, plan, resource, shown

CLEANING = "def trimmed(frame):\n    return frame\n"

TABLES = """\
- name: s.clean
  python: |
    import cleaning
    from pyspark.sql import DataFrame

    def clean(source: DataFrame):
        return cleaning.trimmed(source)
  parameters: {source: {type: table, value: raw.x}}
- {name: t.plain, sql: SELECT 1 AS x}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "cleaning.py").write_text(CLEANING)
    return tmp_path


def with_modules(root: Path, *paths: str, more: str = "") -> Planned:
    modules = f"modules: [{', '.join(paths)}]\n"
    return plan(TABLES, project=PROJECT + modules + more, root=root)


def test_lies_beside_the_sources_whose_bodies_are_python(root: Path) -> None:
    planned = with_modules(root, "lib/cleaning.py")

    assert compiled(planned).files["src/cleaning.py"] == (
        f"{CLEANING}\n\n# Written by mdf from lib/cleaning.py. Edit that, not this.\n"
    )
    assert "src/cleaning.py" in resource(planned, "s").files
    assert "src/cleaning.py" not in resource(planned, "t").files


@pytest.mark.parametrize("home", ["job", "pipeline"])
def test_is_imported_once_its_folder_can_be(root: Path, home: str) -> None:
    groups = f"groups: {{s: {{runs_on: {home}}}}}\n"
    planned = with_modules(root, "lib/cleaning.py", more=groups)

    source = compiled(planned).files["src/s.py"]

    assert source.index("import mdf_runtime") < source.index("import cleaning") or (
        home == "pipeline"
    )
    assert ruff(source, "check") == ""
    assert ruff(source, "format", "--diff") == ""


def test_no_part_without_python_gets_it(root: Path) -> None:
    tables = "- {name: t.plain, sql: SELECT 1 AS x}"
    project = f"{PROJECT}modules: [lib/cleaning.py]\n"

    files: Compiled = compiled(plan(tables, project=project, root=root))

    assert "src/cleaning.py" not in files.files


def test_changed_text_is_another_plan(root: Path) -> None:
    from mdf_magics.definitions.loading import load

    (root / "definitions").mkdir()
    text = f"{PROJECT}modules: [lib/cleaning.py]\n"
    (root / "definitions" / "mdf.yml").write_text(text)
    before = load(root).fingerprint

    (root / "lib" / "cleaning.py").write_text("X = 1\n")

    assert load(root).fingerprint != before


@pytest.mark.parametrize(
    ("path", "said"),
    [
        pytest.param(
            "lib/cleanin.py",
            'missing-file: there is no file lib/cleanin.py|Did you mean "cleaning.py"?',
            id="not there",
        ),
        pytest.param("lib/json.py", "bad-name: the module json would hide", id="hides"),
        pytest.param(
            "lib/no-name.py", "bad-file: lib/no-name.py is no module", id="no name"
        ),
        pytest.param("../x.py", "bad-file: ../x.py lies outside", id="outside"),
        pytest.param("lib/notebook.py", "which nothing can import", id="notebook"),
        pytest.param("lib/broken.py", "python-syntax|lib/broken.py:1:", id="broken"),
        pytest.param("other/cleaning.py", "two-modules: two modules", id="twin"),
        pytest.param("lib/t.py", 'bad-name: the group "t" would hide', id="group"),
    ],
)
def test_what_can_not_be_imported_is_refused(root: Path, path: str, said: str) -> None:
    (root / "other").mkdir()
    for name, text in {
        "other/cleaning.py": CLEANING,
        "lib/json.py": CLEANING,
        "lib/t.py": CLEANING,
        "lib/no-name.py": CLEANING,
        "lib/notebook.py": "# Databricks notebook source\n",
        "lib/broken.py": "def (:\n",
    }.items():
        (root / name).write_text(text)

    problems = shown(with_modules(root, "lib/cleaning.py", path).problems)

    for word in said.split("|"):
        assert word in problems
