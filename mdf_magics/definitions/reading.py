"""Reads YAML into plain values that remember where each of them stands.

PyYAML's C parser composes nodes with marks; nothing is ever constructed from a tag.
What YAML 1.1 would silently misread (`no`, `012`, `12:30:45`) is a problem instead.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from mdf_magics.errors import Place, Problem, Source

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # a PyYAML built without libyaml: slower, the same nodes
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

LARGEST_FILE = 16 * 1024 * 1024
"""Bytes. Ten thousand tables take about 4 MB."""

DEEPEST = 50
"""Levels of nesting. libyaml's composer crashes the process beyond some thousands."""

MOST_NODES = 1_000_000
"""Values after aliases are followed, so that a few bytes can't expand without end."""

type Path_ = tuple[str | int, ...]

_TAG = "tag:yaml.org,2002:"

_NOT_YAML = re.compile(
    r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
)


@dataclass(frozen=True)
class Document:
    """One YAML text, as plain values and with the place of each."""

    source: Source
    node: yaml.Node | None
    value: Any
    problems: list[Problem] = field(default_factory=list)

    def place(self, path: Path_ = (), *, key: bool = False) -> Place:
        """Where the value at `path` stands, or its key.

        Args:
            path: Keys and indexes from the top. What is not there falls back to
                the innermost part that is.
            key: Point to the key instead of the value.
        """
        node, name = self.node, None
        for step in path:
            found = _child(node, step)
            if found is None:
                break
            name, node = found
        chosen = name if key and name is not None else node
        return self.place_of(chosen)

    def has(self, path: Path_) -> bool:
        """Whether something is written at `path`."""
        node = self.node
        for step in path:
            found = _child(node, step)
            if found is None:
                return False
            node = found[1]
        return True

    def node_at(self, path: Path_) -> yaml.Node | None:
        """The node at `path`, or None."""
        node = self.node
        for step in path:
            found = _child(node, step)
            if found is None:
                return None
            node = found[1]
        return node

    def place_of(self, node: yaml.Node | None) -> Place:
        """Where a node stands; a long one is marked up to the end of its line."""
        if node is None:
            return Place(self.source, 1)
        start, end = node.start_mark, node.end_mark
        same_line = start.line == end.line
        length = end.column - start.column if same_line else 1
        if isinstance(node, yaml.CollectionNode):
            length = 1
        return Place(self.source, start.line + 1, start.column + 1, max(1, length))


def read_document(source: Source, text: str | None = None) -> Document:
    """Read one YAML document.

    Args:
        source: The text that problems point into.
        text: What is parsed, when it is the source with other parts blanked out;
            lines and columns must agree with the source's.

    Returns:
        The document; its value is None when it is empty or can't be parsed, and
        every problem found stands in `problems`.
    """
    text = source.text if text is None else text
    if problem := _refusal(source, text):
        return Document(source, None, None, [problem])
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
    except yaml.YAMLError as error:
        return Document(source, None, None, [_syntax_problem(source, error)])
    document = Document(source, node, None)
    reader = _Reader(document)
    value = reader.plain(node, 0) if node is not None else None
    return Document(source, node, value, reader.problems)


def read_file(path: Path, name: str) -> Document:
    """Read a definition file.

    Args:
        path: The file.
        name: What it is called in problems, relative to the project's root.
    """
    text, problem = read_text(path, name)
    if problem:
        return Document(Source(name, ""), None, None, [problem])
    return read_document(Source(name, text))


def read_text(path: Path, name: str) -> tuple[str, Problem | None]:
    """A file's text, decoded as UTF-8, or the problem why there is none."""
    nowhere = Place(Source(name, ""), 1)
    try:
        if path.stat().st_size > LARGEST_FILE:
            size = f"{LARGEST_FILE // 2**20} MiB"
            message = f"this file is larger than {size}"
            return "", Problem(
                "file-too-large", message, "Split it into several files.", nowhere
            )
        raw = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        message = f"this file can't be read: {reason}"
        hint = "Definitions are ordinary files that the user running this may read."
        return "", Problem("unreadable-file", message, hint, nowhere)
    try:
        return raw.decode("utf-8-sig"), None
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        text = raw.decode("latin-1")
        message = f"byte 0x{raw[error.start]:02x} is not UTF-8"
        hint = "Save the file as UTF-8 (it looks like Latin-1 or Windows-1252)."
        column = error.start - (raw.rfind(b"\n", 0, error.start) + 1) + 1
        place = Place(Source(name, text), line, column)
        return "", Problem("not-utf8", message, hint, place)


