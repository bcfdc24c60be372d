"""`mdf doctor`: each thing that isn't well, with what to do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mdf_magics.definitions.models import State, Target
from mdf_magics.doctor.checks import Check
from mdf_magics.doctor.workspace import workspace_checks
from mdf_magics.engines.databricks import DatabricksEngine
from mdf_magics.errors import MdfError, Problem

ROOT = Path(__file__).parents[2]


def doctor(folder: Path, *words: str) -> tuple[int, str]:
    """What `mdf doctor` says."""
    done = command(folder, "doctor", *words)
    return done.returncode, done.stdout


def command(
    folder: Path, *words: str, also: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command on a machine where nobody is logged in.

    Args:
        folder: Where, and the home of who runs it.
        words: Its arguments.
        also: A folder of packages that are found before those of this environment.
    """
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("DATABRICKS_")
    }
    path = os.pathsep.join(str(one) for one in (also, ROOT) if one)
    return subprocess.run(
        [sys.executable, "-m", "mdf_magics", *words],
        cwd=folder,
        env=environment | {"HOME": str(folder), "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def start(folder: Path, target: str) -> None:
    (folder / "definitions").mkdir()
    text = f"project: p\ndefault_target: t\ntargets:\n  t: {{{target}, catalog: dev}}\n"
    (folder / "definitions" / "mdf.yml").write_text(text)


def test_without_a_project_it_looks_at_what_is_installed(tmp_path: Path):
    code, text = doctor(tmp_path)
    assert code == 0
    assert "ok       databricks-connect" in text
    assert "warning  project             there is no project at or above" in text
    assert "Start one here:  %mdf_init  or  mdf init ." in text
    assert text.endswith("1 thing to mend\n")


def test_a_local_project_that_is_well_says_so(tmp_path: Path):
    start(tmp_path, "engine: embedded")
    code, text = doctor(tmp_path)
    assert (code, text.rpartition("\n\n")[2]) == (0, "all is well\n")
    assert "ok  query               answered after" in text


def test_json_has_the_same_checks(tmp_path: Path):
    start(tmp_path, "engine: spark, remote: 'sc://127.0.0.1:1'")
    code, text = doctor(tmp_path, "--json")
    told = json.loads(text)
    assert (code, told["target"]) == (0, "t")
    assert [one["name"] for one in told["checks"]] == [
        "python",
        "ipython",
        "ipywidgets",
        "databricks-connect",
        "project",
        "query",
    ]
    assert set(told["checks"][0]) == {"name", "status", "found", "fix"}


def test_only_connect_asks_a_server(tmp_path: Path):
    start(tmp_path, "engine: spark, remote: 'sc://127.0.0.1:1'")
    assert "Say --connect to try it" in doctor(tmp_path)[1]
    code, text = doctor(tmp_path, "--connect")
    assert code == 1
    assert "ERROR  query" in text
    assert "the Spark server sc://127.0.0.1:1 can't be reached" in text


def test_no_login_is_said_with_the_command(tmp_path: Path):
    start(tmp_path, "engine: databricks")
    code, text = doctor(tmp_path)
    assert code == 1
    assert "ERROR  login               there are no Databricks credentials" in text
    assert "databricks auth login" in text


@pytest.mark.needs("spark-connect")
def test_open_source_spark_beside_databricks_connect_is_found(tmp_path, tool):
    """Its `pyspark` is the one that is imported."""
    packages, beside = (
        Path(tool("spark-connect")).parents[1] / "lib" / "python3.12" / "site-packages",
        tmp_path / "beside",
    )
    beside.mkdir()
    for one in (packages / "pyspark", *packages.glob("pyspark-*.dist-info")):
        (beside / one.name).symlink_to(one)
    start(tmp_path, "engine: databricks, root_path: /x")
    tables = tmp_path / "definitions" / "tables"
    tables.mkdir()
    (tables / "s.yml").write_text("tables: [{name: s.a, sql: SELECT 1 AS one}]\n")

    asked = command(tmp_path, "doctor", "--json", also=beside)
    preview = command(tmp_path, "preview", "s.a", also=beside)

    checks = {one["name"]: one for one in json.loads(asked.stdout)["checks"]}
    assert checks["pyspark"]["status"] == "error"
    found = checks["pyspark"]["found"]
    assert found.endswith("is installed beside databricks-connect: they don't fit")
    assert "pip uninstall -y pyspark databricks-connect" in checks["pyspark"]["fix"]
    assert preview.returncode == 1
    assert preview.stderr.startswith(f"stray-pyspark: {found}\n")


class Answers:
    """A workspace whose REST API says what a test wants."""

    class config:  # noqa: N801 - an attribute of the real one
        host = "http://127.0.0.1:1"
        auth_type = "pat"
        cluster_id = None
        serverless_compute_id = None

    def __init__(self, said: dict[str, Any]) -> None:
        self.said = said

    def read(self, path: str, query: Any = None) -> dict[str, Any]:
        found = self.said.get(path.rpartition("/2.0/")[2].rpartition("/2.1/")[2])
        if found is None:
            raise MdfError(Problem("not-found", "it isn't there"))
        answer: dict[str, Any] = found
        return answer


def granted(*privileges: str) -> dict[str, Any]:
    rights = [{"privilege": one} for one in privileges]
    return {"privilege_assignments": [{"principal": "me", "privileges": rights}]}


CATALOG = "unity-catalog/catalogs/dev"
ON_CATALOG = "unity-catalog/effective-permissions/catalog/dev"
STATE = "unity-catalog/schemas/dev.mdf"
ON_STATE = "unity-catalog/effective-permissions/schema/dev.mdf"
WELL: dict[str, Any] = {
    "preview/scim/v2/Me": {"userName": "me@example.com"},
    "clusters/get": {"spark_version": "99.1.x-scala2.13", "state": "TERMINATED"},
    CATALOG: {"name": "dev"},
    ON_CATALOG: granted("USE_CATALOG", "CREATE_SCHEMA"),
    STATE: {"name": "mdf"},
    ON_STATE: granted("ALL_PRIVILEGES"),
    "sql/warehouses/w1": {"name": "small", "state": "STOPPED"},
}


@pytest.fixture
def look() -> Iterator[Callable[..., dict[str, Check]]]:
    """Makes the checks of a workspace, by name."""
    engines = []

    def look(said: dict[str, Any], **more: Any) -> dict[str, Check]:
        state = State.model_validate({"schema": "mdf", "warehouse_id": "w1"})
        target = Target(engine="databricks", catalog="dev", state=state, **more)
        answers: Any = Answers(said)
        engine = DatabricksEngine(
            lambda: answers, "dev", cluster_id=more.get("cluster_id")
        )
        engines.append(engine)
        return {one.name: one for one in workspace_checks(engine, target, "3.12")}

    yield look
    for engine in engines:
        engine.close()


def test_a_workspace_that_is_well(look):
    checks = look(WELL, cluster_id="0123")
    assert {name: one.status for name, one in checks.items()} == {
        "login": "ok",
        "compute": "ok",
        "databricks-connect": "ok",
        "catalog": "ok",
        "state": "ok",
        "warehouse": "ok",
        "clock": "warning",  # nothing answers there
    }
    assert checks["compute"].found == "cluster 0123, 99.1.x-scala2.13, terminated"
    assert checks["warehouse"].found == "small, stopped"


def test_an_old_cluster_wants_another_client_and_another_python(look):
    old = {"spark_version": "15.4.x-scala2.12", "state": "RUNNING"}
    checks = look({**WELL, "clusters/get": old}, cluster_id="0123")
    assert checks["databricks-connect"].status == "error"
    assert (
        'pip install "databricks-connect==15.4.*"' in checks["databricks-connect"].fix
    )
    assert checks["python on rows"].found.startswith("3.12 here, 3.11 on the cluster")


@pytest.mark.parametrize(
    ("without", "name", "status", "found"),
    [
        ("preview/scim/v2/Me", "login", "error", "it isn't there"),
        (CATALOG, "catalog", "error", "it isn't there"),
        (STATE, "state", "ok", "dev.mdf: the first deploy makes it"),
        ("sql/warehouses/w1", "warehouse", "error", "it isn't there"),
        ("clusters/get", "compute", "error", "the cluster 0123 can't be used"),
    ],
)
def test_what_is_not_there_is_found(look, without, name, status, found):
    said = {path: answer for path, answer in WELL.items() if path != without}
    check = look(said, cluster_id="0123")[name]
    assert (check.status, check.found[: len(found)]) == (status, found)


def test_missing_rights_are_named_with_the_grant(look):
    rights = {ON_CATALOG: granted(), ON_STATE: granted("USE_SCHEMA", "SELECT")}
    checks = look({**WELL, **rights})
    assert checks["catalog"].fix == "Ask for:  GRANT USE CATALOG ON CATALOG dev TO ..."
    assert checks["state"].found == "you lack CREATE TABLE, MODIFY on dev.mdf"
    poor = {path: answer for path, answer in WELL.items() if path != STATE}
    checks = look({**poor, ON_CATALOG: granted("USE_CATALOG")})
    assert checks["state"].fix == "Ask for:  GRANT CREATE SCHEMA ON CATALOG dev TO ..."
