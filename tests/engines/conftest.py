"""Real engines: one for all tests that only query, others for those that end them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mdf_magics.engines.embedded import EmbeddedEngine

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedEngine]:
    """An engine with the table main.shop.orders, for tests that change nothing."""
    engine = EmbeddedEngine(tmp_path_factory.mktemp("warehouse"), "main")
    engine.create_schema("shop")
    engine.run(
        "CREATE TABLE main.shop.orders USING delta AS SELECT * FROM VALUES "
        "(1, 'ada', 12.50BD, array(1, 2)), (2, 'bob', 0.00BD, array(3)), "
        "(3, 'eve', NULL, NULL) AS orders(id, customer, price, parts)"
    )
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
