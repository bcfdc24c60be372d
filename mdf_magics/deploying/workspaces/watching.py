"""What the workspace says of a run while it goes on, table by table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from mdf_magics.deploying.workspaces.protocol import RunRequest, TableRun


class Followed(Protocol):
    """Something that runs and is looked at until it has ended."""

    ended: bool
    url: str | None
    trouble: TableRun | None
    """How it ended as a whole, if not well: said when no table says more."""

    def look(self) -> Sequence[Followed]:
        """See how far it is; returns what it has started meanwhile."""


class Watched:
    """What is known of each table so far."""

    def __init__(
        self, request: RunRequest, progress: Callable[[TableRun], None]
    ) -> None:
        """Start with nothing.

        Args:
            request: What was asked for; it knows the tables of each part.
            progress: Told whenever a table's status changes.
        """
        self.request = request
        self._progress = progress
        self._tables: dict[str, TableRun] = {}
        names = {home: name for name, home in request.homes.items()}
        self._names = names | {
            home.partition(".")[2]: name for home, name in names.items()
        }

    def say(self, run: TableRun) -> None:
        """Note what is known of a table now."""
        before = self._tables.get(run.name)
        if before == run:
            return
        if before is None or before.status != run.status:
            self._tables.pop(run.name, None)  # those that ended last come last
        self._tables[run.name] = run
        if before is None or before.status != run.status:
            self._progress(run)

    def table_of(self, dataset: str) -> str | None:
        """The table that an event log calls `catalog.schema.table`, or less."""
        return self._names.get(dataset) or self._names.get(dataset.replace("`", ""))

    def known(self, name: str) -> TableRun | None:
        """What is known of a table."""
        return self._tables.get(name)

    def has_failure(self) -> bool:
        """Whether any table didn't succeed."""
        return any(
            one.status not in ("succeeded", "running") for one in self._tables.values()
        )

    def outcomes(self) -> list[TableRun]:
        """The last word on every table, in the order in which they ended."""
        return list(self._tables.values())


def millis(moment: Any) -> float:
    """A moment in milliseconds; the API has two ways to write one."""
    if isinstance(moment, str) and not moment.isdigit():
        return datetime.fromisoformat(moment).timestamp() * 1000
    return float(moment or 0)


def shown(moment: Any) -> str | None:
    """A moment as a status shows it, in UTC."""
    if not moment:
        return None
    at = datetime.fromtimestamp(millis(moment) / 1000, UTC)
    return at.strftime("%Y-%m-%d %H:%M:%S")
