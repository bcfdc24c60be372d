"""What the state must know with one resource's success, about others."""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from mdf_magics.deploying.sent import sent_tables
from mdf_magics.state.protocol import JournalRow


def forgotten(row: JournalRow) -> JournalRow:
    """The row by which the state has a renamed resource no more under its old key."""
    operation_id = str(uuid.uuid4())
    return replace(
        row, operation="forget", phase="done", operation_id=operation_id, error=None
    )


def without(row: JournalRow, taken: Collection[str]) -> JournalRow:
    """A resource's row, without tables that others have taken."""
    left = [table for table in sent_tables(row) if table not in taken]
    return replace(row, tables=json.dumps(left))


def released(row: JournalRow, taken: Collection[str]) -> JournalRow:
    """The row by which the state knows that others have taken some tables."""
    operation_id = str(uuid.uuid4())
    return replace(
        without(row, taken),
        operation="move",
        phase="done",
        operation_id=operation_id,
        error=None,
    )


def releases(done: JournalRow, others: Iterable[JournalRow]) -> Iterator[JournalRow]:
    """The rows of all that built what another resource builds since it was made."""
    taken = set(sent_tables(done))
    for row in others:
        if row.key != done.key and taken.intersection(sent_tables(row)):
            yield released(row, taken)
