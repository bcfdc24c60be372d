"""What happens to a table's content when it gets another builder or another name.

Neither a job nor a pipeline can write a table that the other one owns. So the content
is put aside under another name before the new one begins, and stays there until
somebody drops it. Every step may be done twice: a deploy that died begins it again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, override

from mdf_magics.definitions.names import QUARANTINE
from mdf_magics.deploying.workspaces.protocol import WorkspaceError
from mdf_magics.engines.protocol import Engine
from mdf_magics.errors import EngineError

KEPT = "__kept"
"""What the name of a content that was put aside ends in; then `_2`, `_3`, ..."""


@dataclass(frozen=True)
class DataStep:
    """One table's content that is put aside or gets another name."""

    table: str
    what: Literal["keep", "rename"]
    home: str
    """Where the content lies, as `catalog.schema.table`."""
    built_by: str
    """`job` or `pipeline`: who owns it so far."""
    new_home: str = ""
    """Of a rename: where it is to lie."""


class TableKeeper(Protocol):
    """Moves contents of tables. Raises WorkspaceError when it can't."""

    pipelines_own_tables: bool
    """Whether a pipeline's table belongs to it, so that another pipeline can take it
    only by ALTER ... SET TBLPROPERTIES, and nobody can rename it."""

    def carry_out(self, step: DataStep) -> str | None:
        """Do it; a table that isn't there is no error.

        Returns:
            Where the content lies now; None when there was none.
        """


class NoTables(TableKeeper):
    """For a workspace whose tables nobody reaches from here."""

    pipelines_own_tables = True

    @override
    def carry_out(self, step: DataStep) -> str | None:
        return None


class EngineTables(TableKeeper):
    """Contents that an engine reaches: folders of its warehouse, or by SQL."""

    def __init__(
        self, engine: Callable[[], Engine], *, pipelines_own_tables: bool
    ) -> None:
        """Remember how to get the engine; it starts when the first table moves."""
        self._engine = engine
        self.pipelines_own_tables = pipelines_own_tables

    @override
    def carry_out(self, step: DataStep) -> str | None:
        try:
            folder = self._engine().warehouse
            move = self._by_sql if folder is None else Folders(folder).move
            aside = f"{step.new_home}{QUARANTINE}" if step.new_home else ""
            move(f"{step.home}{QUARANTINE}", aside, step)
            return move(step.home, step.new_home, step)
        except (EngineError, OSError) as error:
            message = f"the content of {step.table} could not be kept: {error}"
            hint = "Nothing of it was lost. Deploy again when that is put right."
            raise WorkspaceError(message, hint) from error

    def _by_sql(self, home: str, new_home: str, step: DataStep) -> str | None:
        engine = self._engine()
        if not engine.exists(home):
            return None
        to = _free(new_home, home, engine.exists)
        if to is None:
            return home
        if step.built_by == "job" or not self.pipelines_own_tables:
            engine.run(f"ALTER TABLE {quoted(home)} RENAME TO {quoted(to)}")
            if step.new_home:
                mark = f"'mdf.table' = '{step.table}'"
                engine.run(f"ALTER TABLE {quoted(to)} SET TBLPROPERTIES ({mark})")
            return to
        engine.run(f"CREATE TABLE {quoted(to)} AS SELECT * FROM {quoted(home)}")
        engine.run(f"DROP TABLE {quoted(home)}")
        return to


class Folders:
    """The embedded engine's tables: a folder each, which is renamed whole."""

    def __init__(self, warehouse: Path) -> None:
        """Name the warehouse's folder."""
        self._warehouse = warehouse

    def move(self, home: str, new_home: str, _step: DataStep) -> str | None:
        """Rename a table's folder; None when there is none."""
        if not self._exists(home):
            return None
        to = _free(new_home, home, self._exists)
        if to is None:
            return home
        self._folder(to).parent.mkdir(parents=True, exist_ok=True)
        self._folder(home).rename(self._folder(to))
        return to

    def _folder(self, home: str) -> Path:
        _, schema, name = home.split(".")
        return self._warehouse / schema / name

    def _exists(self, home: str) -> bool:
        return self._folder(home).exists()


def _free(new_home: str, home: str, exists: Callable[[str], bool]) -> str | None:
    """Where a content goes: its new name, or the first free one to keep it under.

    None: the new name is taken, so that it stays where it is.
    """
    if new_home:
        return None if exists(new_home) else new_home
    number, kept = 1, f"{home}{KEPT}"
    while exists(kept):
        number += 1
        kept = f"{home}{KEPT}_{number}"
    return kept


def quoted(home: str) -> str:
    """A full name as SQL writes it."""
    return ".".join(f"`{part}`" for part in home.split("."))