def _refusal(source: Source, text: str) -> Problem | None:
    if bad := _NOT_YAML.search(text):
        message = f"the character U+{ord(bad[0]):04X} is not allowed in YAML"
        place = _place_at(source, text, bad.start())
        return Problem("bad-character", message, "Remove it.", place)
    if (deep := _suspicious_depth(text)) is not None:
        message = f"values are nested deeper than {DEEPEST} levels"
        place = _place_at(source, text, deep)
        return Problem("too-deep", message, "No definition needs that.", place)
    return None


def _suspicious_depth(text: str) -> int | None:
    """The offset where nesting goes beyond what the composer can take, or None.

    Brackets inside quoted text count too, so the limit is far above DEEPEST; what
    lies between is found while reading.
    """
    depth = 0
    for match in re.finditer(r"[\[{]|[\]}]|(?m:^[ ]*(?:[-?] +){20,})", text):
        token = match[0]
        if token in "[{":
            depth += 1
        elif token in "]}":
            depth = max(0, depth - 1)
        else:
            return match.start()
        if depth > 10 * DEEPEST:
            return match.start()
    indented = re.search(rf"(?m)^ {{{20 * DEEPEST},}}\S", text)
    return indented.start() if indented else None


def _syntax_problem(source: Source, error: yaml.YAMLError) -> Problem:
    mark = getattr(error, "problem_mark", None)
    place = Place(source, mark.line + 1, mark.column + 1) if mark else Place(source, 1)
    said = getattr(error, "problem", None) or str(error)
    lines = source.text.splitlines()
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    hint = "Check the indentation, quotes and brackets here."
    if "\t" in line[: place.column]:
        hint = "A tab can't indent YAML: use spaces."
    elif "mapping values are not allowed" in said:
        hint = 'A text that holds ": " needs quotes; a key needs its own line.'
    elif "another document" in said or "expected a single document" in said:
        hint = "Write one document: remove the line `---` between them."
    return Problem("yaml-syntax", f"this is not valid YAML: {said}", hint, place)


def _place_at(source: Source, text: str, offset: int) -> Place:
    line = text.count("\n", 0, offset) + 1
    return Place(source, line, offset - (text.rfind("\n", 0, offset) + 1) + 1)


def _child(
    node: yaml.Node | None, step: str | int
) -> tuple[yaml.Node | None, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        found = None
        for key, value in _pairs(node):
            if key.value == step:
                found = key, value
        return found
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int):
        if 0 <= step < len(node.value):
            return None, node.value[step]
    return None


def _pairs(node: yaml.MappingNode) -> Iterator[tuple[yaml.Node, yaml.Node]]:
    """Keys and values, those of merged mappings (`<<`) first."""
    for key, value in node.value:
        if key.tag == f"{_TAG}merge":
            merged = value.value if isinstance(value, yaml.SequenceNode) else [value]
            for one in reversed(merged):
                if isinstance(one, yaml.MappingNode):
                    yield from _pairs(one)
    for key, value in node.value:
        if key.tag != f"{_TAG}merge":
            yield key, value


