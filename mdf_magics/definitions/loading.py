"""Loads a project's definitions: all files, all problems, nothing resolved yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from mdf_magics.definitions.checking import checked
from mdf_magics.definitions.models import (
    BODY_KEYS,
    TABLE_KEYS,
    Project,
    Target,
    Transformation,
)
from mdf_magics.definitions.names import word_fault
from mdf_magics.definitions.reading import (
    Document,
    read_document,
    read_text,
)
from mdf_magics.errors import Place, Problem, Source, did_you_mean

FOLDER = "definitions"
PROJECT_FILE = f"{FOLDER}/mdf.yml"
PLACEMENT_FILE = f"{FOLDER}/placement.yml"
SUFFIXES = (".yml", ".yaml", ".json")

type BodyKind = Literal["sql", "python", "notebook"]


@dataclass(frozen=True)
class Body:
    """A query, a function or a notebook's text, and where it stands."""

    kind: BodyKind
    text: str
    source: Source
    first_line: int
    """Line of the source that holds the body's first line."""
    indent: int = 0
    """Characters before each of the body's lines in the source."""
    path: str = ""
    """A notebook's path, relative to `definitions/`."""

    def place(
        self, line: int, column: int = 1, length: int = 1, lines_before: int = 0
    ) -> Place:
        """The place of a line and column of the body, both from 1."""
        line_there = self.first_line + line - 1
        return Place(
            self.source,
            line_there,
            column + self.indent,
            length,
            min(lines_before, line - 1),
        )

    def place_at(self, offset: int, length: int = 1, lines_before: int = 0) -> Place:
        """The place of a character of the body, counted from 0."""
        line = self.text.count("\n", 0, offset) + 1
        column = offset - (self.text.rfind("\n", 0, offset) + 1) + 1
        return self.place(line, column, length, lines_before)


@dataclass(frozen=True)
class Entry:
    """One item of a list of tables, or one transformation, as written."""

    document: Document
    path: tuple[str | int, ...]
    """Where the entry is in its document."""
    value: dict[str, Any]
    body: Body | None = None
    defaults: dict[str, Any] = field(default_factory=dict)
    """What the file's `defaults` say for all its tables."""

    @property
    def name(self) -> str:
        """Its name as written: a template where the entry has `for_each`."""
        return str(self.value.get("name", ""))

    @property
    def transformation(self) -> str | None:
        """The transformation it names or inherits; none when it has a body."""
        named = self.value.get("transformation")
        if named is None and self.body is None:
            named = self.defaults.get("transformation")
        return named

    def place(self, path: tuple[str | int, ...] = (), *, key: bool = False) -> Place:
        """Where a value of the entry stands, or the default it inherits."""
        own = self.path + path
        if path and not self.document.has(own[: len(self.path) + 1]):
            inherited = ("defaults", *path)
            if self.defaults and self.document.has(inherited[:2]):
                return self.document.place(inherited, key=key)
            path, own = (), self.path
        if not path:
            return self.document.place((*self.path, "name"), key=True)
        return self.document.place(own, key=key)


@dataclass(frozen=True)
class Definitions:
    """Everything that is written down for a project."""

    root: Path
    project: Project | None
    project_document: Document
    transformations: dict[str, Entry]
    tables: tuple[Entry, ...]
    placement: dict[str, str]
    problems: tuple[Problem, ...]

    def target(self, name: str) -> Target | None:
        """The target of that name."""
        return self.project.targets.get(name) if self.project else None

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


def load(root: Path, unsaved: Mapping[str, str] | None = None) -> Definitions:
    """Load the definitions of the project in `root`.

    Args:
        root: The folder that holds `definitions/`.
        unsaved: Texts that are taken for files' contents, by path relative to root.

    Returns:
        What could be read, and a problem for everything that couldn't.
    """
    problems: list[Problem] = []
    files = _Files(root, unsaved or {}, problems)
    project_document = files.document(PROJECT_FILE)
    project = _project(project_document, problems)
    transformations: dict[str, Entry] = {}
    for document, folder in files.documents("transformations"):
        for entry in _transformations(document, folder, problems):
            _add_transformation(transformations, entry, problems)
    tables = tuple(
        entry
        for document, folder in files.documents("tables")
        for entry in _tables(document, folder, problems)
    )
    return Definitions(
        root=root,
        project=project,
        project_document=project_document,
        transformations=transformations,
        tables=tables,
        placement=_placement(files, problems),
        problems=tuple(problems),
    )


