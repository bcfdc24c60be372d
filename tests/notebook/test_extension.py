"""Loading, unloading and reloading leave a shell as it should be."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mdf_magics.commands import VERBS
from tests.notebook.conftest import Notebook

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

SCRIPT = """\
import sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
before = set(sys.modules)
shell.run_line_magic("load_ext", "mdf_magics")
print(*sorted(set(sys.modules) - before))
"""

HEAVY = [
    "pyspark",
    "pandas",
    "databricks",
    "pysail",
    "sqlglot",
    "pydantic",
    "jinja2",
    "ipywidgets",
    "rich",
    "click",
]


def magics(shell: InteractiveShell) -> dict[str, set[str]]:
    found = shell.magics_manager.magics
    return {
        kind: {name for name in found[kind] if name.startswith("mdf_")}
        for kind in found
    }


def callbacks(shell: InteractiveShell) -> list[str]:
    found = shell.events.callbacks["post_run_cell"]
    return [one.__module__ for one in found if one.__module__.startswith("mdf_magics")]


@pytest.mark.parametrize(
    "project", [True, False], ids=["in a project", "in an empty folder"]
)
def test_loading_imports_nothing_heavy(tmp_path: Path, project: bool) -> None:
    if project:
        (tmp_path / "definitions").mkdir()
        (tmp_path / "definitions" / "mdf.yml").write_text(
            "project: shop\ntargets: {local: {engine: embedded, catalog: main}}\n"
        )

    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )

    said, imported = done.stdout.splitlines()
    assert said.startswith("mdf_magics ")
    assert not {name.partition(".")[0] for name in imported.split()} & set(HEAVY)


class TestLoad:
    def test_it_says_where_we_are(self, shop: Notebook) -> None:
        said = shop.ok("%reload_ext mdf_magics")

        assert said.startswith("mdf_magics 0.1.0 \u00b7 project ")
        assert said.endswith(" \u00b7 target local \u00b7 engine embedded\n")

    def test_every_verb_has_its_magic(self, notebook: Notebook) -> None:
        found = magics(notebook.shell)
        lines = {one.magic for one in VERBS if one.face in ("line", "both")}
        cells = {one.magic for one in VERBS if one.face in ("cell", "both")}

        assert found == {"line": lines, "cell": cells}

    def test_once_is_enough(self, notebook: Notebook) -> None:
        assert "already loaded" in notebook.ok("%load_ext mdf_magics")


class TestUnload:
    def test_nothing_is_left(self, shell: InteractiveShell, notebook: Notebook) -> None:
        notebook.ok("%unload_ext mdf_magics")

        assert magics(shell) == {"line": set(), "cell": set()}
        assert callbacks(shell) == []
        assert notebook.run("%mdf_list").success is False
        notebook.ok("%load_ext mdf_magics")

    def test_before_anything_ran_nothing_is_left_either(
        self, shell: InteractiveShell, notebook: Notebook
    ) -> None:
        shell.run_line_magic("unload_ext", "mdf_magics")
        shell.run_line_magic("load_ext", "mdf_magics")
        shell.run_line_magic("unload_ext", "mdf_magics")

        assert callbacks(shell) == []
        shell.run_line_magic("load_ext", "mdf_magics")

    def test_engines_end(self, shop: Notebook) -> None:
        shop.ok("%mdf_preview raw.orders")

        shop.ok("%unload_ext mdf_magics")

        shop.ok("%load_ext mdf_magics")
        assert "ada" in shop.ok("%mdf_preview raw.orders")


class TestReload:
    def test_there_is_one_of_each(
        self, shell: InteractiveShell, notebook: Notebook
    ) -> None:
        expected = magics(shell)

        for _ in range(3):
            shell.run_line_magic("reload_ext", "mdf_magics")

        assert magics(shell) == expected
        assert len(callbacks(shell)) == 1

    def test_target_is_the_default_again(self, shop: Notebook) -> None:
        (shop.folder / "definitions" / "mdf.yml").write_text(
            "project: shop\ntargets:\n  local: {engine: embedded, catalog: main}\n  other: {engine: embedded, catalog: other}\n"
        )
        shop.ok("%mdf_target other")

        shop.ok("%reload_ext mdf_magics")

        assert "* local" in shop.ok("%mdf_target")
