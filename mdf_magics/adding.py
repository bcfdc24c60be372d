"""Defining: a cell is read, checked, previewed, and then saved with the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from mdf_magics.command_lines import parse_line
from mdf_magics.commands import own_options, verb
from mdf_magics.definitions.cells import Magic, read_cell
from mdf_magics.definitions.files import Unsaved
from mdf_magics.definitions.loading import (
    Definitions,
    Entry,
    load,
)
from mdf_magics.definitions.placement_file import placement_changes
from mdf_magics.definitions.saving import NOTHING_SAVED, Saving, plan_saving
from mdf_magics.definitions.secrets import check_secrets
from mdf_magics.definitions.storing import Change, locked, write
from mdf_magics.engines import Column, Engine
from mdf_magics.errors import DefinitionError, EngineError, Problem, Source
from mdf_magics.planning.expansion import Table, maker_of
from mdf_magics.planning.placement import MENDED_BY_SAVING
from mdf_magics.planning.steps import Planned
from mdf_magics.results import Added, Previewed
from mdf_magics.running.preview import ROWS, Preview, Previewer


@dataclass(frozen=True)
class AddOptions:
    """What a magic's line says about one execution of its cell."""

    no_save: bool = False
    no_preview: bool = False
    rows: int = ROWS
    full: bool = False
    replace: bool = False
    """The cell may remove tables of its `for_each` entry."""
    force: bool = False
    """A transformation may break tables that use it."""
    preview: str | None = None
    """For a transformation: the table whose rows are shown."""


@dataclass(frozen=True)
class CellText:
    """A cell as it was typed."""

    magic: Magic
    name: str
    """What the line names; empty for nothing."""
    line: str
    """All that stands behind the magic."""
    text: str
    source: Source | None = None
    first_line: int = 1
    options: Mapping[str, Any] = field(default_factory=dict)
    """What the line says about this execution, before what is said for all cells."""


def cell_text(
    magic: str, line: str, text: str, source: Source | None = None, first_line: int = 1
) -> CellText:
    """A cell with its magic's line taken apart.

    Raises:
        WrongUsage: The line holds an option that the magic hasn't got.
    """
    parsed = parse_line(verb(magic), line)
    name = parsed.arguments["name"] or ""
    options = own_options(parsed.options)
    kind: Magic = magic  # type: ignore[assignment]
    return CellText(kind, name, line, text, source, first_line, options)


class Planner(Protocol):
    """What works definitions out and runs queries: a project."""

    root: Path
    progress: Callable[[str], None]

    def planned(self, definitions: Definitions) -> Planned:
        """What is stored, worked out."""

    def worked_out(self, definitions: Definitions) -> Planned:
        """What isn't stored yet, worked out."""

    def engine(self, planned: Planned) -> Engine:
        """Where previews run."""

    def previewed(self, preview: Preview) -> Previewed:
        """A preview with how it differs from the last one of its table."""


