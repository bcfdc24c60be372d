"""State in a SQLite file: the store of targets with a local workspace."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, override

from mdf_magics.errors import StateError
from mdf_magics.state import messages
from mdf_magics.state.database_file import DatabaseFile
from mdf_magics.state.layout import Names, view_statements
from mdf_magics.state.local_disk import check_local_disk
from mdf_magics.state.protocol import COLUMNS, VERSION, JournalRow, Lease
from mdf_magics.state.reading import LOCK, OURS, Journal, JournalStore, NoJournal

# STRING would give SQLite's numeric affinity, and the id 40011 would become a number.
_CREATE_TABLE = """
CREATE TABLE mdf_journal (
  seq INTEGER, fence INTEGER, `at` TEXT, project TEXT, target TEXT, `key` TEXT,
  kind TEXT, operation TEXT, phase TEXT, operation_id TEXT, nonce TEXT,
  name TEXT, remote_id TEXT, url TEXT, spec_hash TEXT, spec TEXT,
  tables TEXT, generation INTEGER, repository TEXT, `commit` TEXT, deployed_by TEXT,
  workspace_id TEXT, error TEXT, version INTEGER
)
"""

_HELD = f"{LOCK} AND operation_id = :owner AND fence = :fence"

_INSERT_LOCK = """
INSERT INTO mdf_journal (seq, fence, `at`, project, target, phase, operation_id, nonce, version)
VALUES (0, 0, :now, :project, :target, 'lock', '', :lineage, :version)
"""  # noqa: E501

# A sign of life from the far future is of a clock that was set back since.
_TAKE = f"""
UPDATE mdf_journal
SET operation_id = :owner, fence = fence + 1, `at` = :now, deployed_by = :deployed_by,
  error = NULL
WHERE {LOCK} AND (operation_id = '' OR `at` < :expired OR `at` > :impossible)
"""

_FREE = "UPDATE mdf_journal SET operation_id = ''"

_VALUES = ", ".join(
    ":now" if column == "at" else f"value ->> '{column}'" for column in COLUMNS
)
_INSERT = (
    f"INSERT INTO mdf_journal ({', '.join(f'`{column}`' for column in COLUMNS)}) "
    f"SELECT {_VALUES} FROM json_each(:rows)"
)


def _names(path: Path) -> Names:
    return Names(
        str(path), ":now", lambda time: f"CAST(strftime('%s', {time}) AS INTEGER)"
    )


class SQLiteStore(JournalStore):
    """Journal and lock of one target, in a file that several targets may share."""

    lost = "Restore the file from a copy."

    def __init__(
        self,
        path: Path,
        *,
        project: str,
        target: str,
        lease_seconds: float = 120,
        grace_seconds: float = 10,
        clock: Callable[[], datetime] | None = None,
        busy_seconds: float = 10,
    ) -> None:
        """Name the file; nothing is opened or made before it is needed.

        Args:
            path: The file, usually `.mdf/state.db`.
            project: The project's name.
            target: The target's identity.
            lease_seconds: How long a lease lasts after its holder's last write.
            grace_seconds: How long after its end a call of its holder may be under way.
            clock: The store's clock; the machine's unless a test says otherwise.
            busy_seconds: How long to wait for another process's transaction.
        """
        super().__init__(project, target, lease_seconds, grace_seconds)
        self._names = _names(path)
        self.where = self._names.where
        self._file = DatabaseFile(
            path,
            version=VERSION,
            layout=(_CREATE_TABLE, *view_statements(self._names).values()),
            refusal=StateError,
            lost="Restore it from a copy. Without one, move it away and say\n"
            "mdf state rebuild : it reads from the workspace what is deployed.",
            busy_seconds=busy_seconds,
        )
        self._clock = clock or (lambda: datetime.now(UTC))

    @override
    def acquire(self, deployed_by: str, *, lineage: str | None = None) -> Lease:
        owner = str(uuid.uuid4())
        with contextlib.suppress(NoJournal), self._opened() as journal:
            journal.locks()  # a version that this one doesn't know is refused unwritten
        with self._file.writing(check_pages=True) as connection:
            journal = self._journal(connection)
            before = next(iter(journal.locks()), None)
            if before is None:
                lineage = lineage or uuid.uuid4().hex[:16]
                connection.execute(
                    _INSERT_LOCK, self._values(lineage=lineage, version=VERSION)
                )
            now, length = self._clock(), timedelta(seconds=self._lease_seconds)
            values = self._values(
                owner=owner,
                deployed_by=deployed_by,
                expired=_text(now - length),
                impossible=_text(now + length),
            )
            taken = connection.execute(_TAKE, values).rowcount
            holder = self._holder(journal)
            if holder and not taken:
                raise messages.locked(self.target, holder)
            (lock,) = journal.locks()
        grace = self._grace(before)
        return Lease(
            owner, lock.fence, lock.lineage, lock.seq, self._lease_seconds, grace
        )

    @override
    def renew(self, lease: Lease) -> None:
        self.write(lease, ())

    @override
    def release(self, lease: Lease) -> None:
        with self._file.writing() as connection:
            values = self._values(owner=lease.owner, fence=lease.fence)
            connection.execute(f"{_FREE} WHERE {_HELD}", values)

    @override
    def unlock(self, operation_id: str, freed_by: str) -> bool:
        if not operation_id or self.holder() is None:
            return False
        with self._file.writing() as connection:
            freed = connection.execute(
                f"{_FREE}, error = :freed_by WHERE {LOCK} AND operation_id = :owner",
                self._values(owner=operation_id, freed_by=freed_by),
            ).rowcount
        return freed > 0

    @override
    def write(self, lease: Lease, rows: Sequence[JournalRow]) -> None:
        with self._file.writing() as connection:
            values = self._values(owner=lease.owner, fence=lease.fence)
            held = connection.execute(
                f"SELECT seq FROM mdf_journal WHERE {_HELD}", values
            ).fetchone()
            if held is None:
                holder = self._holder(self._journal(connection))
                raise messages.lease_lost(self.target, lease.fence, holder)
            first = held[0] + 1
            numbered = [
                asdict(row)
                | {"seq": seq, "fence": lease.fence, "version": VERSION}
                | {"project": self.project, "target": self.target}
                for seq, row in enumerate(rows, start=first)
            ]
            connection.execute(
                f"UPDATE mdf_journal SET seq = :seq, `at` = :now WHERE {_HELD}",
                values | {"seq": held[0] + len(rows)},
            )
            connection.execute(_INSERT, values | {"rows": json.dumps(numbered)})

    @override
    def export(self) -> list[dict[str, object]]:
        with self._file.reading(any_version=True) as connection:
            if connection is None:
                return []
            query = f"SELECT * FROM mdf_journal WHERE {OURS} ORDER BY rowid"
            found = connection.execute(query, self._values())
            names = [column[0] for column in found.description]
            return [dict(zip(names, row, strict=True)) for row in found]

    @contextlib.contextmanager
    @override
    def _opened(self) -> Iterator[Journal]:
        check_local_disk(self._file.path)
        with self._file.reading() as connection:
            if connection is None:
                raise NoJournal
            yield self._journal(connection)

    def _journal(self, connection: sqlite3.Connection) -> Journal:
        return Journal(partial(self._ask, connection), self._names)

    def _ask(
        self, connection: sqlite3.Connection, query: str, **values: object
    ) -> list[Any]:
        return connection.execute(query, self._values(**values)).fetchall()

    def _values(self, **more: object) -> dict[str, object]:
        now = _text(self._clock())
        return {"project": self.project, "target": self.target, "now": now, **more}


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
