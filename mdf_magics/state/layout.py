"""The views on the journal: what is deployed now, and what happened.

The text is the same for every store; only the name of the journal differs. It is part
of the contract, because users query the views themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Names:
    """What a store calls its table and views, and how it counts time."""

    where: str
    """The journal for people: a file, or the table's full name."""
    now: str
    """The store's clock, as SQL."""
    seconds: Callable[[str], str]
    """SQL for a time in whole seconds since 1970."""
    journal: str = "mdf_journal"
    """The table's full name, quoted where need be."""
    state: str = "mdf_state"
    history: str = "mdf_history"


def view_statements(names: Names) -> dict[str, str]:
    """SQL that makes each view, by the view's name."""
    return {
        names.state: state_view(names.state, names.journal),
        names.history: history_view(names.history, names.journal),
    }


def state_view(view: str, journal: str) -> str:
    """SQL that makes `mdf_state`: the newest outcome of every key that still stands.

    Args:
        view: Its full name, quoted.
        journal: The full name of mdf_journal, quoted.
    """
    return f"""
CREATE VIEW {view} AS
SELECT project, target, `key`, kind, name, remote_id, url, spec_hash, spec, tables,
  generation, repository, `commit`, deployed_by, workspace_id, `at` AS deployed_at
FROM (
  SELECT *, row_number() OVER (
    PARTITION BY project, target, `key` ORDER BY seq DESC
  ) AS newest
  FROM {journal} WHERE phase = 'done'
) AS outcomes
WHERE newest = 1 AND operation NOT IN ('delete', 'forget')
""".strip()


def history_view(view: str, journal: str) -> str:
    """SQL that makes `mdf_history`: one row per operation, pending ones included.

    Args:
        view: Its full name, quoted.
        journal: The full name of mdf_journal, quoted.
    """
    return f"CREATE VIEW {view} AS\n{history_query(journal)}"


def history_query(journal: str, columns: str = "") -> str:
    """The query of `mdf_history`.

    Args:
        journal: The full name of mdf_journal, quoted.
        columns: More aggregates, each with a comma behind it.
    """
    return f"""
SELECT {columns}project, target, operation_id, `key`, kind, operation, generation,
  min(`at`) AS started, max(CASE WHEN phase <> 'intent' THEN `at` END) AS finished,
  coalesce(max(CASE WHEN phase <> 'intent' THEN phase END), 'pending') AS outcome,
  max(remote_id) AS remote_id, max(deployed_by) AS deployed_by,
  max(`commit`) AS `commit`, max(error) AS error
FROM {journal} WHERE phase <> 'lock'
GROUP BY project, target, operation_id, `key`, kind, operation, generation
""".strip()