class Adding:
    """Cells on their way into the definitions; each sees those before it."""

    def __init__(self, project: Planner, options: AddOptions) -> None:
        """Start with what is stored.

        Args:
            project: Where the cells go.
            options: What to do with each.
        """
        self._project = project
        self._given = self._options = options
        self._cells: list[CellText] = []
        self._savings: list[Saving] = []
        self._first: Definitions | None = None
        """What was stored when the first cell came."""
        self._unsaved: dict[str, str | None] = {}
        self._placed: dict[str, str] = {}
        self._lost: set[str] = set()
        """Tables that the cells' entries made before, and don't any more."""

    def add(self, cell: CellText) -> Added:
        """Check and preview one cell.

        Raises:
            DefinitionError: The cell is wrong, or breaks what is stored.
            EngineError: Its preview fails.
        """
        self._options = replace(self._given, **cell.options)
        definitions = load(self._project.root, self._unsaved)
        self._first = self._first or definitions
        saving = self._saving(cell, definitions, self._unsaved)
        self._savings.append(saving)
        after = self._project.worked_out(saving.applied(definitions))
        made = _made(saving.entry, after)
        lost = self._lost_tables(saving, definitions, made)
        self._refuse_losses(saving, lost)
        warnings = self._refuse_new_problems(saving, definitions, after)
        preview, schemas = self._rehearsed(saving, after, made)
        if not self._options.no_save:
            self._cells.append(cell)
            self._placed |= {one.name: after.parts.placement[one.name] for one in made}
            self._lost |= lost
        self._unsaved[saving.change.path] = saving.change.after
        return Added(
            name=saving.entry.name,
            kind=saving.kind,
            preview=preview,
            schemas=schemas,
            file=saving.change.path,
            line=saving.line,
            diff=saving.change.diff() if saving.change.changes else "",
            saved=not self._options.no_save,
            inherited=_inherited(saving.entry),
            warnings=tuple(warnings),
        )

    def save(self) -> None:
        """Write all cells that were added, on top of what the files hold by now.

        Raises:
            DefinitionError: They don't fit any more; nothing was saved.
        """
        if not self._cells:
            return
        root = self._project.root
        with locked(root):
            stored = load(root)
            changes: dict[str, Change] = {}
            for saving in self._savings_on(stored):
                change = saving.change
                first = changes.get(change.path, change)
                changes[change.path] = Change(change.path, first.before, change.after)
            places = stored.placement.parts | self._placed
            for name in self._lost - self._placed.keys():
                places.pop(name, None)
            write(root, [*changes.values(), *placement_changes(root, places)])

    def _savings_on(self, stored: Definitions) -> Iterator[Saving]:
        """What the cells change in what is stored by now."""
        all_saved = len(self._savings) == len(self._cells)
        if all_saved and self._first and stored.same_as(self._first):
            yield from self._savings
            return
        unsaved: dict[str, str | None] = {}
        for cell in self._cells:
            definitions = load(self._project.root, unsaved) if unsaved else stored
            saving = self._saving(cell, definitions, unsaved)
            unsaved[saving.change.path] = saving.change.after
            yield saving

    def _saving(
        self, cell: CellText, definitions: Definitions, unsaved: Unsaved
    ) -> Saving:
        read, problems = read_cell(
            cell.magic, cell.line, cell.text, cell.source, cell.first_line
        )
        if problems := [*problems, *check_secrets(read.source)]:
            raise DefinitionError(*problems, note=NOTHING_SAVED)
        maker = partial(maker_of, entries=definitions.tables)
        return plan_saving(read, cell.name, definitions, unsaved, maker)

    def _lost_tables(
        self, saving: Saving, definitions: Definitions, made: list[Table]
    ) -> set[str]:
        if saving.kind != "tables" or saving.stored is None:
            return set()
        had = _made(saving.stored, self._project.planned(definitions))
        return {one.name for one in had} - {one.name for one in made}

    def _refuse_losses(self, saving: Saving, lost: set[str]) -> None:
        stored = saving.stored
        if not lost or stored is None or self._options.replace:
            return
        number = f"{len(lost)} table{'' if len(lost) == 1 else 's'}"
        message = f"this cell would remove {number} of the entry {stored.name}"
        named = saving.entry.transformation
        line = f"%%mdf_tables {named}" if named else "%%mdf_tables"
        names = "\n".join(f"  - {name}" for name in sorted(lost))
        hint = f"{names}\nSay  {line} --replace  if that is meant."
        place = stored.place()
        raise DefinitionError(
            Problem("loses-tables", message, hint, place), note=NOTHING_SAVED
        )

    def _refuse_new_problems(
        self, saving: Saving, definitions: Definitions, after: Planned
    ) -> list[Problem]:
        """What the cell brings with it: errors are raised, warnings returned."""
        ours = saving.entry.document.source
        brought = [
            one for one in after.problems if one.place and one.place.source == ours
        ]
        others = [one for one in after.problems if one not in brought]
        if others:
            before = self._project.planned(definitions).problems
            known = {(one.code, one.message) for one in before}
            brought += (
                one
                for one in others
                if (one.code, one.message) not in known
                and one.code not in MENDED_BY_SAVING
            )
        errors = [one for one in brought if one.severity == "error"]
        broken = [one for one in errors if not one.place or one.place.source != ours]
        forced = saving.kind == "transformation" and self._options.force
        if forced:
            errors = [one for one in errors if one not in broken]
        if errors:
            note = NOTHING_SAVED
            if saving.kind == "transformation" and broken == errors:
                note = f"Tables that use it would break: --force saves it. {note}"
            raise DefinitionError(*errors, note=note)
        return [one for one in brought if one.severity == "warning" or one in broken]

    def _resolve_users(self, saving: Saving, after: Planned) -> None:
        """Let the engine resolve every table that uses a changed transformation.

        Raises:
            EngineError: One of them would break; --force saves it all the same.
        """
        users = _users(saving.entry.name, after)
        if self._options.force or self._options.no_preview or not users:
            return
        previewer = Previewer(
            after, self._project.engine(after), str(self._project.root)
        )
        for name in users:
            self._project.progress(f"resolving {name}")
            try:
                previewer.schema(name)
            except EngineError as error:
                note = f"The table {name} would break: --force saves it. "
                raise type(error)(*error.problems, note=note + NOTHING_SAVED) from error

    def _rehearsed(
        self, saving: Saving, after: Planned, made: list[Table]
    ) -> tuple[Previewed | None, dict[str, tuple[Column, ...]]]:
        """The preview of the cell, before anything is saved."""
        options = self._options
        if saving.kind == "transformation":
            self._resolve_users(saving, after)
            if options.preview is None:
                return None, {}
            shown = [options.preview]
        else:
            shown = [one.name for one in made if one.body.kind != "notebook"]
        if options.no_preview or not shown:
            return None, {}
        engine = self._project.engine(after)
        root = str(self._project.root)
        self._project.progress(f"previewing {shown[0]}")
        try:
            previewer = Previewer(after, engine, root)
            preview = previewer.preview(shown[0], options.rows, all_rows=options.full)
            schemas = {}
            for name in shown if saving.kind == "tables" else ():
                self._project.progress(f"reading the columns of {name}")
                schemas[name] = previewer.schema(name)
        except EngineError as error:
            raise type(error)(*error.problems, note=NOTHING_SAVED) from error
        return self._project.previewed(preview), schemas


def _users(name: str, planned: Planned) -> list[str]:
    """The tables that a transformation makes."""
    return sorted(
        one.name
        for one in planned.tables.values()
        if one.settings.transformation == name and one.body.kind != "notebook"
    )


def _made(entry: Entry, planned: Planned) -> list[Table]:
    """The tables of an entry, which a remembered plan may hold as another object."""
    own = entry.document.source, entry.path, entry.name
    return [
        table
        for table in planned.tables.values()
        for one in [table.entry]
        if (one.document.source, one.path, one.name) == own
    ]


def _inherited(entry: Entry) -> dict[str, Any]:
    """What the file's `defaults` add to an entry."""
    own = entry.value
    return {
        key: value
        for key, value in entry.defaults.items()
        if key not in own and not (key == "transformation" and entry.body)
    }
