"""Reads YAML into plain values that remember where each of them stands.

PyYAML's C parser composes nodes with marks; nothing is ever constructed from a tag.
What YAML 1.1 would silently misread (`no`, `012`, `12:30:45`) is a problem instead.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from mdf_magics.definitions.composing import TOO_DEEP, Unbearable, compose
from mdf_magics.definitions.pieces import NOT_YAML, Piece, read_pieces, split
from mdf_magics.definitions.values import Pairs, Reader
from mdf_magics.errors import Place, Problem, Source

LARGEST_FILE = 16 * 1024 * 1024
"""Bytes. Ten thousand tables take about 4 MB."""

CONFLICT = re.compile(r"^<{7} ", re.MULTILINE)
"""Where what the two sides of a merge have in one place begins."""

type Path_ = tuple[str | int, ...]

_SURROGATES = re.compile(
    r"\\\\|\\u([dD][89aAbB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})"
)


@dataclass(frozen=True)
class Document:
    """One YAML text, as plain values and with the place of each."""

    source: Source
    value: Any
    composed: Callable[[], yaml.Node | None] = field(
        default=lambda: None, repr=False, compare=False
    )
    """Gives the nodes; called when a place is asked for."""
    problems: list[Problem] = field(default_factory=list)
    pieces: tuple[Piece, ...] = field(default=(), repr=False, compare=False)
    """What was read by itself and is right: what stands before a list, its items,
    what stands behind it; or all of it at once."""
    _pairs: Pairs = field(default_factory=Pairs, repr=False, compare=False)
    _known: dict[Path_, dict[str, Any]] = field(
        default_factory=dict, repr=False, compare=False
    )

    @cached_property
    def node(self) -> yaml.Node | None:
        """The nodes, with marks."""
        return self.composed()

    def known_of(self, path: Path_) -> dict[str, Any]:
        """Takes what is worked out from the item at `path`.

        A later reading of the file has it too, if the item was read by itself.
        """
        if len(self.pieces) > 1 and len(path) == 2 and isinstance(path[1], int):
            return self.pieces[path[1] + 1].known
        return self._known.setdefault(path, {})

    @cached_property
    def frame(self) -> tuple[str, ...]:
        """What stands around the list's items."""
        return tuple(one.text for one in (*self.pieces[:1], *self.pieces[-1:]))

    def place(self, path: Path_ = (), *, key: bool = False) -> Place:
        """Where the value at `path` stands, or its key.

        Args:
            path: Keys and indexes from the top. What is not there falls back to
                the innermost part that is.
            key: Point to the key instead of the value.
        """
        name, node, _ = self._found(path)
        return self.place_of(name if key and name is not None else node)

    def has(self, path: Path_) -> bool:
        """Whether something is written at `path`."""
        value = self.value
        for step in path:
            if isinstance(value, dict):
                if step not in value:
                    return False
            elif not isinstance(value, list) or step not in range(len(value)):
                return False
            value = value[step]
        return self.value is not None

    def node_at(self, path: Path_) -> yaml.Node | None:
        """The node at `path`, or None."""
        _, node, steps = self._found(path)
        return node if steps == len(path) else None

    def place_of(self, node: yaml.Node | None) -> Place:
        """Where a node stands; a long one is marked up to the end of its line."""
        if node is None:
            return Place(self.source, 1)
        start, end = node.start_mark, node.end_mark
        one_line = start.line == end.line and not isinstance(node, yaml.CollectionNode)
        length = max(1, end.column - start.column) if one_line else 1
        return Place(self.source, start.line + 1, start.column + 1, length)

    def _found(self, path: Path_) -> tuple[yaml.Node | None, yaml.Node | None, int]:
        """The innermost key and value on the way to `path`, and the steps taken."""
        name, node, steps = None, self.node, 0
        for step in path:
            if isinstance(node, yaml.MappingNode):
                pairs = [pair for pair in self._pairs(node) if pair[0].value == step]
                if not pairs:
                    break
                name, node = pairs[-1]
            elif (
                isinstance(node, yaml.SequenceNode)
                and isinstance(step, int)
                and 0 <= step < len(node.value)
            ):
                name, node = None, node.value[step]
            else:
                break
            steps += 1
        return name, node, steps


def read_document(
    source: Source, text: str | None = None, known: Mapping[str, Piece] | None = None
) -> Document:
    """Read one YAML document.

    Args:
        source: The text that problems point into.
        text: What is parsed, when it is the source with other parts blanked out;
            lines and columns must agree with the source's.
        known: What was read before and isn't read again, by its text.

    Returns:
        The document; its value is None when it is empty or can't be parsed, and
        every problem found stands in `problems`.
    """
    text = source.text if text is None else text
    if source.name.endswith(".json"):
        text = _SURROGATES.sub(_joined, text)
    elif (pieces := split(text)) and (read := read_pieces(pieces, known or {})):
        return Document(source, read[0], pieces.node, [], tuple(read[1]))
    if known and (whole := known.get(text)):
        return Document(source, whole.value, lambda: compose(text), [], (whole,))
    if bad := NOT_YAML.search(text):
        return Document(source, None, problems=[_bad_character(source, text, bad)])
    try:
        node = compose(text)
    except yaml.YAMLError as error:
        return Document(source, None, problems=[_syntax_problem(source, error)])
    pairs = Pairs()
    reader = Reader(pairs)
    value = reader.plain(node) if node is not None else None
    whole = Piece(text, value, reader.count)
    read_whole = () if reader.faults else (whole,)
    document = Document(source, value, lambda: node, [], read_whole, pairs)
    for one in reader.faults:
        place = document.place_of(one.node)
        document.problems.append(Problem(one.code, one.message, one.hint, place))
    return document


