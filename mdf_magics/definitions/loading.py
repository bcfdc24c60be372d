"""Loads a project's definitions: all files, all problems, nothing resolved yet."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from operator import is_
from pathlib import Path
from typing import Any

from mdf_magics.definitions.bodies import Body, Folder
from mdf_magics.definitions.checking import checked
from mdf_magics.definitions.entries import (
    Entry,
    table_entry,
    transformation_entry,
    unknown_keys,
)
from mdf_magics.definitions.files import FOLDER, Files, Unsaved
from mdf_magics.definitions.models import BODY_KEYS, TABLE_KEYS, Project, Target
from mdf_magics.definitions.modules import read_modules
from mdf_magics.definitions.names import word_fault
from mdf_magics.definitions.placement_file import (
    PLACEMENT_FILE,
    WRITTEN_FILE,
    Placement,
    read_placement,
)
from mdf_magics.definitions.reading import Document, Path_
from mdf_magics.errors import Problem, Source, did_you_mean

__all__ = [
    "Body",
    "Definitions",
    "Entry",
    "load",
    "read_definition",
]

PROJECT_FILE = f"{FOLDER}/mdf.yml"


@dataclass(frozen=True)
class Definitions:
    """Everything that is written down for a project."""

    root: Path
    project: Project | None
    project_document: Document
    transformations: dict[str, Entry]
    tables: tuple[Entry, ...]
    placement: Placement
    modules: dict[str, Source]
    """Python files that bodies import, by the name they are imported by."""
    problems: tuple[Problem, ...]

    def target(self, name: str) -> Target | None:
        """The target of that name."""
        return self.project.targets.get(name) if self.project else None

    @property
    def fingerprint(self) -> Hashable:
        """Equal for definitions that say the same: what one gives, the other does."""
        placement = (*self.placement.parts.items(), self.placement.written)
        entries = len(self.transformations), len(self.tables)
        return self.sources(), entries, placement, self.problems

    def sources(self) -> frozenset[Source]:
        """Every text that says something: definitions, bodies in files, modules."""
        entries = (*self.transformations.values(), *self.tables)
        return frozenset(
            {
                self.project_document.source,
                *(one.document.source for one in entries),
                *(one.body.source for one in entries if one.body),
                *self.modules.values(),
            }
        )

    def same_as(self, other: Definitions) -> bool:
        """Whether nothing was read anew since: it is what it was."""
        mine, theirs = (
            (*one.transformations.values(), *one.tables) for one in (self, other)
        )
        return len(self.tables) == len(other.tables) and all(map(is_, mine, theirs))

    def with_transformation(self, entry: Entry) -> Definitions:
        """The same definitions with a transformation added or replaced."""
        return replace(
            self, transformations={**self.transformations, entry.name: entry}
        )

    def with_table(self, entry: Entry, instead: Entry | None) -> Definitions:
        """The same definitions with an entry added, or put in place of another."""
        if instead is None:
            return replace(self, tables=(*self.tables, entry))
        entries = (entry if old is instead else old for old in self.tables)
        return replace(self, tables=tuple(entries))


def load(root: Path, unsaved: Unsaved | None = None) -> Definitions:
    """Load the definitions of the project in `root`.

    Args:
        root: The folder that holds `definitions/`.
        unsaved: Texts that are taken for files' contents, by path relative to root;
            None for a file that counts as gone.

    Returns:
        What could be read, and a problem for everything that couldn't.
    """
    problems: list[Problem] = []
    files = Files(root, unsaved or {}, problems)
    project_document = files.document(PROJECT_FILE)
    project = _project(project_document, problems)
    transformations: dict[str, Entry] = {}
    for document in files.documents("transformations"):
        for entry in _once(_transformations, document, root, problems):
            _add_transformation(transformations, entry, problems)
    tables = tuple(
        entry
        for document in files.documents("tables")
        for entry in _once(_tables, document, root, problems)
    )
    modules: dict[str, Source] = {}
    if project:
        modules, found = read_modules(root, project, project_document)
        problems += found
    return Definitions(
        root=root,
        project=project,
        project_document=project_document,
        transformations=transformations,
        tables=tables,
        placement=_placement(files, problems),
        modules=modules,
        problems=tuple(problems),
    )


def read_definition(root: Path, name: str, unsaved: Unsaved) -> Document | None:
    """One definition file, by its path relative to `root`; None when it isn't there."""
    files = Files(root, unsaved, [])
    return files.document(name) if files.exists(name) else None


