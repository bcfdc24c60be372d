"""How fast the API is called: never faster than agreed, and slower when it asks."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable

SLOWEST_SECONDS = 2.0
"""Between two calls, however often the API has said that it is too fast."""


class Pace:
    """A token bucket that all threads of a deploy share."""

    def __init__(
        self,
        calls_per_second: float,
        burst: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Set the pace.

        Args:
            calls_per_second: Calls in a second, at most, in the long run.
            burst: How many may begin at once after a pause.
            clock: Seconds that never go back.
            sleep: Waits.
        """
        self._agreed = 1 / calls_per_second
        self._between = self._agreed
        self._burst = burst
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._next = 0.0
        self._closed_until = 0.0

    def wait(self) -> None:
        """Return when the next call may begin."""
        while (seconds := self._take()) > 0:
            self._sleep(seconds)

    def went_well(self) -> None:
        """A call was answered: speed up again, slowly."""
        with self._lock:
            self._between = max(self._agreed, self._between * 0.9)

    def too_fast(self, retry_after: float) -> None:
        """The API asks for a pause: nobody calls before it is over, then more slowly.

        Args:
            retry_after: Seconds, from the header Retry-After.
        """
        with self._lock:
            self._between = min(SLOWEST_SECONDS, self._between * 2)
            pause = retry_after * random.uniform(1.0, 1.2)  # noqa: S311 - only a jitter
            self._closed_until = max(self._closed_until, self._clock() + pause)

    def _take(self) -> float:
        """Take a place in the row: 0, or seconds after which to ask again."""
        with self._lock:
            now = self._clock()
            free = max(
                self._closed_until, self._next - (self._burst - 1) * self._between
            )
            if free > now:
                return free - now
            self._next = max(self._next, now) + self._between
            return 0.0
