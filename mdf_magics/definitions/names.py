"""Names: what they may look like, and where a table's name has its home."""

from __future__ import annotations

import hashlib
import keyword
import re
from dataclasses import dataclass
from functools import cached_property

_WORD = re.compile(r"[a-z][a-z0-9_]{0,59}")
_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]{0,254}")

QUARANTINE = "_quarantine"
"""Ending of the tables that hold rejected rows; no other table's name may have it."""

RESERVED_GROUPS = frozenset({"all", "mdf_runtime"})
"""`all` is the job that runs everything, `mdf_runtime` a file beside the sources."""


def word_fault(name: str) -> str | None:
    """Why `name` can't name a project, group or transformation; None if it can."""
    if not _WORD.fullmatch(name):
        return "must be lower case letters, digits and _, start with a letter, up to 60"
    if "__" in name or name.endswith("_"):
        return "must not contain __ or end in _"
    return None


def function_fault(name: str) -> str | None:
    """Why `name` can't name a transformation; None if it can."""
    if keyword.iskeyword(name):
        return "is a word of Python: generated code can't call a function so"
    return word_fault(name)


def table_fault(name: str) -> str | None:
    """Why `name` can't name a table; None if it can.

    Unity Catalog stores names in lower case, up to 255 characters (Databricks
    documentation, "Names"); letters, digits and _ need no quotes anywhere.
    """
    parts = name.split(".")
    if len(parts) == 3:
        return f"must be {'.'.join(parts[1:])}: the catalog is the target's"
    if len(parts) != 2:
        return "must be schema.table"
    if name != name.lower():
        return f"must be lower case, as Unity Catalog stores it: {name.lower()}"
    if not all(_IDENTIFIER.fullmatch(part) for part in parts):
        return "must be letters, digits and _ on both sides of the dot"
    if name.endswith(QUARANTINE):
        return f"must not end in {QUARANTINE}: that is where rejected rows go"
    return None


@dataclass(frozen=True)
class Homes:
    """Where names lead in one target."""

    catalog: str
    source_catalog: str
    schema_prefix: str
    tables: frozenset[str]
    """The names that definitions make."""

    def home(self, table: str) -> str:
        """`schema.table` of ours as `catalog.prefix_schema.table`."""
        schema, _, name = table.lower().partition(".")
        return f"{self.catalog}.{self.schema_prefix}{schema}.{name}"

    def resolve(self, name: str) -> str:
        """A name in a definition as the three parts it means.

        A two-part name of ours is its home, another one a source; three parts are
        taken as they are.
        """
        if name.count(".") != 1:
            return name
        return self.home(name) if self.made_by(name) else self.source(name)

    def source(self, name: str) -> str:
        """A name of others as the three parts it means."""
        return f"{self.source_catalog}.{name}" if name.count(".") == 1 else name

    def made_by(self, name: str) -> str | None:
        """The table whose definition makes `schema.table`; None for a source.

        That is itself, or the one whose rejected rows it holds.
        """
        name = name.lower()  # as Unity Catalog takes names
        if name in self.tables:
            return name
        base = name.removesuffix(QUARANTINE)
        return base if base in self.tables else None

    def ours(self, home: str) -> str | None:
        """The table whose home this is, or None."""
        if not home.startswith(self._prefix):
            return None
        name = home.removeprefix(self._prefix)
        return name if self.made_by(name) else None

    @cached_property
    def _prefix(self) -> str:
        """What stands before `schema.table` in the homes of all tables of ours."""
        return f"{self.catalog}.{self.schema_prefix}"


def quoted(name: str) -> str:
    """A dotted name with each part in backticks."""
    return ".".join(f"`{part.replace('`', '``')}`" for part in name.split("."))


def task_key(table: str) -> str:
    """A table's task key: its name with - for the dot, at most 100 characters.

    The Jobs API takes no more; what is cut ends in 8 digits of the name's hash.
    """
    key = table.replace(".", "-")
    if len(key) <= 100:
        return key
    digest = hashlib.sha256(table.encode()).hexdigest()[:8]
    return f"{key[:91]}-{digest}"
