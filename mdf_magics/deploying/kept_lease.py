"""A lease that is kept alive while calls run, and that stops them when it ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from mdf_magics.errors import LeaseLost
from mdf_magics.state.protocol import JournalRow, Lease, Snapshot, StateStore

type Clocks = tuple[Callable[[], float], ...]

CLOCKS: Clocks = (time.monotonic, time.time)
"""The monotonic clock stands still while a laptop sleeps, the other one may be set:
whichever has gone further counts."""


class NotBegun(Exception):
    """A call was stopped before it was made: it certainly had no effect."""


class KeptLease:
    """The lease of a running deploy.

    One thread writes and renews; the threads that call the workspace ask before each
    call. The Jobs API can't check a fence, so that a call may begin only while the
    lease outlasts it: then whoever takes the lease over finds no call under way.
    """

    def __init__(self, store: StateStore, deployed_by: str, clocks: Clocks) -> None:
        """Take the lease. Raises Locked when somebody else holds it."""
        self._store = store
        self._clocks = clocks
        self._changed = threading.Condition()
        self._stopped = False
        self._asked = self._now()
        self.lease: Lease = store.acquire(deployed_by)

    def write(self, rows: Sequence[JournalRow]) -> None:
        """Write rows and renew. Raises LeaseLost, and stops all calls."""
        asked = self._now()
        try:
            self._store.write(self.lease, rows)
        except LeaseLost:
            self.stop()
            raise
        with self._changed:
            # Counted from before the question: the store's clock ran no later.
            self._asked = asked
            self._changed.notify_all()

    def keep(self) -> None:
        """Renew when a third of the lease is over. Raises LeaseLost."""
        if self._passed() > self.lease.seconds / 3:
            self.write(())

    def wait_until_good_for(self, seconds: float) -> None:
        """Return when a call of at most so many seconds may begin.

        Raises:
            NotBegun: The deploy has stopped.
        """
        with self._changed:
            while not self._stopped and self._left() <= seconds:
                self._changed.wait(timeout=1)
            if self._stopped:
                raise NotBegun

    def stop(self) -> None:
        """Let no further call begin."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def state(self) -> Snapshot:
        """What the state says now, also when the lease was lost."""
        return self._store.snapshot()

    def release(self) -> None:
        """Give the lease back."""
        self._store.release(self.lease)

    def _now(self) -> tuple[float, ...]:
        return tuple(clock() for clock in self._clocks)

    def _passed(self) -> float:
        return max(
            now - then for now, then in zip(self._now(), self._asked, strict=True)
        )

    def _left(self) -> float:
        return self.lease.seconds - self._passed()
