"""A cell: YAML above, a body below, the name on the magic's line."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, replace
from typing import Any, Literal

import yaml

from mdf_magics.definitions.loading import Body, BodyKind, normalised
from mdf_magics.definitions.reading import Document, read_document
from mdf_magics.errors import Place, Problem, Source

type Magic = Literal["mdf_table", "mdf_tables", "mdf_transformation"]

_HEADER = re.compile(r"^%%(mdf_table|mdf_tables|mdf_transformation)\b[ \t]*(.*)$")
_KEY = re.compile(r"[a-z_]+")
_PYTHON = re.compile(r"\s*(def |async def |@\w|import \w|from [\w.]+ import )")


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
        text = self.source.text.splitlines()[self.first_line - 1]
        start = len(self.magic) + 3
        column = start + 1 if len(text) > start else 1
        return Place(self.source, self.first_line, column, max(1, len(text) - start))


def split_cells(source: Source) -> list[tuple[int, str, str, str]]:
    """The cells of a file, as `mdf add` takes it.

    Args:
        source: A file of cells, each starting with its `%%mdf_...` line.

    Returns:
        For each cell its first line (from 1), magic, rest of that line, and text.
        What stands before the first cell is left out unless it says something.
    """
    cells: list[tuple[int, str, str, list[str]]] = []
    for number, line in enumerate(source.text.splitlines(), 1):
        if header := _HEADER.match(line):
            cells.append((number, header[1], header[2].strip(), []))
        elif cells:
            cells[-1][3].append(line)
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
    lines = text.splitlines()
    yaml_lines, body_start = _split(lines)
    comment, header_start, header = _header(lines, yaml_lines)
    header_line = first_line + header_start + 1
    padded = "\n" * (header_line - 1) + header
    document = read_document(source, padded)
    body = None
    if body_start is not None:
        body = _body(source, lines[body_start:], first_line + 1 + body_start)
    cell = Cell(
        magic, line, source, first_line, comment, header, header_line, document, body
    )
    return cell, list(document.problems)


def with_line_value(cell: Cell, key: str, value: str) -> Cell:
    """The cell with a value that stands on the magic's line (`name`, `transformation`)."""
    line = cell.source.text.splitlines()[cell.first_line - 1]
    column = max(line.find(value), 0)
    mark = yaml.Mark(cell.source.name, 0, cell.first_line - 1, column, None, None)
    end = yaml.Mark(
        cell.source.name, 0, cell.first_line - 1, column + len(value), None, None
    )
    word = yaml.ScalarNode("tag:yaml.org,2002:str", key, mark, end)
    node = yaml.ScalarNode("tag:yaml.org,2002:str", value, mark, end)
    return _with_pair(cell, word, node, key, value)


def _with_pair(
    cell: Cell, word: yaml.Node, node: yaml.Node, key: str, value: Any
) -> Cell:
    old = cell.document
    pairs = list(old.node.value) if isinstance(old.node, yaml.MappingNode) else []
    start = old.node.start_mark if old.node else word.start_mark
    mapping = yaml.MappingNode(
        "tag:yaml.org,2002:map", [(word, node), *pairs], start, start
    )
    document = Document(
        old.source, mapping, {key: value, **(old.value or {})}, old.problems
    )
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
    text = "\n".join(lines)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        first = next(
            (one for one in lines if one.strip() and one.lstrip()[0] != "#"), ""
        )
        return re.match(r"[a-z_]+:(\s|$)", first) is not None
    except RecursionError:
        return True
    return node is None or isinstance(node, yaml.MappingNode)


def _is_header(lines: list[str]) -> bool:
    """Whether a cell without `---` is all YAML."""
    text = "\n".join(lines)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError):
        keys = [one for one in lines if re.match(r"[a-z_]+:(\s|$)", one)]
        return bool(keys) and not _PYTHON.match(text)
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
    return Body(kind, normalised(kind, text), source, first_line)


def body_kind(text: str) -> BodyKind:
    """Whether a body is Python (it defines a function, or tries to) or SQL."""
    try:
        statements = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError):
        first = next((line for line in text.splitlines() if line.strip()), "")
        return "python" if _PYTHON.match(first) else "sql"
    defines = any(isinstance(one, ast.FunctionDef) for one in statements)
    return "python" if defines or _PYTHON.match(text) else "sql"
