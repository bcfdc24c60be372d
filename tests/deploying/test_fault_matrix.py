"""Whatever a workspace or a store does wrong, at whichever request: one clean deploy.

Each case breaks one kind of request while something is made, changed and deleted. Then
all goes well again: exactly one resource a key, state and workspace agree, and the
deploy after that does nothing.
"""

from __future__ import annotations

import contextlib
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import pytest

from mdf_magics.errors import MdfError, Problem, StateError
from mdf_magics.planning.resources import Compiled
from mdf_magics.state.sqlite import SQLiteStore
from tests.conftest import ALL
from tests.deploying.desired import compiled, part, whole
from tests.deploying.remote import TARGET, RemoteTarget
from tests.workspace import WorkspaceServer

NOTEBOOK = "# Databricks notebook source\n"
EFFECTS = ("drop", "hang", 429, 500, 503, 504, 403, 409)
WHERE = {
    "jobs": r"/api/2\.\d/jobs/",
    "pipelines": r"/api/2\.0/pipelines",
    "files": r"/api/2\.0/workspace",
}
WHICH = ("first", "n-th", "always")


def _project(version: int) -> Compiled:
    """First two jobs; then one of them changed, one gone, a pipeline and `all`."""
    bronze = part("bronze", "bronze.a", target=TARGET, timeout_seconds=60 * version)
    texts = {"src/bronze.py": f"{NOTEBOOK}# {version}\n"}
    if version == 1:
        gold = part("gold", "gold.a", target=TARGET)
        parts = [bronze, gold]
        texts["src/gold.py"] = NOTEBOOK
    else:
        silver = part("silver", "silver.a", kind="pipeline", target=TARGET,
                      catalog="main", schema="silver")  # fmt: skip
        parts = [bronze, silver]
    return compiled(*parts, whole(parts, target=TARGET), code=texts, target=TARGET)


BEFORE, AFTER = _project(1), _project(2)


@pytest.fixture
def remote(tmp_path: Path, server: WorkspaceServer) -> RemoteTarget:
    remote = RemoteTarget(tmp_path, server)
    assert remote.deploy(BEFORE).succeeded
    return remote


def finish(remote: RemoteTarget) -> None:
    """Deploy when all goes well; settling may bring more to light, so twice at most."""
    remote.server.faults.clear()
    remote.late = 200
    if not remote.deploy(AFTER).succeeded:
        assert remote.deploy(AFTER).succeeded
    remote.check(AFTER)


CASES = list(product(EFFECTS, ("before", "after"), WHERE, WHICH))
SAMPLE = Random(8).sample(CASES, 12)


@pytest.mark.parametrize(
    ("effect", "when", "where", "which"), CASES if ALL else SAMPLE, ids=str
)
def test_a_request_goes_wrong(
    remote: RemoteTarget, effect: Any, when: Any, where: str, which: str
) -> None:
    chance = Random(f"{effect} {when} {where}")
    remote.server.fault(
        WHERE[where],
        effect,
        when=when,
        skip=chance.randint(1, 6) if which == "n-th" else 0,
        times=None if which == "always" else 1,
        retry_after=0 if effect == 429 else None,
    )

    with contextlib.suppress(MdfError):
        remote.deploy(AFTER)

    finish(remote)


class BrokenStore(SQLiteStore):
    """A store whose calls go wrong, before or after they had their effect."""

    when, count, times = "before", 0, 1
    skip = 0

    def _around(self, call: Any) -> Any:
        type(self).count += 1
        broken = self.skip < self.count <= self.skip + self.times
        if broken and self.when == "before":
            raise StateError(Problem("state-unreachable", "no answer"))
        result = call()
        if broken:
            raise StateError(Problem("state-unreachable", "no answer"))
        return result

    def acquire(self, *given: Any, **named: Any) -> Any:
        return self._around(lambda: super(BrokenStore, self).acquire(*given, **named))

    def write(self, *given: Any) -> Any:
        return self._around(lambda: super(BrokenStore, self).write(*given))

    def release(self, *given: Any) -> Any:
        return self._around(lambda: super(BrokenStore, self).release(*given))

    def snapshot(self) -> Any:
        return self._around(super().snapshot)


STATE_CASES = list(product(("before", "after"), range(12), (1, 99)))


@pytest.mark.parametrize(
    ("when", "skip", "times"),
    STATE_CASES if ALL else Random(8).sample(STATE_CASES, 6),
)
def test_the_state_goes_wrong(
    remote: RemoteTarget, when: str, skip: int, times: int
) -> None:
    """At each of the store's calls in turn, once or from then on."""

    class Store(BrokenStore):
        pass

    Store.when, Store.skip, Store.times = when, skip, times

    with contextlib.suppress(MdfError):
        remote.deploy(AFTER, remote.store(Store))

    finish(remote)
