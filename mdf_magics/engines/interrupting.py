"""Ctrl-C, or the stop button of a notebook, while a query runs on a server."""

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
    left the block, because the query may not have begun yet.
    """
    raising = signal.getsignal(signal.SIGINT)
    in_main_thread = threading.current_thread() is threading.main_thread()
    if not in_main_thread or not callable(raising):
        yield
        return
    left = threading.Event()

    def keep_cancelling() -> None:
        while not left.is_set():
            with suppress(Exception):
                cancel()
            left.wait(_SECONDS_BETWEEN)

    def interrupt(number: int, frame: FrameType | None) -> None:
        threading.Thread(target=keep_cancelling, daemon=True).start()
        raising(number, frame)

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, raising)
        left.set()
