"""State in a SQLite file: the store of targets with a local workspace."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import override

from mdf_magics.errors import StateError
from mdf_magics.state import messages
from mdf_magics.state.database_file import DatabaseFile
from mdf_magics.state.layout import history_view, state_view
from mdf_magics.state.protocol import (
    COLUMNS,
    VERSION,
    HistoryRow,
    Holder,
    JournalRow,
    Lease,
    Snapshot,
    StateStore,
)

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

_OURS = "project = :project AND target = :target"
_LOCK = f"phase = 'lock' AND {_OURS}"
_HELD = f"{_LOCK} AND operation_id = :owner AND fence = :fence"

_INSERT_LOCK = """
INSERT INTO mdf_journal (seq, fence, `at`, project, target, phase, operation_id, nonce, version)
VALUES (0, 0, :now, :project, :target, 'lock', '', :lineage, :version)
"""  # noqa: E501

_TAKE = f"""
UPDATE mdf_journal
SET operation_id = :owner, fence = fence + 1, `at` = :now, deployed_by = :deployed_by
WHERE {_LOCK} AND (operation_id = '' OR `at` < :expired)
"""

_WRITTEN = ", ".join(f"`{column}`" for column in COLUMNS)
_VALUES = ", ".join(
    ":now" if column == "at" else f"value ->> '{column}'" for column in COLUMNS
)
_INSERT = f"INSERT INTO mdf_journal ({_WRITTEN}) SELECT {_VALUES} FROM json_each(:rows)"

_ROWS = f"SELECT {_WRITTEN} FROM mdf_journal WHERE {_OURS}"
_NEWEST = "SELECT *, row_number() OVER (PARTITION BY `key` ORDER BY seq DESC) AS newest"


class SQLiteStore(StateStore):
    """Journal and lock of one target, in a file that several targets may share."""

    def __init__(
        self,
        path: Path,
        *,
        project: str,
        target: str,
        lease_seconds: float = 120,
        clock: Callable[[], datetime] | None = None,
        busy_seconds: float = 10,
    ) -> None:
        """Name the file; nothing is opened or made before it is needed.

        Args:
            path: The file, usually `.mdf/state.db`.
            project: The project's name.
            target: The target's identity.
            lease_seconds: How long a lease lasts after its holder's last write.
            clock: The store's clock; the machine's unless a test says otherwise.
            busy_seconds: How long to wait for another process's transaction.
        """
        self._file = DatabaseFile(
            path,
            version=VERSION,
            layout=(
                _CREATE_TABLE,
                state_view("mdf_state", "mdf_journal"),
                history_view("mdf_history", "mdf_journal"),
            ),
            refusal=StateError,
            lost="Restore it from a copy. Without one, move it away and say\n"
            "mdf state rebuild : it reads from the workspace what is deployed.",
            busy_seconds=busy_seconds,
        )
        self.project = project
        self.target = target
        self._lease_seconds = lease_seconds
        self._clock = clock or (lambda: datetime.now(UTC))

    @override
    def acquire(self, deployed_by: str, *, lineage: str | None = None) -> Lease:
        owner = str(uuid.uuid4())
        with self._reading():
            pass  # a version that this one doesn't know is refused before any write
        with self._file.writing(check_pages=True) as connection:
            holder = self._holder(connection)
            if holder is None:
                lineage = lineage or uuid.uuid4().hex[:16]
                connection.execute(
                    _INSERT_LOCK, self._values(lineage=lineage, version=VERSION)
                )
            length = timedelta(seconds=self._lease_seconds)
            expired = _text(self._clock() - length)
            values = self._values(owner=owner, deployed_by=deployed_by, expired=expired)
            taken = connection.execute(_TAKE, values).rowcount
            if holder and not taken:
                raise messages.locked(self.target, holder)
            fence, lineage, seq = connection.execute(
                f"SELECT fence, nonce, seq FROM mdf_journal WHERE {_LOCK}", values
            ).fetchone()
        return Lease(owner, fence, lineage, seq, self._lease_seconds)

    @override
    def renew(self, lease: Lease) -> None:
        self.write(lease, ())

    @override
    def release(self, lease: Lease) -> None:
        with self._file.writing() as connection:
            connection.execute(
                f"UPDATE mdf_journal SET operation_id = '' WHERE {_HELD}",
                self._values(owner=lease.owner, fence=lease.fence),
            )

    @override
    def unlock(self, operation_id: str) -> bool:
        if not operation_id or self.holder() is None:
            return False
        with self._file.writing() as connection:
            freed = connection.execute(
                "UPDATE mdf_journal SET operation_id = '' "
                f"WHERE {_LOCK} AND operation_id = :owner",
                self._values(owner=operation_id),
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
                holder = self._holder(connection)
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
    def holder(self) -> Holder | None:
        with self._reading() as connection:
            return self._holder(connection) if connection else None

    @override
    def snapshot(self) -> Snapshot:
        with self._reading() as connection:
            if connection is None:
                return Snapshot()
            lock = connection.execute(
                f"SELECT nonce, fence, seq FROM mdf_journal WHERE {_LOCK}",
                self._values(),
            ).fetchone()
            if lock is None:
                return Snapshot()
            lineage, fence, seq = lock
            return Snapshot(
                lineage,
                fence,
                seq,
                resources=_by_key(self._state(connection)),
                latest=_by_key(self._newest(connection, "phase <> 'lock'")),
                creates=_by_key(
                    self._newest(connection, "operation IN ('create', 'adopt')")
                ),
                pending=tuple(self._pending(connection)),
            )

    @override
    def state(self) -> list[JournalRow]:
        with self._reading() as connection:
            return self._state(connection) if connection else []

    @override
    def pending(self) -> list[JournalRow]:
        with self._reading() as connection:
            return self._pending(connection) if connection else []

    @override
    def history(self) -> list[HistoryRow]:
        columns = ", ".join(f"`{name}`" for name in HistoryRow.__dataclass_fields__)
        with self._reading() as connection:
            if connection is None:
                return []
            found = connection.execute(
                f"SELECT {columns} FROM mdf_history JOIN ("
                "SELECT operation_id, min(seq) AS first FROM mdf_journal "
                f"WHERE {_OURS} GROUP BY operation_id) USING (operation_id) "
                f"WHERE {_OURS} ORDER BY first DESC",
                self._values(),
            )
            return [HistoryRow(*row) for row in found]

    @override
    def journal(self) -> list[JournalRow]:
        with self._reading() as connection:
            if connection is None:
                return []
            return self._rows(connection, f"{_ROWS} AND phase <> 'lock' ORDER BY seq")

    def _values(self, **more: object) -> dict[str, object]:
        now = _text(self._clock())
        return {"project": self.project, "target": self.target, "now": now, **more}

    def _rows(self, connection: sqlite3.Connection, query: str) -> list[JournalRow]:
        return [
            JournalRow(**dict(zip(COLUMNS, row, strict=True)))
            for row in connection.execute(query, self._values())
        ]

    def _state(self, connection: sqlite3.Connection) -> list[JournalRow]:
        # The view leaves out what only the deployer needs (nonce, operation_id, seq).
        query = f"SELECT `key` FROM mdf_state WHERE {_OURS}"
        deployed = {key for (key,) in connection.execute(query, self._values())}
        newest = self._newest(connection, "phase = 'done'")
        return [row for row in newest if row.key in deployed]

    def _newest(self, connection: sqlite3.Connection, among: str) -> list[JournalRow]:
        newest = f"{_NEWEST} FROM mdf_journal WHERE {_OURS} AND {among}"
        query = f"SELECT {_WRITTEN} FROM ({newest}) WHERE newest = 1 ORDER BY `key`"
        return self._rows(connection, query)

    def _pending(self, connection: sqlite3.Connection) -> list[JournalRow]:
        settled = (
            "SELECT operation_id FROM mdf_journal WHERE phase IN ('done', 'failed')"
        )
        return self._rows(
            connection,
            f"{_ROWS} AND phase = 'intent' AND operation_id NOT IN ({settled}) "
            "ORDER BY seq",
        )

    def _holder(self, connection: sqlite3.Connection) -> Holder | None:
        row = connection.execute(
            "SELECT operation_id, deployed_by, fence, coalesce((SELECT min(`at`) "
            "FROM mdf_journal AS written WHERE written.phase <> 'lock' AND "
            "written.project = :project AND written.target = :target AND "
            "written.fence = held.fence), `at`), `at` "
            f"FROM mdf_journal AS held WHERE {_LOCK}",
            self._values(),
        ).fetchone()
        if row is None:
            return None
        owner, deployed_by, fence, since, at = row
        silent = self._clock() - datetime.fromisoformat(at)
        seconds = max(0, int(silent.total_seconds()))
        left = max(0, int(self._lease_seconds) - seconds) if owner else 0
        return Holder(owner, deployed_by, fence, since, at, seconds, left)

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection | None]:
        with self._file.reading() as connection:
            if connection:
                newest = "SELECT max(version) FROM mdf_journal"
                (version,) = connection.execute(newest).fetchone()
                if version not in (None, VERSION):
                    raise self._file.refuse_version(version)
            yield connection


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _by_key(rows: list[JournalRow]) -> dict[str, JournalRow]:
    return {row.key: row for row in rows}