def transformation_entry(
    document: Document, path: tuple[str | int, ...], value: Any, folder: Path | None
) -> tuple[Entry | None, list[Problem]]:
    """Check one transformation as written.

    Args:
        document: Where it stands.
        path: Where in the document.
        value: Its plain value.
        folder: What a `file:` or `notebook:` is relative to; None in a cell that
            is not stored yet.

    Returns:
        The entry, or None with the problems that prevent it.
    """
    problems: list[Problem] = []
    model, found = checked(
        Transformation, value, lambda at, key: document.place((*path, *at), key=key)
    )
    problems += found
    if model is None:
        return None, problems
    if fault := word_fault(model.name):
        message = f'the name "{model.name}" {fault}'
        place = document.place((*path, "name"))
        problems.append(Problem("bad-name", message, "", place))
    body = _body(document, path, value, folder, problems)
    if body is None and not problems:
        message = f"the transformation {model.name} has no body"
        hint = "Give it  sql: | ,  python: | ,  file:  or  notebook: ."
        place = document.place((*path, "name"))
        problems.append(Problem("missing-body", message, hint, place))
    if problems:
        return None, problems
    return Entry(document, path, value, body), problems


def table_entry(
    document: Document,
    path: tuple[str | int, ...],
    value: Any,
    folder: Path | None,
    defaults: dict[str, Any] | None = None,
) -> tuple[Entry | None, list[Problem]]:
    """Check the shape of one item of `tables:`; its values are checked expanded.

    Arguments and return value are those of `transformation_entry`.
    """
    problems: list[Problem] = []
    if not isinstance(value, dict):
        place = document.place(path)
        message = "a table is a mapping with a name"
        problem = Problem("wrong-type", message, "Write  - name: schema.table", place)
        return None, [problem]
    for key in value:
        if key not in TABLE_KEYS:
            place = document.place((*path, key), key=True)
            hint = did_you_mean(key, TABLE_KEYS, limit=40)
            message = f'there is no key "{key}" here'
            problems.append(Problem("unknown-key", message, hint, place))
    if not isinstance(value.get("name"), str):
        place = document.place(path)
        message = (
            'the key "name" is missing' if "name" not in value else "name must be text"
        )
        problems.append(
            Problem("missing-key", message, "Add  name: schema.table", place)
        )
    body = _body(document, path, value, folder, problems)
    if body is not None and "transformation" in value:
        place = document.place((*path, "transformation"), key=True)
        message = f"{value.get('name')} has a transformation and a body of its own"
        problems.append(Problem("two-bodies", message, "Remove one of both.", place))
    if problems:
        return None, problems
    return Entry(document, path, value, body, defaults or {}), problems


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
    names = [("project", (project.project, ("project",)))]
    names += [("group", (name, ("groups", name))) for name in project.groups]
    names += [("target", (name, ("targets", name))) for name in project.targets]
    for kind, (name, path) in names:
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


@dataclass(frozen=True)
class _Files:
    """The project's files, some of them not saved yet."""

    root: Path
    unsaved: Mapping[str, str]
    problems: list[Problem]

    def documents(self, folder: str) -> Iterator[tuple[Document, Path]]:
        base = f"{FOLDER}/{folder}"
        names = {
            path.relative_to(self.root).as_posix()
            for path in (self.root / base).rglob("*")
            if path.suffix in SUFFIXES and not path.name.startswith(".")
        }
        names |= {name for name in self.unsaved if name.startswith(f"{base}/")}
        for name in sorted(names):
            document = self.document(name)
            if document.value is not None:
                yield document, (self.root / name).parent

    def document(self, name: str) -> Document:
        if name in self.unsaved:
            text = self.unsaved[name]
        else:
            text, problem = read_text(self.root / name, name)
            if problem:
                self.problems.append(problem)
                return Document(Source(name, ""), None, None, [problem])
        document = _cached_document(Source(name, text))
        self.problems.extend(document.problems)
        return document

    def exists(self, name: str) -> bool:
        return name in self.unsaved or (self.root / name).exists()


@lru_cache(maxsize=4096)
def _cached_document(source: Source) -> Document:
    """A document read before, by its content."""
    return read_document(source)


def _transformations(
    document: Document, folder: Path, problems: list[Problem]
) -> Iterator[Entry]:
    value = document.value
    if isinstance(value, dict) and "transformations" in value:
        items = value["transformations"]
        paths = [("transformations", index) for index in range(len(items or []))]
        _only_keys(document, {"transformations"}, problems)
    else:
        items, paths = [value], [()]
    for item, path in zip(items or [], paths, strict=True):
        entry, found = transformation_entry(document, path, item, folder)
        problems += found
        if entry:
            yield entry


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


