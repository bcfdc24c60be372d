"""`reads_from`: previews read another target's tables where this one has none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from mdf_magics.cli import main
from tests.planning.plans import plan, queries, query

PROJECT = """\
project: shop
default_target: dev
targets:
  prod: {engine: embedded, catalog: main}
  dev: {engine: embedded, catalog: main, schema_prefix: me_, reads_from: prod}
"""

TABLES = """\
tables:
  - {name: bronze.x, sql: SELECT 1 AS id}
  - {name: silver.y, sql: 'SELECT id + 1 AS id FROM bronze.x'}
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("shop")
    (root / "definitions" / "tables").mkdir(parents=True)
    (root / "definitions" / "mdf.yml").write_text(PROJECT)
    (root / "definitions" / "tables" / "t.yml").write_text(TABLES)
    run(root, "-t", "prod", "deploy")
    run(root, "-t", "prod", "run", "bronze.x")
    return root


def run(root: Path, *words: str) -> str:
    result = CliRunner().invoke(main, ["-C", str(root), *words])
    assert result.exit_code == 0, result.output
    return result.output


def test_what_is_not_built_here_is_read_there(root: Path) -> None:
    shown = run(root, "preview", "silver.y")

    assert "read from prod: bronze.x" in shown
    assert json.loads(run(root, "preview", "silver.y", "--json"))["upstream"] == {
        "bronze.x": "read"
    }


def test_fresh_computes_all_the_same(root: Path) -> None:
    assert "computed: bronze.x" in run(root, "preview", "silver.y", "--fresh")


def test_own_tables_come_first(root: Path) -> None:
    run(root, "deploy")
    run(root, "run", "bronze.x")

    assert " · read: bronze.x" in run(root, "preview", "silver.y")


@pytest.mark.parametrize("name", ["prd", "dev"])
def test_target_must_be_another_one(name: str) -> None:
    project = PROJECT.replace("reads_from: prod", f"reads_from: {name}")

    (problem,) = plan(queries(query("s.t")), project=project, target="dev").problems

    assert problem.message == f'there is no other target "{name}" to read from'
    assert "There are: prod." in problem.hint
    assert str(problem.place).startswith("definitions/mdf.yml:5:")