def read_text(path: Path, name: str) -> tuple[str, Problem | None]:
    """A file's text, decoded as UTF-8, or the problem why there is none."""
    nowhere = Place(Source(name, ""), 1)
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            folder = stat.S_ISDIR(status.st_mode)
            raise OSError(0, "it is a folder" if folder else "it is no ordinary file")  # noqa: TRY301 (told as the others are)
        if status.st_size > LARGEST_FILE:
            message = f"this file is larger than {LARGEST_FILE // 2**20} MiB"
            hint = "Split it into several files."
            return "", Problem("file-too-large", message, hint, nowhere)
        raw = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        message = f"this file can't be read: {reason}"
        hint = "Definitions are ordinary files that the user running this may read."
        return "", Problem("unreadable-file", message, hint, nowhere)
    try:
        return raw.decode("utf-8-sig"), None
    except UnicodeDecodeError as error:
        message = f"byte 0x{raw[error.start]:02x} is not UTF-8"
        wide = raw.startswith((b"\xff\xfe", b"\xfe\xff"))
        looks = "UTF-16" if wide else "Latin-1 or Windows-1252"
        hint = f"Save the file as UTF-8 (it looks like {looks})."
        source = Source(name, raw.decode("utf-8-sig", errors="replace"))
        place = _place_at(source, len(raw[: error.start].decode("utf-8-sig")))
        return "", Problem("not-utf8", message, hint, place)


def _joined(pair: re.Match[str]) -> str:
    """JSON's two escapes for one character as YAML's one."""
    if pair[1] is None:
        return pair[0]
    high, low = int(pair[1], 16), int(pair[2], 16)
    return f"\\U{0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00):08X}"


def _bad_character(source: Source, text: str, found: re.Match[str]) -> Problem:
    code = ord(found[0])
    message = f"the character U+{code:04X} is not allowed in YAML"
    hint = "Remove it."
    if code in (0x85, 0x2028, 0x2029):
        hint = f"Remove it, or write it as  \\u{code:04x}  between double quotes."
    place = _place_at(Source(source.name, text), found.start())
    place = Place(source, place.line, place.column)
    return Problem("bad-character", message, hint, place)


def _place_at(source: Source, offset: int) -> Place:
    text = source.text
    line = text.count("\n", 0, offset) + 1
    return Place(source, line, offset - text.rfind("\n", 0, offset))


def _colon_hint(line: str) -> str:
    if re.match(r"\s*(select|with|def|import|from)\b", line, re.IGNORECASE):
        return "Write a line  ---  between the YAML and the body."
    return "A key wants a colon; a body's lines are indented deeper than its key."


def _flow_hint(before: str, bracket: str, opened: int) -> str:
    if "${" in before:
        return "Inside [ ] and { } a text with ${...} needs quotes."
    return f"Close the {bracket} of line {opened} before this."


def _syntax_problem(source: Source, error: yaml.YAMLError) -> Problem:
    mark = getattr(error, "problem_mark", None)
    place = Place(source, mark.line + 1, mark.column + 1) if mark else Place(source, 1)
    said = getattr(error, "problem", None) or str(error)
    opened = getattr(error, "context_mark", None)
    context = getattr(error, "context", None) or ""
    if conflict := CONFLICT.search(source.text):
        message = "a merge left its conflict here"
        hint = (
            "Keep the lines that are meant, without the markers. Entries that both"
            " sides added are kept by  mdf validate --fix  or  %mdf_validate --fix ."
        )
        place = _place_at(source, conflict.start())
        return Problem("merge-conflict", message, hint, place)
    if isinstance(error, Unbearable):
        hint = "No definition needs that." if said == TOO_DEEP else "Split the file."
        return Problem(error.code, said, hint, place)
    lines = source.text.split("\n")
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    hint = "Check the indentation, quotes and brackets here."
    if "\t" in line[: place.column]:
        hint = "A tab can't indent YAML: use spaces."
    elif said == "found unexpected end of stream" and opened:
        place = Place(source, opened.line + 1, opened.column + 1)
        said, hint = "a quote is opened here and never closed", "Close it."
    elif said == "could not find expected ':'" and opened:
        place = Place(source, opened.line + 1, opened.column + 1)
        hint = _colon_hint(lines[opened.line])
    elif "parsing a flow" in context and opened:
        bracket = "[" if "sequence" in context else "{"
        hint = _flow_hint(line[: place.column], bracket, opened.line + 1)
    elif "mapping values are not allowed" in said:
        hint = (
            'A text that holds ": " needs quotes; a key needs a line of its own, and '
            "a blank behind its colon."
        )
    elif "another document" in said or "expected a single document" in said:
        hint = "Write one document: remove the line `---` between them."
    elif "undefined alias" in said:
        hint = "An alias *x repeats what was marked with &x before it."
    elif line[place.column - 1 : place.column] in ("@", "`", "%"):
        hint = f"A text that starts with {line[place.column - 1]} needs quotes."
    kind = "JSON" if source.name.endswith(".json") else "YAML"
    return Problem("yaml-syntax", f"this is not valid {kind}: {said}", hint, place)
