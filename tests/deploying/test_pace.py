"""How fast the API is called."""

from __future__ import annotations

import pytest

from mdf_magics.deploying.workspaces.pace import Pace
from tests.slept_clock import SleptClock


@pytest.fixture
def clock() -> SleptClock:
    return SleptClock()


def pace(clock: SleptClock, calls_per_second: float = 10, burst: int = 10) -> Pace:
    return Pace(calls_per_second, burst, clock=clock, sleep=clock.sleep)


def test_a_burst_begins_at_once(clock: SleptClock):
    calm = pace(clock)

    for _ in range(10):
        calm.wait()

    assert clock.now == 100.0


def test_keeps_to_the_rate_in_the_long_run(clock: SleptClock):
    calm = pace(clock)

    for _ in range(110):
        calm.wait()

    assert clock.now == pytest.approx(110.0)


def test_nobody_calls_before_the_pause_is_over(clock: SleptClock):
    calm = pace(clock)

    calm.too_fast(30)
    calm.wait()

    assert 130 <= clock.now <= 136


def test_is_slower_after_each_complaint_and_recovers(clock: SleptClock):
    calm = pace(clock, burst=1)
    for _ in range(3):
        calm.too_fast(0)
    calm.wait()
    began = clock.now
    calm.wait()
    slow = clock.now - began
    for _ in range(50):
        calm.went_well()
    calm.wait()
    began = clock.now
    calm.wait()

    assert slow == pytest.approx(0.8)
    assert clock.now - began == pytest.approx(0.1)
