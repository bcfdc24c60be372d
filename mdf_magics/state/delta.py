"""State in a Delta table: the store of targets that several machines deploy to.

Delta commits one statement or none, and of two that meet the same rows it lets one
fail. So each write is one MERGE that checks the lease, and whose source is empty for a
stale holder. A reply that got lost is settled by reading the lock row: a write names
the `seq` that it goes on from, and can't be done twice.
"""

from __future__ import annotations

import contextlib
import json
import random
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, override

from mdf_magics.errors import StateError, StateUnreachable
from mdf_magics.state import messages
from mdf_magics.state.layout import Names, view_statements
from mdf_magics.state.protocol import COLUMNS, VERSION, JournalRow, Lease
from mdf_magics.state.reading import (
    LOCK,
    OURS,
    Journal,
    JournalStore,
    Lock,
    NoJournal,
    TooLarge,
)
from mdf_magics.state.refusals import refusal
from mdf_magics.state.statements import StatementFailed, Statements, filled, quoted

TABLE, *VIEWS = "mdf_journal", "mdf_state", "mdf_history"

PAUSES = (0.25, 0.5, 1, 2, 4, 8)
"""Seconds to wait before something is tried again, give or take a half."""

MOST_READS = 4
"""How often a query is tried."""

LARGEST_WRITE = 4 * 1024 * 1024
"""Characters of rows in one statement; a SQL warehouse takes 16 MiB of text."""

_TYPES = {
    "seq": "BIGINT", "fence": "BIGINT", "at": "TIMESTAMP", "generation": "INT",
    "version": "INT",
}  # fmt: skip
"""Every other column is a STRING."""

_CREATE_TABLE = (
    "CREATE TABLE IF NOT EXISTS {journal} ("
    + ", ".join(f"`{column}` {_TYPES.get(column, 'STRING')}" for column in COLUMNS)
    + ") USING delta TBLPROPERTIES ('delta.isolationLevel' = 'Serializable')"
)

# A MERGE, because it reads: of two first deploys at once, one fails.
_INSERT_LOCK = f"""
MERGE INTO {{journal}} AS journal
USING (SELECT :project AS project, :target AS target) AS first
ON journal.phase = 'lock' AND journal.project = first.project
  AND journal.target = first.target
WHEN NOT MATCHED THEN INSERT ({", ".join(f"`{column}`" for column in COLUMNS)})
VALUES ({
    ", ".join(
        {
            "seq": "0", "fence": "0", "at": "{now}", "project": "first.project",
            "target": "first.target", "phase": "'lock'", "operation_id": "''",
            "nonce": ":lineage", "version": ":version",
        }.get(column, "NULL")
        for column in COLUMNS
    )
})
"""  # fmt: skip

_TAKE = f"""
UPDATE {{journal}}
SET operation_id = :owner, fence = fence + 1, `at` = {{now}},
  deployed_by = :deployed_by, error = NULL
WHERE {LOCK}
  AND (operation_id = '' OR `at` < {{now}} - INTERVAL {{seconds}} SECONDS)
"""

_FREE = f"""
UPDATE {{journal}} SET operation_id = '', error = :freed_by
WHERE {LOCK} AND operation_id = :owner
"""

_WRITTEN = [column for column in COLUMNS if column != "at"]

# A semi join: should there be two lock rows, each row is still written once.
_WRITE = f"""
MERGE INTO {{journal}} AS journal
USING (
  SELECT write.* FROM (SELECT inline(from_json(:rows, 'ARRAY<STRUCT<{
    ", ".join(f"{column}: {_TYPES.get(column, 'STRING')}" for column in _WRITTEN)
}>>'))) AS write
  LEFT SEMI JOIN {{journal}} AS held
    ON held.phase = 'lock' AND held.project = write.project
    AND held.target = write.target AND held.operation_id = :owner
    AND held.fence = write.fence AND held.seq = :last
) AS write
ON journal.phase = 'lock' AND write.phase = 'lock' AND journal.project = write.project
  AND journal.target = write.target AND journal.operation_id = :owner
  AND journal.fence = write.fence
WHEN MATCHED THEN UPDATE SET seq = write.seq, `at` = {{now}}
WHEN NOT MATCHED AND write.phase <> 'lock' THEN INSERT (
  {", ".join(f"`{column}`" for column in COLUMNS)}
) VALUES ({
    ", ".join("{now}" if column == "at" else f"write.`{column}`" for column in COLUMNS)
})
"""


