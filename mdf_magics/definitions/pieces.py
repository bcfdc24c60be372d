"""Takes a definition file apart where its list's items begin.

Each item is then read by itself: of a file that changed only what changed is read
anew, and nodes are composed for the items that somebody asks about. A file that can't
be taken apart safely (anchors used across items, a list in brackets) is read whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, overload

import yaml

from mdf_magics.definitions.composing import MOST_NODES, compose, mark_at, move
from mdf_magics.definitions.scalars import TAG
from mdf_magics.definitions.values import Pairs, Reader

_SECTION = re.compile(
    r"^(tables|transformations):[ \t]*(?:#[^\n]*)?\r?\n", re.MULTILINE
)
_FIRST = re.compile(r"(?:[ \t]*(?:#[^\n]*)?\r?\n)*?( *)-(?=[ \t\r\n])")
_OTHER_LINE_ENDS = re.compile(r"\r(?!\n)")
ANCHOR = re.compile(r"[\s\[{,]&\S")
"""What may be an anchor; in a text it is none."""
_NEW_DOCUMENT = re.compile(r"^(?:---|\.\.\.)", re.MULTILINE)

NOT_YAML = re.compile(
    "^\ufeff|[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
)
"""What YAML can't hold, and what it takes for line ends that no editor counts."""


@dataclass(frozen=True)
class Piece:
    """A part of a file that says the same wherever it stands."""

    text: str
    value: Any
    count: int = 0
    """Values in it."""
    known: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """What was worked out from it."""


@dataclass(frozen=True)
class Pieces:
    """A file in three: what stands before its list, the items, what follows."""

    section: str
    """The list's key."""
    starts: tuple[int, ...]
    """Where each item starts, and where the last one ends."""
    text: str = field(repr=False)

    @property
    def head(self) -> str:
        """All before the first item."""
        return self.text[: self.starts[0]]

    @property
    def tail(self) -> str:
        """All behind the last item."""
        return self.text[self.starts[-1] :]

    def items(self) -> Iterator[str]:
        """The items' texts."""
        for start, end in pairwise(self.starts):
            yield self.text[start:end]

    def texts(self) -> list[str]:
        """All of it, in order."""
        return [self.head, *self.items(), self.tail]

    def node(self) -> yaml.Node | None:
        """The file's nodes; those of items are composed when they are looked at."""
        root = compose(self.head)
        if not isinstance(root, yaml.MappingNode):
            return None
        items = yaml.SequenceNode(
            f"{TAG}seq",
            _Items(self),
            mark_at(self.text, self.text.index("-", self.starts[0])),
            mark_at(self.text, self.starts[-1]),
            flow_style=False,
        )
        key, _ = root.value[-1]
        root.value[-1] = key, items
        rest = compose(self.tail)
        if isinstance(rest, yaml.MappingNode):
            move(rest, self.text.count("\n", 0, self.starts[-1]), self.starts[-1])
            root.value += rest.value
        return root


def split(text: str) -> Pieces | None:
    """Take a file apart; None for one that has to be read whole."""
    sections = list(_SECTION.finditer(text))
    if len(sections) != 1 or ("\r" in text and _OTHER_LINE_ENDS.search(text)):
        return None
    if "&" in text and len(ANCHOR.findall(text)) > 1:  # two of one name are an error
        return None
    first = _FIRST.match(text, sections[0].end())
    if first is None:
        return None
    start, column = first.start(1), len(first[1])
    outside = r"[^\s#]" if column else r"[^\s#-]"
    rest = re.compile(rf"^{outside}", re.MULTILINE).search(text, start)
    end = rest.start() if rest else len(text)
    if rest and (not rest[0].isalpha() or _NEW_DOCUMENT.search(text, end)):
        return None
    dash = re.compile(rf"^ {{{column}}}-(?=[ \t\r\n]|\Z)", re.MULTILINE)
    starts = [found.start() for found in dash.finditer(text, start, end)]
    return Pieces(sections[0][1], (*starts, end), text)


def read_pieces(
    pieces: Pieces, known: Mapping[str, Piece]
) -> tuple[dict[str, Any], list[Piece]] | None:
    """The value of a file that was taken apart, and the items it consists of.

    Args:
        pieces: The file.
        known: Pieces that were read before, by their text.

    Returns:
        None for a file that has to be read whole, as everything that is wrong has.
    """
    read = []
    for text in pieces.texts():
        piece = known.get(text) or _piece(text)
        if piece is None:
            return None
        read.append(piece)
    head, *items, tail = read
    if sum(one.count for one in read) > MOST_NODES or not isinstance(head.value, dict):
        return None
    if list(head.value)[-1:] != [pieces.section] or not isinstance(
        tail.value, dict | None
    ):
        return None
    behind = tail.value or {}
    before = {key.lower() for key in head.value}
    if head.value[pieces.section] is not None or before & {
        key.lower() for key in behind
    }:
        return None
    if not all(isinstance(one.value, list) and len(one.value) == 1 for one in items):
        return None
    values = [one.value[0] for one in items]
    return {**head.value, pieces.section: values, **behind}, read


def _piece(text: str) -> Piece | None:
    """A piece read by itself; None when anything is wrong with it."""
    if NOT_YAML.search(text):
        return None
    try:
        node = compose(text)
    except yaml.YAMLError:
        return None
    reader = Reader(Pairs())
    # One level deeper than it looks: it stands inside the file's mapping.
    value = reader.plain(node, 1) if node is not None else None
    return None if reader.faults else Piece(text, value, reader.count)


class _Items(Sequence[yaml.Node]):
    """The nodes of a list's items, each composed when it is looked at first."""

    def __init__(self, pieces: Pieces) -> None:
        self._pieces = pieces
        self._nodes: dict[int, yaml.Node] = {}

    def __len__(self) -> int:
        return len(self._pieces.starts) - 1

    @overload
    def __getitem__(self, index: int) -> yaml.Node: ...
    @overload
    def __getitem__(self, index: slice) -> list[yaml.Node]: ...
    def __getitem__(self, index: int | slice) -> yaml.Node | list[yaml.Node]:
        numbers = range(len(self))[index]
        if isinstance(numbers, range):
            return [self[number] for number in numbers]
        if numbers not in self._nodes:
            text, starts = self._pieces.text, self._pieces.starts
            start, end = starts[numbers : numbers + 2]
            sequence: Any = compose(text[start:end])
            node: yaml.Node = sequence.value[0]
            move(node, text.count("\n", 0, start), start)
            self._nodes[numbers] = node
        return self._nodes[numbers]
