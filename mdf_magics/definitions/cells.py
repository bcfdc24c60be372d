"""A cell: YAML above, a body below, the name on the magic's line."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

import yaml

from mdf_magics.definitions.bodies import Body, BodyKind, normalised
from mdf_magics.definitions.composing import compose
from mdf_magics.definitions.reading import Document, read_document
from mdf_magics.definitions.scalars import TAG
from mdf_magics.definitions.storing import NOTHING_SAVED
from mdf_magics.errors import (
    DefinitionError,
    Place,
    Problem,
    Source,
    did_you_mean,
    lines_of,
)

type Magic = Literal["mdf_table", "mdf_tables", "mdf_transformation"]

MAGICS: tuple[Magic, ...] = ("mdf_table", "mdf_tables", "mdf_transformation")

_MAGIC_LINE = re.compile(r"%%(\w+)[ \t]*(.*)")
_TEXT, _MAPPING = f"{TAG}str", f"{TAG}map"
_KEY = re.compile(r"[a-z_]+")
_KEY_LINE = re.compile(r"[a-z_]+:(\s|$)")
_FUNCTION = re.compile(r"^[ \t]*(async[ \t]+)?def[ \t]+\w", re.MULTILINE)
_PYTHON_START = re.compile(r"@\w|import \w|from [\w.]+ import ")


@dataclass(frozen=True)
class Cell:
    """A `%%mdf_...` cell, taken apart."""

    magic: Magic
    line: str
    """What stands behind the magic's name, on its line."""
    source: Source
    first_line: int
    """Line of the source that holds the magic, from 1."""
    comment: str
    """Comment lines before the YAML; they are stored above the entry."""
    header: str
    """The YAML as typed, without that comment."""
    header_line: int
    """Line of the source where the YAML starts, from 1."""
    document: Document
    """The YAML, read; its places point into the source."""
    body: Body | None

    @property
    def line_place(self) -> Place:
        """The magic's line."""
        line = lines_of(self.source.text)[self.first_line - 1]
        found = _MAGIC_LINE.match(line)
        if not found or not found[2]:
            return Place(self.source, self.first_line)
        return Place(self.source, self.first_line, found.start(2) + 1, len(found[2]))


def split_cells(source: Source) -> list[tuple[int, Magic, str, str]]:
    """The cells of a file, as `mdf add` takes it.

    Args:
        source: A file of cells, each starting with its `%%mdf_...` line. Blank lines
            and comments may stand before the first.

    Returns:
        For each cell its first line (from 1), magic, rest of that line, and text.

    Raises:
        DefinitionError: Something belongs to no cell, or a magic isn't known.
    """
    cells: list[tuple[int, Magic, str, list[str]]] = []
    lines = lines_of(re.sub(r"\r?\n\Z", "", source.text))
    for number, line in enumerate(lines, 1):
        if found := _MAGIC_LINE.match(line):
            magic = next((one for one in MAGICS if one == found[1]), None)
            if magic is None:
                message = f"there is no magic %%{found[1]}"
                place = Place(source, number, 1, len(found[1]) + 2)
                hint = did_you_mean(found[1], MAGICS)
                raise _refusal(Problem("unknown-magic", message, hint, place))
            cells.append((number, magic, found[2].strip(), []))
        elif cells:
            cells[-1][3].append(line)
        elif line.strip() and line.lstrip()[0] != "#":
            message = "this stands before the first cell"
            hint = "A cell starts with a line such as  %%mdf_table schema.table ."
            place = Place(source, number, 1, len(line))
            raise _refusal(Problem("no-cell", message, hint, place))
    return [
        (first, magic, rest, "\n".join(lines)) for first, magic, rest, lines in cells
    ]


def read_cell(
    magic: Magic,
    line: str,
    text: str,
    source: Source | None = None,
    first_line: int = 1,
) -> tuple[Cell, list[Problem]]:
    """Take a cell apart.

    Args:
        magic: The magic's name.
        line: The rest of its line.
        text: The cell below that line.
        source: The text that problems point into; default: the cell itself.
        first_line: Line of the source that holds the magic.

    Returns:
        The cell, and what is wrong with its YAML.
    """
    if source is None:
        source = Source("", f"%%{magic} {line}".rstrip() + f"\n{text}")
    lines = lines_of(text)
    yaml_lines, body_start = _split(lines)
    comment, header_start, header = _header(lines, yaml_lines)
    header_line = first_line + header_start + 1
    padded = "\n" * (header_line - 1) + header
    document = read_document(source, f"{padded}\n")
    body = None
    if body_start is not None:
        body = _body(source, lines[body_start:], first_line + 1 + body_start)
    cell = Cell(
        magic, line, source, first_line, comment, header, header_line, document, body
    )
    return cell, list(document.problems)


