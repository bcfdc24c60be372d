"""Outputs in a saved notebook, as VS Code's own renderers show them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.notebook.jupyterlab import chromium, notebook_of
from tests.notebook.test_jupyterlab import CELLS, write_sources
from tests.notebook.vscode import code_server, open_notebook, picture, toggle_theme

pytestmark = [pytest.mark.needs("chromium", "code-server"), pytest.mark.timeout(900)]

EXPECTED = (
    "definitions/mdf.yml written",
    "raw.orders: 2 rows in",
    "moved to raw.orders_quarantine",
    'unknown-column: there is no column "nam"',
    "UsageError: there is no option --rowz",
    "local: 1 to create",
    "1 of 1 table succeeded",
    "raw · overwrite",  # in the graph
    "raw.hostile saved in definitions/tables/raw.yml",
    "The onboarding form. If you read this instead of seeing it",
)
"""Of each kind of output, something that only its renderer can have shown."""


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    """A notebook that was executed and saved, with outputs of every kind."""
    folder = tmp_path / "shop"
    folder.mkdir()
    write_sources(folder)
    content = nbformat.from_dict(notebook_of([*filter(None, CELLS.values())]))
    where = {"metadata": {"path": str(folder)}}
    NotebookClient(content, allow_errors=True, resources=where).execute()
    file = folder / "shop.ipynb"
    file.write_text(json.dumps(content))
    return file


def test_every_output_is_rendered_and_runs_nothing(
    tool: Callable[[str], str], notebook: Path, tmp_path: Path
) -> None:
    """VS Code runs scripts in HTML; that the rows' text runs none is seen here."""
    server = code_server(tool("code-server"), tmp_path)
    with server as url, chromium(tool("chromium")) as browser:
        page = browser.new_page(viewport={"width": 1300, "height": 900})
        frame = open_notebook(page, url, notebook)
        page.set_viewport_size({"width": 1300, "height": 5000})
        body = frame.locator("body")
        for text in EXPECTED:
            body.get_by_text(text).first.wait_for(state="attached", timeout=60_000)

        pictures = [picture(page, "vscode-light")]
        toggle_theme(page, frame)
        pictures.append(picture(page, "vscode-dark"))

        assert "Traceback" not in body.inner_text()
        assert frame.locator("svg text").count()
        assert frame.evaluate("window.hit") is None
        assert page.evaluate("window.hit") is None
    assert min(map(len, pictures)) > 100_000  # bytes of a PNG: an empty page has a few
    assert pictures[0] != pictures[1]
