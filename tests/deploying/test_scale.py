"""A thousand tables in a hundred jobs: how many calls, in which levels, in what time.

The time is simulated: a call takes its latency and waits for its place in the rate, and
what the machine does meanwhile takes none. So the figures are those of the order in
which calls are made, on any machine.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from typing import Any

import pytest

from mdf_magics.deploying.deployer import Deployer, Terms
from mdf_magics.deploying.survey import Wish
from mdf_magics.deploying.workspaces.pace import Pace
from mdf_magics.planning.resources import Compiled
from mdf_magics.planning.selection import Selection
from tests.deploying.desired import compiled, part, whole
from tests.deploying.memory import Journal, MemoryStore, MemoryWorkspace
from tests.deploying.place import ORIGIN
from tests.slept_clock import SleptClock

LATENCY = 0.05
"""Seconds that a call takes."""
WRITE = 0.1
"""Seconds that a write of the journal takes."""
CONCURRENCY = 10


class ManyAtOnce(SleptClock):
    """A clock that several calls share, each with a time of its own."""

    def call_all(
        self,
        calls: Mapping[Any, Callable[[], Any]],
        *,
        concurrency: int,
        ended: Callable[[Any, Future[Any]], None],
        tick: Callable[[], None] = lambda: None,
        **_: object,
    ) -> None:
        """What `calling.call_all` does: so many threads, each takes what is next."""
        threads, ends = [self.now] * concurrency, []
        for key, call in calls.items():
            self.now = heapq.heappop(threads)
            future: Future[Any] = Future()
            try:
                future.set_result(call())
            except Exception as error:  # noqa: BLE001 - raised by its result()
                future.set_exception(error)
            heapq.heappush(threads, self.now)
            ends.append((self.now, key, future))
        for self.now, key, future in sorted(ends, key=lambda end: end[0]):
            ended(key, future)
            tick()


def slow(workspace: MemoryWorkspace, clock: SleptClock, pace: Pace) -> Any:
    """The workspace, with calls that take their time and keep to a rate."""
    for name in ("create", "get", "find", "update", "delete", "uploaded", "upload"):
        call = partial(_late, clock, pace, getattr(workspace, name))
        setattr(workspace, name, call)
    return workspace


def _late(
    clock: SleptClock, pace: Pace, call: Callable[..., Any], *given: Any, **named: Any
) -> Any:
    pace.wait()
    clock.sleep(LATENCY)
    return call(*given, **named)


class SlowStore(MemoryStore):
    """Counts what is written at once, which takes its time."""

    def __init__(self, clock: SleptClock) -> None:
        super().__init__(Journal(clock))
        self._clock = clock
        self.writes: list[int] = []

    def write(self, lease: Any, rows: Any) -> None:
        self.writes.append(len(rows))
        self._clock.sleep(WRITE)
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
def clock(monkeypatch: pytest.MonkeyPatch) -> ManyAtOnce:
    clock = ManyAtOnce()
    for module in ("applying", "survey", "settling"):
        called = f"mdf_magics.deploying.{module}.call_all"
        monkeypatch.setattr(called, clock.call_all)
    monkeypatch.setattr("mdf_magics.deploying.kept_lease.OUTCOME_SECONDS", math.inf)
    return clock


@pytest.fixture(params=[10, 1e9], ids=["ten a second", "no rate"])
def rate(request: pytest.FixtureRequest) -> float:
    """Calls a second: the default, and as many as there are."""
    return float(request.param)


@pytest.fixture
def deployer(clock: ManyAtOnce, rate: float) -> Deployer:
    pace = Pace(rate, CONCURRENCY, clock=clock, sleep=clock.sleep)
    return Deployer(
        SlowStore(clock),
        slow(MemoryWorkspace(), clock, pace),
        concurrency=CONCURRENCY,
        sleep=clock.sleep,
        clocks=(clock,),
    )


def deploy(deployer: Deployer, desired: Compiled) -> Counter[str]:
    """The calls that it took."""
    workspace: Any = deployer.workspace
    workspace.calls.clear()
    assert deployer.deploy(Wish(desired), Terms(ORIGIN)).succeeded
    return Counter(workspace.calls)


def test_calls_and_levels(
    deployer: Deployer,
    clock: ManyAtOnce,
    rate: float,
    capsys: pytest.CaptureFixture[str],
):
    """Figure 5: within 1.2 of what the calls and the writes of the journal need."""
    store: Any = deployer.store
    # A find for each create, so that a lost state is noticed before it makes twins.
    for name, version, levels, expected in (
        ("first", 1, 2, {"uploaded": 1, "find": 101, "upload": 101, "create": 101}),
        ("nothing to do", 1, 0, {"uploaded": 1, "get": 101}),
        (
            "all changed",
            2,
            1,
            {"uploaded": 1, "get": 101, "upload": 100, "update": 100},
        ),
    ):
        store.writes.clear()
        began = clock.now

        calls = deploy(deployer, project(version))

        assert calls == expected
        assert len(store.writes) == 2 * levels
        number = calls.total()
        least = max(number * LATENCY / CONCURRENCY, number / rate)
        bound = least + 2 * levels * WRITE
        ratio = (clock.now - began) / bound
        with capsys.disabled():
            print(
                f"\n1,000 tables in 100 jobs, {name}, at most {rate:g} calls a second: "
                f"{number} calls in {clock.now - began:.2f} s, {ratio:.2f} of the bound"
            )
        assert ratio <= 1.2


def test_a_level_never_waits_for_a_number_of_its_own(deployer: Deployer):
    """All hundred jobs are one level, and then comes `all`."""
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