def with_line_value(cell: Cell, key: str, value: str) -> Cell:
    """The cell with what the magic's line says for a key (`name`, `transformation`)."""
    number = cell.first_line - 1
    line = lines_of(cell.source.text)[number]
    column = max(line.find(value, cell.line_place.column - 1), 0)
    start = yaml.Mark("", 0, number, column, None, 0)
    end = yaml.Mark("", 0, number, column + len(value), None, 0)
    word, node = (yaml.ScalarNode(_TEXT, text, start, end) for text in (key, value))
    old = cell.document
    pairs = list(old.node.value) if isinstance(old.node, yaml.MappingNode) else []
    mapping = yaml.MappingNode(_MAPPING, [(word, node), *pairs], start, start)
    if old.node:
        mapping.start_mark = old.node.start_mark
    values = {key: value, **(old.value or {})}
    document = Document(old.source, values, lambda: mapping, old.problems)
    return replace(cell, document=document)


def _split(lines: list[str]) -> tuple[range, int | None]:
    """Which lines are YAML, and where the body starts (None: there is none)."""
    start = 0
    if lines and lines[0].rstrip() == "---":
        start = 1
    for number in range(start, len(lines)):
        if lines[number].rstrip() == "---":
            if start == number or _is_mapping(lines[start:number]):
                return range(start, number), number + 1
            break
    if not any(line.strip() for line in lines[start:]):
        return range(start, len(lines)), None
    if _is_header(lines[start:]):
        return range(start, len(lines)), None
    return range(0), start


def _is_mapping(lines: list[str]) -> bool:
    """Whether this was meant as YAML: a mapping, comments, or broken YAML."""
    try:
        node = compose("\n".join(lines))
    except yaml.YAMLError:
        return _KEY_LINE.match(_first_line(lines)) is not None
    return node is None or isinstance(node, yaml.MappingNode)


def _is_header(lines: list[str]) -> bool:
    """Whether a cell without `---` is all YAML."""
    try:
        node = compose("\n".join(lines))
    except yaml.YAMLError:
        keys = any(map(_KEY_LINE.match, lines))
        return keys and body_kind("\n".join(lines)) == "sql"
    if node is None:
        return True
    return isinstance(node, yaml.MappingNode) and all(
        isinstance(key, yaml.ScalarNode) and _KEY.fullmatch(key.value)
        for key, _ in node.value
    )


def _header(lines: list[str], chosen: range) -> tuple[str, int, str]:
    """Comment lines above the YAML, where the YAML starts, and its text."""
    start = chosen.start
    while start < chosen.stop and (
        not lines[start].strip() or lines[start].lstrip().startswith("#")
    ):
        start += 1
    comment = "\n".join(one for one in lines[chosen.start : start] if one.strip())
    return comment, start, "\n".join(lines[start : chosen.stop]).rstrip()


def _body(source: Source, lines: list[str], first_line: int) -> Body | None:
    while lines and not lines[0].strip():
        lines, first_line = lines[1:], first_line + 1
    text = "\n".join(lines).rstrip()
    if not text:
        return None
    kind = body_kind(text)
    return Body(kind, normalised(kind, text), source, lambda: (first_line, 0))


def body_kind(text: str) -> BodyKind:
    """Whether a body is Python (it defines a function, or tries to) or SQL."""
    first = _PYTHON_START.match(_first_line(lines_of(text)))
    return "python" if first or _FUNCTION.search(text) else "sql"


def _first_line(lines: list[str]) -> str:
    """The first line that is neither blank nor a comment."""
    return next((one for one in lines if one.strip() and one.lstrip()[0] != "#"), "")


def _refusal(problem: Problem) -> DefinitionError:
    return DefinitionError(problem, note=NOTHING_SAVED)
