"""Reads YAML into plain values that remember where each of them stands.

PyYAML's C parser composes nodes with marks; nothing is ever constructed from a tag.
What YAML 1.1 would silently misread (`no`, `012`, `12:30:45`) is a problem instead.
"""

from __future__ import annotations

import re
import stat
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from mdf_magics.definitions.scalars import TAG, Misread, refuse_tag, scalar_value
from mdf_magics.errors import Place, Problem, Source

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # a PyYAML built without libyaml: slower, the same nodes
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

LARGEST_FILE = 16 * 1024 * 1024
"""Bytes. Ten thousand tables take about 4 MB."""

DEEPEST = 50
"""Levels of nesting. libyaml's composer ends the process beyond some thousands."""

MOST_NODES = 1_000_000
"""Values after aliases are followed, so that a few bytes can't expand without end."""

type Path_ = tuple[str | int, ...]

type Pair = tuple[yaml.Node, yaml.Node]

_MERGE, _MAP, _LIST = f"{TAG}merge", f"{TAG}map", f"{TAG}seq"

_NOT_YAML = re.compile(
    "^\ufeff|[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
)
"""What YAML can't hold, and what it takes for line ends that no editor counts."""

_SURROGATES = re.compile(
    r"\\\\|\\u([dD][89aAbB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})"
)

_TOO_DEEP = f"values are nested deeper than {DEEPEST} levels"
_TOO_MANY = f"there are more than {MOST_NODES:,} values, with those of aliases"


class _Unbearable(yaml.MarkedYAMLError):
    """A text that nests too deeply or holds too much."""

    @property
    def code(self) -> str:
        return "too-deep" if self.problem == _TOO_DEEP else "too-many-values"


