"""A lease that is kept alive while calls run, and that stops them when it ends."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence

from mdf_magics.errors import LeaseLost
from mdf_magics.state.protocol import JournalRow, Lease, Snapshot, StateStore

type Clocks = tuple[Callable[[], float], ...]

CLOCKS: Clocks = (time.monotonic, time.time)
"""The monotonic clock stands still while a laptop sleeps, the other one may be set:
whichever has gone further counts."""


OUTCOME_SECONDS = 10.0
"""How long an outcome may wait for the state to take it before nothing more begins: a
write to a Delta table takes a few."""


class NotBegun(Exception):
    """A call was stopped before it was made: it certainly had no effect."""


class KeptLease:
    """The lease of a running deploy.

    One thread writes and renews; the threads that call the workspace ask before each
    call. The Jobs API can't check a fence, so that a call may begin only while the
    lease outlasts it: then whoever takes the lease over finds no call under way. And
    none begins while the state doesn't answer: what comes of it couldn't be recorded.
    """

    def __init__(self, store: StateStore, deployed_by: str, clocks: Clocks) -> None:
        """Take the lease. Raises Locked when somebody else holds it."""
        self._store = store
        self._clocks = clocks
        self._changed = threading.Condition()
        self._stopped = False
        self._owed: dict[str, float] = {}
        """Operations that have ended and aren't written down so far, and since when."""
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
            for row in rows:
                self._owed.pop(row.operation_id, None)
            self._changed.notify_all()

    def owe(self, operation_id: str) -> None:
        """Say that an operation has ended, so that its outcome is to be written."""
        with self._changed:
            self._owed[operation_id] = time.monotonic()

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
            while not self._stopped and not self._is_good_for(seconds):
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

    def _is_good_for(self, seconds: float) -> bool:
        oldest = min(self._owed.values(), default=math.inf)
        is_heard = self._store.answers and time.monotonic() - oldest < OUTCOME_SECONDS
        return is_heard and self._left() > seconds

    def _passed(self) -> float:
        return max(
            now - then for now, then in zip(self._now(), self._asked, strict=True)
        )

    def _left(self) -> float:
        return self.lease.seconds - self._passed()