def _tables(
    document: Document, folder: Path, problems: list[Problem]
) -> Iterator[Entry]:
    value = document.value
    if not isinstance(value, dict) or not isinstance(value.get("tables"), list):
        message = "this file has no list of tables"
        hint = "Write  tables:  and below it  - name: schema.table"
        problems.append(Problem("missing-key", message, hint, document.place()))
        return
    _only_keys(document, {"tables", "defaults"}, problems)
    defaults = _defaults(document, value.get("defaults"), problems)
    for index, item in enumerate(value["tables"]):
        entry, found = table_entry(document, ("tables", index), item, folder, defaults)
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
    return value


def _only_keys(document: Document, allowed: set[str], problems: list[Problem]) -> None:
    for key in document.value:
        if key not in allowed:
            message = f'there is no key "{key}" here'
            place = document.place((key,), key=True)
            problems.append(
                Problem("unknown-key", message, did_you_mean(key, allowed), place)
            )


def _body(
    document: Document,
    path: tuple[str | int, ...],
    value: dict[str, Any],
    folder: Path | None,
    problems: list[Problem],
) -> Body | None:
    given = [key for key in BODY_KEYS if value.get(key) is not None]
    if not given:
        return None
    place = document.place((*path, given[0]), key=True)
    if len(given) > 1:
        message = f"there are two bodies: {' and '.join(given)}"
        problems.append(Problem("two-bodies", message, "Keep one of them.", place))
        return None
    kind = given[0]
    text = value[kind]
    if not isinstance(text, str) or not text.strip():
        message = f"{kind} must be text" if text else f"{kind} is empty"
        problems.append(Problem("missing-body", message, "Write a body.", place))
        return None
    if kind in ("file", "notebook"):
        return _body_of_file(document, (*path, kind), text, folder, problems)
    return inline_body(document, (*path, kind), text)


def inline_body(document: Document, path: tuple[str | int, ...], text: str) -> Body:
    """The body written at `path`, usually as a block scalar (`sql: |`)."""
    kind: BodyKind = "python" if path[-1] == "python" else "sql"
    text = normalised(kind, text)
    node = document.node_at(path)
    if node is None:
        return Body(kind, text, document.source, 1)
    line = node.start_mark.line + 1
    if getattr(node, "style", "") not in ("|", ">"):
        quote = 1 if getattr(node, "style", "") in ("'", '"') else 0
        indent = node.start_mark.column + quote
        return Body(kind, text, document.source, line, indent)
    lines = document.source.text.splitlines()
    written = next((i for i, one in enumerate(text.splitlines()) if one.strip()), 0)
    there = lines[line + written] if line + written < len(lines) else ""
    indent = len(there.rstrip()) - len(text.splitlines()[written].rstrip())
    return Body(kind, text, document.source, line + 1, max(0, indent))


def normalised(kind: BodyKind, text: str) -> str:
    """A body's text with one line end at its end; a query without its semicolon."""
    text = text.rstrip()
    if kind == "sql":
        text = text.rstrip("; \n")
    return f"{text}\n"


def _body_of_file(
    document: Document,
    path: tuple[str | int, ...],
    name: str,
    folder: Path | None,
    problems: list[Problem],
) -> Body | None:
    place = document.place(path)
    base = folder or Path.cwd()
    file = base / name
    suffixes = {".sql": "sql", ".py": "python"}
    if path[-1] == "notebook":
        suffixes = {".py": "notebook", ".ipynb": "notebook"}
    if file.suffix not in suffixes:
        message = f"{name} is no {' or '.join(suffixes)} file"
        problems.append(Problem("bad-file", message, "", place))
        return None
    if not file.is_file():
        there = [one.name for one in file.parent.glob("*") if one.suffix in suffixes]
        hint = did_you_mean(file.name, there)
        message = f"there is no file {name} beside this one"
        problems.append(Problem("missing-file", message, hint, place))
        return None
    text, problem = read_text(file, name)
    if problem:
        problems.append(problem)
        return None
    kind: BodyKind = suffixes[file.suffix]  # type: ignore[assignment]
    return Body(kind, normalised(kind, text), Source(name, text), 1, path=name)


def _placement(files: _Files, problems: list[Problem]) -> dict[str, str]:
    if not files.exists(PLACEMENT_FILE):
        return {}
    document = files.document(PLACEMENT_FILE)
    value = document.value or {}
    if not isinstance(value, dict) or not all(
        isinstance(part, str) for part in value.values()
    ):
        message = "placement.yml holds lines like  schema.table: part"
        hint = "Repair it, or take it from git again."
        problems.append(Problem("bad-placement", message, hint, document.place()))
        return {}
    return value
