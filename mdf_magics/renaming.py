"""Renaming a table or a transformation, everywhere its name is written."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from mdf_magics.changing import entry_alone, refusal
from mdf_magics.definitions.bodies import Body
from mdf_magics.definitions.editing import refuse_json
from mdf_magics.definitions.frozen_tests import read_tests
from mdf_magics.definitions.loading import Definitions, Entry
from mdf_magics.definitions.names import QUARANTINE, function_fault, table_fault
from mdf_magics.definitions.reading import Document, Path_, read_document
from mdf_magics.definitions.setting import with_value, without_value
from mdf_magics.definitions.storing import Change, locked, write
from mdf_magics.errors import Place, Source, lines_of
from mdf_magics.planning.graph import reads
from mdf_magics.planning.steps import Planned
from mdf_magics.results import Changed

_WORD = re.compile(r"[^`\s.\"']+")
_REFERENCE = re.compile(r"[\"']?\$\{(each|var)\.([^{}]+)\}[\"']?\s*(?=[,\]}#\r\n]|\Z)")


@dataclass(frozen=True)
class _Mention:
    """A place where the name, or something that stands for it, is written."""

    place: Place
    entry: Entry | None = None
    """The entry that it is in; a reference `${each.x}` is followed there."""


def rename(
    root: Path, old: str, new: str, definitions: Definitions, planned: Planned
) -> Changed:
    """Give a table or a transformation another name, everywhere it is written.

    A table remembers its earlier name (`renamed_from`), so that a deploy keeps its
    data. Names that are put together from several values can't be changed by
    themselves: they are reported.

    Raises:
        DefinitionError: The new name is taken or not allowed, or the old one is one
            of an entry's many tables.
    """
    entry, _ = entry_alone(old, definitions, planned)
    is_table = old in planned.tables
    fault = table_fault(new) if is_table else function_fault(new)
    taken = new in planned.tables or new in definitions.transformations
    if fault or taken:
        reason = fault or "is there already"
        raise refusal("bad-name", f'the name "{new}" {reason}', "", None)
    refuse_json(entry.document, entry.path)
    own = _Mention(entry.document.place((*entry.path, "name")))
    found = (
        _of_table(root, old, planned)
        if is_table
        else _of_transformation(old, entry, planned)
    )
    edits: dict[Source, dict[int, tuple[int, str]]] = {}
    left: dict[Place, None] = {}
    for mention in (own, *found):
        places = list(_followed(mention, old, definitions))
        for place in places:
            start, end, text = _replacement(place, old, new)
            edits.setdefault(place.source, {})[start] = end, text
        if not places:
            left[mention.place] = None
    texts = {source: _edited(source.text, spans) for source, spans in edits.items()}
    source = entry.document.source
    if is_table:
        written = Source(source.name, texts[source])
        texts[source] = _remembering(written, entry, old, new)
        left = {_moved(one, written, texts[source]): None for one in left}
    changes = [Change(one.name, one.text, text) for one, text in texts.items()]
    with locked(root):
        write(root, changes)
    diff = "\n".join(change.diff() for change in changes)
    return Changed(f"{old} is {new} now", diff, tuple(map(str, left)))


def _of_table(root: Path, name: str, planned: Planned) -> Iterator[_Mention]:
    """Where a table is read, and where frozen tests name it."""
    names = (name, f"{name}{QUARANTINE}")
    for reader, needs in planned.graph.upstream.items():
        if name in needs:
            for read, place in reads(planned.tables[reader]):
                if read.lower() in names:
                    yield _Mention(place(), planned.tables[reader].entry)
    for test in read_tests(root):
        if test.test and test.test.table == name:
            yield _Mention(test.place)
        if test.test and name in test.test.given:
            yield _Mention(test.document.place(("given", name), key=True))


def _of_transformation(name: str, entry: Entry, planned: Planned) -> Iterator[_Mention]:
    """Where tables name a transformation, and its function bears the name."""
    for table in planned.tables.values():
        if table.settings.transformation == name:
            yield _Mention(table.entry.place(("transformation",)), table.entry)
    if entry.body is not None and entry.body.kind == "python":
        yield from map(_Mention, _in_python(entry.body, name))


def _in_python(body: Body, name: str) -> Iterator[Place]:
    """A function's name where it is defined, and where it calls itself."""
    for node in ast.walk(ast.parse(body.text)):
        if isinstance(node, ast.FunctionDef) and node.name == name:
            line = body.text.split("\n")[node.lineno - 1]
            column = line.index(name, node.col_offset + len("def "))
            yield body.place(node.lineno, column + 1, len(name))
        elif isinstance(node, ast.Name) and node.id == name:
            line = body.text.split("\n")[node.lineno - 1]
            before = line.encode()[: node.col_offset].decode()  # ast counts bytes
            yield body.place(node.lineno, len(before) + 1, len(name))