class DeltaStore(JournalStore):
    """Journal and lock of one target, in a table that several targets may share."""

    def __init__(
        self,
        statements: Statements,
        *,
        project: str,
        target: str,
        lease_seconds: float = 120,
        grace_seconds: float = 10,
        clock: Callable[[], datetime] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Name the table; nothing is read or made before it is needed.

        Args:
            statements: Runs SQL, and says which schema holds the table.
            project: The project's name.
            target: The target's identity.
            lease_seconds: How long a lease lasts after its holder's last write.
            grace_seconds: How long after its end a call of its holder may be under way.
            clock: The store's clock; the server's unless a test says otherwise.
            sleep: Waits before a statement is tried again.
        """
        super().__init__(project, target, lease_seconds, grace_seconds)
        self.where = f"{statements.schema}.{TABLE}"
        self._statements = statements
        table = quoted(self.where)
        self.lost = (
            f"Bring the table back:  UNDROP TABLE {table}  or, from its history,\n"
            f"RESTORE TABLE {table} TO TIMESTAMP AS OF '...' ."
        )
        self._clock = clock
        self._sleep = sleep
        self._last: dict[str, int] = {}
        """Of each lease that was taken here, the `seq` of its last row."""
        self._unreached = False

    @property
    @override
    def answers(self) -> bool:
        return not self._unreached

    @override
    def acquire(self, deployed_by: str, *, lineage: str | None = None) -> Lease:
        owner = str(uuid.uuid4())
        before = self._lock_row(lineage or uuid.uuid4().hex[:16])
        failure: StatementFailed | None = None
        for _ in self._tries():
            failure = self._change(_TAKE, owner=owner, deployed_by=deployed_by)
            locks = self._locks()
            mine = [lock for lock in locks if lock.owner == owner]
            if mine and len(mine) == len(locks):
                return self._lease(owner, locks[0], before)
            if mine:  # somebody else holds the other one of two lock rows
                self._free(owner, None)
            holder = self.holder()
            if holder and holder.seconds_left:
                raise messages.locked(self.target, holder)
            before = locks[0] if locks else before
        raise self._refusal(failure)

    @override
    def renew(self, lease: Lease) -> None:
        self.write(lease, ())

    @override
    def release(self, lease: Lease) -> None:
        self._free(lease.owner, None)

    @override
    def unlock(self, operation_id: str, freed_by: str) -> bool:
        if operation_id not in {lock.owner for lock in self._locks()} - {""}:
            return False
        self._free(operation_id, freed_by)
        return True

    @override
    def write(self, lease: Lease, rows: Sequence[JournalRow]) -> None:
        for part in _parts(rows):
            self._write(lease, part)

    @override
    def export(self) -> list[dict[str, object]]:
        query = f"SELECT to_json(struct(*)) FROM {{journal}} WHERE {OURS}"
        try:
            found = self._ask(query)
        except NoJournal:
            return []
        rows = [json.loads(text) for (text,) in found]
        return sorted(rows, key=lambda row: (row["phase"] != "lock", row["seq"]))

    @contextlib.contextmanager
    @override
    def _opened(self) -> Iterator[Journal]:
        yield Journal(self._ask, self._names())

    def _locks(self) -> list[Lock]:
        return self._read(Journal.locks, [])

    def _lease(self, owner: str, lock: Lock, before: Lock) -> Lease:
        self._last[owner] = lock.seq
        grace = self._grace(before)
        seconds = self._lease_seconds
        return Lease(owner, lock.fence, lock.lineage, lock.seq, seconds, grace)

    def _write(self, lease: Lease, rows: Sequence[JournalRow]) -> None:
        left = list(rows)
        failure: StatementFailed | None = None
        for _ in self._tries():
            last = self._last.get(lease.owner, lease.seq)
            text = self._numbered(lease, last, left)
            failure = self._change(_WRITE, rows=text, owner=lease.owner, last=last)
            if failure is None:
                self._last[lease.owner] = last + len(left)
                return
            landed = self._landed(lease, last)
            left = [row for row in left if (row.operation_id, row.phase) not in landed]
            if rows and not left:
                return
        raise self._refusal(failure)

    def _numbered(self, lease: Lease, last: int, rows: Sequence[JournalRow]) -> str:
        """The lock row and rows that go on from `last`, as JSON."""
        ours = {"fence": lease.fence, "project": self.project, "target": self.target}
        lock = {"seq": last + len(rows), "phase": "lock", **ours}
        numbered = [
            asdict(row) | ours | {"seq": last + number, "version": VERSION}
            for number, row in enumerate(rows, start=1)
        ]
        return json.dumps([lock, *numbered])

    def _landed(self, lease: Lease, last: int) -> set[tuple[str, str]]:
        """What was written though its reply was lost, now or by an earlier write.

        Returns:
            Operation and phase of each row beyond `last`.

        Raises:
            LeaseLost: The lease isn't ours any more.
        """
        query = (
            f"SELECT operation_id, phase FROM {{journal}} WHERE phase <> 'lock' "
            f"AND {OURS} AND fence = :fence AND seq > :last"
        )
        try:
            locks = self._locks()
            held = next((lock for lock in locks if lock.owner == lease.owner), None)
            if held is None or held.fence != lease.fence:
                raise messages.lease_lost(self.target, lease.fence, self.holder())
            if held.seq == last:
                return set()
            found = self._ask(query, fence=lease.fence, last=last)
        except StateUnreachable:
            return set()
        if len(found) != held.seq - last:
            raise messages.rewritten(self.where, held.seq, last)
        self._last[lease.owner] = held.seq
        return {(operation_id, phase) for operation_id, phase in found}

    def _free(self, owner: str, freed_by: str | None) -> None:
        failure: StatementFailed | None = None
        for _ in self._tries():
            failure = self._change(_FREE, owner=owner, freed_by=freed_by)
            if failure is None or all(lock.owner != owner for lock in self._locks()):
                return
        raise self._refusal(failure)

    def _lock_row(self, lineage: str) -> Lock:
        """The lock row that counts; it is made when it isn't there."""
        failure: StatementFailed | None = None
        for _ in self._tries():
            with contextlib.suppress(NoJournal), self._opened() as journal:
                if locks := journal.locks():
                    return locks[0]
            try:
                self._create()
            except StatementFailed as error:
                failure = self._passing(error)
            else:
                failure = self._change(_INSERT_LOCK, lineage=lineage, version=VERSION)
        raise self._refusal(failure)

    def _create(self) -> None:
        """Make the table and its views, and the schema when there is none."""
        create = self._filled(_CREATE_TABLE)
        try:
            self._statements.query(create)
        except StatementFailed as failure:
            if failure.reason != "schema":
                raise
            self._statements.create_schema()
            self._statements.query(create)
        for view, sql in view_statements(self._names()).items():
            self._statements.create_view(view, sql)

    def _ask(self, sql: str, **values: object) -> list[Sequence[Any]]:
        """The rows of a query. Raises NoJournal, TooLarge."""
        failure: StatementFailed | None = None
        for _ in self._tries(MOST_READS):
            try:
                return self._statements.query(self._filled(sql, **values))
            except StatementFailed as error:
                if error.reason in ("missing", "schema"):
                    raise NoJournal from error
                if error.reason == "too-large":
                    raise TooLarge(*self._refusal(error).problems) from error
                failure = self._passing(error)
        raise self._refusal(failure)

    def _change(self, sql: str, **values: object) -> StatementFailed | None:
        """Run a statement; None: it changed something, else look what came of it."""
        try:
            changed = self._statements.change(self._filled(sql, **values))
        except StatementFailed as failure:
            self._unreached = failure.reason == "lost"
            return self._passing(failure)
        self._unreached = False
        if changed:
            return None
        return StatementFailed("conflict", "no row was changed")

    def _passing(self, failure: StatementFailed) -> StatementFailed:
        """A failure that may pass; raises StateError for any other."""
        if failure.reason not in ("conflict", "lost"):
            raise self._refusal(failure) from failure
        return failure

    def _tries(self, most: int = len(PAUSES) + 1) -> Iterator[None]:
        """As often as something is tried, with growing pauses between."""
        yield
        for pause in PAUSES[: most - 1]:
            self._sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
            yield

    def _refusal(self, failure: StatementFailed | None) -> StateError:
        return refusal(failure, self.where)

    def _filled(self, sql: str, **values: object) -> str:
        names = self._names()
        seconds = f"{self._lease_seconds:g}"
        text = sql.replace("{journal}", names.journal).replace("{now}", names.now)
        ours = {"project": self.project, "target": self.target}
        return filled(text.replace("{seconds}", seconds), values | ours)

    def _names(self) -> Names:
        schema = self._statements.schema
        full = [quoted(f"{schema}.{name}") for name in (TABLE, *VIEWS)]
        now = "current_timestamp()"
        if self._clock:
            now = f"TIMESTAMP '{self._clock().astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}Z'"
        return Names(self.where, now, lambda time: f"unix_seconds({time})", *full)


def _parts(rows: Sequence[JournalRow]) -> Iterator[Sequence[JournalRow]]:
    """Rows in as many statements as their texts need; one for none."""
    first, size = 0, 0
    for number, row in enumerate(rows):
        length = len(row.spec or "") + len(row.tables or "")
        if number > first and size + length > LARGEST_WRITE:
            yield rows[first:number]
            first, size = number, 0
        size += length
    yield rows[first:]
