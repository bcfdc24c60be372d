"""Stopping a query on a server: Ctrl-C, the stop button of a notebook, a time limit."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

_SECONDS_BETWEEN = 0.1


@contextmanager
def cancelling_on_ctrl_c(cancel: Callable[[], None]) -> Iterator[None]:
    """Call `cancel` when Ctrl-C comes; a KeyboardInterrupt is raised as ever.

    It is called from another thread: clients before 19 wait for the end of the query
    while the KeyboardInterrupt passes through them. It is called again until that has
    left the block, because the query may not have begun yet. Python loses a
    KeyboardInterrupt that comes while an object is finalized, and gRPC has many: then
    the query's failure stands for it.
    """
    raising = signal.getsignal(signal.SIGINT)
    in_main_thread = threading.current_thread() is threading.main_thread()
    if not in_main_thread or not callable(raising):
        yield
        return
    raised, left = threading.Event(), threading.Event()

    def interrupt(number: int, frame: FrameType | None) -> None:
        threading.Thread(target=_keep, args=(cancel, left), daemon=True).start()
        try:
            raising(number, frame)
        except KeyboardInterrupt:
            raised.set()
            raise

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    except Exception as error:
        if raised.is_set():
            raise KeyboardInterrupt from error
        raise
    finally:
        signal.signal(signal.SIGINT, raising)
        left.set()


@contextmanager
def cancelling_after(
    seconds: float | None, cancel: Callable[[], None]
) -> Iterator[threading.Event]:
    """Call `cancel` when the block takes longer, until it is left.

    Args:
        seconds: How long it may take; None: as long as it likes.
        cancel: Called from another thread.

    Yields:
        What is set when the time is over.
    """
    over, left = threading.Event(), threading.Event()

    def watch(seconds: float) -> None:
        if not left.wait(seconds):
            over.set()
            _keep(cancel, left)

    if seconds is not None:
        threading.Thread(target=watch, args=(seconds,), daemon=True).start()
    try:
        yield over
    finally:
        left.set()


def _keep(cancel: Callable[[], None], left: threading.Event) -> None:
    while not left.is_set():
        with suppress(Exception):
            cancel()
        left.wait(_SECONDS_BETWEEN)
