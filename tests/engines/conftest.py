"""Real engines: one for all tests that only query, others for those that end them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from mdf_magics.engines import Engine
from mdf_magics.engines.databricks import DatabricksEngine
from mdf_magics.engines.embedded import EmbeddedEngine
from mdf_magics.engines.server_process import ServerProcess
from mdf_magics.engines.spark import SparkEngine
from mdf_magics.errors import MdfError, Problem
from tests.engines.stand_in import TOKEN, StandIn, make_certificate
from tests.engines.stand_in import Workspace as Played
from tests.spark_server import SparkServer

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedEngine]:
    """An engine with the table main.shop.orders, for tests that change nothing."""
    engine = EmbeddedEngine(tmp_path_factory.mktemp("warehouse"), "main")
    engine.create_schema("shop")
    engine.run(f"CREATE TABLE main.shop.orders USING delta AS {ORDERS}")
    yield engine
    engine.close()


@pytest.fixture
def new_engine(tmp_path: Path) -> Iterator[Callable[..., EmbeddedEngine]]:
    """Makes engines on one warehouse, each with a server, as if in other kernels."""
    engines: list[EmbeddedEngine] = []

    def new(folder: str = "warehouse", catalog: str = "main") -> EmbeddedEngine:
        engines.append(EmbeddedEngine(tmp_path / folder, catalog))
        return engines[-1]

    yield new
    for engine in engines:
        engine.close()


@pytest.fixture
def start_python(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a Python process with a script, in a folder of its own."""
    processes: list[subprocess.Popen[str]] = []

    def start(script: str, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", script],
            cwd=tmp_path,
            env={"PATH": "", "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
            | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        with process:  # closes its pipes and waits
            pass


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The certificate of the stand-in, which gRPC and requests are told to trust."""
    file = make_certificate(tmp_path_factory.mktemp("tls"))
    names = ("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", "REQUESTS_CA_BUNDLE")
    os.environ.update(dict.fromkeys(names, str(file)))  # gRPC looks once in a process
    yield file
    for name in names:
        del os.environ[name]


@pytest.fixture(scope="session")
def sail() -> Iterator[ServerProcess]:
    """A server that answers what a workspace's compute would."""
    server = ServerProcess("main")
    yield server
    server.end()


@pytest.fixture
def stand_in(sail: ServerProcess, certificate: Path) -> Iterator[StandIn]:
    """A workspace, before it is started."""
    with StandIn(sail.port, certificate) as stand_in:
        yield stand_in


@pytest.fixture
def workspace(stand_in: StandIn) -> Played:
    """A workspace with a cluster that runs."""
    played = stand_in.workspace
    played.rest["/api/2.0/preview/scim/v2/Me"] = {"userName": "me@example.com"}
    played.rest["/api/2.1/clusters/get"] = {
        "state": "RUNNING",
        "spark_version": "99.9.x-scala2.13",
    }
    for path, answer in UNITY_CATALOG.items():
        played.rest[f"/api/2.1/unity-catalog/{path}"] = answer
    return played


class LoggedIn:
    """A login to the stand-in."""

    def __init__(self, host: str, token: str = TOKEN, **more: Any) -> None:
        from databricks.sdk.config import Config
        from databricks.sdk.core import ApiClient

        self.config = Config(
            host=host,
            token=token,
            auth_type="pat",
            http_timeout_seconds=5,
            retry_timeout_seconds=1,
            **more,
        )
        self._client = ApiClient(self.config)

    def read(self, path: str, query: Mapping[str, Any] | None = None) -> dict[str, Any]:
        from databricks.sdk.errors.base import DatabricksError

        try:
            answer: dict[str, Any] = self._client.do(
                "GET", path, query=dict(query or {})
            )
        except DatabricksError as error:
            raise MdfError(Problem("workspace", str(error))) from error
        return answer


@pytest.fixture
def connect_to(workspace: Played) -> Iterator[Callable[..., DatabricksEngine]]:
    """Makes engines on the stand-in."""
    engines: list[DatabricksEngine] = []

    def connect(token: str = TOKEN, **more: Any) -> DatabricksEngine:
        def log_in() -> LoggedIn:
            return LoggedIn(workspace.host, token)

        engines.append(DatabricksEngine(log_in, "main", **more))
        return engines[-1]

    yield connect
    for engine in engines:
        engine.close()


@pytest.fixture(scope="session")
def spark_server(
    tool: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SparkServer]:
    """Open-source Spark, for tests that need spark-connect."""
    server = SparkServer(tool("spark-connect"), tmp_path_factory.mktemp("spark"))
    yield server
    server.end()


ORDERS = (
    "SELECT * FROM VALUES (1, 'ada', 12.50BD, array(1, 2)),"
    " (2, 'bob', 0.00BD, array(3)), (3, 'eve', NULL, NULL)"
    " AS orders(id, customer, price, parts)"
)


UNITY_CATALOG: dict[str, Any] = {
    "catalogs": {"catalogs": [{"name": "main"}, {"name": "system"}]},
    "schemas": {"schemas": [{"name": "shop"}]},
    "tables": {"tables": [{"name": "orders", "table_type": "MANAGED"}]},
    "tables/main.shop.orders": {
        "columns": [
            {"name": "id", "type_text": "int", "nullable": False, "comment": "number"},
            {"name": "customer", "type_text": "string"},
            {"name": "price", "type_text": "decimal(4,2)"},
            {"name": "parts", "type_text": "array<int>"},
        ],
        "table_constraints": [
            {"primary_key_constraint": {"name": "pk", "child_columns": ["id"]}}
        ],
        "comment": "sold",
    },
}
"""What the stand-in's REST API says of the table shop.orders."""


def _embedded(request: pytest.FixtureRequest) -> tuple[Engine, str]:
    return request.getfixturevalue("engine"), "main"


def _databricks(request: pytest.FixtureRequest) -> tuple[Engine, str]:
    engine = request.getfixturevalue("connect_to")()
    for name, value in AS_SERVERLESS.items():
        engine.session.conf.set(name, value)
    folder = request.getfixturevalue("tmp_path")
    engine.run(f"CREATE SCHEMA main.shop LOCATION '{folder}/shop'")
    engine.run(f"CREATE TABLE main.shop.orders USING delta AS {ORDERS}")
    return engine, "main"


AS_SERVERLESS = {
    "spark.sql.ansi.enabled": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.session.localRelationSizeLimit": str(3 * 1024**3),
}
"""What a session of the stand-in's server must be told to be like one of Databricks."""


def _spark(request: pytest.FixtureRequest) -> tuple[Engine, str]:
    server = request.getfixturevalue("spark_server")
    engine = SparkEngine(server.remote, "spark_catalog")
    request.addfinalizer(engine.close)
    _make_orders(engine)
    return engine, "spark_catalog"


def _databricks_on_spark(request: pytest.FixtureRequest) -> tuple[Engine, str]:
    """Its errors are Spark's."""
    server = request.getfixturevalue("spark_server")
    file = request.getfixturevalue("certificate")
    stand_in = StandIn(server.port, file).__enter__()
    request.addfinalizer(stand_in.__exit__)
    stand_in.workspace.rest["/api/2.0/preview/scim/v2/Me"] = {"userName": "me"}
    engine = DatabricksEngine(
        lambda: LoggedIn(stand_in.workspace.host), "spark_catalog"
    )
    request.addfinalizer(engine.close)
    _make_orders(engine)
    return engine, "spark_catalog"


def _make_orders(engine: Engine) -> None:
    engine.create_schema("shop")
    if not engine.exists("spark_catalog.shop.orders"):
        engine.run(f"CREATE TABLE shop.orders USING parquet AS {ORDERS}")


def _each(*makers: Callable[[pytest.FixtureRequest], tuple[Engine, str]]) -> list[Any]:
    on_spark = pytest.mark.needs("spark-connect")
    return [
        pytest.param(
            maker,
            id=maker.__name__.removeprefix("_"),
            marks=on_spark if "spark" in maker.__name__ else (),
        )
        for maker in makers
    ]


@pytest.fixture(params=_each(_embedded, _databricks, _spark))
def each(request: pytest.FixtureRequest) -> tuple[Engine, str]:
    """Each engine with its catalog, in which there is the table shop.orders."""
    found: tuple[Engine, str] = request.param(request)
    return found


@pytest.fixture(params=_each(_embedded, _spark, _databricks_on_spark))
def complaining(request: pytest.FixtureRequest) -> tuple[Engine, str]:
    """Each engine with the server whose messages it gets to read."""
    found: tuple[Engine, str] = request.param(request)
    return found
