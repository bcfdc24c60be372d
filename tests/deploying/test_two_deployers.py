"""Two deploys of one target never interleave."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mdf_magics.deploying.deployer import Deployer, Terms
from mdf_magics.deploying.survey import Wish
from mdf_magics.errors import LeaseLost, Locked
from tests.deploying.desired import BRONZE, FLIGHTS, GOLD, compiled, part
from tests.deploying.place import ORIGIN, Place


def once(
    method: str, subject: str, do: Callable[[], object]
) -> Callable[[str, str], None]:
    """A fault that isn't one: something else happens at a call."""
    left = [1]

    def fault(called: str, about: str) -> None:
        if (called, about) == (method, subject) and left:
            left.pop()
            do()

    return fault


@pytest.fixture
def other(place: Place) -> Place:
    return Place(place.folder)


@pytest.fixture
def late(place: Place) -> Place:
    """Somebody who comes when an unused lease has long ended."""
    return Place(place.folder, seconds_later=200)


def test_the_second_is_told_who_deploys(place: Place, other: Place):
    seen: list[str] = []

    def second() -> None:
        with pytest.raises(Locked) as error:
            other.deploy(FLIGHTS)
        seen.append(str(error.value))

    place.workspace.before = once("create", "gold", second)
    place.deploy(FLIGHTS)

    assert "locked: local is being deployed by ci@example.com on build-1" in seen[0]
    assert other.workspace.writes == []
    place.check_agreement(FLIGHTS)


def test_the_second_may_wait(place: Place, other: Place):
    lease = place.store.acquire("somebody")
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            place.store.release(lease)

    deployer = Deployer(other.store, other.workspace, sleep=sleep)
    deployer.deploy(Wish(FLIGHTS), Terms(ORIGIN, wait_seconds=60))

    assert len(slept) == 3
    place.check_agreement(FLIGHTS)
    changed = compiled(*FLIGHTS.resources, code={"src/gold.py": "# new\n"})
    place.store.acquire("somebody")
    with pytest.raises(Locked):
        deployer.deploy(Wish(changed), Terms(ORIGIN, wait_seconds=60))
    assert sum(slept) >= 60


def test_a_frozen_deploy_writes_nothing_after_it_was_taken_over(
    place: Place, late: Place
):
    """It froze after its call had its effect: the job is the new holder's."""
    place.workspace.after = once("create", "gold", lambda: late.deploy(FLIGHTS))

    with pytest.raises(LeaseLost, match=r"the lease on local \(fence 1\) was lost"):
        place.deploy(FLIGHTS)

    assert {row.fence for row in place.store.journal()} == {1, 2}
    assert {row.fence for row in place.store.journal() if row.phase == "done"} == {2}
    late.check_agreement(FLIGHTS)


def test_a_call_that_comes_after_the_takeover_leaves_no_second_job(
    place: Place, late: Place
):
    """It froze between its last look at the lease and the call."""
    place.workspace.before = once("create", "gold", lambda: late.deploy(FLIGHTS))

    with pytest.raises(LeaseLost):
        place.deploy(FLIGHTS)

    assert len(place.local.find("job", "[local] flights gold")) == 1
    late.check_agreement(FLIGHTS)


def test_a_deploy_that_slept_begins_no_call_before_it_has_asked(
    place: Place, late: Place
):
    clock = [0.0]

    def sleep_and_lose() -> None:
        clock[0] += 200
        late.deploy(FLIGHTS)

    deployer = Deployer(
        place.store, place.workspace, concurrency=1, clocks=(lambda: clock[0],)
    )
    place.workspace.after = once("create", "bronze", sleep_and_lose)

    with pytest.raises(LeaseLost):
        deployer.deploy(Wish(FLIGHTS), Terms(ORIGIN))

    creates = [call for call in place.workspace.calls if call[0] == "create"]
    assert creates == [("create", "bronze")]
    late.check_agreement(FLIGHTS)


def test_a_deploy_that_slept_goes_on_when_nobody_came(place: Place):
    clock = [0.0]

    def sleep() -> None:
        clock[0] += 200

    deployer = Deployer(
        place.store, place.workspace, concurrency=1, clocks=(lambda: clock[0],)
    )
    place.workspace.after = once("create", "bronze", sleep)

    assert deployer.deploy(Wish(FLIGHTS), Terms(ORIGIN)).succeeded
    place.check_agreement(FLIGHTS)


def test_a_long_deploy_keeps_its_lease(place: Place, monkeypatch: pytest.MonkeyPatch):
    """Its calls take longer than a lease: it renews at a third of it."""
    clock = [0.0]
    signs: list[int] = []
    write = place.store.write

    def counted(lease, rows) -> None:
        signs.append(len(rows))
        write(lease, rows)

    def fifty_seconds(method: str, subject: str) -> None:
        clock[0] += 50 if method == "create" else 0

    monkeypatch.setattr(place.store, "write", counted)
    place.workspace.after = fifty_seconds
    parts = [part(f"p{number}", f"p.t{number}") for number in range(6)]
    deployer = Deployer(
        place.store, place.workspace, concurrency=1, clocks=(lambda: clock[0],)
    )

    deployer.deploy(Wish(compiled(*parts)), Terms(ORIGIN))

    assert signs.count(0) >= 4
    place.check_agreement(compiled(*parts))


def test_the_second_sees_what_the_first_has_done_since(
    place: Place, other: Place, monkeypatch: pytest.MonkeyPatch
):
    """It planned before the first wrote: it plans again under its own lease."""
    real = other.store.acquire

    def acquire(deployed_by: str, *, lineage: str | None = None):
        place.deploy(compiled(BRONZE, GOLD))
        return real(deployed_by, lineage=lineage)

    monkeypatch.setattr(other.store, "acquire", acquire)

    result = other.deploy(FLIGHTS)

    assert [done.key for done in result.done] == ["silver", "all"]
    monkeypatch.undo()
    place.check_agreement(FLIGHTS)
