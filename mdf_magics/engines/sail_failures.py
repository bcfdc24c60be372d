"""What an error of the embedded engine's server means, once the statement is looked at.

`sail_messages` reads the message alone; some messages mean something else for a
statement with a construct that Sail (pysail 0.7.2) doesn't have.
"""

from __future__ import annotations

import re
from dataclasses import replace

from mdf_magics.engines.findings import Finding
from mdf_magics.engines.python_failures import WORKER_FAILED, failure_on_rows
from mdf_magics.engines.sail_messages import understand
from mdf_magics.engines.sql_text import (
    find_name,
    offset_of_byte,
    place_at,
    plain,
    visible,
)
from mdf_magics.engines.worker import install_command
from mdf_magics.errors import Problem


def read(_: Exception, text: str, sql: str) -> Finding | Problem:
    """Say what Sail means; the error itself has nothing that its text hasn't."""
    if "'pyspark' is not a package" in text:
        return Problem(
            "missing-worker",
            "Python functions on rows need pyspark-client, which isn't installed",
            f"Run this in a shell, then restart the kernel:  {install_command()}",
        )
    if WORKER_FAILED in text:
        return failure_on_rows(text)
    finding = understand(text)
    if problem := _unsupported(finding, sql):
        return problem
    if finding.code == "unknown-table" and (found := find_name(sql, finding.name)):
        # Sail says the last part only.
        written = plain(found[1])
        message = finding.message.replace(f'"{finding.name}"', f'"{written}"')
        return replace(finding, name=written, message=message)
    return finding


# What Databricks has and Sail hasn't: how it is written, with a group around what Sail
# complains about, what it is called, and what to do instead.
_CONSTRUCTS = (
    (r"\b(qualify)\b", "QUALIFY", "Filter in an outer query."),
    (r"\b(pivot)\b", "PIVOT over VALUES", "Put the VALUES into a subquery."),
    (r"(:)", "column:path", "Use get_json_object."),
    (r"\*\s*except\s*\(\s*(\w+|`)", "* EXCEPT (...)", "List the columns."),
    (r"\bgroup\s+by\s+(all)\b", "GROUP BY ALL", "List the columns."),
    (r"\bwith\s+recursive\s+(\w+)", "WITH RECURSIVE", ""),
    (r"\bdescribe\s+(history)\b", "DESCRIBE HISTORY", ""),
    (r"^\s*(truncate)\b", "TRUNCATE", "Use DELETE FROM."),
    (r"^\s*(optimize|vacuum|copy|grant|revoke)\b", "this statement", ""),
)


def _unsupported(finding: Finding, sql: str) -> Problem | None:
    """The problem, if what is complained about belongs to one of these constructs."""
    said = (finding.token or finding.name).lower()
    start = finding.span and offset_of_byte(sql, finding.span[0])
    for pattern, name, instead in _CONSTRUCTS:
        for match in re.finditer(pattern, visible(sql), re.IGNORECASE):
            if match[1].lower() == said and start in {None, match.start(1)}:
                hint = f"{instead} The engines that can: spark, databricks."
                return Problem(
                    "not-supported",
                    f"the embedded engine can't run {name}",
                    hint.strip(),
                    place_at(sql, match.start(1), len(match[1])),
                )
    return None
