"""What an engine's message says, before the query's text and the tables are looked at.

Each family of servers has a module that reads its messages: `sail_messages` for the
embedded engine, `spark_messages` for Spark and Databricks.
"""

from __future__ import annotations

from dataclasses import dataclass

LONGEST = 300
"""Characters of a message; a plan dump has thousands."""


@dataclass(frozen=True)
class Finding:
    """What is wrong, which name it is about, where in the text."""

    code: str
    message: str
    hint: str = ""
    name: str = ""
    """The table, column or function that it is about, dotted and unquoted."""
    span: tuple[int, int] | None = None
    """Where in the statement, in bytes of UTF-8."""
    token: str = ""
    """What stands there, as far as the message says."""
    at_end: bool = False
    """Whether the statement ends where something is missing."""
    candidates: tuple[str, ...] = ()
    """What the server says that may have been meant."""
