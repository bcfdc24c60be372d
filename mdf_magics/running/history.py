"""What the table `mdf_runs` says of each table's last run."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mdf_magics.definitions.names import quoted
from mdf_magics.engines.protocol import Engine

MOST = 100_000
"""Tables whose last run is read."""


@dataclass(frozen=True)
class LastRun:
    """How a table's last run ended."""

    status: str
    """`succeeded` or `failed`."""
    rows: int | None
    """Rows written."""
    started: str
    finished: str
    seconds: float
    error: str | None
    read: int | None = None
    """Rows of its query; known where they were counted."""
    dropped: int | None = None
    quarantined: int | None = None

    def of_rejected(self) -> LastRun:
        """The same run as that of the table's rejected rows."""
        rows = self.quarantined
        return replace(self, rows=rows, error=None, dropped=None, quarantined=None)


def last_runs(engine: Engine, runs_schema: str) -> dict[str, LastRun]:
    """The last run of every table that ever ran, by the table's name.

    Args:
        engine: Where `mdf_runs` is.
        runs_schema: Its `catalog.schema`.
    """
    home = f"{runs_schema}.mdf_runs"
    if not engine.exists(home):
        return {}
    ended = "started + make_dt_interval(0, 0, 0, CAST(seconds AS DECIMAL(18, 6)))"
    query = (
        "SELECT name, status, rows, date_format(started, 'yyyy-MM-dd HH:mm:ss'),"
        f" date_format({ended}, 'yyyy-MM-dd HH:mm:ss'), seconds, error,"
        " rows_read, dropped, quarantined"
        " FROM (SELECT *, row_number() OVER (PARTITION BY name ORDER BY started DESC)"
        f" AS newest FROM {quoted(home)}) AS runs WHERE newest = 1"
    )
    return {row[0]: LastRun(*row[1:]) for row in engine.preview(query, MOST).rows}
