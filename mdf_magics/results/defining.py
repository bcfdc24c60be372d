"""What verbs that read and change definitions return."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mdf_magics.deploying.generated import Generated
from mdf_magics.engines.protocol import Column
from mdf_magics.errors import DefinitionError, Problem
from mdf_magics.plain_text import count
from mdf_magics.planning.showing import ShownLine
from mdf_magics.results.previewing import Previewed


@dataclass(frozen=True)
class Added:
    """A cell that was defined: what it gives, and where it went."""

    name: str
    kind: str
    """`table`, `tables` or `transformation`."""
    preview: Previewed | None
    schemas: Mapping[str, tuple[Column, ...]]
    """For several tables, the columns of each."""
    file: str
    line: int
    diff: str
    saved: bool
    inherited: Mapping[str, Any] = field(default_factory=dict)
    """What the file's `defaults` add to the entry."""
    warnings: tuple[Problem, ...] = ()

    def text(self) -> str:
        """The preview, the schemas, the file's diff, and where it went."""
        blocks = [self.preview.text()] if self.preview else []
        if self.schemas:
            blocks.append("\n".join(self.schema_lines()))
        if self.diff:
            blocks.append(self.diff)
        if self.inherited:
            said = ", ".join(f"{key}: {value}" for key, value in self.inherited.items())
            blocks.append(f"inherited from the file's defaults: {said}")
        blocks += map(str, self.warnings)
        return "\n\n".join([*blocks, self.outcome()])

    def schema_lines(self) -> list[str]:
        """Each table with its columns."""
        return [
            f"{name}: {', '.join(f'{one.name} {one.type}' for one in columns)}"
            for name, columns in self.schemas.items()
        ]

    def outcome(self) -> str:
        """Where it went, in one line."""
        where = f"{self.file}:{self.line}"
        if not self.saved:
            return f"{self.name} was not saved; it would go to {where}"
        verb = "saved in" if self.diff else "unchanged in"
        return f"{self.name} {verb} {where}"

    def to_json(self) -> dict[str, Any]:
        """What was added and where; its preview as `preview` has it."""
        return {
            "name": self.name,
            "kind": self.kind,
            "file": self.file,
            "line": self.line,
            "saved": self.saved,
            "changed": bool(self.diff),
            "preview": self.preview.to_json() if self.preview else None,
        }


@dataclass(frozen=True)
class AddedAll:
    """The cells of a file, all of them saved."""

    added: tuple[Added, ...]

    def text(self) -> str:
        """A line for each cell; previews are left out where there are many."""
        if len(self.added) == 1:
            return self.added[0].text()
        return "\n".join(one.outcome() for one in self.added)

    def to_json(self) -> dict[str, Any]:
        """Every cell as `added`."""
        return {"added": [one.to_json() for one in self.added]}


@dataclass(frozen=True)
class Changed:
    """Definitions that were removed or renamed."""

    sentence: str
    diff: str
    left: tuple[str, ...] = ()
    """Places that name it in a way which can't be changed by itself."""

    def text(self) -> str:
        """The diff, what was left alone, and what was done."""
        blocks = [self.diff, self.sentence]
        if self.left:
            places = "\n".join(f"  {place}" for place in self.left)
            blocks.insert(1, f"Look at these yourself:\n{places}")
        return "\n\n".join(blocks)

    def to_json(self) -> dict[str, Any]:
        """What was done, and the places that were left alone."""
        return {"message": self.sentence, "left": list(self.left)}


@dataclass(frozen=True)
class Definition:
    """What is stored for a name."""

    name: str
    file: str
    line: int
    source: str

    def text(self) -> str:
        """The stored text, and where it stands."""
        return f"{self.source}\n\n{self.file}:{self.line}"

    def to_json(self) -> dict[str, Any]:
        """Name, place and text."""
        return {
            "name": self.name,
            "file": self.file,
            "line": self.line,
            "text": self.source,
        }