def _project(document: Document, problems: list[Problem]) -> Project | None:
    if document.value is None:
        if not document.problems:
            message = "this file is empty"
            hint = "It wants at least  project:  and  targets: ."
            problem = Problem("empty-file", message, hint, document.place())
            problems.append(problem)
        return None
    project, found = checked(
        Project, document.value, lambda at, key: document.place(at, key=key)
    )
    problems += found
    if project is None:
        return None
    names: list[tuple[str, str, Path_]] = [("project", project.project, ("project",))]
    names += [("group", name, ("groups", name)) for name in project.groups]
    names += [("target", name, ("targets", name)) for name in project.targets]
    for kind, name, path in names:
        if fault := word_fault(name):
            place = document.place(path, key=kind != "project")
            message = f'the {kind} name "{name}" {fault}'
            problems.append(Problem("bad-name", message, "", place))
    if project.default_target not in project.targets:
        name = project.default_target
        message = f'there is no target "{name}"'
        hint = did_you_mean(name, project.targets)
        place = document.place(("default_target",))
        problems.append(Problem("unknown-target", message, hint, place))
    return project


def _transformations(
    document: Document, root: Path, problems: list[Problem]
) -> Iterator[Entry]:
    items: list[tuple[Path_, Any]] = [((), document.value)]
    if isinstance(document.value, dict) and "transformations" in document.value:
        items = _items(document, "transformations", problems)
        problems += unknown_keys(document, (), document.value, {"transformations"})
    folder = Folder.of(root, document.source.name)
    for path, item in items:
        entry, found = transformation_entry(document, path, item, folder)
        problems += found
        if entry:
            yield entry


def _items(
    document: Document, section: str, problems: list[Problem]
) -> list[tuple[Path_, Any]]:
    """The items of a list with their paths; an empty key is an empty list."""
    items = document.value[section]
    if isinstance(items, list):
        return [((section, index), item) for index, item in enumerate(items)]
    if items is not None:
        message, place = f"{section} must be a list", document.place((section,))
        hint = "Begin each item with a dash:  - name: ..."
        problems.append(Problem("wrong-type", message, hint, place))
    return []


def _add_transformation(
    known: dict[str, Entry], entry: Entry, problems: list[Problem]
) -> None:
    if entry.name in known:
        first = known[entry.name].place()
        message = f'the transformation "{entry.name}" is there already, in {first}'
        hint = "Rename or remove one of them."
        problems.append(
            Problem("duplicate-transformation", message, hint, entry.place())
        )
    else:
        known[entry.name] = entry


def _once(
    read: Callable[[Document, Path, list[Problem]], Iterator[Entry]],
    document: Document,
    root: Path,
    problems: list[Problem],
) -> Sequence[Entry]:
    """The entries that `read` finds, the same as before in a document that is the same.

    Not those with a body in a file of its own, which may have changed.
    """
    known = document.known_of(())
    entries: list[Entry] = known.get("entries", [])
    if entries:
        return entries
    found: list[Problem] = []
    entries = list(read(document, root, found))
    problems += found
    if not found and not any(one.body and one.body.path for one in entries):
        known["entries"] = entries
    return entries


def _tables(document: Document, root: Path, problems: list[Problem]) -> Iterator[Entry]:
    value = document.value
    if not isinstance(value, dict) or "tables" not in value:
        message = "this file has no list of tables"
        hint = "Write  tables:  and below it  - name: schema.table"
        problems.append(Problem("missing-key", message, hint, document.place()))
        return
    problems += unknown_keys(document, (), value, {"tables", "defaults"})
    defaults = _defaults(document, value.get("defaults"), problems)
    folder = Folder.of(root, document.source.name)
    for path, item in _items(document, "tables", problems):
        entry, found = table_entry(document, path, item, folder, defaults)
        problems += found
        if entry:
            yield entry


def _defaults(
    document: Document, value: Any, problems: list[Problem]
) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        place = document.place(("defaults",))
        problems.append(Problem("wrong-type", "defaults must be a mapping", "", place))
        return {}
    allowed = TABLE_KEYS - {"name", "for_each", *BODY_KEYS}
    for key in value:
        if key not in allowed:
            message = f'there is no default "{key}"'
            place = document.place(("defaults", key), key=True)
            hint = did_you_mean(key, allowed, limit=40)
            problems.append(Problem("unknown-key", message, hint, place))
    return {key: one for key, one in value.items() if key in allowed}


def _placement(files: Files, problems: list[Problem]) -> Placement:
    names = (PLACEMENT_FILE, WRITTEN_FILE)
    texts = (files.text(one) if files.exists(one) else None for one in names)
    placement = read_placement(*(text or "" for text in texts))
    problems += placement.problems
    return placement
