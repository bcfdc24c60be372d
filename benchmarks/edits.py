"""Random edits of many tables: how many others move (none), and what a compile takes.

Tables are added, removed and renamed, limits changed, files and entries put in
another order. After each round everything is compiled; parts must hold their limits
and wait for each other in no circle, and compiling once more must write nothing.
"""

from __future__ import annotations

import random
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlglot
from many_tables import PER_FILE

from mdf_magics import Project
from mdf_magics.definitions.placement_file import PLACEMENT_FILE, read_placement

GROUPS = 20
ROUNDS = 6
EDITS = 40


@dataclass
class Edited:
    """A project of which any table can be taken, changed and written again."""

    root: Path
    chance: random.Random
    tables: dict[str, str] = field(default_factory=dict)
    """Name to group."""
    reads: dict[str, str] = field(default_factory=dict)
    """Name to the table that it reads; empty: a source."""
    earlier: dict[str, str] = field(default_factory=dict)
    """Name to the name it had before."""
    limits: dict[str, int] = field(default_factory=dict)
    count: int = 0

    def add(self) -> None:
        """One more table, which reads one of the others or a source."""
        known = list(self.tables)
        name, self.count = f"s.t{self.count}", self.count + 1
        self.tables[name] = f"g{self.chance.randrange(GROUPS)}"
        self.reads[name] = self.chance.choice(known) if len(known) > 9 else ""

    def remove(self) -> None:
        """One table less; who read it reads a source."""
        self._replace(self.chance.choice(list(self.tables)), "")

    def rename(self) -> None:
        """Another name for a table, which remembers the one it had."""
        old = self.chance.choice(list(self.tables))
        new, self.count = f"s.t{self.count}", self.count + 1
        group, read = self.tables[old], self.reads[old]
        self._replace(old, new)
        self.tables[new], self.reads[new], self.earlier[new] = group, read, old

    def limit(self) -> None:
        """Another size for the parts of a group."""
        group = f"g{self.chance.randrange(GROUPS)}"
        self.limits[group] = self.chance.randrange(20, 300)

    def write(self) -> None:
        """All of it, files and entries in any order."""
        folder = self.root / "definitions" / "tables"
        for path in folder.glob("*.yml"):
            path.unlink()
        names = list(self.tables)
        self.chance.shuffle(names)
        for first in range(0, len(names), PER_FILE):
            entries = map(self._entry, names[first : first + PER_FILE])
            path = folder / f"{self.chance.randrange(10**9)}.yml"
            path.write_text("tables:\n" + "".join(entries))
        groups = "".join(
            f"  {name}: {{max_tables: {most}}}\n" for name, most in self.limits.items()
        )
        (self.root / "definitions" / "mdf.yml").write_text(
            "project: bench\ntargets: {local: {engine: embedded, catalog: main}}\n"
            f"groups:\n{groups or '  {}'}\n"
        )

    def _replace(self, old: str, new: str) -> None:
        del self.tables[old], self.reads[old]
        self.earlier.pop(old, None)
        for name, read in self.reads.items():
            if read == old:
                self.reads[name] = new

    def _entry(self, name: str) -> str:
        earlier = self.earlier.get(name)
        remembered = f"    renamed_from: {earlier}\n" if earlier else ""
        return (
            f"  - name: {name}\n    group: {self.tables[name]}\n{remembered}"
            f"    sql: SELECT * FROM {self.reads[name] or 'raw.t'}\n"
        )


def placement(root: Path) -> dict[str, str]:
    """The part of each table, as it is written down."""
    return dict(read_placement((root / PLACEMENT_FILE).read_text()).parts)


def measure(tables: int, seed: int) -> None:
    """Edit a project of this many tables, and print what came of it."""
    chance = random.Random(seed)  # noqa: S311 (no secret)
    with TemporaryDirectory() as folder:
        edited = Edited(Path(folder), chance)
        (edited.root / "definitions" / "tables").mkdir(parents=True)
        for _ in range(tables):
            edited.add()
        edits, moved, unchanged, seconds = 0, 0, 0, []
        sizes: dict[str, int] = {}
        before: dict[str, str] = {}
        for _ in range(ROUNDS):
            edited.write()
            project = Project(edited.root)
            began = time.process_time()
            project.compile()
            seconds.append(time.process_time() - began)
            unchanged += len(Project(edited.root).compile().files.written)
            after = placement(edited.root)
            for name, now in after.items():
                was = before.get(name) or before.get(edited.earlier.get(name, ""))
                moved += was is not None and was != now
            parts = project.planned().parts
            order = {key: place for place, key in enumerate(parts.order())}
            for key, part in parts.parts.items():
                most = edited.limits.get(part.group, 500)
                assert len(part.tables) <= max(most, sizes.get(key, 0)), key
                assert all(order[one] < order[key] for one in part.upstream), key
            assert not project.planned().errors
            before = after
            sizes = {key: len(part.tables) for key, part in parts.parts.items()}
            edited.earlier.clear()
            for _ in range(EDITS):
                chance.choice(
                    (edited.add, edited.remove, edited.rename, edited.limit)
                )()
                edits += 1
    print(
        f"{tables:>6} tables, {edits} edits: {moved} moved, {len(sizes)} parts; "
        f"compile {max(seconds):.2f} s of work at most, {unchanged} files written anew"
    )


def main() -> None:
    """Print the figures for both sizes."""
    sqlglot.parse_one("SELECT 1", dialect="databricks")
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    for tables in (1_000, 10_000):
        measure(tables, seed)


if __name__ == "__main__":
    main()
