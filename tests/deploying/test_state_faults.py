"""What can happen to a target's state and its lock while it is deployed."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from mdf_magics.deploying.deployer import Deployer
from mdf_magics.deploying.kept_lease import CLOCKS, KeptLease, NotBegun
from mdf_magics.errors import Problem, StateError, StateUnreachable
from mdf_magics.state.protocol import JournalRow, Lease, StateStore
from mdf_magics.state.remembering import RememberingStore
from tests.deploying.desired import BRONZE, FLIGHTS, compiled, part
from tests.deploying.faults import dies_after_create
from tests.deploying.memory import Journal, MemoryStore
from tests.deploying.place import ORIGIN, Place


class Remembered(Place):
    """A place whose store remembers beside itself, and can be cut off."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.cut = False
        real, write = self.store, self.store.write

        def cut_write(lease: Lease, rows: Sequence[JournalRow]) -> None:
            if self.cut:
                raise StateUnreachable(Problem("state-unreachable", "it is cut off"))
            write(lease, rows)

        real.write = cut_write  # type: ignore[method-assign]
        store: StateStore = RememberingStore(real, self.folder / ".mdf/state")
        self.deployer = Deployer(
            store, self.workspace, concurrency=self.concurrency, sleep=lambda _: None
        )


@pytest.fixture
def remembered(place: Place) -> Remembered:
    return Remembered(place.folder, concurrency=1)


class TestFault13:
    """A deployer is frozen or freed by force: its calls may still be under way."""

    def interrupted(self, place: Place) -> None:
        dies_after_create(place.workspace, "gold")
        place.deploy(FLIGHTS)
        place.forget_faults()

    def slept(self, place: Place) -> list[float]:
        pauses: list[float] = []
        place.deployer = Deployer(place.store, place.workspace, sleep=pauses.append)
        place.deploy(FLIGHTS)
        return pauses

    def test_nothing_is_judged_before_they_have_ended(self, place: Place):
        self.interrupted(place)
        lease = place.store.acquire("frozen")
        place.store.unlock(lease.owner, "me")

        pauses = self.slept(place)

        assert sum(pauses) >= 119
        place.check_agreement(FLIGHTS)

    def test_after_an_orderly_end_nobody_waits(self, place: Place):
        self.interrupted(place)

        assert sum(self.slept(place)) < 10
        place.check_agreement(FLIGHTS)


class TestFault26:
    def test_an_old_state_is_not_built_on_even_if_nothing_would_be_made(
        self, remembered: Remembered
    ):
        """The restored copy knows every resource, but not what became of it."""
        file = remembered.folder / ".mdf/state.db"
        remembered.deploy(FLIGHTS)
        shutil.copy(file, file.with_suffix(".yesterday"))
        changed = compiled(*FLIGHTS.resources, code={"src/gold.py": "# new\n"})
        remembered.deploy(changed)
        shutil.copy(file.with_suffix(".yesterday"), file)

        with pytest.raises(StateError, match="state-older"):
            remembered.deploy(changed)
        assert remembered.workspace.writes == []

        remembered.deployer.rebuild(ORIGIN)
        remembered.deploy(changed)
        remembered.forget_faults()
        assert remembered.plan(changed) == {}


class TestFault28:
    def test_no_operation_begins_and_nothing_is_lost(
        self, remembered: Remembered, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr("mdf_magics.deploying.applying.GROUP_SECONDS", 0)
        monkeypatch.setattr("mdf_magics.deploying.kept_lease.OUTCOME_SECONDS", 0)
        parts = [part(f"p{number}", f"p.t{number}") for number in range(6)]
        desired = compiled(*parts)

        def cut(method: str, subject: str) -> None:
            remembered.cut = remembered.cut or (method, subject) == ("create", "p0")

        remembered.workspace.after = cut
        with pytest.raises(StateUnreachable) as error:
            remembered.deploy(desired)
        remembered.cut = False
        remembered.forget_faults()

        assert [remote.tags["mdf_key"] for remote in remembered.remotes()] == ["p0"]
        assert "No further operation was begun." in str(error.value)
        for remote in remembered.remotes():
            done = f"- create job {remote.tags['mdf_key']} done ({remote.remote_id})"
            assert done in str(error.value)
        remembered.deploy(desired)
        assert len(remembered.remotes()) == 6
        remembered.check_agreement(desired)

    def test_no_operation_begins_while_a_write_is_tried_again(self):
        class Retrying(MemoryStore):
            answers = False

        lease = KeptLease(Retrying(Journal(time.monotonic)), "me", CLOCKS)

        with ThreadPoolExecutor() as pool:
            begun = pool.submit(lease.wait_until_good_for, 1)
            with pytest.raises(TimeoutError):
                begun.result(timeout=0.1)
            lease.stop()
            with pytest.raises(NotBegun):
                begun.result()

    def test_before_the_first_operation_nothing_was_begun(self, remembered: Remembered):
        remembered.cut = True

        with pytest.raises(StateUnreachable, match="it is cut off"):
            remembered.deploy(compiled(BRONZE))

        assert remembered.remotes() == []
