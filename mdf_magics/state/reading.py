"""What is asked of a journal, in SQL that SQLite, Spark and SQL warehouses all read.

Rows are never changed and `seq` only grows, so whatever is asked about rows up to the
`seq` of the lock row is of one moment, also when it takes several statements.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, override

from mdf_magics.errors import StateError
from mdf_magics.state import messages
from mdf_magics.state.layout import Names, history_query
from mdf_magics.state.protocol import (
    COLUMNS,
    VERSION,
    HistoryRow,
    Holder,
    JournalRow,
    Snapshot,
    StateStore,
)

OURS = "project = :project AND target = :target"
LOCK = f"phase = 'lock' AND {OURS}"

_INTEGERS = frozenset({"seq", "fence", "generation", "version"})
_TIMES = frozenset({"at", "started", "finished"})
_ALWAYS = frozenset({"seq", "at", "started"})
"""What every row has."""

# The newest row of each key among all, among outcomes and among creates; and whether
# the row's operation has an outcome.
_SNAPSHOT = f"""
SELECT {{columns}}, newest, newest_done, newest_create, settled FROM (
  SELECT *, row_number() OVER (PARTITION BY `key` ORDER BY seq DESC) AS newest,
    CASE WHEN phase = 'done' THEN
      row_number() OVER (PARTITION BY `key`, phase ORDER BY seq DESC)
    END AS newest_done,
    CASE WHEN operation IN ('create', 'adopt') THEN row_number() OVER (
      PARTITION BY `key`, operation IN ('create', 'adopt') ORDER BY seq DESC)
    END AS newest_create,
    max(CASE WHEN phase <> 'intent' THEN 1 ELSE 0 END)
      OVER (PARTITION BY operation_id) AS settled
  FROM {{journal}} WHERE phase <> 'lock' AND {OURS} AND seq <= :newest
) AS marked
WHERE (newest = 1 OR newest_done = 1 OR newest_create = 1 OR settled = 0)
"""


class NoJournal(Exception):
    """Nothing was ever written: there is no file, or no table."""


type Ask = Callable[..., Sequence[Sequence[Any]]]
"""Runs a query with its `:names` filled in. Values may come as text."""


@dataclass(frozen=True)
class Lock:
    """The lock row of a target."""

    owner: str
    """Whose lease it is; empty: free."""
    deployed_by: str
    fence: int
    seq: int
    lineage: str
    freed_by: str | None
    at: int
    """The last sign of life, in seconds since 1970."""
    silent: int
    """Seconds since then, by the store's clock."""


class Journal:
    """One target's rows, as they can be read."""

    def __init__(self, ask: Ask, names: Names) -> None:
        """Bind the questions to a store.

        Args:
            ask: Runs a query; it fills in `:project` and `:target`.
            names: What the store calls table, views and times.
        """
        self._ask = ask
        self._names = names

    def locks(self) -> list[Lock]:
        """The lock row, or none.

        Of several, as a race of two first deploys may leave, the one that counts first.
        """
        seconds, now = self._names.seconds, self._names.now
        journal = self._names.journal
        rows = self._ask(
            "SELECT operation_id, deployed_by, fence, seq, nonce, error, "
            f"{seconds('`at`')}, {seconds(now)}, (SELECT min(version) FROM {journal}), "
            f"(SELECT max(version) FROM {journal}) "
            f"FROM {journal} WHERE {LOCK} ORDER BY seq DESC, nonce"
        )
        for row in rows:
            for version in row[8:]:
                check_version(self._names.where, version)
        with self._legible():
            return [
                Lock(
                    row[0] or "",
                    row[1] or "",
                    int(row[2]),
                    int(row[3]),
                    row[4],
                    row[5],
                    int(row[6]),
                    int(row[7]) - int(row[6]),
                )
                for row in rows
            ]

    def since(self, lock: Lock) -> str:
        """When the holder wrote first, as far as it has written anything."""
        first = f"min({self._names.seconds('`at`')})"
        query = f"SELECT {first} FROM {self._names.journal} WHERE phase <> 'lock' "
        ((at,),) = self._ask(f"{query} AND {OURS} AND fence = :fence", fence=lock.fence)
        return moment(lock.at if at is None else at)

    def snapshot(self) -> Snapshot:
        """All that a plan needs to know."""
        lock = next(iter(self.locks()), None)
        if lock is None:
            return Snapshot()
        resources, latest, creates, pending = {}, {}, {}, []
        query = _SNAPSHOT.format(
            columns=self._columns(COLUMNS), journal=self._names.journal
        )
        for row, (newest, done, create, settled) in self._rows(query, lock.seq):
            if newest == "1":
                latest[row.key] = row
            if done == "1" and row.operation not in ("delete", "forget"):
                resources[row.key] = row
            if create == "1":
                creates[row.key] = row
            if settled == "0":
                pending.append(row)
        return Snapshot(
            lock.lineage,
            lock.fence,
            lock.seq,
            dict(sorted(resources.items())),
            latest,
            creates,
            tuple(pending),
        )

    def rows(self) -> list[JournalRow]:
        """Every row but the lock's, oldest first."""
        lock = next(iter(self.locks()), None)
        query = f"SELECT {self._columns(COLUMNS)} FROM {self._names.journal} "
        query += f"WHERE phase <> 'lock' AND {OURS}"
        return [row for row, _ in self._rows(query, lock.seq)] if lock else []

    def history(self, key: str | None, limit: int | None) -> list[HistoryRow]:
        """Every operation, newest first."""
        self.locks()  # refuses what another version wrote
        columns = tuple(HistoryRow.__dataclass_fields__)
        operations = history_query(self._names.journal, "min(seq) AS first, ")
        query = (
            f"SELECT {self._columns(columns)} FROM ({operations}) AS operations "
            f"WHERE {OURS}{' AND `key` = :key' if key is not None else ''} "
            f"ORDER BY first DESC{f' LIMIT {limit:d}' if limit is not None else ''}"
        )
        rows = self._ask(query, key=key)
        with self._legible():
            return [HistoryRow(**_read(columns, row)) for row in rows]

    def _columns(self, names: Sequence[str]) -> str:
        return ", ".join(
            self._names.seconds(f"`{name}`") if name in _TIMES else f"`{name}`"
            for name in names
        )

    def _rows(
        self, query: str, newest: int
    ) -> list[tuple[JournalRow, tuple[str | None, ...]]]:
        """The rows of a query that ends in conditions, in the journal's order."""
        width = len(COLUMNS)
        rows = self._by_halves(query, 0, newest, newest)
        with self._legible():
            return [
                (
                    JournalRow(**_read(COLUMNS, row)),
                    tuple(None if one is None else str(one) for one in row[width:]),
                )
                for row in rows
            ]

    @contextmanager
    def _legible(self) -> Iterator[None]:
        """Says of what isn't as we write it that somebody else wrote it."""
        try:
            yield
        except (TypeError, ValueError, OverflowError) as error:
            raise messages.illegible(self._names.where) from error

    def _by_halves(
        self, query: str, after: int, upto: int, newest: int
    ) -> list[Sequence[Any]]:
        """All rows of a query, in parts where a store can't return it in one."""
        part = f"{query} AND seq > :after AND seq <= :upto ORDER BY seq"
        try:
            return list(self._ask(part, after=after, upto=upto, newest=newest))
        except TooLarge:
            if upto - after <= 1:
                raise
        middle = (after + upto) // 2
        return [
            *self._by_halves(query, after, middle, newest),
            *self._by_halves(query, middle, upto, newest),
        ]


