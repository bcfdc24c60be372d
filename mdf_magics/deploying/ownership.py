"""Which resource builds a table, now and then: what is renamed, and what moves.

The state says which resource built each table last. A table that another one is to
build moves; the first keeps it in the state until the second has taken it, so that a
deploy which dies in between knows of the move when it goes on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from mdf_magics.deploying.keeping import KEPT, DataStep, quoted
from mdf_magics.deploying.plan import Impact
from mdf_magics.deploying.sent import sent_tables
from mdf_magics.planning.resources import BuiltTable, Compiled, Resource
from mdf_magics.state.protocol import JournalRow, Snapshot

REPEATABLE = frozenset({"overwrite", "view"})
"""How tables are written that the next run makes again from what they read."""


@dataclass(frozen=True)
class Transfer:
    """A table that gets another builder, another kind of builder or another name."""

    table: str
    earlier: str
    """Its name in the state."""
    giver: str
    """The key of the resource that built it last."""
    taker: str
    """The key of the one that is to build it."""
    giver_kind: str
    taker_kind: str
    built: BuiltTable
    pipelines_own_tables: bool

    @property
    def is_rebuild(self) -> bool:
        """Whether the data can't follow: jobs and pipelines own their tables."""
        return self.giver_kind != self.taker_kind

    @property
    def is_move(self) -> bool:
        """Whether two resources are concerned."""
        return self.giver != self.taker

    @property
    def is_rename(self) -> bool:
        """Whether the table gets another name."""
        return self.table != self.earlier

    @property
    def earlier_home(self) -> str:
        """Where its content lies."""
        return self.built.earlier_home if self.is_rename else self.built.home

    @property
    def begins_anew(self) -> bool:
        """Whether the taker fills the table from nothing."""
        return self.is_rebuild or (self.is_rename and self._is_pipelines_own)

    @property
    def loses_rows(self) -> bool:
        """Whether it may come to other rows than the table has now."""
        return self.begins_anew and self.built.write not in REPEATABLE

    @property
    def data_step(self) -> DataStep | None:
        """What is to be done about its content before the taker is made."""
        home, new_home = self.earlier_home, self.built.home
        if self.built.write == "view":
            return None
        if self.is_rebuild:
            return DataStep(self.table, "keep", home, self.giver_kind)
        if self.is_rename and not self.begins_anew:
            return DataStep(self.table, "rename", home, self.giver_kind, new_home)
        return None

    def impact(self, taker_id: str | None) -> Impact:
        """What it means for the table's rows.

        Args:
            taker_id: The id of the resource that takes it; None while it has none.
        """
        if self.is_rebuild:
            kept = "" if self.built.write == "view" else (
                f"; the content so far is kept as {self.earlier_home}{KEPT}"
            )  # fmt: skip
            why = f"a {self.taker_kind} can't take over a {self.giver_kind}'s table"
            return Impact(self.table, "rebuilt", f"{why}{kept}")
        if self.begins_anew:
            return Impact(self.table, "rebuilt", f"{self.earlier} stays as it is")
        if self.is_rename:
            detail = f"its content so far is {self.earlier}, which is renamed"
            return Impact(self.table, "retained", detail)
        alter = self.alter_statement(taker_id or f"<the id of {self.taker}>")
        if alter:
            detail = f"unless this is said before {self.taker}'s next update:  {alter}"
            return Impact(self.table, "full refresh", detail)
        return Impact(self.table, "retained", f"{self.giver} built it so far")

    def alter_statement(self, pipeline_id: str) -> str | None:
        """The SQL by which another pipeline gets the table with its rows, if any.

        It is said when the first pipeline doesn't define the table any more, before
        the second one's next update (Databricks documentation, "Move tables between
        pipelines"; Databricks Runtime 16.3 or later, one owner of both).
        """
        moves = self.is_move and not self.begins_anew
        if not moves or not self._is_pipelines_own or self.built.write == "view":
            return None
        kind = "MATERIALIZED VIEW" if self.built.write == "overwrite" else (
            "STREAMING TABLE"
        )  # fmt: skip
        value = f"('pipelines.pipelineId' = '{pipeline_id}')"
        return f"ALTER {kind} {quoted(self.built.home)} SET TBLPROPERTIES {value}"

    @property
    def _is_pipelines_own(self) -> bool:
        return self.giver_kind == "pipeline" and self.pipelines_own_tables


class Ownership:
    """All renames and moves between a state and what is wanted."""

    def __init__(
        self, desired: Compiled, state: Snapshot, *, pipelines_own_tables: bool
    ) -> None:
        """Compare who builds what.

        Args:
            desired: What the definitions come to.
            state: What the state says.
            pipelines_own_tables: As the target's `TableKeeper` says.
        """
        self._pipelines_own_tables = pipelines_own_tables
        wanted = {resource.key: resource for resource in desired.resources}
        rows = state.resources
        self.earlier_keys = _renamed(wanted, rows)
        """New key to the one before, of resources that are renamed by this deploy."""
        self._later_keys = {old: new for new, old in self.earlier_keys.items()}
        self._owners: dict[str, JournalRow] = {}
        for row in rows.values():
            for table in sent_tables(row):
                known = self._owners.get(table)
                if known is None or table in _tables_of(wanted.get(row.key)):
                    self._owners[table] = row
        self.taken: dict[str, list[Transfer]] = defaultdict(list)
        """Taker to what it takes; a renamed or rebuilt table of its own too."""
        self.given: dict[str, list[Transfer]] = defaultdict(list)
        """Giver to what it gives to others."""
        built_now = {table for one in wanted.values() for table in one.tables}
        for resource in desired.resources:
            for table in resource.tables:
                built = desired.tables.get(table, _PLAIN)
                transfer = self._transfer(table, built, resource, built_now)
                if transfer:
                    self.taken[transfer.taker].append(transfer)
                    if transfer.is_move:
                        self.given[transfer.giver].append(transfer)

    def _transfer(
        self, table: str, built: BuiltTable, resource: Resource, wanted: set[str]
    ) -> Transfer | None:
        earlier, owner = table, self._owners.get(table)
        if owner is None and built.renamed_from and built.renamed_from not in wanted:
            earlier, owner = built.renamed_from, self._owners.get(built.renamed_from)
        if owner is None:
            return None
        found = Transfer(
            table,
            earlier,
            self._later_keys.get(owner.key, owner.key),
            resource.key,
            owner.kind,
            resource.kind,
            built,
            self._pipelines_own_tables,
        )
        changes = found.is_move or found.is_rebuild or found.is_rename
        return found if changes else None


_PLAIN = BuiltTable("", "view")


def _renamed(
    wanted: Mapping[str, Resource], rows: Mapping[str, JournalRow]
) -> dict[str, str]:
    """Keys that take a deployed resource over; one that is done already isn't.

    Where several want the same one, the first gets it: it can't be two.
    """
    takers: dict[str, str] = {}
    for key, resource in wanted.items():
        before = resource.renamed_from
        if before is None or before in wanted or before not in rows or key in rows:
            continue
        if rows[before].kind == resource.kind:
            takers.setdefault(before, key)
    return {key: before for before, key in takers.items()}


def _tables_of(resource: Resource | None) -> tuple[str, ...]:
    return resource.tables if resource else ()
