"""Many calls at once, while the caller's own thread keeps the books."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

TICK_SECONDS = 1.0
"""How often the caller's thread wakes up while calls run."""


def call_all[K, T](
    calls: Mapping[K, Callable[[], T]],
    *,
    concurrency: int,
    ended: Callable[[K, Future[T]], None],
    tick: Callable[[], None] = lambda: None,
    stop: Callable[[], None] = lambda: None,
) -> None:
    """Make calls in threads, and hear of each as it ends.

    `ended` and `tick` run in the caller's thread. Whatever they raise, and an
    interrupt, begins nothing new: what runs is waited for, and `ended` hears of it too.

    Args:
        calls: What to call, each by its own key.
        concurrency: How many run at once at most.
        ended: Gets the key and the ended future of each call; it may be a cancelled
            one, when the call was never begun.
        tick: Called after each end, and once a second.
        stop: Called before waiting for what runs, when something was raised.
    """
    if not calls:
        return
    # Made before any is begun: whenever an interrupt comes, each has one to be told by.
    waiting: dict[Future[T], K] = {Future(): key for key in calls}
    with ThreadPoolExecutor(max_workers=min(concurrency, len(calls))) as pool:
        try:
            for future, key in list(waiting.items()):
                pool.submit(_call, future, calls[key])
            while waiting:
                done = wait(waiting, TICK_SECONDS, FIRST_COMPLETED).done
                for future in done:
                    ended(waiting.pop(future), future)
                tick()
        finally:
            if waiting:
                stop()
                begun = [future for future in waiting if not future.cancel()]
                wait(begun)
                for future, key in waiting.items():
                    ended(key, future)


def _call[T](future: Future[T], call: Callable[[], T]) -> None:
    if future.set_running_or_notify_cancel():
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001 - raised again by its result()
            future.set_exception(error)