class TooLarge(StateError):
    """An answer is larger than the store can return at once."""


class JournalStore(StateStore):
    """What every store answers alike, however it is written."""

    def __init__(
        self, project: str, target: str, lease_seconds: float, grace_seconds: float
    ) -> None:
        """Say whose rows it holds, and how long a lease lasts."""
        self.project = project
        self.target = target
        self._lease_seconds = lease_seconds
        self._grace_seconds = grace_seconds

    @abstractmethod
    def _opened(self) -> AbstractContextManager[Journal]:
        """The journal, for reading. Raises NoJournal when there is none."""

    @override
    def snapshot(self) -> Snapshot:
        return self._read(Journal.snapshot, Snapshot())

    @override
    def state(self) -> list[JournalRow]:
        return list(self.snapshot().resources.values())

    @override
    def pending(self) -> list[JournalRow]:
        return list(self.snapshot().pending)

    @override
    def journal(self) -> list[JournalRow]:
        return self._read(Journal.rows, [])

    @override
    def history(
        self, key: str | None = None, limit: int | None = None
    ) -> list[HistoryRow]:
        return self._read(lambda journal: journal.history(key, limit), [])

    @override
    def holder(self) -> Holder | None:
        return self._read(self._holder, None)

    @override
    def accept(self) -> None:
        """A store of its own remembers nothing else."""

    @override
    def unwritten(self) -> list[JournalRow]:
        return []

    def _holder(self, journal: Journal) -> Holder | None:
        locks = journal.locks()
        if not locks:
            return None
        # Of several the one that is held: it keeps everybody out.
        lock = max(locks, key=self._seconds_left)
        return Holder(
            lock.owner,
            lock.deployed_by,
            lock.fence,
            journal.since(lock),
            moment(lock.at),
            max(0, lock.silent),
            self._seconds_left(lock),
            lock.freed_by,
        )

    def _seconds_left(self, lock: Lock) -> int:
        """Until anybody may take it."""
        # A sign of life from the far future is of a clock that was set back since.
        if not lock.owner or lock.silent < -self._lease_seconds:
            return 0
        return max(0, int(self._lease_seconds) - max(0, lock.silent))

    def _grace(self, before: Lock | None) -> float:
        """How long a call of whoever held the lease before may have an effect."""
        if before is None or not (before.owner or before.freed_by):
            return 0
        return max(0, self._lease_seconds + self._grace_seconds - before.silent)

    def _read[T](self, question: Callable[[Journal], T], nothing: T) -> T:
        try:
            with self._opened() as journal:
                return question(journal)
        except NoJournal:
            return nothing


def check_version(where: str, version: Any) -> None:
    """Refuse rows of a layout that this version of mdf_magics can't read."""
    if version is not None and int(version) != VERSION:
        raise StateError(messages.unknown_version(where, int(version), VERSION))


def moment(seconds: Any) -> str:
    """Seconds since 1970 as `2026-03-02T06:00:01Z`."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _read(columns: Sequence[str], row: Sequence[Any]) -> dict[str, Any]:
    """A row by column: numbers as numbers, times as text."""
    return {
        name: None if value is None and name not in _ALWAYS
        else int(value) if name in _INTEGERS
        else moment(value) if name in _TIMES
        else value
        for name, value in zip(columns, row, strict=False)
    }  # fmt: skip
