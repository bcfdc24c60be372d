"""Whatever a workspace or a store does wrong, at whichever request: one clean deploy.

Each case breaks one kind of request while something is made, changed and deleted. Then
all goes well again: exactly one resource a key, state and workspace agree, and the
deploy after that does nothing.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import pytest

from mdf_magics.deploying.consent import Consent
from mdf_magics.deploying.deployer import Deployer, Terms
from mdf_magics.deploying.result import DeployResult
from mdf_magics.deploying.survey import Wish
from mdf_magics.errors import MdfError, Problem, StateError
from mdf_magics.planning.resources import Compiled
from mdf_magics.state.sqlite import SQLiteStore
from tests.conftest import ALL
from tests.deploying.desired import compiled, part, whole
from tests.deploying.place import ORIGIN
from tests.deploying.remote import workspace_of
from tests.workspace import WorkspaceServer

TARGET = "dev.me"
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


@dataclass
class Remote:
    """A target in the stand-in."""

    folder: Path
    server: WorkspaceServer
    late: float = 0
    """Seconds that the store's clock is ahead: then a dead one's lease has ended."""

    def deploy(self, desired: Compiled, store: Any = None) -> DeployResult:
        """One process that deploys."""
        workspace: Any = workspace_of(self.server, target=TARGET)
        deployer = Deployer(
            store or self.store(), workspace, concurrency=4, sleep=lambda _: None
        )
        terms = Terms(ORIGIN, Consent(delete=1, yes=True))
        return deployer.deploy(Wish(desired), terms)

    def store(self, made: type[SQLiteStore] = SQLiteStore) -> SQLiteStore:
        return made(
            self.folder / "state.db",
            project="flights",
            target=TARGET,
            clock=lambda: datetime.now(UTC) + timedelta(seconds=self.late),
        )

    def check(self, desired: Compiled) -> None:
        """One resource a key; state and workspace agree; nothing is left to do."""
        workspace = workspace_of(self.server, target=TARGET)
        found = [*workspace.find("job", None), *workspace.find("pipeline", None)]
        remote = sorted((r.tags["mdf_key"], r.kind, r.remote_id) for r in found)
        state = sorted((r.key, r.kind, r.remote_id) for r in self.store().state())
        assert remote == state
        assert [key for key, *_ in state] == [one.key for one in desired.resources]
        assert self.store().pending() == []
        again = self.deploy(desired)
        assert (again.done, again.failed) == ((), ())


@pytest.fixture
def remote(tmp_path: Path, server: WorkspaceServer) -> Remote:
    remote = Remote(tmp_path, server)
    assert remote.deploy(BEFORE).succeeded
    return remote


def finish(remote: Remote) -> None:
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
    remote: Remote, effect: Any, when: Any, where: str, which: str
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
def test_the_state_goes_wrong(remote: Remote, when: str, skip: int, times: int) -> None:
    """At each of the store's calls in turn, once or from then on."""

    class Store(BrokenStore):
        pass

    Store.when, Store.skip, Store.times = when, skip, times

    with contextlib.suppress(MdfError):
        remote.deploy(AFTER, remote.store(Store))

    finish(remote)
