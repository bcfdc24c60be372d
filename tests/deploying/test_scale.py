"""Ten hundred tables in a hundred jobs: how many calls, in which levels, in what time."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from mdf_magics.deploying.deployer import Deployer, Terms
from mdf_magics.deploying.survey import Wish
from mdf_magics.planning.resources import Compiled
from mdf_magics.planning.selection import Selection
from tests.deploying.desired import compiled, part, whole
from tests.deploying.memory import Journal, MemoryStore, MemoryWorkspace
from tests.deploying.place import ORIGIN

LATENCY = 0.05
"""Seconds that a call takes."""
CONCURRENCY = 10


def slow(workspace: MemoryWorkspace) -> Any:
    """The workspace, with calls that take their time."""
    for name in ("create", "get", "find", "update", "delete", "upload", "remove"):
        setattr(workspace, name, partial(_late, getattr(workspace, name)))
    return workspace


def _late(call: Callable[..., Any], *given: Any, **named: Any) -> Any:
    time.sleep(LATENCY)
    return call(*given, **named)


class CountingStore(MemoryStore):
    """Counts what is written at once."""

    def __init__(self, journal: Journal) -> None:
        super().__init__(journal)
        self.writes: list[int] = []

    def write(self, lease: Any, rows: Any) -> None:
        self.writes.append(len(rows))
        super().write(lease, rows)


def project(version: int) -> Compiled:
    """A thousand tables in a hundred jobs, ten each; a version changes every job."""
    parts = [
        part(f"p{number}", *(f"p{number}.t{n}" for n in range(10)))
        for number in range(100)
    ]
    texts = {f"src/p{n}.py": f"# {version}\n" for n in range(100)}
    return compiled(*parts, whole(parts), code=texts)


@pytest.fixture
def deployer() -> Deployer:
    workspace = slow(MemoryWorkspace())
    store = CountingStore(Journal(time.monotonic))
    return Deployer(store, workspace, concurrency=CONCURRENCY)


def deploy(deployer: Deployer, desired: Compiled) -> tuple[Counter[str], float]:
    """The calls that it took, and the seconds."""
    workspace: Any = deployer.workspace
    workspace.calls.clear()
    started = time.perf_counter()
    assert deployer.deploy(Wish(desired), Terms(ORIGIN)).succeeded
    return Counter(workspace.calls), time.perf_counter() - started


def test_calls_and_levels(deployer: Deployer, capsys: pytest.CaptureFixture[str]):
    store: Any = deployer.store
    first, first_seconds = deploy(deployer, project(1))
    writes = list(store.writes)

    again, again_seconds = deploy(deployer, project(1))
    assert store.writes == writes, "nothing to do writes nothing"
    changed, changed_seconds = deploy(deployer, project(2))

    # A find for each create, so that a lost state is noticed before it makes twins.
    assert first == {"uploaded": 1, "find": 101, "upload": 101, "create": 101}
    assert again == {"uploaded": 1, "get": 101}
    assert changed == {"uploaded": 1, "get": 101, "upload": 100, "update": 100}
    intents = [number for number in writes if number in (100, 1)]
    assert intents[0] == 100
    assert sum(writes) == 2 * 101
    with capsys.disabled():
        for name, calls, seconds in (
            ("first", first, first_seconds),
            ("nothing to do", again, again_seconds),
            ("all changed", changed, changed_seconds),
        ):
            least = calls.total() * LATENCY / CONCURRENCY
            print(
                f"\n1,000 tables in 100 jobs, {name}: {calls.total()} calls in "
                f"{seconds:.2f} s, {seconds / least:.2f} of calls x latency / "
                f"{CONCURRENCY}"
            )


def test_a_level_never_waits_for_a_number_of_its_own(deployer: Deployer):
    """All hundred jobs are one level: no more than ten at once, and then `all`."""
    workspace: Any = deployer.workspace

    deploy(deployer, project(1))

    creates = [index for index, call in enumerate(workspace.calls) if call == "create"]
    assert creates[-1] - creates[0] == len(creates) - 1, "no other call in between"


def test_planning_a_selection_reads_what_it_concerns(deployer: Deployer):
    deploy(deployer, project(1))
    workspace: Any = deployer.workspace
    workspace.calls.clear()

    deployer.plan(project(2), Selection(frozenset({"p7.t1"})))

    assert len(workspace.calls) == 102, "all goes along, and its hundred references"
