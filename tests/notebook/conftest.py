"""A shell with the extension loaded, in a folder with a project."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from traitlets.config import Config

from mdf_magics.cli import main

ORDERS = "id,customer,amount\n1,ada,12.5\n2,bob,3.0\n3,ada,\n"

CELLS = """\
%%mdf_table raw.orders
parameters:
  source: {type: files, value: {path: "${project.root}/orders.csv", format: csv, options: {header: true}}}
---
SELECT * FROM {{ source }}

%%mdf_transformation renamed
parameters: {source: table, old: column, new: column}
---
SELECT {{ old }} AS {{ new }} FROM {{ source }}

%%mdf_table mart.buyers
transformation: renamed
arguments: {source: raw.orders, old: customer, new: buyer}
"""


@dataclass(frozen=True)
class Shown:
    """What a cell shows, and whether it counts as failed."""

    success: bool
    error: BaseException | None
    printed: str
    outputs: list[dict[str, Any]]

    @property
    def text(self) -> str:
        """All that a front end without HTML shows."""
        return self.printed + "".join(one["text/plain"] for one in self.outputs)


@dataclass(frozen=True)
class Notebook:
    """Cells, run one after the other in one kernel."""

    shell: InteractiveShell
    folder: Path

    def run(self, cell: str) -> Shown:
        with capture_output() as shown:
            result = self.shell.run_cell(cell)
        outputs = [dict(one.data) for one in shown.outputs]
        error = result.error_in_exec or result.error_before_exec
        return Shown(result.success, error, shown.stdout + shown.stderr, outputs)

    def ok(self, cell: str) -> str:
        """What a cell shows that succeeds."""
        shown = self.run(cell)
        assert shown.success, shown.text
        return shown.text

    def files(self) -> dict[str, bytes]:
        """Every file but those under .mdf."""
        return {
            path.relative_to(self.folder).as_posix(): path.read_bytes()
            for path in self.folder.rglob("*")
            if path.is_file() and ".mdf" not in path.parts
        }


@pytest.fixture(scope="session")
def shell() -> InteractiveShell:
    config = Config()
    config.HistoryManager.enabled = False
    return InteractiveShell.instance(config=config)


@pytest.fixture
def notebook(
    shell: InteractiveShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Notebook]:
    """A notebook in an empty folder."""
    monkeypatch.chdir(tmp_path)
    found = Notebook(shell, tmp_path)
    found.ok("%load_ext mdf_magics")
    yield found
    found.ok("%unload_ext mdf_magics")


@pytest.fixture
def shop(
    shell: InteractiveShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Notebook]:
    """A notebook in a project of two tables."""
    (tmp_path / "orders.csv").write_text(ORDERS)
    for words, typed in ((["init"], None), (["add", "--no-preview"], CELLS)):
        done = CliRunner().invoke(main, ["-C", str(tmp_path), *words], input=typed)
        assert done.exit_code == 0, done.output
    monkeypatch.chdir(tmp_path)
    found = Notebook(shell, tmp_path)
    found.ok("%load_ext mdf_magics")
    yield found
    found.ok("%unload_ext mdf_magics")
