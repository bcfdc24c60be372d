"""The notebook experience in JupyterLab itself, in a browser."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.notebook.conftest import ORDERS
from tests.notebook.jupyterlab import (
    LabNotebook,
    OnboardingForm,
    chromium,
    lab_server,
    write_notebook,
)
from tests.notebook.payloads import PAYLOADS

pytestmark = pytest.mark.needs("chromium")

CELLS = {
    "load": "%load_ext mdf_magics",
    "init": "%mdf_init",
    "table": """\
%%mdf_table raw.orders
parameters:
  source: {type: files, value: {path: "${project.root}/orders.csv", format: csv, options: {header: true}}}
expectations:
  - {name: has_amount, check: amount IS NOT NULL, on_failure: quarantine}
---
SELECT * FROM {{ source }}""",
    "error": "%%mdf_table raw.bad\n---\nSELECT nam FROM raw.orders",
    "usage": "%mdf_preview raw.orders --rowz 5",
    "list": "%mdf_list",
    "plan": "%mdf_plan",
    "deploy": "%mdf_deploy",
    "run": "%mdf_run",
    "status": "%mdf_status",
    "graph": "%mdf_graph",
    "hostile": """\
%%mdf_table raw.hostile --rows 60
# <img src=x onerror=window.hit=1>
parameters:
  source: {type: files, value: {path: "${project.root}/hostile.csv", format: csv, options: {header: true}}}
---
SELECT *, upper(`<svg onload=window.hit=1>`) AS `<img src=x onerror=window.hit=1>` FROM {{ source }}""",
    "hostile error": "%%mdf_table raw.hostile2\n---\nSELECT `<img src=x onerror=window.hit=1>` FROM raw.hostile",
    "columns": "%mdf_graph raw.hostile2 --columns",
    "onboard": "%mdf_onboard",
    "free": "",
}

NUMBER = {name: number for number, name in enumerate(CELLS)}


def write_sources(folder: Path) -> None:
    """The files that the cells read."""
    (folder / "orders.csv").write_text(ORDERS)
    with (folder / "hostile.csv").open("w", newline="") as file:
        csv.writer(file).writerows(
            [["<svg onload=window.hit=1>"], *([one] for one in PAYLOADS)]
        )


@pytest.fixture(scope="module")
def lab(
    tool: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LabNotebook]:
    folder, home = (tmp_path_factory.mktemp(name) for name in ("shop", "home"))
    write_sources(folder)
    notebook = write_notebook(folder / "shop.ipynb", [*CELLS.values()])
    with lab_server(folder, home) as server, chromium(tool("chromium")) as browser:
        page = browser.new_page(viewport={"width": 1300, "height": 2400})
        yield LabNotebook(page, server, notebook)


def onboard(lab: LabNotebook) -> None:
    """From browsing to a written file, by clicking."""
    form = OnboardingForm(lab.cell(NUMBER["onboard"]))
    form.choose("raw", "raw.hostile")
    form.click("preview")
    form.wait_for("silver.hostile: the first 20 rows")
    form.choose("raw", "raw.orders")
    form.click("add 1 table")
    form.wait_for("saved in definitions/tables/silver.yml")
    written = (lab.folder / "definitions/tables/silver.yml").read_text()
    assert "name: [orders]" in written


def test_a_days_work(
    lab: LabNotebook, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """One notebook, used as a person would; in one test, because it has one state."""
    shown = {name: lab.run(number) for name, number in NUMBER.items() if CELLS[name]}

    assert shown["load"].startswith("mdf_magics ")
    assert "definitions/mdf.yml written" in shown["init"]
    assert "customer" in shown["table"]
    assert "raw.orders: 2 rows in" in shown["table"]
    assert "moved to raw.orders_quarantine" in shown["table"]
    assert "saved in definitions/tables/raw.yml" in shown["table"]
    assert 'unknown-column: there is no column "nam"' in shown["error"]
    assert "3 | SELECT nam FROM raw.orders" in shown["error"]
    assert "Traceback" not in shown["error"]
    assert "UsageError: there is no option --rowz" in shown["usage"]
    assert "raw.orders" in shown["list"]
    assert "1 done" in shown["deploy"]
    assert "succeeded" in shown["run"]
    assert "succeeded" in shown["status"]
    assert lab.cell(NUMBER["graph"]).locator("svg").count()

    assert lab.completions(NUMBER["free"], "%mdf_preview raw.orders --fr") == [
        "--fresh"
    ]
    assert "raw.orders" in lab.completions(NUMBER["free"], "%mdf_preview r")
    assert lab.completions(NUMBER["free"], "%%mdf_table a.b\nwrite: me") == ["merge"]

    assert "onerror" in shown["hostile"]
    assert "onerror" in shown["columns"]
    onboard(lab)
    assert lab.page.evaluate("window.hit") is None

    pictures = [lab.picture("jupyterlab-light")]
    lab.dark()
    pictures.append(lab.picture("jupyterlab-dark"))
    assert min(map(len, pictures)) > 100_000  # bytes of a PNG: an empty page has a few
    assert pictures[0] != pictures[1]

    lab.save()
    lab.open()
    assert "saved in definitions/tables/raw.yml" in lab.output(NUMBER["table"])
    assert "succeeded" in lab.output(NUMBER["run"])
    assert lab.page.evaluate("window.hit") is None

    lab.restart_kernel()
    lab.type(NUMBER["free"], "%load_ext mdf_magics\n%mdf_status")
    again = lab.run(NUMBER["free"])
    assert "succeeded" in again
    assert "silver.orders" in again
