"""Removing and renaming definitions, with everything that refers to them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mdf_magics.definitions.editing import entry_lines, with_value
from mdf_magics.definitions.loading import Definitions, Entry
from mdf_magics.definitions.names import table_fault, word_fault
from mdf_magics.definitions.reading import read_document
from mdf_magics.definitions.removing import removed
from mdf_magics.definitions.storing import Change, locked, write
from mdf_magics.errors import DefinitionError, Place, Problem, Source, did_you_mean
from mdf_magics.planning.steps import Planned
from mdf_magics.results import Changed

_NOTHING = "Nothing was changed."


def remove(
    root: Path, name: str, definitions: Definitions, planned: Planned, *, force: bool
) -> Changed:
    """Take a table's or a transformation's definition away.

    Args:
        root: The project's root.
        name: The table or transformation.
        definitions: What is stored.
        planned: The same, worked out.
        force: Also when others use it.

    Raises:
        DefinitionError: Others use it, or it is one of an entry's many tables.
    """
    entry, users = _entry(name, definitions, planned)
    if users and not force:
        message = f"{name} is used by {', '.join(users)}"
        hint = "Change those first, or say  --force  to remove it all the same."
        raise _refusal("in-use", message, hint, entry.place())
    change = Change(
        entry.document.source.name,
        entry.document.source.text,
        removed(entry.document, entry.path),
    )
    with locked(root):
        write(root, [change])
    used = f"; {', '.join(users)} can't find it any more" if users else ""
    return Changed(f"{name} removed from {change.path}{used}", change.diff())


def rename(
    root: Path, old: str, new: str, definitions: Definitions, planned: Planned
) -> Changed:
    """Give a table or a transformation another name, everywhere it is written.

    A table remembers its earlier name (`renamed_from`), so that a deploy keeps its
    data. Names that `for_each` puts together can't be changed by themselves: they are
    reported.

    Raises:
        DefinitionError: The new name is taken or not allowed, or the old one is one
            of an entry's many tables.
    """
    entry, _ = _entry(old, definitions, planned)
    is_table = old in planned.tables
    fault = table_fault(new) if is_table else word_fault(new)
    taken = new in planned.tables or new in definitions.transformations
    if fault or taken:
        reason = fault or "is there already"
        raise _refusal("bad-name", f'the name "{new}" {reason}', "", None)
    places = [entry.document.place((*entry.path, "name"))]
    if is_table:
        found = [place for one, place in _reading(old, planned) if one == old]
    else:
        found = _naming(old, entry, definitions)
    splices, left = _splices([*places, *found], old)
    texts = {
        source: _spliced(source, starts, old, new) for source, starts in splices.items()
    }
    own = entry.document.source
    if is_table:
        texts[own] = _remembering(own.name, texts[own], entry, old)
    changes = [Change(source.name, source.text, text) for source, text in texts.items()]
    with locked(root):
        write(root, changes)
    diff = "\n".join(change.diff() for change in changes)
    return Changed(f"{old} is {new} now", diff, tuple(map(str, left)))


def cell_of(entry: Entry, *, is_table: bool) -> str:
    """The cell that would make an entry again, with its magic's line."""
    several = "for_each" in entry.value
    first, last = entry_lines(entry.document, entry.path)
    lines = entry.document.source.text.splitlines()[first - 1 : last]
    column = entry.document.place(entry.path).column - 1
    header: list[str] = []
    body: list[str] = []
    for line in lines:
        own = line[column:]
        if entry.body and own.startswith(f"{entry.body.kind}: |"):
            body = ["---", *entry.body.text.rstrip().splitlines()]
            break
        if several or not own.startswith("name:"):
            header.append(own)
    kind = "table" if is_table else "transformation"
    magic = "%%mdf_tables" if several else f"%%mdf_{kind} {entry.name}"
    return "\n".join([magic, *header, *body])


def not_stored(name: str, definitions: Definitions, planned: Planned) -> Problem:
    """The problem that neither a table nor a transformation has this name."""
    known = [*planned.tables, *definitions.transformations]
    message = f'nothing called "{name}" is stored'
    return Problem("unknown-table", message, did_you_mean(name, known))


def _entry(
    name: str, definitions: Definitions, planned: Planned
) -> tuple[Entry, list[str]]:
    """The entry that makes something alone, and the tables that use it."""
    if name in definitions.transformations:
        users = [
            one.name
            for one in planned.tables.values()
            if one.settings.transformation == name
        ]
        return definitions.transformations[name], sorted(users)
    table = planned.tables.get(name)
    if table is None:
        raise DefinitionError(not_stored(name, definitions, planned), note=_NOTHING)
    if "for_each" in table.entry.value:
        message = f"{name} is made by the entry {table.entry.name}"
        hint = f"Change the lists of its for_each: {table.place}."
        raise _refusal("expanded-table", message, hint, table.place)
    users = [one for one, read in planned.graph.upstream.items() if name in read]
    return table.entry, sorted(users)


def _reading(name: str, planned: Planned) -> Iterable[tuple[str, Place]]:
    for reader, needs in planned.graph.upstream.items():
        if name in needs:
            yield from ((read, place()) for read, place in planned.graph.reads[reader])


def _naming(name: str, entry: Entry, definitions: Definitions) -> list[Place]:
    """Where tables name a transformation, and its function bears the name."""
    places = [
        one.place(("transformation",))
        for one in definitions.tables
        if one.transformation == name
    ]
    body = entry.body
    if body is not None and body.kind == "python":
        at = body.text.index(f"def {name}") + len("def ")
        places.append(body.place_at(at, len(name)))
    return places


def _splices(
    places: Iterable[Place], old: str
) -> tuple[dict[Source, set[int]], list[Place]]:
    """Offsets where the old name stands, by text; and places where it doesn't."""
    found: dict[Source, set[int]] = {}
    left: list[Place] = []
    for place in places:
        text = place.source.text
        lines = text.splitlines(keepends=True)
        start = sum(map(len, lines[: place.line - 1])) + place.column - 1
        start += text[start : start + 1] in ("'", '"')
        if text.startswith(old, start):
            found.setdefault(place.source, set()).add(start)
        elif place not in left:
            left.append(place)
    return found, left


def _spliced(source: Source, starts: set[int], old: str, new: str) -> str:
    text = source.text
    for start in sorted(starts, reverse=True):
        text = text[:start] + new + text[start + len(old) :]
    return text


def _remembering(name: str, text: str, entry: Entry, old: str) -> str:
    """The file's text with `renamed_from` in the entry."""
    document = read_document(Source(name, text))
    return with_value(document, entry.path, "renamed_from", old)


def _refusal(
    code: str, message: str, hint: str, place: Place | None
) -> DefinitionError:
    return DefinitionError(Problem(code, message, hint, place), note=_NOTHING)
