"""Ctrl-C and a time limit, apart from any engine."""

from __future__ import annotations

import signal
import threading

import pytest

from mdf_magics.engines.interrupting import cancelling_after, cancelling_on_ctrl_c

CANCELLED = ValueError("the query was cancelled")


class Finalized:
    """Something that Ctrl-C meets while it is finalized."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interrupt_that_python_loses_is_raised_when_the_query_ends():
    cancelled = threading.Event()

    def query():
        Finalized()
        cancelled.wait()
        raise CANCELLED

    with pytest.raises(KeyboardInterrupt), cancelling_on_ctrl_c(cancelled.set):
        query()


def test_an_error_without_an_interrupt_stays_one():
    def query():
        raise CANCELLED

    with pytest.raises(ValueError, match="cancelled"), cancelling_on_ctrl_c(print):
        query()


def test_after_the_time_it_is_cancelled_until_the_block_is_left():
    calls = threading.Semaphore(0)
    with cancelling_after(0.01, calls.release) as over:
        calls.acquire()
        calls.acquire()
        assert over.is_set()


def test_a_block_that_is_quick_is_left_alone():
    calls: list[None] = []
    with cancelling_after(1000, lambda: calls.append(None)) as over:
        pass
    assert (over.is_set(), calls) == (False, [])
