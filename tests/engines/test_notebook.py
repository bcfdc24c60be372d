"""Inside a Databricks notebook its own `spark` is used, and nothing else is made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from mdf_magics.engines.client import open_session
from mdf_magics.engines.databricks import DatabricksEngine, notebook_session
from mdf_magics.errors import EngineError
from mdf_magics.project import Project


def no_workspace() -> Any:
    """Nobody logs in: the notebook has a session."""
    raise AssertionError


@pytest.fixture
def spark(sail, tmp_path) -> Iterator[Any]:
    session = open_session(sail.port, str(tmp_path))
    yield session
    session.stop()


@pytest.fixture
def notebook(spark, monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    """A notebook's shell, with the variables that Databricks puts there."""
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "17.3")
    shell.user_ns["spark"] = spark
    yield shell
    InteractiveShell.clear_instance()


@pytest.fixture
def engine(notebook) -> Iterator[DatabricksEngine]:
    engine = DatabricksEngine(no_workspace, "main")
    yield engine
    engine.close()


def test_elsewhere_there_is_no_notebook(spark):
    assert notebook_session() is None


def test_previews_use_the_notebooks_session(engine, spark):
    assert engine.preview("SELECT 1 AS one", 1).rows == ((1,),)
    assert engine.session is spark
    assert engine.in_notebook


def test_unloading_leaves_the_session_to_the_notebook(engine, spark):
    engine.preview("SELECT 1", 1)
    engine.close()
    assert spark.sql("SELECT 2 AS two").collect()[0].two == 2


def test_a_query_of_the_notebook_bears_no_mark_of_ours(engine, spark):
    engine.preview("SELECT 1", 1)
    assert spark.getTags() == set()


def test_browsing_asks_the_session(engine):
    assert "main" in engine.catalog.catalogs()


def test_another_session_of_the_notebook_is_used_from_then_on(
    engine, notebook, sail, tmp_path
):
    engine.preview("SELECT 1", 1)
    other: Any = open_session(sail.port, str(tmp_path))
    notebook.user_ns["spark"] = other
    assert engine.session is other
    other.stop()


def test_an_expired_session_is_the_users_to_renew(engine, spark):
    engine.preview("SELECT 1", 1)
    spark.client.close()
    with pytest.raises(EngineError) as raised:
        engine.preview("SELECT 1", 1)
    [problem] = raised.value.problems
    assert problem.message == "the notebook's session has expired"
    assert problem.hint.startswith("Detach the notebook from its compute")


def test_a_project_that_is_started_there_is_at_home_there(notebook, tmp_path):
    home = tmp_path / "flights"
    home.mkdir()
    said = Project.init(home).text()
    assert "target dev (databricks)" in said
    written = (home / "definitions" / "mdf.yml").read_text()
    assert written == (
        "project: flights\n"
        "default_target: dev\n"
        "targets:\n"
        '  dev: {engine: databricks, catalog: main, schema_prefix: "${user}_",'
        " mode: development, state: {schema: mdf}}\n"
    )