class _Reader:
    """Turns nodes into plain values and collects what is wrong with them."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems: list[Problem] = []
        self._nodes = 0

    def plain(self, node: yaml.Node, depth: int) -> Any:
        self._nodes += 1
        if self._nodes > MOST_NODES or depth > DEEPEST:
            self._overflow(node, depth)
            return None
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        if not node.tag.startswith(_TAG):
            self._unknown_tag(node)
        if isinstance(node, yaml.SequenceNode):
            return [self.plain(item, depth + 1) for item in node.value]
        return self._mapping(node, depth)

    def _mapping(self, node: yaml.MappingNode, depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        own: dict[str, yaml.Node] = {}
        for key, value in _pairs(node):
            name = self._key(key)
            if name is None:
                continue
            if name in own and any(key is k for k, _ in node.value):
                self._duplicate(name, own[name], key)
            elif any(key is k for k, _ in node.value):
                own[name] = key
            result[name] = self.plain(value, depth + 1)
        return result

    def _key(self, key: yaml.Node) -> str | None:
        if isinstance(key, yaml.ScalarNode):
            # A key is a word: `on: ...` and `2013: ...` keep their text.
            return key.value
        hint = "A key is one word."
        self._add("bad-key", "a list or mapping can't be a key", hint, key)
        return None

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        text, tag = node.value, node.tag.removeprefix(_TAG)
        if node.style or tag in ("str", "value", "merge"):
            if node.tag.startswith("!"):
                self._unknown_tag(node)
            return text
        if tag == "null":
            return None
        if tag == "bool":
            return self._boolean(node)
        if tag == "int":
            return self._integer(node)
        if tag == "float":
            return self._decimal(node)
        if tag == "timestamp":
            return self._timestamp(node)
        self._unknown_tag(node)
        return text

    def _boolean(self, node: yaml.ScalarNode) -> Any:
        word = node.value.lower()
        if word in ("true", "false"):
            return word == "true"
        meant = "true" if word in ("yes", "on", "y") else "false"
        self._surprise(node, f"as the truth value {meant}", f"{meant}")
        return node.value

    def _integer(self, node: yaml.ScalarNode) -> Any:
        text = node.value
        if re.fullmatch(r"[-+]?(0|[1-9][0-9]*)", text):
            return int(text)
        if ":" in text:
            self._surprise(node, "as a number in base 60")
        elif re.fullmatch(r"[-+]?0[0-7]+", text):
            number = int(text, 8)
            self._surprise(node, f"as the octal number {number}", f"{int(text)}")
        else:
            number = int(text.replace("_", ""), 0)
            self._surprise(node, f"as the number {number}", f"{number}")
        return text

    def _decimal(self, node: yaml.ScalarNode) -> Any:
        text = node.value
        if ":" in text:
            self._surprise(node, "as a number in base 60")
            return text
        if "_" in text:
            plain = text.replace("_", "")
            self._surprise(node, f"as the number {plain}", plain)
            return text
        return float(re.sub(r"\.(inf|nan)$", r"\1", text, flags=re.IGNORECASE))

    def _timestamp(self, node: yaml.ScalarNode) -> Any:
        try:
            if re.fullmatch(r"\d{4}-\d\d-\d\d", node.value):
                return dt.date.fromisoformat(node.value)
            return dt.datetime.fromisoformat(node.value)
        except ValueError:
            self._surprise(node, "as a date that doesn't exist")
            return node.value

    def _surprise(self, node: yaml.ScalarNode, read: str, instead: str = "") -> None:
        text = node.value
        hint = f'Write  "{text}"  if text is meant'
        hint += f", or  {instead}  if not." if instead else "."
        self._add("yaml-surprise", f"YAML reads {text} {read}", hint, node)

    def _duplicate(self, name: str, first: yaml.Node, second: yaml.Node) -> None:
        line = first.start_mark.line + 1
        message = f'the key "{name}" is there already, in line {line}'
        self._add("duplicate-key", message, "Keep one of them.", second)

    def _unknown_tag(self, node: yaml.Node) -> None:
        message = f"the tag {node.tag.replace(_TAG, '!!')} means nothing here"
        self._add("yaml-tag", message, "Remove it: definitions are plain values.", node)

    def _overflow(self, node: yaml.Node, depth: int) -> None:
        if any(p.code in ("too-deep", "too-many-values") for p in self.problems):
            return
        if depth > DEEPEST:
            message = f"values are nested deeper than {DEEPEST} levels"
            self._add("too-deep", message, "No definition needs that.", node)
        else:
            message = f"aliases expand to more than {MOST_NODES:,} values"
            self._add("too-many-values", message, "Write out what is meant.", node)

    def _add(self, code: str, message: str, hint: str, node: yaml.Node) -> None:
        place = self.document.place_of(node)
        self.problems.append(Problem(code, message, hint, place))