def _followed(
    mention: _Mention, name: str, definitions: Definitions
) -> Iterator[Place]:
    """The places where the name itself stands: there, or where a reference leads."""
    start, end = _span(mention.place)
    text = mention.place.source.text
    if _says(text[start:end], name):
        yield mention.place
        return
    reference = _REFERENCE.match(text, start)
    if reference is None or mention.entry is None:
        return
    space, key = reference.groups()
    if space == "each":
        found = _of_each(mention.entry, key)
    else:
        found = _of_variable(definitions.project_document, key)
    for place in found:
        start, end = _span(place)
        if _says(place.source.text[start:end], name):
            yield place


def _of_each(entry: Entry, key: str) -> Iterator[Place]:
    """Where the values of `${each.key}` stand."""
    value = entry.value.get("for_each")
    items = value.get(key) if isinstance(value, dict) else value
    for at in range(len(items or ())):
        path = (key, at) if isinstance(value, dict) else (at, key)
        yield entry.document.place((*entry.path, "for_each", *path))


def _of_variable(document: Document, key: str) -> Iterator[Place]:
    """Where the values of `${var.key}` stand."""
    targets = (document.value or {}).get("targets") or {}
    levels: list[Path_] = [("targets", one, "variables") for one in targets]
    for level in [("variables",), *levels]:
        if document.has((*level, key)):
            yield document.place((*level, key))


def _span(place: Place) -> tuple[int, int]:
    """From where to where a place reaches in its text."""
    ends = re.finditer(r"\r\n|\r|\n", place.source.text)
    starts = [0, *(one.end() for one in ends)]
    start = starts[place.line - 1] + place.column - 1
    return start, start + place.length


def _says(written: str, name: str) -> bool:
    """Whether a text is a name, perhaps in quotes, or its quarantine's."""
    words = ".".join(_WORD.findall(written)).lower()
    return words.removesuffix(QUARANTINE) == name


def _replacement(place: Place, old: str, new: str) -> tuple[int, int, str]:
    """From where to where the new name goes, and how it is written there."""
    start, end = _span(place)
    written = place.source.text[start:end]
    more = QUARANTINE if QUARANTINE in written.lower() and QUARANTINE not in old else ""
    words = iter(f"{new}{more}".split("."))
    return start, end, _WORD.sub(lambda _: next(words), written)


def _edited(text: str, spans: dict[int, tuple[int, str]]) -> str:
    for start, (end, instead) in sorted(spans.items(), reverse=True):
        text = text[:start] + instead + text[end:]
    return text


def _moved(place: Place, before: Source, after: str) -> Place:
    """Where a place is once a line more or less stands in its file."""
    old, new = lines_of(before.text), lines_of(after)
    same = next(
        (
            at
            for at, pair in enumerate(zip(old, new, strict=False))
            if pair[0] != pair[1]
        ),
        len(old),
    )
    if place.source.name != before.name or place.line <= same:
        return place
    return replace(place, line=place.line + len(new) - len(old))


def _remembering(source: Source, entry: Entry, old: str, new: str) -> str:
    """The file's text with `renamed_from` in the entry; without, when renamed back."""
    document = read_document(source)
    if entry.value.get("renamed_from") == new:
        return without_value(document, entry.path, "renamed_from")
    return with_value(document, entry.path, "renamed_from", old)
