"""The views on the journal: what is deployed now, and what happened.

The text is the same for every store; only the name of the journal differs. It is part
of the contract, because users query the views themselves.
"""

from __future__ import annotations


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
    return f"""
CREATE VIEW {view} AS
SELECT project, target, operation_id, `key`, kind, operation, generation,
  min(`at`) AS started, max(CASE WHEN phase <> 'intent' THEN `at` END) AS finished,
  coalesce(max(CASE WHEN phase <> 'intent' THEN phase END), 'pending') AS outcome,
  max(remote_id) AS remote_id, max(deployed_by) AS deployed_by,
  max(`commit`) AS `commit`, max(error) AS error
FROM {journal} WHERE phase <> 'lock'
GROUP BY project, target, operation_id, `key`, kind, operation, generation
""".strip()