@dataclass(frozen=True)
class ShownQuery:
    """A table's query as a target has it, each line with where it comes from."""

    name: str
    target: str
    file: str
    lines: tuple[ShownLine, ...]

    def text(self) -> str:
        """The query; before each line that of the file."""
        width = len(str(max(one.line for one in self.lines)))
        head = f"-- {self.name} for {self.target}; lines of {self.file}"
        shown = [f"{one.line:>{width}}  {one.text}".rstrip() for one in self.lines]
        return "\n".join([head, *shown])

    def to_json(self) -> dict[str, Any]:
        """The query, and the file's line of each of its lines."""
        return {
            "name": self.name,
            "target": self.target,
            "sql": "\n".join(one.text for one in self.lines),
            "file": self.file,
            "lines": [one.line for one in self.lines],
        }


@dataclass(frozen=True)
class Validated:
    """Every problem of a project."""

    problems: tuple[Problem, ...]
    tables: int
    target: str
    repaired: str = ""
    """What `--fix` changed, as a diff."""

    @property
    def errors(self) -> int:
        """How many problems are errors."""
        return sum(one.severity == "error" for one in self.problems)

    @property
    def failure(self) -> DefinitionError | None:
        """The error that a command ends with."""
        if not self.errors:
            return None
        figure = count(self.errors, "error")
        return DefinitionError(Problem("not-valid", f"the definitions have {figure}"))

    def text(self) -> str:
        """Every problem, and how many there are."""
        repaired = [self.repaired] if self.repaired else []
        if not self.problems:
            said = f"No problems: {self.tables} tables for {self.target}."
            return "\n\n".join([*repaired, said])
        warnings = len(self.problems) - self.errors
        figures = [count(self.errors, "error")] if self.errors else []
        figures += [count(warnings, "warning")] if warnings else []
        found = map(str, self.problems)
        return "\n\n".join([*repaired, *found, " and ".join(figures)])

    def github(self) -> str:
        """Problems as annotations of a pull request (GitHub, "Workflow commands")."""
        return "\n".join(map(_annotation, self.problems))

    def to_json(self) -> dict[str, Any]:
        """The shape that `mdf validate --json` documents."""
        return {"problems": [one.to_json() for one in self.problems]}


@dataclass(frozen=True)
class CompiledFiles:
    """What a compile wrote, or (`--check`) would write."""

    files: Generated
    checked: bool = False

    @property
    def stale(self) -> bool:
        """Whether files are not what the definitions come to."""
        return bool(self.files.written or self.files.removed)

    def text(self) -> str:
        """A line for each file that changes."""
        if not self.stale:
            figure = count(self.files.unchanged, "file")
            return f"{self.files.folder} is up to date: {figure}"
        verbs = ("is stale", "is left over") if self.checked else ("written", "removed")
        lines = [f"{path} {verbs[0]}" for path in self.files.written]
        lines += [f"{path} {verbs[1]}" for path in self.files.removed]
        if self.checked:
            lines.append("Run  mdf compile  and commit what it writes.")
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Folder, and the files written and removed."""
        return {
            "folder": self.files.folder,
            "written": list(self.files.written),
            "removed": list(self.files.removed),
            "unchanged": self.files.unchanged,
        }


def _annotation(problem: Problem) -> str:
    where = f"title={problem.code}"
    if problem.place and problem.place.source.name:
        place = problem.place
        where = f"file={place.source.name},line={place.line},col={place.column},{where}"
    text = f"{problem.message}. {problem.hint}" if problem.hint else problem.message
    escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return f"::{problem.severity} {where}::{escaped}"


def columns_shown(result: object) -> dict[str, tuple[Column, ...]]:
    """The columns of tables that a result shows, whatever kind of result it is."""
    if isinstance(result, Previewed):
        return {result.preview.table: result.preview.rows.columns}
    if isinstance(result, AddedAll):
        shown: dict[str, tuple[Column, ...]] = {}
        for added in result.added:
            shown |= columns_shown(added.preview) | dict(added.schemas)
        return shown
    return {}