class _BoundedLoader(_Loader):
    """Stops composing where it would take the process with it.

    PyYAML calls `descend_resolver` before it composes a node, with the node's parent.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = self._count = 0

    def descend_resolver(self, current_node: Any, current_index: Any) -> None:  # noqa: ARG002
        self._depth += 1
        self._count += 1
        if self._depth > DEEPEST or self._count > MOST_NODES:
            said = _TOO_DEEP if self._depth > DEEPEST else _TOO_MANY
            raise _Unbearable(problem=said, problem_mark=current_node.start_mark)

    def ascend_resolver(self) -> None:
        self._depth -= 1


@dataclass(frozen=True)
class Document:
    """One YAML text, as plain values and with the place of each."""

    source: Source
    node: yaml.Node | None
    value: Any
    problems: list[Problem] = field(default_factory=list)
    _merged: dict[int, list[Pair]] = field(
        default_factory=dict, repr=False, compare=False
    )

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
        return self.node_at(path) is not None

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

    def pairs(self, node: yaml.MappingNode) -> list[Pair]:
        """Keys and values, those of merged mappings (`<<`) first and only once."""
        if not any(key.tag == _MERGE for key, _ in node.value):
            own: list[Pair] = node.value
            return own
        if id(node) not in self._merged:
            self._merged[id(node)] = []  # inside itself a mapping adds nothing
            known: dict[Any, Pair] = {}
            for key, value in node.value:
                if key.tag == _MERGE:
                    for one in reversed(_merges(value)):
                        known |= {
                            pair[0].value: pair
                            for pair in self.pairs(one)
                            if isinstance(pair[0], yaml.ScalarNode)
                        }
            own = [pair for pair in node.value if pair[0].tag != _MERGE]
            for key, _ in own:
                if isinstance(key, yaml.ScalarNode):
                    known.pop(key.value, None)
            self._merged[id(node)] = [*known.values(), *own]
        return self._merged[id(node)]

    def _found(self, path: Path_) -> tuple[yaml.Node | None, yaml.Node | None, int]:
        """The innermost key and value on the way to `path`, and the steps taken."""
        name, node, steps = None, self.node, 0
        for step in path:
            if isinstance(node, yaml.MappingNode):
                pairs = [pair for pair in self.pairs(node) if pair[0].value == step]
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


def compose(text: str) -> yaml.Node | None:
    """The nodes of a YAML text, without any check of what they say.

    Raises:
        yaml.YAMLError: It isn't one YAML document, or is too deep or too large.
    """
    loader = _BoundedLoader(text)
    try:
        return loader.get_single_node()
    finally:
        loader.dispose()


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
    if source.name.endswith(".json"):
        text = _SURROGATES.sub(_joined, text)
    if bad := _NOT_YAML.search(text):
        return Document(source, None, None, [_bad_character(source, text, bad)])
    try:
        node = compose(text)
    except yaml.YAMLError as error:
        return Document(source, None, None, [_syntax_problem(source, error)])
    document = Document(source, node, None)
    reader = _Reader(document)
    value = reader.plain(node, 0) if node is not None else None
    return replace(document, value=value, problems=reader.problems)


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


def _merges(value: yaml.Node) -> list[yaml.MappingNode]:
    """The mappings that the value of a `<<` names."""
    named = value.value if isinstance(value, yaml.SequenceNode) else [value]
    return [one for one in named if isinstance(one, yaml.MappingNode)]


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


def _syntax_problem(source: Source, error: yaml.YAMLError) -> Problem:
    mark = getattr(error, "problem_mark", None)
    place = Place(source, mark.line + 1, mark.column + 1) if mark else Place(source, 1)
    said = getattr(error, "problem", None) or str(error)
    if isinstance(error, _Unbearable):
        hint = "No definition needs that." if said == _TOO_DEEP else "Split the file."
        return Problem(error.code, said, hint, place)
    lines = source.text.split("\n")
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    hint = "Check the indentation, quotes and brackets here."
    if "\t" in line[: place.column]:
        hint = "A tab can't indent YAML: use spaces."
    elif "mapping values are not allowed" in said:
        hint = 'A text that holds ": " needs quotes; a key needs its own line.'
    elif "another document" in said or "expected a single document" in said:
        hint = "Write one document: remove the line `---` between them."
    elif "undefined alias" in said:
        hint = "An alias *x repeats what was marked with &x before it."
    elif line[place.column - 1 : place.column] in ("@", "`", "%"):
        hint = f"A text that starts with {line[place.column - 1]} needs quotes."
    return Problem("yaml-syntax", f"this is not valid YAML: {said}", hint, place)


class _Reader:
    """Turns nodes into plain values and collects what is wrong with them."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems: list[Problem] = []
        self._nodes = 0
        self._told: set[tuple[str, int]] = set()

    def plain(self, node: yaml.Node, depth: int) -> Any:
        self._nodes += 1
        if self._nodes > MOST_NODES or depth > DEEPEST:
            return self._overflow(node, depth)
        try:
            if isinstance(node, yaml.ScalarNode):
                return scalar_value(node)
            refuse_tag(node, _MAP if isinstance(node, yaml.MappingNode) else _LIST)
        except Misread as fault:
            self._add(fault.code, str(fault), fault.hint, node)
            if isinstance(node, yaml.ScalarNode):
                return node.value
        if isinstance(node, yaml.SequenceNode):
            return [self.plain(item, depth + 1) for item in node.value]
        if not isinstance(node, yaml.MappingNode):
            return None
        self._check_keys(node)
        return {
            key.value: self.plain(value, depth + 1)
            for key, value in self.document.pairs(node)
            # A key is a word: `on: ...` and `2013: ...` keep their text.
            if isinstance(key, yaml.ScalarNode)
        }

    def _check_keys(self, node: yaml.MappingNode) -> None:
        first: dict[str, yaml.Node] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                braces = isinstance(key, yaml.MappingNode) and key.flow_style
                hint = "A key is one word."
                if braces and node.flow_style:
                    key, hint = node, "A text that starts with { needs quotes."  # noqa: PLW2901
                self._add("bad-key", "a list or mapping can't be a key", hint, key)
            elif key.tag == _MERGE:
                named = value.value if isinstance(value, yaml.SequenceNode) else [value]
                if len(_merges(value)) < len(named):
                    hint = "Write  <<: *name  or  <<: [*one, *other] ."
                    message = "<< takes a mapping, or a list of mappings"
                    self._add("bad-merge", message, hint, value)
            elif first.setdefault(key.value, key) is not key:
                line = first[key.value].start_mark.line + 1
                message = f'the key "{key.value}" is there already, in line {line}'
                self._add("duplicate-key", message, "Keep one of them.", key)

    def _overflow(self, node: yaml.Node, depth: int) -> None:
        if any(p.code in ("too-deep", "too-many-values") for p in self.problems):
            return
        if depth > DEEPEST:
            self._add("too-deep", _TOO_DEEP, "No definition needs that.", node)
        else:
            self._add("too-many-values", _TOO_MANY, "Write out what is meant.", node)

    def _add(self, code: str, message: str, hint: str, node: yaml.Node) -> None:
        # What an alias repeats is wrong once.
        if (code, id(node)) not in self._told:
            self._told.add((code, id(node)))
            place = self.document.place_of(node)
            self.problems.append(Problem(code, message, hint, place))
