"""Bodies: queries, functions and notebooks, in a definition or in a file beside it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from mdf_magics.definitions.models import BODY_KEYS
from mdf_magics.definitions.reading import Document, Path_, read_text
from mdf_magics.definitions.secrets import check_secrets
from mdf_magics.errors import Place, Problem, Source, did_you_mean

type BodyKind = Literal["sql", "python", "notebook"]

_SUFFIXES: dict[str, dict[str, BodyKind]] = {
    "file": {".sql": "sql", ".py": "python"},
    "notebook": {".py": "notebook", ".ipynb": "notebook"},
}

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029]")
"""Characters that no engine wants, or that only some programs take for line ends."""


_REFERENCE = re.compile(r"(?<!\$)\$\{(?:(?:var|target|each|project)\.[^{}]*|user)\}")


@dataclass(frozen=True)
class Body:
    """A query, a function or a notebook's text, and where it stands."""

    kind: BodyKind
    text: str
    source: Source
    start: Callable[[], tuple[int, int]] = field(
        default=lambda: (1, 0), repr=False, compare=False
    )
    """Gives the line of the source that holds the body's first line, and how many
    characters stand there before each of its lines."""
    path: str = ""
    """The path of a body in a file, as written."""

    @cached_property
    def first_line(self) -> int:
        """Line of the source that holds the body's first line."""
        return self.start()[0]

    def place(
        self, line: int, column: int = 1, length: int = 1, lines_before: int = 0
    ) -> Place:
        """The place of a line and column of the body, both from 1."""
        first, indent = self.start()
        before = min(lines_before, line - 1)
        return Place(self.source, first + line - 1, column + indent, length, before)

    def place_at(self, offset: int, length: int = 1, lines_before: int = 0) -> Place:
        """The place of a character of the body, counted from 0."""
        line = self.text.count("\n", 0, offset) + 1
        column = offset - self.text.rfind("\n", 0, offset)
        return self.place(line, column, length, lines_before)


@dataclass(frozen=True)
class Folder:
    """Where a `file:` or `notebook:` is looked for."""

    root: Path
    """The project's root."""
    name: str
    """The definition file's folder, relative to it."""

    @classmethod
    def of(cls, root: Path, file: str) -> Folder:
        """The folder of a definition file."""
        return cls(root, str(PurePosixPath(file).parent))


def read_body(
    document: Document, path: Path_, value: dict[str, Any], folder: Folder
) -> tuple[Body | None, list[Problem]]:
    """The body of an entry.

    Args:
        document: Where the entry stands.
        path: Where in the document.
        value: The entry's plain value.
        folder: Where files are looked for.

    Returns:
        The body, or None with what is wrong with it, or when there is none.
    """
    given = [key for key in BODY_KEYS if value.get(key) is not None]
    if not given:
        return None, []
    if len(given) > 1:
        message = f"there are two bodies: {' and '.join(given)}"
        place = document.place((*path, given[1]), key=True)
        return None, [Problem("two-bodies", message, "Keep one of them.", place)]
    at = (*path, given[0])
    text = value[given[0]]
    if not isinstance(text, str) or not text.strip():
        return None, [
            _missing(document, at, "is empty" if not text else "must be text")
        ]
    if given[0] in _SUFFIXES:
        return _body_of_file(document, at, text, folder)
    body = _inline_body(document, at, text)
    return body, check_body(body)


def check_body(body: Body) -> list[Problem]:
    """Refuse characters that nothing in a body needs, and references of definitions."""
    problems = []
    if body.kind == "notebook":
        return []
    if found := _CONTROL.search(body.text):
        message = f"the character U+{ord(found[0]):04X} has no place in a body"
        place = body.place_at(found.start())
        problems.append(Problem("bad-character", message, "Remove it.", place))
    for found in _REFERENCE.finditer(body.text):
        message = f"{found[0]} means nothing in a body"
        hint = "Pass it as an argument, and take that as a parameter:  {{ name }} ."
        place = body.place_at(found.start(), len(found[0]))
        problems.append(Problem("unknown-reference", message, hint, place))
    return problems


def normalised(kind: BodyKind, text: str) -> str:
    """A body's text with one line end at its end; a query without its semicolon."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return f"{text.rstrip('; \n\t' if kind == 'sql' else None)}\n"


def _missing(document: Document, at: Path_, said: str) -> Problem:
    place = document.place(at, key=True)
    return Problem("missing-body", f"{at[-1]} {said}", "Write a body.", place)


def _inline_body(document: Document, at: Path_, text: str) -> Body:
    """The body written at a place, usually as a block scalar (`sql: |`)."""
    kind: BodyKind = "python" if at[-1] == "python" else "sql"
    text = normalised(kind, text)
    return Body(kind, text, document.source, lambda: _start(document, at, text))


def moved_body(body: Body, document: Document, path: Path_) -> Body:
    """The same body in another reading of its file, where its entry is at a path."""
    at, text = (*path, body.kind), body.text
    return Body(body.kind, text, document.source, lambda: _start(document, at, text))


def _start(document: Document, at: Path_, text: str) -> tuple[int, int]:
    """The first line of the body at a place, and how far it is indented."""
    node = document.node_at(at)
    if node is None:
        return 1, 0
    line: int = node.start_mark.line + 1
    style = getattr(node, "style", "")
    if style not in ("|", ">"):
        return line, node.start_mark.column + (style in ("'", '"'))
    lines = document.source.text.split("\n")
    body_lines = text.split("\n")
    written = next((i for i, one in enumerate(body_lines) if one.strip()), 0)
    there = lines[line + written] if line + written < len(lines) else ""
    indent = len(there.rstrip()) - len(body_lines[written].rstrip())
    return line + 1, max(0, indent)


def _body_of_file(
    document: Document, at: Path_, name: str, folder: Folder
) -> tuple[Body | None, list[Problem]]:
    suffixes = _SUFFIXES[str(at[-1])]
    place = document.place(at)
    # The definition's folder need not be there yet, so that `..` is taken as text.
    file = Path(os.path.normpath(folder.root / folder.name / name))
    if file.suffix not in suffixes:
        message = f"{name} is no {' or '.join(suffixes)} file"
        return None, [Problem("bad-file", message, "", place)]
    if not file.resolve().is_relative_to(folder.root.resolve()):
        message = f"{name} lies outside of the project"
        hint = "Put it beside the definition that names it."
        return None, [Problem("bad-file", message, hint, place)]
    if not file.is_file():
        there = [one.name for one in file.parent.glob("*") if one.suffix in suffixes]
        hint = did_you_mean(file.name, there) or "Paths start where this file is."
        message = f"there is no file {name} beside this one"
        return None, [Problem("missing-file", message, hint, place)]
    relative = Path(f"{folder.name}/{name}")
    if ".." in relative.parts:
        relative = file.resolve().relative_to(folder.root.resolve())
    text, problem = read_text(file, relative.as_posix())
    if problem:
        return None, [problem]
    if not text.strip():
        return None, [_missing(document, at, "is empty")]
    source = Source(relative.as_posix(), text)
    kind = suffixes[file.suffix]
    body = Body(kind, normalised(kind, text), source, path=name)
    return body, [*check_secrets(source), *check_body(body)]
