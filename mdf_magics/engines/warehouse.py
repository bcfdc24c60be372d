"""The folder that holds the embedded engine's tables and views between sessions.

A table is the Delta folder `<schema>/<table>`, a view the file
`<schema>/<view>.view.sql` with its whole CREATE OR REPLACE VIEW statement, in which
every table has its three quoted parts. The catalog is no part of the path: a target
has one that it writes. Where a name has both, the table counts.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

VIEW_SUFFIX = ".view.sql"

_QUOTED = re.compile(r"`([^`.]+)`\.`([^`.]+)`\.`([^`.]+)`")

_PLAIN = re.compile(r"[A-Za-z0-9_./-]+")


class _Commit(NamedTuple):
    name: str
    """Twenty digits and `.json`."""
    written: int
    """When, in nanoseconds; tells it from that of a table made anew."""


class _Log(NamedTuple):
    """What was seen in a Delta log."""

    written: int
    """When its folder last changed, in nanoseconds."""
    newest: _Commit
    table: StoredTable


@dataclass(frozen=True)
class StoredTable:
    """A Delta table; two are equal while nobody changed its columns."""

    log: _Commit
    """A commit since which its columns are the same, as far as was looked."""


@dataclass(frozen=True)
class StoredView:
    """A view; two are equal while its statement is the same."""

    statement: str

    @property
    def names(self) -> frozenset[str]:
        """All names of three quoted parts: what it reads, its own, perhaps columns."""
        found = _QUOTED.findall(self.statement)
        return frozenset(".".join(parts) for parts in found)


class Warehouse:
    """What is stored in a warehouse's folder, whoever put it there."""

    def __init__(self, folder: Path) -> None:
        """Look into a folder, which need not be there yet."""
        self.folder = folder.absolute()
        self._logs: dict[Path, _Log] = {}

    def find(self, schema: str, name: str) -> StoredTable | StoredView | None:
        """The table or view of that name, if there is one."""
        if table := self._table(self.folder / schema / name / "_delta_log"):
            return table
        view = self.folder / schema / f"{name}{VIEW_SUFFIX}"
        try:
            return StoredView(view.read_text("utf-8"))
        except FileNotFoundError:
            return None

    def schemas(self) -> list[str]:
        """The names of all schemas, sorted."""
        if not self.folder.is_dir():
            return []
        return sorted(entry.name for entry in self.folder.iterdir() if entry.is_dir())

    def entries(self, schema: str) -> Iterator[tuple[str, StoredTable | StoredView]]:
        """A schema's tables and views with their names, sorted."""
        folder = self.folder / schema
        found = {entry.name for entry in folder.iterdir()} if folder.is_dir() else ()
        for name in sorted({name.removesuffix(VIEW_SUFFIX) for name in found}):
            if stored := self.find(schema, name):
                yield name, stored

    def names(self) -> Iterator[str]:
        """`schema.name` of every table and view, sorted."""
        for schema in self.schemas():
            for name, _ in self.entries(schema):
                yield f"{schema}.{name}"

    def comments(self, schema: str, table: str) -> tuple[str, dict[str, str]]:
        """The comment of a table, and those of its columns, as its Delta log has them.

        Both empty where no commit that is left says them.
        """
        log = self.folder / schema / table / "_delta_log"
        for commit in sorted(log.glob("*.json"), reverse=True):
            for line in commit.read_text("utf-8").splitlines():
                if line.startswith('{"metaData"'):
                    said = json.loads(line)["metaData"]
                    fields = json.loads(said["schemaString"])["fields"]
                    comments = {
                        one["name"]: one["metadata"].get("comment", "")
                        for one in fields
                    }
                    return said.get("description") or "", comments
        return "", {}

    def _table(self, log: Path) -> StoredTable | None:
        known = self._logs.get(log)
        try:
            written = log.stat().st_mtime_ns
            if known and known.written == written:
                return known.table
            commits = sorted(
                entry.name
                for entry in os.scandir(log)
                if entry.name[0].isdigit() and entry.name.endswith(".json")
            )
            if not commits:
                return None
            newest = _commit(log, commits[-1])
            same_columns = (
                known is not None
                and _commit(log, known.newest.name) == known.newest
                and not any(
                    "metaData" in (log / name).read_text("utf-8")
                    for name in commits
                    if name > known.newest.name
                )
            )
        except FileNotFoundError:
            self._logs.pop(log, None)
            return None
        table = known.table if known and same_columns else StoredTable(newest)
        self._logs[log] = _Log(written, newest, table)
        return table


def _commit(log: Path, name: str) -> _Commit:
    return _Commit(name, (log / name).stat().st_mtime_ns)


def is_plain(path: Path | str) -> bool:
    """Whether Sail writes to the very folder that this path names.

    It percent-encodes other characters, once for a table's log and twice for its
    rows, so that `My Project/.mdf` would be written beside the project (pysail 0.7.2).
    """
    return bool(_PLAIN.fullmatch(str(path)))


def link_to(folder: Path) -> Path:
    """A link with a plain path to a folder; Sail follows it."""
    link = Path(tempfile.mkdtemp(prefix="mdf-"), "warehouse")
    link.symlink_to(folder, target_is_directory=True)
    return link
