"""The two classic frameworks run as they are, and are taken down without a trace."""

from __future__ import annotations

import queue
import shutil
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from jupyter_client.manager import KernelManager

from examples.run_quickstart import ThisPython, execute

EXAMPLES = Path(__file__).parents[2] / "examples"
TABLES = 12


@dataclass(frozen=True)
class Framework:
    """A copy of an example's folder, and what its notebooks showed."""

    folder: Path
    cells: dict[str, str]
    """Cell of the CRUD notebook to all that it showed."""


def text_of(outputs: list[nbformat.NotebookNode]) -> str:
    texts = []
    for one in outputs:
        if one.output_type == "stream":
            texts.append(one.text)
        elif one.output_type == "error":
            texts.append("\n".join(one.traceback))
        else:
            texts.append(one.data["text/plain"])
    return "\n".join(texts)


def run(folder: Path, name: str) -> dict[str, str]:
    notebook = nbformat.read(folder / f"{name}.ipynb", as_version=4)
    execute(notebook, folder)
    return {one.id: text_of(one.outputs) for one in notebook.cells if "outputs" in one}


def framework(tmp: Path, name: str, crud: str) -> Framework:
    folder = tmp / name
    shutil.copytree(EXAMPLES / name, folder)
    set_up = run(folder, "_setup")
    assert f"{TABLES} of {TABLES} tables succeeded" in set_up["run"]
    return Framework(folder, run(folder, crud))


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Framework:
    folder = tmp_path_factory.mktemp("jobs")
    return framework(folder, "basic_workflow_framework", "jobs_CRUD")


@pytest.fixture(scope="module")
def pipelines(tmp_path_factory: pytest.TempPathFactory) -> Framework:
    folder = tmp_path_factory.mktemp("pipelines")
    return framework(folder, "basic_dlt_framework", "dlt_CRUD")


def answered(folder: Path, answer: str) -> str:
    """What `__teardown` says to somebody who answers its question."""
    notebook = nbformat.read(folder / "__teardown.ipynb", as_version=4)
    manager = KernelManager(kernel_spec_manager=ThisPython())
    manager.start_kernel(cwd=str(folder))
    client = manager.client()
    client.start_channels()
    said: list[str] = []

    def shown(message: dict[str, object]) -> None:
        content = message["content"]
        assert isinstance(content, dict)
        assert message["msg_type"] != "error", content
        said.append(str(content.get("text", "")))

    def asked(message: dict[str, dict[str, str]]) -> None:
        said.append(message["content"]["prompt"])
        client.input(answer)

    try:
        client.wait_for_ready(timeout=60)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                client.execute_interactive(
                    cell.source,
                    allow_stdin=True,
                    output_hook=shown,
                    stdin_hook=asked,
                    timeout=120,
                )
    except queue.Empty:
        pytest.fail("a cell took too long")
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    return "".join(said)


def files(folder: Path) -> set[str]:
    found = (one for one in folder.rglob("*") if one.is_file())
    names = {one.relative_to(folder).as_posix() for one in found}
    return {one for one in names if "__pycache__" not in one}


class TestWorkflows:
    def test_one_notebook_makes_twelve_tables_in_three_jobs(
        self, jobs: Framework
    ) -> None:
        assert "local: 4 to create, 1 unchanged" in jobs.cells["plan"]
        assert "group silver: 12 tables in 3 jobs" in jobs.cells["show"]
        assert "24 of 24 tables succeeded" in jobs.cells["run"]
        assert "workflows/local/jobs/silver-3.yml" in jobs.cells["files"]

    def test_new_table_moves_no_other(self, jobs: Framework) -> None:
        plan = jobs.cells["plan-update"]

        assert "local: 1 to create, 4 to update, 1 unchanged" in plan
        assert "create  job silver-4" in plan
        assert "tables: silver.last_orders" in plan
        assert plan.count(".max_retries: will be 2") == TABLES

    def test_deletion_wants_a_word(self, jobs: Framework) -> None:
        assert "needs-delete" in jobs.cells["refused"]
        assert "Nothing was changed." in jobs.cells["refused"]
        assert "delete  job silver-4" in jobs.cells["deploy-delete"]


class TestPipelines:
    def test_one_function_makes_twelve_tables_in_three_pipelines(
        self, pipelines: Framework
    ) -> None:
        assert "has_name: 50 pass, 0 fail" in pipelines.cells["tables"]
        assert "group silver: 12 tables in 3 pipelines" in pipelines.cells["show"]
        assert "24 of 24 tables succeeded" in pipelines.cells["run"]
        assert "libraries:" in pipelines.cells["files"]

    def test_rows_are_the_newest_of_each_key(self, pipelines: Framework) -> None:
        rows = pipelines.cells["tables"].splitlines()[3:8]

        assert [line.split()[0] for line in rows] == ["0", "1", "2", "3", "4"]
        assert [line.split()[3] for line in rows] == ["150", "151", "152", "153", "154"]

    def test_new_table_gets_a_pipeline_that_is_deleted_again(
        self, pipelines: Framework
    ) -> None:
        assert "create  pipeline silver-4" in pipelines.cells["plan-update"]
        assert "1 of 1 table succeeded" in pipelines.cells["run-update"]
        assert "needs-delete" in pipelines.cells["refused"]
        assert "delete  pipeline silver-4" in pipelines.cells["deploy-delete"]


@pytest.mark.parametrize("which", ["jobs", "pipelines"])
def test_generated_files_are_committed_as_they_are(
    which: str, request: pytest.FixtureRequest
) -> None:
    """The CRUD notebook again: nothing changes but what it creates and deletes."""
    example: Framework = request.getfixturevalue(which)

    assert "is up to date" not in example.cells["plan"]
    assert {"definitions/mdf.yml", "definitions/placement.yml"} <= files(example.folder)
    assert not [one for one in files(example.folder) if "silver-4" in one]


@pytest.mark.parametrize(
    "which", ["jobs", pytest.param("pipelines", marks=pytest.mark.full)]
)
def test_teardown_asks_and_leaves_only_what_was_there(
    which: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    example: Framework = request.getfixturevalue(which)
    folder = tmp_path / "copy"
    shutil.copytree(example.folder, folder)
    (folder / "my_notes.txt").write_text("mine")
    before = files(folder)

    refused = answered(folder, "no")

    assert "Remove all of this? yes or no: Nothing was removed." in refused
    assert before <= files(folder)
    said = answered(folder, "yes")
    assert said.endswith("Removed.\n")
    assert "main.workflow_demo_silver.orders" in said or "main.dlt_demo_gold" in said
    there = files(EXAMPLES / example.folder.name)
    assert files(folder) == there | {"my_notes.txt"}


@pytest.mark.parametrize("name", ["basic_workflow_framework", "basic_dlt_framework"])
def test_notebooks_are_stored_without_outputs(name: str) -> None:
    for path in sorted((EXAMPLES / name).glob("*.ipynb")):
        cells = nbformat.read(path, as_version=4).cells
        ran = [
            one.id for one in cells if one.get("outputs") or one.get("execution_count")
        ]
        assert ran == [], path


@pytest.mark.parametrize("name", ["basic_workflow_framework", "basic_dlt_framework"])
def test_readme_is_ten_lines_and_names_every_notebook(name: str) -> None:
    text = (EXAMPLES / name / "README.md").read_text()

    assert len(text.splitlines()) == 10
    for path in (EXAMPLES / name).glob("*.ipynb"):
        assert path.name in text
