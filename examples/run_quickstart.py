"""Runs quickstart.ipynb without a browser, in build/demo, and says what came of it."""

from __future__ import annotations

import shutil
import sqlite3
import sys
import time
from pathlib import Path

import nbformat
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbclient.util import run_sync
from nbconvert import HTMLExporter
from nbconvert.filters import strip_ansi

from mdf_magics import Project
from mdf_magics.plain_text import aligned, value_text

NOTEBOOK = Path(__file__).with_name("quickstart.ipynb")
FOLDER = Path(__file__).parents[1] / "build" / "demo"

LONGEST_CELL = 60
"""Seconds that one cell may take."""

STATE = """
SELECT key, kind, remote_id, name, deployed_at FROM mdf_state ORDER BY key
"""


class ThisPython(KernelSpecManager):
    """Knows one kernel: the interpreter that runs this, whatever is installed."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """The spec of that kernel, under any name."""
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        argv.append("--log-level=ERROR")
        return KernelSpec(argv=argv, display_name=kernel_name, language="python")


class CellFailed(Exception):
    """A cell raised something, took too long, or took the kernel with it."""


def execute(notebook: nbformat.NotebookNode, folder: Path) -> None:
    """Run a notebook with a folder as its working folder; its outputs are filled in.

    Raises:
        CellFailed: A cell failed that isn't tagged `raises-exception`.
    """
    client = NotebookClient(
        notebook,
        km=AsyncKernelManager(kernel_spec_manager=ThisPython()),
        resources={"metadata": {"path": str(folder)}},
        timeout=LONGEST_CELL,
        allow_errors=True,
    )
    try:
        run_sync(_until_failure)(client)
    except CellTimeoutError as error:
        raise CellFailed(f"a cell took more than {LONGEST_CELL} s") from error
    except DeadKernelError as error:
        raise CellFailed("the kernel died") from error


async def _until_failure(client: NotebookClient) -> None:
    async with client.async_setup_kernel(cleanup_kc=True):
        for index, cell in enumerate(client.nb.cells):
            await client.async_execute_cell(cell, index)
            errors = [one for one in cell.get("outputs", ()) if "ename" in one]
            if errors and "raises-exception" not in cell.metadata.get("tags", ()):
                told = strip_ansi("\n".join(errors[0].traceback))  # type: ignore[no-untyped-call]
                raise CellFailed(f"cell {cell.id} failed:\n\n{told}")


def write_page(notebook: nbformat.NotebookNode, path: Path) -> None:
    """The notebook as one HTML page that loads nothing from elsewhere."""
    exporter = HTMLExporter(  # type: ignore[no-untyped-call]
        mathjax_url="", require_js_url="", mermaid_js_url=""
    )
    named = {"metadata": {"name": path.stem}}
    page, _ = exporter.from_notebook_node(notebook, resources=named)
    path.write_text(page, encoding="utf-8")


def state(folder: Path) -> list[str]:
    """What is deployed, as the project's journal has it."""
    with sqlite3.connect(folder / ".mdf" / "state.db") as journal:
        cursor = journal.execute(STATE)
        header = [column for column, *_ in cursor.description]
        return aligned([header, *cursor.fetchall()], underline=True)


def worst_carriers(folder: Path, most: int = 10) -> list[str]:
    """The carriers with the longest mean delay, from gold.delays."""
    project = Project(folder)
    try:
        rows = project.preview("gold.delays", rows=100).preview.rows
    finally:
        project.close()
    header = [column.name for column in rows.columns]
    delay = header.index("mean_delay")
    worst = sorted(rows.rows, key=lambda row: row[delay], reverse=True)[:most]
    texts = [[value_text(value) for value in row] for row in worst]
    return aligned([header, *texts], underline=True, right=(2, 3, 4))


def main() -> int:
    """Run it all; the exit code is 1 when a cell fails."""
    began = time.monotonic()
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    executed = FOLDER / NOTEBOOK.name
    page = executed.with_suffix(".html")
    print(f"running {_shown(NOTEBOOK)} in {_shown(FOLDER)} ...", flush=True)
    notebook = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    try:
        execute(notebook, FOLDER)
    except CellFailed as failure:
        print(f"\n{failure}\n\nThe cells until then: {_shown(page)}")
        return 1
    finally:
        nbformat.write(notebook, executed)  # type: ignore[no-untyped-call]
        write_page(notebook, page)
    blocks = [
        [_shown(executed), _shown(page)],
        ["What is deployed (mdf_state in .mdf/state.db):", "", *state(FOLDER)],
        ["The ten worst carriers (gold.delays):", "", *worst_carriers(FOLDER)],
        [f"{time.monotonic() - began:.0f} s"],
    ]
    print("", *("\n".join(block) + "\n" for block in blocks), sep="\n", end="")
    return 0


def _shown(path: Path) -> str:
    return str(path.relative_to(Path.cwd(), walk_up=True))


if __name__ == "__main__":
    sys.exit(main())
